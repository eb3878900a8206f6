"""Headers of records: the WFDB format as header(5) states it, and EDF.

Every field after a signal's format may be absent. Rates and gains are kept as exact fractions of their text.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.rates import NUMBER, RATE_LIMITS

DEFAULT_RATE_HZ: Final = Fraction(250)
"""Frame rate of a header without one, by WFDB's convention."""
UNCALIBRATED_GAIN: Final = Fraction(200)
"""ADC units per millivolt where the gain is absent or 0, by WFDB's convention."""

GAP: Final = "~"
"""Segment, or signal file, without samples."""

FORMATS_READ: Final = (
    "WFDB records (.hea; signals in format 8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516 or 524, "
    "among them the .mat files of the PhysioNet challenges) and EDF (.edf)"
)

_WFDB_HEADER_BYTES: Final = 50_000_000
"""More is no header: a line of each segment takes some 20 bytes."""
_EDF_HEADER_BYTES: Final = 256 * 10_000
"""Header of EDF with the most signals that its four digits can state."""

_LONGEST: Final = 2**31
"""Samples of a signal, about 10 weeks at 360 Hz: more is a damaged header, not a record."""

_RATE: Final = re.compile(rf"({NUMBER})(?:/.*)?")
_FORMAT: Final = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?")
_INTEGER: Final = re.compile(r"([-+]?\d+)(?:\s+|$)")
_NUMERIC_FIELDS: Final = 5
_GAIN: Final = re.compile(rf"({NUMBER})(?:\(([-+]?\d+)\))?(?:/(\S+))?")


@dataclass(frozen=True)
class Signal:
    """One signal of a record.

    Attributes
    ----------
    file_name : str
        File of the samples, in the folder of the header.
    format : int
        WFDB format, such as 212; 0: no samples.
    samples_per_frame : int
        Samples of this signal in each frame.
    skew_frames : int
        Delay of the samples in the file, in frames.
    byte_offset : int
        Position of the first sample in the file.
    gain : Fraction
        ADC units per unit; negative when the signal is inverted.
    units : str
        Physical unit, such as "mV".
    adc_zero : int
        ADC output in the middle of its range.
    initial_value : int
        Value before the first difference of format 8.
    checksum : int or None
        Sum of all samples modulo 65536; None when it is not stated.
    name : str
        Lead, or other description.
    is_annotations : bool
        EDF+'s list of annotations, which is no signal.
    """

    file_name: str
    format: int
    samples_per_frame: int = 1
    skew_frames: int = 0
    byte_offset: int = 0
    gain: Fraction = UNCALIBRATED_GAIN
    units: str = "mV"
    adc_zero: int = 0
    initial_value: int = 0
    checksum: int | None = None
    name: str = ""
    is_annotations: bool = False


@dataclass(frozen=True)
class Segment:
    """Part of a multi-segment record: `name` of its header (`GAP`: none), and its length in frames."""

    name: str
    frames: int


@dataclass(frozen=True)
class Header:
    """Description of a record.

    Attributes
    ----------
    path : Path
        File that it was read from.
    frame_hz : Fraction
        Frames per second. A signal has `samples_per_frame` times as many samples.
    frames : int or None
        Length; None when only the size of the signal file states it.
    signals : tuple of Signal
        Empty in a multi-segment record, whose segments have them.
    segments : tuple of Segment
        Empty in an ordinary record.
    annotation_hz : Fraction
        Rate that annotation files without a time resolution count in.
    """

    path: Path
    frame_hz: Fraction
    frames: int | None
    signals: tuple[Signal, ...]
    segments: tuple[Segment, ...]
    annotation_hz: Fraction


def header_path(folder: Path, name: str) -> Path:
    """Return the path of the file that describes record `name`: `<name>.hea`, or an EDF file."""
    return folder / name if name.lower().endswith(".edf") else folder / f"{name}.hea"


def read_header(path: Path) -> Header:
    """Read the header of a record.

    Raises
    ------
    RecordError
        When the file is missing or damaged; the message names the line.
    """
    content = _read(path)
    try:
        return _parse_edf(path, content) if path.suffix.lower() == ".edf" else _parse_wfdb(path, content)
    except ValueError as error:
        raise RecordError(f"{path}: damaged header ({error}). Get the record again.") from None


