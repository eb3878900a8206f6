"""Samples of a record's signals, decoded by `wfdb` through a header that states the file's layout alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.edf_gaps import read_gaps
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.figures import duration_text
from ecg_edge.ecg.header import GAP, Header, Segment, Signal, header_path, read_header
from ecg_edge.ecg.memory import require_memory

IntArray = npt.NDArray[np.int64]

_BITS: Final = {8: 8, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10}
_FLAC_BITS: Final = {508: 8, 516: 16, 524: 24}
_DIFFERENCES: Final = 8
_BIG_ENDIAN: Final = 61
_WITH_UNUSED_BITS: Final = 311

# The smallest value marks a sample that is not known.
_INVALID: Final = {format: -(1 << bits - 1) for format, bits in {**_BITS, **_FLAC_BITS}.items()}
del _INVALID[_DIFFERENCES]  # has differences, and no such value

# Memory for each sample while it is read, in bytes, as measured; an ordinary file holds all its leads, too.
_ORDINARY_BYTES: Final = 20
_LEAD_BYTES: Final = 2
_JOINED_BYTES: Final = 34

_MILLIVOLTS: Final = {
    "v": Fraction(1000),
    "mv": Fraction(1),
    "uv": Fraction(1, 1000),
    "nv": Fraction(1, 1_000_000),
}


@dataclass(frozen=True, eq=False)
class RawSignal:
    """Samples of one signal as the file has them.

    Attributes
    ----------
    values : ndarray of int64 or float64, shape (n,)
        ADC units from the ADC zero, upright; undefined where `invalid`.
    invalid : ndarray of bool, shape (n,)
        Samples that the file marks as not known, or that lie in a gap between segments.
    adu_per_mv : Fraction
        ADC units per millivolt, above 0.
    rate_hz : Fraction
        Samples per second.
    """

    values: npt.NDArray[np.int64] | npt.NDArray[np.float64]
    invalid: npt.NDArray[np.bool_]
    adu_per_mv: Fraction
    rate_hz: Fraction


def signals_of(header: Header) -> tuple[Signal, ...]:
    """List the signals of a record; in a multi-segment record those of its layout or first segment."""
    if not header.segments:
        return header.signals
    first = next((segment for segment in header.segments if segment.name != GAP), None)
    return () if first is None else _segment_header(header, first).signals


def signal_paths(header: Header) -> tuple[Path, ...]:
    """List the files, other than the header itself, that hold a record's signals."""
    folder = header.path.parent
    if not header.segments:
        names = dict.fromkeys(signal.file_name for signal in header.signals if signal.file_name != GAP)
        return tuple(folder / name for name in names if folder / name != header.path)
    found: list[Path] = []
    for segment in header.segments:
        if segment.name != GAP:
            inner = _segment_header(header, segment)
            found += [inner.path, *signal_paths(inner)]
    return tuple(dict.fromkeys(found))


def frame_count(header: Header) -> int:
    """Return the length of a record in frames; from the size of its first signal file when not stated."""
    if header.frames is not None:
        return header.frames
    if header.segments:
        return sum(segment.frames for segment in header.segments)
    numbers = [number for number, signal in enumerate(header.signals) if signal.format]
    return _frames_in_file(header, numbers[0]) if numbers else 0


def adu_per_mv(path: Path, signal: Signal) -> Fraction:
    """Return a signal's gain in ADC units per millivolt, negative when it is inverted.

    Raises
    ------
    RecordError
        When the signal is no voltage.
    """
    unit = signal.units.strip().replace("\u00b5", "u").replace("\u03bc", "u").casefold()
    if unit not in _MILLIVOLTS:
        raise RecordError(
            f"{path}: signal {signal.name!r} is in {signal.units!r}, not in mV, uV or V. Name an ECG lead "
            "with --lead, or correct the units in the header."
        )
    return signal.gain / _MILLIVOLTS[unit]


def read_signal(header: Header, number: int) -> RawSignal:
    """Read one signal of a record.

    Parameters
    ----------
    header : Header
        The record's.
    number : int
        Place of the signal in `signals_of(header)`, from 0.

    Raises
    ------
    RecordError
        When a signal file is missing, truncated or damaged, its format is unknown, or the signal is no
        voltage, or there is not enough memory for it.
    """
    if header.segments:
        return _read_segments(header, number)
    signal = header.signals[number]
    gain = adu_per_mv(header.path, signal)
    values, invalid = read_values(header, number)
    if signal.adc_zero or gain < 0:
        values = (values - signal.adc_zero) * (1 if gain > 0 else -1)
    return RawSignal(values, invalid, abs(gain), header.frame_hz * signal.samples_per_frame)


