"""Strips of a recipe's virtual patients, generated once and kept in the run folder."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.files import replacing
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.firmware import STRIP_POINTS, strip_fingerprint
from ecg_edge.training.morphology.patients import SEEDS, Ranges, example
from ecg_edge.training.morphology.recipe import StripData
from ecg_edge.training.progress import OnRecord

_SHOWN_EVERY = 250  # patients
_CHUNK = 1000


@dataclass(frozen=True, eq=False)
class StripSet:
    """Strips with their classes.

    Attributes
    ----------
    strips : ndarray of int8, shape (n, 900)
        As the device makes them.
    labels : ndarray of int64, shape (n,)
        Index in `MORPHOLOGY`.
    patients : ndarray of int64, shape (n,)
        Seed of the virtual patient.
    """

    strips: npt.NDArray[np.int8]
    labels: npt.NDArray[np.int64]
    patients: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: npt.NDArray[np.generic]) -> StripSet:
        return StripSet(self.strips[chosen], self.labels[chosen], self.patients[chosen])


def training_ranges(data: StripData) -> Ranges:
    """Limits of training and validation strips."""
    return Ranges(
        (data.snr_db[0], data.snr_db[1]),
        (data.depression_mv[0], data.depression_mv[1]),
        (data.elevation_mv[0], data.elevation_mv[1]),
        (data.inversion_mv[0], data.inversion_mv[1]),
        data.subtle,
        data.sinus_arrhythmia,
        data.front_ends,
    )


def generate_set(
    part: str, patients: int, ranges: Ranges, on_record: OnRecord | None = None, first: int = 0
) -> StripSet:
    """Generate one strip of every class of each patient.

    Parameters
    ----------
    part : str
        Of `SEEDS`: its patients are in no other part.
    patients : int
    ranges : Ranges
    on_record : callable, optional
    first : int
        Number of the first patient in the part.
    """
    found = np.empty((patients, len(MORPHOLOGY), STRIP_POINTS), np.int8)
    for number in range(patients):
        if on_record and number % _SHOWN_EVERY == 0:
            on_record(f"of {part} patient", first + number + 1, first + patients)
        for label in range(len(MORPHOLOGY)):
            found[number, label], _ = example(label, SEEDS[part] + first + number, ranges)
    seeds = np.repeat(SEEDS[part] + first + np.arange(patients), len(MORPHOLOGY))
    labels = np.tile(np.arange(len(MORPHOLOGY)), patients)
    return StripSet(found.reshape(-1, STRIP_POINTS), labels, seeds)


def cached_set(
    folder: Path, part: str, patients: int, ranges: Ranges, on_record: OnRecord | None = None
) -> StripSet:
    """Read a set from `folder`, or generate it and keep it there, in files of 1000 patients.

    A file is generated again when its settings change, or the generator or the signal path.
    """
    chunks = [
        _cached_chunk(folder, part, first, min(_CHUNK, patients - first), ranges, on_record)
        for first in range(0, patients, _CHUNK)
    ]
    return StripSet(
        np.concatenate([one.strips for one in chunks]),
        np.concatenate([one.labels for one in chunks]),
        np.concatenate([one.patients for one in chunks]),
    )


def _cached_chunk(
    folder: Path, part: str, first: int, patients: int, ranges: Ranges, on_record: OnRecord | None
) -> StripSet:
    path = folder / f"{part}-{first}-{_key(part, first, patients, ranges):08x}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return StripSet(kept["strips"], kept["labels"], kept["patients"])
    made = generate_set(part, patients, ranges, on_record, first)
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, strips=made.strips, labels=made.labels, patients=made.patients)
    return made


def _key(part: str, first: int, patients: int, ranges: Ranges) -> int:
    """CRC of the settings, of the signal path, and of two patients as they are generated now."""
    given = {name: value for name, value in asdict(ranges).items() if value is not None}
    key = zlib.crc32(repr((patients, given, strip_fingerprint())).encode())
    for label in range(len(MORPHOLOGY)):
        for number in range(first, first + 2):
            key = zlib.crc32(example(label, SEEDS[part] + number, ranges)[0].tobytes(), key)
    return key