def _read(path: Path) -> bytes:
    """Read a header and no more: the samples of EDF follow in the same file."""
    most = _EDF_HEADER_BYTES if path.suffix.lower() == ".edf" else _WFDB_HEADER_BYTES
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > most and most == _WFDB_HEADER_BYTES:
                raise RecordError(
                    f"{path}: damaged header (more than {most // 10**6} MB). Get the record again."
                )
            return file.read(min(size, most))
    except FileNotFoundError:
        raise RecordError(
            f"{path}: not found. Name a record that is there (`ecg-edge data list`), name the folder of the "
            f"databases with --data, or get them with `ecg-edge data get`. Formats that are read: "
            f"{FORMATS_READ}."
        ) from None
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}).") from None


# ---- WFDB -------------------------------------------------------------------------------------------


def _parse_wfdb(path: Path, content: bytes) -> Header:
    text = content.decode("utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise ValueError("it is empty")
    first, rest = lines[0].split(), lines[1:]
    if len(first) < 2:
        raise ValueError(f"line {lines[0]!r} has no number of signals")
    segments = first[0].partition("/")[2]
    rate, frames = _rate(first), _frames(first)
    count = _whole(segments or first[1], "number of segments" if segments else "number of signals")
    if len(rest) < count:
        raise ValueError(f"{len(rest)} lines for {count} {'segments' if segments else 'signals'}")
    if segments:
        parts = tuple(_segment(line) for line in rest[:count])
        total = sum(part.frames for part in parts)
        if total > _LONGEST:
            raise ValueError("the segments are too long")
        if frames not in (None, total):
            raise ValueError(f"a length of {frames}, but its segments have {total} in all")
        return Header(path, rate, frames, (), parts, rate)
    signals = tuple(_signal(number, line) for number, line in enumerate(rest[:count]))
    return Header(path, rate, frames, signals, (), rate)


def _rate(fields: list[str]) -> Fraction:
    if len(fields) < 3:
        return DEFAULT_RATE_HZ
    match = _RATE.fullmatch(fields[2])
    rate = (Fraction(match[1]) or DEFAULT_RATE_HZ) if match else Fraction(0)
    return _checked_rate(rate, fields[2])


def _checked_rate(rate_hz: Fraction, text: str) -> Fraction:
    if not RATE_LIMITS[0] <= rate_hz <= RATE_LIMITS[1]:
        raise ValueError(f"rate {text!r}")
    return rate_hz


def _frames(fields: list[str]) -> int | None:
    if len(fields) < 4 or ":" in fields[3]:  # a time of day: the length was left out
        return None
    return _whole(fields[3], "length") or None


def _segment(line: str) -> Segment:
    name, _, length = line.partition(" ")
    return Segment(name, _whole(length.strip(), "length of a segment"))


def _signal(number: int, line: str) -> Signal:
    fields = line.split(maxsplit=2)
    if len(fields) < 2:
        raise ValueError(f"line {line!r} has no format")
    layout = _FORMAT.fullmatch(fields[1])
    if layout is None:
        raise ValueError(f"format {fields[1]!r}")
    gain_field, _, rest = fields[2].partition(" ") if len(fields) > 2 else ("200", "", "")
    gain, units = _gain(gain_field)
    (_, zero, initial, checksum, _), name = _numbers(rest)
    return Signal(
        file_name=fields[0],
        format=0 if fields[0] == GAP else int(layout[1]),
        samples_per_frame=_whole(layout[2] or "1", "samples per frame") or 1,
        skew_frames=_whole(layout[3] or "0", "skew"),
        byte_offset=_whole(layout[4] or "0", "byte offset"),
        gain=gain,
        units=units,
        adc_zero=zero or 0,
        initial_value=(zero or 0) if initial is None else initial,
        checksum=checksum or None,  # many writers put 0 for "not computed"
        name=name or f"signal {number}",
    )


def _gain(field: str) -> tuple[Fraction, str]:
    match = _GAIN.fullmatch(field)
    if match is None:
        raise ValueError(f"gain {field!r}")
    return Fraction(match[1]) or UNCALIBRATED_GAIN, match[3] or "mV"


def _numbers(text: str) -> tuple[list[int | None], str]:
    """Split into ADC resolution, ADC zero, first value, checksum and block size, and the description.

    Numbers may be missing from the end on, with a description after them all the same.
    """
    numbers: list[int | None] = []
    rest = text.strip()
    while len(numbers) < _NUMERIC_FIELDS and (match := _INTEGER.match(rest)):
        numbers.append(int(match[1]))
        rest = rest[match.end() :]
    return numbers + [None] * (_NUMERIC_FIELDS - len(numbers)), rest


def _whole(text: str, what: str) -> int:
    if not text.isdecimal() or len(text) > len(str(_LONGEST)) or int(text) > _LONGEST:
        raise ValueError(f"{what} {text[:20]!r}")
    return int(text)


# ---- EDF --------------------------------------------------------------------------------------------

_EDF_FIXED_BYTES: Final = 256
_EDF_ANNOTATIONS: Final = "EDF Annotations"
"""Label of EDF+'s list of annotations."""
_EDF_WIDTHS: Final = {
    "label": 16,
    "transducer": 80,
    "units": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefilter": 80,
    "samples": 8,
    "reserved": 32,
}


def _parse_edf(path: Path, content: bytes) -> Header:
    fixed = content[:_EDF_FIXED_BYTES].decode("latin-1")
    if len(fixed) < _EDF_FIXED_BYTES or not fixed.startswith("0 "):
        raise ValueError("it does not begin as EDF does")
    if fixed[192:197] == "EDF+D":
        raise RecordError(
            f"{path}: a discontinuous recording (EDF+D), which is not read. Convert it to EDF+C, for example "
            "with EDFbrowser (Tools, Convert EDF+D to EDF+C), or cut out a part without interruptions."
        )
    count = _whole(fixed[252:256].strip(), "number of signals")
    table = content[_EDF_FIXED_BYTES : _EDF_FIXED_BYTES * (count + 1)].decode("latin-1")
    if len(table) < _EDF_FIXED_BYTES * count:
        raise ValueError("it ends in the list of signals")
    signals = tuple(_edf_signal(path.name, fields, count) for fields in _edf_fields(table, count))
    if all(signal.is_annotations for signal in signals):
        what = ", only annotations" if signals else ""
        raise RecordError(f"{path}: has no signals{what}. Name the file that has the signals.")
    duration_s = _fraction(fixed[244:252], "duration of a data record")
    if duration_s <= 0:
        raise ValueError(f"duration of a data record {fixed[244:252].strip()!r}")
    frames = int(fixed[236:244]) if fixed[236:244].strip().lstrip("-").isdecimal() else -1
    highest = max((signal.samples_per_frame for signal in signals if signal.format), default=1)
    rate = _checked_rate(1 / duration_s, f"one data record in {fixed[244:252].strip()} s")
    return Header(path, rate, frames if frames > 0 else None, signals, (), rate * highest)


def _edf_fields(table: str, count: int) -> list[dict[str, str]]:
    """Split the list of signals, which has each field of all signals together."""
    fields: list[dict[str, str]] = [{} for _ in range(count)]
    start = 0
    for name, width in _EDF_WIDTHS.items():
        for signal in fields:
            signal[name] = table[start : start + width].strip()
            start += width
    return fields


def _edf_signal(file_name: str, fields: dict[str, str], count: int) -> Signal:
    low, high = (_fraction(fields[name], name) for name in ("physical_min", "physical_max"))
    digital_low, digital_high = (_fraction(fields[name], name) for name in ("digital_min", "digital_max"))
    samples = _whole(fields["samples"], "samples in a data record")
    is_annotations = fields["label"].startswith(_EDF_ANNOTATIONS)
    if is_annotations or low == high or digital_low == digital_high:
        offset, name = _EDF_FIXED_BYTES * (count + 1), fields["label"]
        return Signal(file_name, 0, samples, byte_offset=offset, name=name, is_annotations=is_annotations)
    gain = (digital_high - digital_low) / (high - low)
    return Signal(
        file_name,
        format=16,  # two bytes a sample, as in WFDB's format 16
        samples_per_frame=samples,
        byte_offset=_EDF_FIXED_BYTES * (count + 1),
        gain=gain,
        units=fields["units"] or "mV",
        adc_zero=round(digital_low - low * gain),
        name=fields["label"] or "ECG",
    )


def _fraction(text: str, what: str) -> Fraction:
    if not re.fullmatch(NUMBER, text.strip()):
        raise ValueError(f"{what} {text.strip()!r}")
    return Fraction(text.strip())