def read_values(header: Header, number: int) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Read the values of one signal of an ordinary record as the file has them, and which are invalid."""
    signal, frames = header.signals[number], frame_count(header)
    if not signal.format:
        raise RecordError(f"{header.path}: signal {signal.name!r} has no samples. Name another one: --lead.")
    values = _decode_signal(header, number, frames)
    _check_sum(header.path.parent / signal.file_name, signal, values)
    if header.path.name == signal.file_name:
        return _without_gaps(header, values, frames, signal)
    invalid = values == _INVALID.get(signal.format)
    return _without_skew(values, np.broadcast_to(invalid, values.shape), signal)


# ---- segments ---------------------------------------------------------------------------------------


def _segment_header(header: Header, segment: Segment) -> Header:
    inner = read_header(header_path(header.path.parent, segment.name))
    if inner.segments:
        raise RecordError(f"{inner.path}: damaged: a segment of {header.path.name} with segments of its own.")
    if inner.frame_hz != header.frame_hz:
        raise RecordError(
            f"{inner.path}: {float(inner.frame_hz):g} frames a second, but {header.path.name}, of which it "
            f"is a segment, has {float(header.frame_hz):g}. Get the record again, or correct one header."
        )
    return inner


def _read_segments(header: Header, number: int) -> RawSignal:
    """Join a lead's segments at the gain of the first; gaps are invalid samples."""
    wanted = signals_of(header)[number]
    samples = sum(segment.frames for segment in header.segments) * wanted.samples_per_frame
    require_memory(header.path, _length_text(header, wanted, samples), samples * _JOINED_BYTES)
    has_layout = header.segments[0].frames == 0
    parts = [
        _read_segment(header, segment, wanted, number, has_layout)
        for segment in header.segments
        if segment.frames
    ]
    gain = next((part.adu_per_mv for part in parts if part.adu_per_mv), Fraction(200))
    values = [
        part.values if part.adu_per_mv in (0, gain) else part.values * float(gain / part.adu_per_mv)
        for part in parts
    ]
    if not parts:
        raise RecordError(f"{header.path}: damaged header (no segment has a length). Get the record again.")
    rate = header.frame_hz * wanted.samples_per_frame
    return RawSignal(np.concatenate(values), np.concatenate([part.invalid for part in parts]), gain, rate)


def _length_text(header: Header, signal: Signal, samples: int) -> str:
    """State the length of a lead, and the longest gap between its segments."""
    frames = samples // (signal.samples_per_frame or 1)
    text = f"lead {signal.name} has {samples:,} samples ({duration_text(float(frames / header.frame_hz))})"
    gaps = [(one.frames, number) for number, one in enumerate(header.segments, 1) if one.name == GAP]
    longest_gap, number = max(gaps, default=(0, 0))
    if not longest_gap:
        return text
    longest = duration_text(float(longest_gap / header.frame_hz))
    return f"{text}, of them {longest} in one gap (segment {number} of {len(header.segments)})"


def _read_segment(
    header: Header, segment: Segment, wanted: Signal, number: int, has_layout: bool
) -> RawSignal:
    """Read a lead's part in one segment: by name where there is a layout, else by its place."""
    count, rate = segment.frames * wanted.samples_per_frame, header.frame_hz * wanted.samples_per_frame
    nothing = RawSignal(np.zeros(count, np.int64), np.ones(count, np.bool_), Fraction(0), rate)
    if segment.name == GAP:
        return nothing
    inner = _segment_header(header, segment)
    names = [signal.name for signal in inner.signals]
    place = names.index(wanted.name) if has_layout and wanted.name in names else number
    if has_layout and wanted.name not in names:
        return nothing
    if place >= len(names) or inner.signals[place].samples_per_frame != wanted.samples_per_frame:
        raise RecordError(f"{inner.path}: damaged: its signals are not those of {header.path.name}.")
    read = read_signal(inner, place)
    if len(read.values) < count:
        raise RecordError(
            f"{inner.path}: truncated: {len(read.values)} samples, but {header.path.name} asks for {count}."
        )
    return RawSignal(read.values[:count], read.invalid[:count], read.adu_per_mv, rate)


# ---- one file ---------------------------------------------------------------------------------------


def _group(header: Header, number: int) -> list[int]:
    """List the numbers of the signals whose samples alternate in one file."""
    name = header.signals[number].file_name
    return [other for other, signal in enumerate(header.signals) if signal.file_name == name]


def _per_frame(header: Header, numbers: list[int]) -> int:
    return sum(header.signals[number].samples_per_frame for number in numbers)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        raise RecordError(f"{path}: not found. The record's header names it; get the record again.") from None


def _frames_in_file(header: Header, number: int) -> int:
    signal = header.signals[number]
    path = header.path.parent / signal.file_name
    _check_format(path, signal)
    if signal.format in _FLAC_BITS:
        return _flac_length(path) // signal.samples_per_frame
    samples = (_size(path) - signal.byte_offset) * 8 // _stored_bits(signal.format)
    return max(samples, 0) // _per_frame(header, _group(header, number))


def _stored_bits(format: int) -> Fraction:
    """Return the bits of a sample in the file: three 10-bit samples take 32."""
    return Fraction(32, 3) if format in (310, 311) else Fraction(_BITS[format])


def _check_format(path: Path, signal: Signal) -> None:
    known = sorted({*_BITS, *_FLAC_BITS})
    if signal.format not in known:
        raise RecordError(
            f"{path}: format {signal.format} of signal {signal.name!r} is not read; formats that are read: "
            f"{', '.join(map(str, known))}."
        )


