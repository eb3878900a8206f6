"""Records as a device would see them: one lead, 360 Hz, 16-bit ADC units.

    record = load_record(root, "mitdb", "100")
    record.samples, record.adu_per_mv, record.beat_samples, record.beat_symbols

The one reader of headers, signals and annotations: WFDB's formats and EDF. Nothing here imports TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations, read_annotations
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.header import header_path, read_header
from ecg_edge.ecg.labels import BEAT_SYMBOLS
from ecg_edge.ecg.leads import AUTO, choose_lead
from ecg_edge.ecg.memory import require_memory
from ecg_edge.ecg.rates import Rate, convert_samples, exact_rate, resample, resample_bytes
from ecg_edge.ecg.signal_files import RawSignal, frame_count, read_signal, signal_paths, signals_of

FS_HZ: Final = 360

GAIN_RANGE: Final = (20, 20_000)
"""ADC units per millivolt that a device accepts (ecg_core.h)."""

_INT16: Final = np.iinfo(np.int16)
_REDUCED_GAINS: Final = (1000, 200, 50, 20)
"""Gains for signals that do not fit a device's range: 1 microvolt first, then what 16 bits need."""
_LARGEST_FACTOR: Final = 50


@dataclass(frozen=True, eq=False)
class Record:
    """One lead of a record, with its annotations.

    Attributes
    ----------
    name, database : str
        E.g. "100" and "mitdb".
    fs_hz : int
        Sampling rate of `samples`: 360 unless another was requested.
    adu_per_mv : int
        ADC units per millivolt, 20 to 20000.
    lead : str
        Name of the lead in the record's header.
    samples : ndarray of int16, shape (n,)
        ADC units from the ADC zero. Invalid samples repeat the value before them.
    annotation_samples : ndarray of int64, shape (m,)
        Index in `samples` of each annotation, ascending.
    annotation_symbols : ndarray of str, shape (m,)
        WFDB symbol of each annotation.
    annotation_notes : tuple of str, length m
        Auxiliary text of each annotation, e.g. "(AFIB"; "" where there is none.
    invalid_spans : ndarray of int64, shape (k, 2)
        Start and end in `samples` of the segments that the file marks as not known.
    """

    name: str
    database: str
    fs_hz: int
    adu_per_mv: int
    lead: str
    samples: npt.NDArray[np.int16]
    annotation_samples: npt.NDArray[np.int64]
    annotation_symbols: npt.NDArray[np.str_]
    annotation_notes: tuple[str, ...]
    invalid_spans: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))

    @property
    def is_beat(self) -> npt.NDArray[np.bool_]:
        """Mask of the annotations that mark a beat, shape (m,)."""
        return np.isin(self.annotation_symbols, BEAT_SYMBOLS)

    @property
    def beat_samples(self) -> npt.NDArray[np.int64]:
        """Index of each annotated beat's R peak."""
        return self.annotation_samples[self.is_beat]

    @property
    def beat_symbols(self) -> npt.NDArray[np.str_]:
        """Symbol of each annotated beat."""
        return self.annotation_symbols[self.is_beat]

    @property
    def duration_s(self) -> float:
        """Length of the signal in seconds."""
        return len(self.samples) / self.fs_hz


class Timing(NamedTuple):
    """Rate that a record's annotations count in, in Hz, and its length at that rate."""

    fs_hz: float
    length_samples: int

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return self.length_samples / self.fs_hz


def read_timing(folder: Path, record: str) -> Timing:
    """Read the rate and the length of record `record` in `folder`.

    Raises
    ------
    RecordError
        When the header is missing or damaged.
    """
    header = read_header(header_path(folder, record))
    per_frame = header.annotation_hz / header.frame_hz
    return Timing(float(header.annotation_hz), int(frame_count(header) * per_frame))


def read_lead_rate(folder: Path, record: str, lead: str = AUTO) -> Fraction:
    """Read the samples a second of one lead, which may have several in each frame.

    Parameters
    ----------
    folder : Path
        Folder of the record.
    record, lead : str
        As for `load_record`.

    Raises
    ------
    RecordError
        When the header is missing or damaged, or no lead fits.
    """
    header = read_header(header_path(folder, record))
    signals = signals_of(header)
    number = choose_lead(header.path, [signal.name for signal in signals], lead)
    return header.frame_hz * signals[number].samples_per_frame


def record_files(root: Path, database: str, name: str, annotator: str | None = "atr") -> tuple[Path, ...]:
    """List the files of a record: header, segments, signal files, and the annotation file if there is one.

    Raises
    ------
    RecordError
        When the header is missing or damaged.
    """
    header = read_header(header_path(root / database, name))
    annotations = root / database / f"{name}.{annotator}"
    has_annotations = annotator is not None and annotations.is_file()
    return (header.path, *signal_paths(header), *((annotations,) if has_annotations else ()))


