"""Beats as the device computes them: records processed by the C signal path, with annotated symbols.

The beats of a record are cached; the key holds the record's bytes and the signal path's fingerprint, so that
a change of either computes them again.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge import firmware
from ecg_edge.ecg.files import cache_folder, replacing
from ecg_edge.ecg.labels import LABELS
from ecg_edge.ecg.leads import AUTO
from ecg_edge.ecg.records import FS_HZ, Record, load_record, record_files
from ecg_edge.ecg.scoring.beats import match_beats
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.training.progress import OnRecord

ANY_CONDUCTION: Final = "*"
"""Symbol of training beats that may be N, L or R; no annotator uses it for a beat."""

MATCH_WINDOW: Final = round(MATCH_WINDOW_S * FS_HZ)


@dataclass(frozen=True, eq=False)
class Beats:
    """Beats of any number of records.

    Attributes
    ----------
    features : ndarray of firmware.BEAT_DTYPE, shape (n,)
        Outputs of the signal path for each beat.
    symbols : ndarray of str, shape (n,)
        Annotated symbol; "" for a detection without an annotated beat.
    records : ndarray of str, shape (n,)
        Name of the record of each beat.
    """

    features: npt.NDArray[Any]
    symbols: npt.NDArray[np.str_]
    records: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.symbols)

    def __getitem__(self, chosen: npt.NDArray[Any]) -> Beats:
        """Select beats by an index array or a mask."""
        return Beats(self.features[chosen], self.symbols[chosen], self.records[chosen])

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Index in `LABELS` of each beat; -1 outside the five classes. `ANY_CONDUCTION` counts as N."""
        return np.where(self.any_conduction, LABELS.index("N"), label_indices(self.symbols))

    @property
    def any_conduction(self) -> npt.NDArray[np.bool_]:
        """Mask of the beats that may be N, L or R."""
        mask: npt.NDArray[np.bool_] = self.symbols == ANY_CONDUCTION
        return mask

    @property
    def beat(self) -> npt.NDArray[np.int8]:
        """Tensor "beat" as the device has it, shape (n, 128, 2)."""
        return np.ascontiguousarray(self.features["beat"])

    @property
    def rhythm(self) -> npt.NDArray[np.int8]:
        """Tensor "rhythm" as the device has it, shape (n, 27)."""
        return np.ascontiguousarray(self.features["rhythm"])

    def five_classes(self) -> Beats:
        """Select the beats of the network's five classes."""
        return self[self.labels >= 0]


def label_indices(symbols: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """Return the index in `LABELS` of each annotated symbol; -1 outside the five classes."""
    matches = symbols[:, None] == np.array(LABELS)[None, :]
    return np.where(matches.any(1), matches.argmax(1), -1)


def concatenate(parts: Iterable[Beats]) -> Beats:
    """Join beats in the order of `parts`."""
    parts = list(parts)
    return Beats(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.symbols for part in parts]),
        np.concatenate([part.records for part in parts]),
    )


def no_beats() -> Beats:
    """Make an empty set of beats."""
    return Beats(np.zeros(0, firmware.BEAT_DTYPE), np.zeros(0, "U1"), np.zeros(0, "U1"))


