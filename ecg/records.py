"""Read WFDB records as the device would see them: one lead, 360 Hz, ADC units.

Nothing here imports TensorFlow; `ecg_edge.host` may use this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.labels import BEAT_SYMBOLS

FS_HZ: Final = 360

_BYTES_PER_SAMPLE: Final = {"212": Fraction(3, 2), "16": Fraction(2)}


@dataclass(frozen=True, eq=False)
class Record:
    """One lead of a record, with its annotations.

    Attributes
    ----------
    name, database : str
        E.g. "100" and "mitdb".
    fs_hz : int
        That of the samples: 360 unless another was asked for; records of another rate were resampled.
    adu_per_mv : int
        ADC units per millivolt.
    lead : str
        Name of the lead in the record's header.
    samples : ndarray of int16, shape (n,)
        ADC units, the header's ADC zero subtracted.
    annotation_samples : ndarray of int64, shape (m,)
        Index in `samples` of each annotation, of beats and of everything else.
    annotation_symbols : ndarray of str, shape (m,)
        WFDB symbol of each annotation.
    annotation_notes : tuple of str, length m
        Auxiliary text of each annotation, e.g. "(AFIB"; "" where there is none.
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

    @property
    def is_beat(self) -> npt.NDArray[np.bool_]:
        """Which annotations mark a beat, shape (m,)."""
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


def record_files(root: Path, database: str, name: str, annotator: str | None = "atr") -> tuple[Path, ...]:
    """The files that make up a record: header, signals, annotations."""
    base = root / database / name
    suffixes = ("hea", "dat") if annotator is None else ("hea", "dat", annotator)
    return tuple(base.with_name(f"{name}.{suffix}") for suffix in suffixes)


def load_record(
    root: Path,
    database: str,
    name: str,
    lead: str = "MLII",
    annotator: str | None = "atr",
    fs_hz: int = FS_HZ,
) -> Record:
    """Read one lead of a record and check it against its header.

    Parameters
    ----------
    root : Path
        Folder laid out like PhysioNet's.
    database, name : str
        E.g. "mitdb", "100".
    lead : str
        Name of the lead; "auto" takes MLII where there is one, else the first.
    annotator : str or None
        Suffix of the annotation file; None reads no annotations.
    fs_hz : int
        Rate of the samples wanted.

    Raises
    ------
    RecordError
        When a file is missing, truncated or damaged, or there is no such lead. The message names the file.
    """
    header = _read_header(root / database / f"{name}.hea")
    channel = _choose_lead(root / database / f"{name}.hea", header.sig_name, lead)
    samples = _read_samples(root / database, header, channel)
    at, symbols, notes = _read_annotations(root / database / name, annotator)
    if int(header.fs) != fs_hz:
        samples = _resample(samples, int(header.fs), fs_hz)
        at = np.rint(at * (fs_hz / header.fs)).astype(np.int64)
    gain = round(header.adc_gain[channel]) or 200  # 0 means uncalibrated: 200 by WFDB's convention
    return Record(name, database, fs_hz, gain, header.sig_name[channel], samples, at, symbols, notes)


def _require(path: Path, advice: str) -> None:
    if not path.is_file():
        raise RecordError(f"{path}: not found. {advice}")


def _read_header(path: Path) -> Any:
    import wfdb  # takes a second: only where a record is read

    _require(path, "Name the folder of the databases with --data, or get them with `ecg-edge data get`.")
    try:
        header = wfdb.rdheader(str(path.with_suffix("")))
        complete = header.fs > 0 and header.sig_len > 0 and None not in header.sig_name + header.adc_zero
    except Exception as error:  # wfdb raises whatever its parser stumbled over
        raise RecordError(f"{path}: damaged header ({error}). Get the record again.") from error
    if not complete:
        raise RecordError(
            f"{path}: damaged header (rate, length, lead or ADC zero is missing). Get the record again."
        )
    return header


def _choose_lead(path: Path, leads: list[str], wanted: str) -> int:
    if wanted == "auto":
        return leads.index("MLII") if "MLII" in leads else 0
    if wanted not in leads:
        raise RecordError(
            f"{path}: no lead {wanted!r}; the record has {', '.join(leads)}. Name one of them, or say `auto`."
        )
    return leads.index(wanted)


def _read_samples(folder: Path, header: Any, channel: int) -> npt.NDArray[np.int16]:
    import wfdb

    path = folder / header.file_name[channel]
    _check_size(path, header)
    read = wfdb.rdrecord(str(folder / header.record_name), channels=[channel], physical=False)
    signal: npt.NDArray[np.int64] = read.d_signal[:, 0].astype(np.int64)
    total, expected = int(signal.sum()), header.checksum[channel]
    if expected is not None and (total - expected) % 65536:
        raise RecordError(
            f"{path}: damaged: lead {header.sig_name[channel]} has the checksum {total % 65536}, "
            f"its header says {expected % 65536}. Get the record again."
        )
    return (signal - int(header.adc_zero[channel])).astype(np.int16)


def _check_size(path: Path, header: Any) -> None:
    _require(path, "The record's header names it; get the record again.")
    formats = {fmt for file, fmt in zip(header.file_name, header.fmt, strict=True) if file == path.name}
    unknown = formats - _BYTES_PER_SAMPLE.keys()
    if unknown:
        raise RecordError(
            f"{path}: format {min(unknown)}; this program reads {', '.join(_BYTES_PER_SAMPLE)}."
        )
    count = header.sig_len * header.file_name.count(path.name)
    needed, actual = int(-(-count * _BYTES_PER_SAMPLE[formats.pop()] // 1)), path.stat().st_size
    if actual < needed:
        raise RecordError(
            f"{path}: truncated: {actual} bytes, its header asks for {needed}. Get the record again."
        )


def _read_annotations(
    base: Path, annotator: str | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.str_], tuple[str, ...]]:
    if annotator is None:
        return np.zeros(0, np.int64), np.zeros(0, "U1"), ()
    import wfdb

    path = base.with_name(f"{base.name}.{annotator}")
    _require(path, f"The record has no annotator {annotator!r}; get it again, or name another one.")
    if path.read_bytes()[-2:] != b"\0\0":
        raise RecordError(
            f"{path}: truncated: the end mark of an annotation file is missing. Get the record again."
        )
    try:
        read = wfdb.rdann(str(base), annotator)
    except Exception as error:  # as in _read_header
        raise RecordError(f"{path}: damaged annotations ({error}). Get the record again.") from error
    notes = tuple(note.rstrip("\0") for note in read.aux_note)
    return np.asarray(read.sample, np.int64), np.asarray(read.symbol, "U1"), notes


def _resample(samples: npt.NDArray[np.int16], from_hz: int, to_hz: int) -> npt.NDArray[np.int16]:
    from scipy.signal import resample_poly

    ratio = Fraction(to_hz, from_hz)
    resampled: npt.NDArray[np.float64] = resample_poly(
        samples.astype(np.float64), ratio.numerator, ratio.denominator
    )
    limits = np.iinfo(np.int16)
    return np.rint(resampled).clip(limits.min, limits.max).astype(np.int16)