def load_record(
    root: Path,
    database: str,
    name: str,
    lead: str = AUTO,
    annotator: str | None = "atr",
    fs_hz: int = FS_HZ,
    *,
    annotations_required: bool = False,
) -> Record:
    """Read one lead of a record as a device of rate `fs_hz` would see it.

    Another rate is resampled by the exact ratio. A gain that a device does not take (a fraction, below 20 or
    above 20,000 ADC units per millivolt) and values beyond 16 bits are rescaled; an inverted lead (negative
    gain) is turned upright.

    Parameters
    ----------
    root : Path
        Folder of the databases.
    database, name : str
        E.g. "mitdb", "100"; an EDF file by its whole name, "night.edf".
    lead : str
        Name or number of a signal; "auto": MLII, else II, else the first ECG lead.
    annotator : str or None
        Suffix of the annotation file; None reads no annotations. Annotations before the first sample or
        after the last one are left out.
    fs_hz : int
        Sampling rate wanted, in Hz.
    annotations_required : bool
        Refuse a record without the annotation file. Else it has no annotations.

    Raises
    ------
    RecordError
        When a file is missing, truncated or damaged, no lead fits, or there is not enough memory. The message
        names the file.
    """
    header = read_header(header_path(root / database, name))
    names = [signal.name for signal in signals_of(header)]
    number = choose_lead(header.path, names, lead)
    raw = read_signal(header, number)
    if not len(raw.values):
        raise RecordError(f"{header.path}: lead {names[number]} has no samples. Get the record again.")
    check_resampling(header.path, raw, fs_hz)
    samples, adu_per_mv = to_device(raw, fs_hz)
    found = Annotations.of([], [])
    if annotator and (annotations_required or (root / database / f"{name}.{annotator}").is_file()):
        found = read_annotations(root / database, name, annotator, header.annotation_hz, fs_hz)
        found = found.between(0, len(samples))
    return Record(
        *(name, database, fs_hz, adu_per_mv, names[number], samples),
        *(found.samples, found.symbols, found.aux),
        invalid_spans=_spans(raw.invalid, raw.rate_hz, fs_hz),
    )


def check_resampling(path: Path, raw: RawSignal, fs_hz: int) -> None:
    """Check that there is memory for a signal at another rate: one that is far too low makes it very long.

    Raises
    ------
    RecordError
        When there is not enough.
    """
    count, rate_hz = len(raw.values), float(raw.rate_hz)
    length = int(count * fs_hz / rate_hz)
    what = f"{count:,} samples at {rate_hz:g} Hz are {length:,} at {fs_hz} Hz"
    require_memory(path, what, resample_bytes(count, raw.rate_hz, fs_hz))


def to_device(raw: RawSignal, fs_hz: int) -> tuple[npt.NDArray[np.int16], int]:
    """Convert a signal to a device's samples: its rate, 16 bits, and a whole gain within `GAIN_RANGE`.

    Returns
    -------
    ndarray of int16, shape (n,)
        ADC units. Invalid samples repeat the valid value before them.
    int
        ADC units per millivolt.
    """
    held, rate_hz = _hold_last(raw.values, raw.invalid), exact_rate(fs_hz)
    gain, offset = _device_gain(held, raw.adu_per_mv)
    if not offset and gain == raw.adu_per_mv and raw.rate_hz == rate_hz and held.dtype.kind == "i":
        return held.clip(_INT16.min, _INT16.max).astype(np.int16), gain  # a day of signal without fractions
    values = held.astype(np.float64)
    scaled = values - offset if gain == raw.adu_per_mv else (values - offset) * float(gain / raw.adu_per_mv)
    resampled = resample(scaled, raw.rate_hz, rate_hz)
    return np.rint(resampled).clip(_INT16.min, _INT16.max).astype(np.int16), gain


def _device_gain(
    values: npt.NDArray[np.int64] | npt.NDArray[np.float64], adu_per_mv: Fraction
) -> tuple[int, float]:
    """Choose the gain, and the constant to subtract where electrode offset fills the 16 bits."""
    if not len(values):
        return _whole_gain(adu_per_mv), 0.0
    lowest, highest = float(values.min()), float(values.max())

    def fits(gain: int, offset: float) -> bool:
        factor = float(gain / adu_per_mv)
        return (lowest - offset) * factor >= _INT16.min and (highest - offset) * factor <= _INT16.max

    whole = _whole_gain(adu_per_mv)
    if fits(whole, 0.0):
        return whole, 0.0
    middle = round(float(np.median(values)))
    choices = [(gain, offset) for gain in (whole, *_REDUCED_GAINS) for offset in (0.0, middle)]
    return next(
        (one for one in choices if fits(*one)), (_REDUCED_GAINS[-1], middle)
    )  # else clipped: > 1600 mV


def _whole_gain(adu_per_mv: Fraction) -> int:
    """Return the smallest whole multiple within the range, so that no sample is rounded; else 1000."""
    low, high = GAIN_RANGE
    for factor in range(1, _LARGEST_FACTOR + 1):
        multiple = adu_per_mv * factor
        if multiple.denominator == 1 and low <= multiple <= high:
            return int(multiple)
    return _REDUCED_GAINS[0]


def _hold_last(
    values: npt.NDArray[np.int64] | npt.NDArray[np.float64], invalid: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
    """Replace invalid samples by the valid one before; the first ones by the first valid one, or 0."""
    if not invalid.any():
        return values
    valid = np.flatnonzero(~invalid)
    if not len(valid):
        return np.zeros_like(values)
    before = np.maximum.accumulate(np.where(invalid, valid[0], np.arange(len(values))))
    return values[before]


def _spans(invalid: npt.NDArray[np.bool_], from_hz: Rate, to_hz: Rate) -> npt.NDArray[np.int64]:
    """List start and end of each invalid segment at another rate."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], invalid, [False])).astype(np.int8)))
    return convert_samples(edges, from_hz, to_hz).reshape(-1, 2)