def _check_length(header: Header, number: int, frames: int) -> None:
    """Check that a file is as long as its header states, so that the message can name both lengths."""
    signal = header.signals[number]
    path = header.path.parent / signal.file_name
    if signal.format in _FLAC_BITS:
        unit, actual, needed = "samples", _flac_length(path), frames * signal.samples_per_frame
    else:
        stored = frames * _per_frame(header, _group(header, number)) * _stored_bits(signal.format)
        unit, actual, needed = "bytes", _size(path), math.ceil(stored / 8) + signal.byte_offset
    if actual < needed:
        raise RecordError(
            f"{path}: truncated: {actual} {unit}, its header asks for {needed}. Get the record again."
        )


def _check_memory(header: Header, number: int, frames: int) -> None:
    signal = header.signals[number]
    samples, of_group = frames * signal.samples_per_frame, frames * _per_frame(header, _group(header, number))
    needed = max(samples * _ORDINARY_BYTES, 8 * samples + _LEAD_BYTES * of_group)
    path = header.path.parent / signal.file_name
    require_memory(path, _length_text(header, signal, samples), needed)


def _flac_length(path: Path) -> int:
    import soundfile  # takes a tenth of a second: only for these formats

    _size(path)
    try:
        return int(soundfile.info(str(path)).frames)
    except (RuntimeError, OSError) as error:
        raise RecordError(f"{path}: damaged FLAC file ({error}). Get the record again.") from None


def _decode_signal(header: Header, number: int, frames: int) -> IntArray:
    path = header.path.parent / header.signals[number].file_name
    _check_format(path, header.signals[number])
    _check_length(header, number, frames)
    if not frames:
        return np.zeros(0, np.int64)
    _check_memory(header, number, frames)
    try:
        return _read_with_wfdb(header, number, frames)
    except MemoryError:
        raise
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}).") from None
    except Exception as error:  # wfdb raises any type of exception for a damaged file
        raise RecordError(f"{path}: damaged ({error}). Get the record again.") from None


def _read_with_wfdb(header: Header, number: int, frames: int) -> IntArray:
    """Read the samples of one signal, through a header that `wfdb` cannot misread.

    The record's own header may have a lead, unit, file name or length that `wfdb` refuses or misreads;
    EDF has none of its kind.
    """
    import wfdb  # takes half a second: only where a record is read

    signal, channel = header.signals[number], _group(header, number).index(number)
    with TemporaryDirectory() as folder:
        base = Path(folder, "r")
        base.with_suffix(".hea").write_text(_plain_header(header, number, frames))
        base.with_suffix(".dat").symlink_to((header.path.parent / signal.file_name).absolute())
        read = wfdb.rdrecord(str(base), channels=[channel], physical=False, smooth_frames=False)
    return _corrected(read.e_d_signal[0], signal.format)


def _plain_header(header: Header, number: int, frames: int) -> str:
    """Format a header of the file's layout alone; `_without_skew` removes delays between signals."""
    group, format = _group(header, number), header.signals[number].format
    lines = [f"r {len(group)} 1 {frames}"]
    for signal in (header.signals[member] for member in group):
        layout = f"{16 if format == _BIG_ENDIAN else format}x{signal.samples_per_frame}+{signal.byte_offset}"
        lines.append(f"r.dat {layout} 1 0 0 {signal.initial_value}")
    return "\n".join(lines)


def _corrected(values: IntArray, format: int) -> IntArray:
    """Correct what `wfdb` 4.3 gets wrong in two formats."""
    if format == _BIG_ENDIAN:  # read as format 16: wfdb fails where a frame may have several samples
        values = values.astype(np.int16).byteswap().astype(np.int64)
    if format == _WITH_UNUSED_BITS:  # one of the two unused bits would be a part of the third sample
        values = (values + 512) % 1024 - 512
    return values


def _check_sum(path: Path, signal: Signal, values: IntArray) -> None:
    total = int(values.sum())
    if signal.checksum is not None and (total - signal.checksum) % 65536:
        raise RecordError(
            f"{path}: damaged: lead {signal.name} has the checksum {total % 65536}, but its header states "
            f"{signal.checksum % 65536}. Get the record again."
        )


def _without_gaps(
    header: Header, values: IntArray, frames: int, signal: Signal
) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Mark the gaps that an EDF file names, and leave out what fills its last data record."""
    gaps, rate_hz = read_gaps(header, frames), float(header.frame_hz * signal.samples_per_frame)
    length = len(values) if gaps.end_s is None else min(round(gaps.end_s * rate_hz), len(values))
    return values[:length], gaps.mask(length, rate_hz)


def _without_skew(
    values: IntArray, invalid: npt.NDArray[np.bool_], signal: Signal
) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Move a delayed signal to its time; the samples that are then missing at the end are invalid."""
    late = min(signal.skew_frames * signal.samples_per_frame, len(values))
    if not late:
        return values, invalid
    moved = np.concatenate((values[late:], np.zeros(late, np.int64)))
    return moved, np.concatenate((invalid[late:], np.ones(late, np.bool_)))