def dequantize(
    beat: npt.NDArray[np.int8], rhythm: npt.NDArray[np.int8]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Convert the device's int8 tensors to the real values that they represent.

    Parameters
    ----------
    beat, rhythm : ndarray of int8, shapes (n, 128, 2) and (n, 27)

    Returns
    -------
    ndarrays of float32, shapes (n, 1, 128, 2) and (n, 27)
        The network's inputs.
    """
    beat_scale, rhythm_scale = np.float32(firmware.BEAT_SCALE), np.float32(firmware.RHYTHM_SCALE)
    return beat[:, None].astype(np.float32) * beat_scale, rhythm.astype(np.float32) * rhythm_scale


def load_beats(
    root: Path,
    database: str,
    records: Sequence[str],
    peaks: str,
    cache: Path | None = None,
    on_record: OnRecord | None = None,
    *,
    lead: str = AUTO,
    annotator: str = "atr",
) -> Beats:
    """Load the beats of `records`.

    Parameters
    ----------
    root : Path
        Folder of the databases.
    peaks : str
        "annotated": use the annotated R peaks. "detected": run the detector, and give each beat the symbol
        of the annotated beat within 150 ms.
    cache : Path, optional
        Folder of cached beats; by default one in the user's cache folder.
    on_record : callable, optional
        Called before each record is read.
    lead : str
        Name of the lead; "auto": MLII, else II, else the first ECG lead (svdb: ECG1).
    annotator : str
        Suffix of the annotation files.
    """
    folder = beats_cache() if cache is None else cache
    parts = []
    for number, name in enumerate(records, start=1):
        if on_record is not None:
            on_record(name, number, len(records))
        features, symbols = _cached(root, database, name, peaks, folder, lead, annotator)
        parts.append(Beats(features, symbols, np.full(len(symbols), name)))
    return concatenate(parts)


def beats_cache() -> Path:
    """Return the folder of cached beats, in the user's cache folder."""
    return cache_folder() / "beats"


def find_beats(record: Record, peaks: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.str_]]:
    """Process a record by the signal path.

    Annotated beats outside the signal are left out.

    Parameters
    ----------
    record : Record
        Its annotations may be in any order.
    peaks : str
        "annotated" or "detected", see `load_beats`.

    Returns
    -------
    ndarray of firmware.BEAT_DTYPE, shape (n,), and ndarray of str, shape (n,)
        Beats, and the annotated symbol of each ("" for none).
    """
    annotated, annotated_symbols = _beats_in_order(record)
    marks = annotated if peaks == "annotated" else None
    features = firmware.process(record.samples, adu_per_mv=record.adu_per_mv, r_peaks=marks)
    symbols = np.full(len(features), "", dtype="U1")
    pairs = match_beats(annotated, features["r_sample"].astype(np.int64), MATCH_WINDOW)
    symbols[pairs[:, 1]] = annotated_symbols[pairs[:, 0]]
    return features, symbols


def _beats_in_order(record: Record) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Sort the annotated beats by time; signal path and matching need them ascending, in the signal."""
    samples, symbols = record.beat_samples, record.beat_symbols
    order = np.argsort(samples, kind="stable")
    inside = (samples[order] >= 0) & (samples[order] < len(record.samples))
    return samples[order][inside], symbols[order][inside]


def keep_beats(name: str, depends_on: Iterable[Path | str], make: Callable[[], Beats]) -> Beats:
    """Load beats that were made before, or make and keep them.

    Parameters
    ----------
    name : str
        Beginning of the file's name.
    depends_on : iterable of Path or str
        What the beats are made from, besides the signal path: files, the source of the code, settings.
    make : callable
        Makes the beats.
    """
    digest = hashlib.sha256(f"{firmware.fingerprint():08x} {firmware.BEAT_DTYPE.descr}".encode())
    for part in depends_on:
        content = str(part).encode() if isinstance(part, str) else _content(part)
        digest.update(hashlib.sha256(content).digest())
    path = beats_cache() / f"{name.replace('/', '-')}-{digest.hexdigest()[:16]}.npz"
    stored = _read_cached(path)
    if stored is not None:
        return Beats(*stored)
    beats = make()
    _keep(path, beats)
    return beats


def _cached(
    root: Path, database: str, name: str, peaks: str, folder: Path, lead: str, annotator: str
) -> tuple[npt.NDArray[Any], npt.NDArray[np.str_]]:
    key = _key(root, database, name, lead, annotator)
    path = folder / f"{database}-{name.replace('/', '-')}-{peaks}-{key}.npz"
    stored = _read_cached(path)
    if stored is not None:
        return stored[0], stored[1]
    record = load_record(root, database, name, lead, annotator, annotations_required=True)
    features, symbols = find_beats(record, peaks)
    _keep(path, Beats(features, symbols, np.full(len(symbols), name)))
    return features, symbols


def _keep(path: Path, beats: Beats) -> None:
    with replacing(path) as partial:  # two processes may write the same beats at once
        np.savez(partial, features=beats.features, symbols=beats.symbols, records=beats.records)


def _read_cached(path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[np.str_], npt.NDArray[np.str_]] | None:
    """Read kept beats; None where there are none, or the file is damaged."""
    try:
        # np.load alone leaves the file open when it is no archive.
        with path.open("rb") as file, np.load(file) as stored:
            return stored["features"], stored["symbols"], stored["records"]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _key(root: Path, database: str, name: str, lead: str, annotator: str) -> str:
    """Hash of the record's files, the lead, and the signal path's behaviour."""
    digest = hashlib.sha256(f"{firmware.fingerprint():08x} {firmware.BEAT_DTYPE.descr} {lead}".encode())
    for path in record_files(root, database, name, annotator):
        digest.update(_content(path))
    return digest.hexdigest()[:16]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b"missing"
