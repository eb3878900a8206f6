"""Annotations of a record, and the WFDB files that hold them.

The files are MIT-format annotation files, so WFDB's own programs read what is written here and the other way
round: `rdann -r 100 -a qrs`, `bxb -r 100 -a atr qrs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import RecordError

NOISE = "~"
SHUTDOWN_BITS = 0x30
"""A noise annotation with both bits set in its subtype begins a stretch where no lead can be read."""

_END_MARK = b"\0\0"


@dataclass(frozen=True, eq=False)
class Annotations:
    """The annotations of one annotator, in the order of time.

    Attributes
    ----------
    samples : ndarray of int64, shape (n,)
        Sample number of each annotation; never descending.
    symbols : ndarray of str, shape (n,)
        WFDB symbol: "N", "V", "+", "~" and so on.
    subtype : ndarray of int64, shape (n,)
        Subtype; 0 where there is none.
    aux : tuple of str, length n
        Auxiliary text, e.g. "(AFIB" of a rhythm annotation; "" where there is none.
    """

    samples: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.str_]
    subtype: npt.NDArray[np.int64]
    aux: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.samples), len(self.symbols), len(self.subtype), len(self.aux)}
        if len(lengths) != 1:
            raise ValueError(f"samples, symbols, subtype and aux differ in length: {sorted(lengths)}")
        if np.any(np.diff(self.samples) < 0):
            raise ValueError("annotations are not in the order of time")

    def __len__(self) -> int:
        return len(self.samples)

    @classmethod
    def of(
        cls,
        samples: npt.ArrayLike,
        symbols: Sequence[str] | npt.NDArray[np.str_],
        subtype: npt.ArrayLike | None = None,
        aux: Sequence[str] | None = None,
    ) -> Annotations:
        """Annotations from anything array-like; `symbols` may be one string of one-letter symbols.

        Parameters
        ----------
        samples : array_like of int, shape (n,)
            Sample numbers.
        symbols : sequence of str, length n
            Symbols.
        subtype, aux : optional, length n
            Else 0 and "" throughout.
        """
        at = np.asarray(samples, np.int64)
        return cls(
            at,
            np.asarray(list(symbols), np.str_),
            np.zeros(len(at), np.int64) if subtype is None else np.asarray(subtype, np.int64),
            ("",) * len(at) if aux is None else tuple(aux),
        )


class Timing(NamedTuple):
    """Sampling frequency in Hz and length in samples of a record."""

    fs_hz: float
    length_samples: int

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return self.length_samples / self.fs_hz


def read_timing(folder: Path, record: str) -> Timing:
    """Read sampling frequency and length from a record's header, `folder / <record>.hea`.

    Raises
    ------
    RecordError
        When the header is missing, damaged or does not state the length.
    """
    import wfdb

    path = folder / f"{record}.hea"
    if not path.is_file():
        raise RecordError(f"{path}: not found. Name records by database and name, for example mitdb/100.")
    try:
        header = wfdb.rdheader(str(folder / record))
        return Timing(float(header.fs), int(header.sig_len))
    except Exception as error:  # wfdb raises whatever its parser stumbled over
        raise RecordError(f"{path}: damaged header ({error}). Get the record again.") from error


def read_annotations(folder: Path, record: str, annotator: str, fs_hz: float | None = None) -> Annotations:
    """Read a WFDB annotation file.

    Parameters
    ----------
    folder : Path
        Folder of the file.
    record, annotator : str
        The file is called `<record>.<annotator>`.
    fs_hz : float, optional
        The record's sampling frequency. A file that states another time resolution is converted to it, as
        WFDB's programs do.

    Raises
    ------
    RecordError
        When the file is missing, truncated or damaged.
    """
    path = folder / f"{record}.{annotator}"
    if not _read_bytes(path).removesuffix(_END_MARK):
        return Annotations.of([], [])
    import wfdb  # takes a second: only where a file is read

    try:
        read = wfdb.rdann(str(folder / record), annotator)
        samples = _to_rate(np.asarray(read.sample, np.int64), read.fs, fs_hz)
        aux = [note.rstrip("\0") for note in read.aux_note]
        return Annotations.of(samples, read.symbol, read.subtype, aux)
    except Exception as error:  # wfdb raises whatever its parser stumbled over
        raise RecordError(f"{path}: damaged annotations ({error}). Get or write the file again.") from error


def write_annotations(
    folder: Path, record: str, annotator: str, annotations: Annotations, fs_hz: float
) -> Path:
    """Write a WFDB annotation file, `folder / <record>.<annotator>`; the folder is made when missing.

    Parameters
    ----------
    folder : Path
        Where to.
    record, annotator : str
        Name of the record; suffix of the file, letters only.
    annotations : Annotations
        What to write.
    fs_hz : float
        Sampling frequency that the sample numbers count in; the file states it.
    """
    path = folder / f"{record}.{annotator}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if len(annotations):
            _write_with_wfdb(folder, record, annotator, annotations, fs_hz)
        else:  # wfdb refuses to write a file without annotations
            path.write_bytes(_END_MARK)
    except OSError as error:
        raise RecordError(f"{path}: cannot be written ({error.strerror}). Name another folder.") from None
    return path


def _write_with_wfdb(folder: Path, record: str, annotator: str, given: Annotations, fs_hz: float) -> None:
    import wfdb

    wfdb.wrann(
        record,
        annotator,
        given.samples,
        symbol=given.symbols.tolist(),
        subtype=given.subtype.copy(),  # wfdb changes it in place
        aux_note=list(given.aux),
        fs=fs_hz,
        write_dir=str(folder),
    )


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError:
        raise RecordError(
            f"{path}: not found. Name the annotator that the record has, and the folder of its files."
        ) from None
    if not content.endswith(_END_MARK):
        raise RecordError(f"{path}: truncated: its end mark is missing. Get or write the file again.")
    return content


def _to_rate(
    samples: npt.NDArray[np.int64], file_hz: float | None, fs_hz: float | None
) -> npt.NDArray[np.int64]:
    if file_hz is None or fs_hz is None or file_hz == fs_hz:
        return samples
    converted: npt.NDArray[np.int64] = np.floor(samples * (fs_hz / file_hz) + 0.5).astype(np.int64)
    return converted
