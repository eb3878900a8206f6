"""Databases of virtual patients: "virtual" for training, "classes" for the morphology network on a device.

Of three patients in a row of "virtual" one conducts normally, one has left and one right bundle branch
block. Each has a record with atrial and one with ventricular premature beats, and one of another rhythm.
"classes" is one record of each class of the morphology network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.databases import cache_root, records_in
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.ecg.synthetic.files import record_name, write_wfdb
from ecg_edge.ecg.synthetic.generator import Settings

DATABASE: Final = "virtual"
PATIENTS: Final = 60
MINUTES: Final = 2.0
FIRST_SEED: Final = 40_000_000
"""Apart from the morphology network's patients and from those of the generator's users, who start at 1."""

CLASSES_DATABASE: Final = "classes"
CLASSES_SEED: Final = 41_000_000

_CONDUCTION: Final = "NLR"
_EVERYONE: Final = ("atrial-premature", "ventricular-premature")
# N beats that are irregular without P waves, and premature beats in other orders than single ones.
_OTHERS: Final = (
    "atrial-fibrillation",
    "bigeminy",
    "sinus-tachycardia",
    "supraventricular-runs",
    "sinus-arrhythmia",
    "ventricular-runs",
    "atrial-flutter",
    "trigeminy",
    "ventricular-tachycardia",
    "pauses",
)
# Beside the usual level of noise a good and a bad one; leads of which most records have the first.
_SNR_DB: Final = (None, 24.0, 12.0)
_LEADS: Final = ("II", "II", "II", "V5")


def settings_of(patient: int) -> Iterator[Settings]:
    """Yield what to generate for one patient, by his number from 0: one item a record."""
    number = patient // len(_CONDUCTION)
    for kind in (*_EVERYONE, _OTHERS[number % len(_OTHERS)]):
        yield Settings(
            kind,
            seed=FIRST_SEED + patient,
            leads=(_LEADS[number % len(_LEADS)],),
            snr_db=_SNR_DB[number % len(_SNR_DB)],
            conduction=_CONDUCTION[patient % len(_CONDUCTION)],
        )


def make_virtual_patients(
    root: Path,
    patients: int = PATIENTS,
    minutes: float = MINUTES,
    on_record: Callable[[str], None] | None = None,
) -> tuple[str, ...]:
    """Write the records of `patients`, each of `minutes`, to `root/virtual`.

    Parameters
    ----------
    root : Path
        Folder of the databases.
    patients : int
    minutes : float
        Length of each record in minutes.
    on_record : callable, optional
        Called with each record's name before it is made.

    Returns
    -------
    tuple of str
        Names of the records.
    """
    names = []
    for settings in (one for patient in range(patients) for one in settings_of(patient)):
        names.append(record_name(settings))
        if on_record is not None:
            on_record(names[-1])
        write_wfdb(root / DATABASE, settings, 60 * minutes)
    return tuple(names)


def make_classes(root: Path, minutes: float = 1.0) -> tuple[str, ...]:
    """Write a record of `minutes` of each class of `MORPHOLOGY` to `root/classes`; return their names."""
    settings = [Settings(kind, seed=CLASSES_SEED + n) for n, kind in enumerate(MORPHOLOGY)]
    for one in settings:
        write_wfdb(root / CLASSES_DATABASE, one, 60 * minutes)
    return tuple(record_name(one) for one in settings)


def virtual_root() -> Path:
    """Return the folder of the database in the user's cache; it is generated where it is missing."""
    root = cache_root().parent / f"virtual-{_generator()}"  # another generator, another folder
    if len(records_in(root, DATABASE)) != sum(len(list(settings_of(n))) for n in range(PATIENTS)):
        make_virtual_patients(root)
    return root


def patients_of(records: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Return the patient of each record, by its name: the seed at its end."""
    return np.array([name.rpartition("_")[2] for name in records.tolist()], dtype=np.str_)


def _generator() -> str:
    """Hash of the modules that determine the records."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
