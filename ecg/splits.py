"""Division of records into training and test sets, and of databases into parts to choose on and to test on.

MIT-BIH is divided as de Chazal, O'Dwyer and Reilly did (IEEE Trans Biomed Eng 51(7):1196-1206, 2004), without
the four paced records. Their division puts record 201 into DS1 and record 202 of the same person into DS2;
training by patient therefore leaves out 201 and tests on the whole of DS2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

PACED: Final = ("102", "104", "107", "217")

# fmt: off
DS1: Final = (
    "101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122",
    "124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230",
)
DS2: Final = (
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210",
    "212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234",
)
# fmt: on
UNPACED: Final = tuple(sorted(DS1 + DS2))

# Records of one person. nstdb's are mitdb's 118 and 119 with noise added.
_SAME_PATIENT: Final = {
    ("mitdb", "202"): "mitdb/201",
    **{
        ("nstdb", f"{base}e{snr}"): f"mitdb/{base}"
        for base in ("118", "119")
        for snr in ("00", "06", "12", "18", "24", "_6")
    },
}

# Folds of DS1 for choosing recipes: the few patients with L (109, 207) and R (118, 124, 207) are spread.
_DS1_FOLDS: Final = (
    ("109", "118", "205", "215", "101"),
    ("207", "112", "223", "115", "122"),
    ("124", "119", "208", "220", "106"),
    ("203", "209", "116", "230", "108", "114"),
)


# Five folds of mitdb without the paced records. The few patients with L, R, fibrillation or most A and V
# beats are spread; 201 and 202 are one person.
_FIVE_FOLDS: Final = (
    ("100", "109", "115", "121", "205", "208", "212", "222", "228"),
    ("101", "111", "116", "118", "122", "201", "202", "213", "233"),
    ("103", "117", "123", "124", "200", "203", "207", "209", "230"),
    ("105", "106", "108", "112", "119", "210", "214", "220", "231"),
    ("113", "114", "215", "219", "221", "223", "232", "234"),
)


@dataclass(frozen=True)
class Split:
    """Training and test records of one database.

    Attributes
    ----------
    train, test : tuple of str
        Names of records; the same ones in both sets only when `by_patient` is False.
    by_patient : bool
        True: the sets have no patient in common. False: beats of the same records are divided at random.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    by_patient: bool = True


def patient_of(database: str, record: str) -> str:
    """Return a name that all records of one person share, e.g. "mitdb/201" for mitdb's 201 and 202."""
    return _SAME_PATIENT.get((database, record), f"{database}/{record}")


def ds1_ds2() -> Split:
    """Train on DS1 without record 201, whose patient DS2 has too; test on all of DS2."""
    test_patients = {patient_of("mitdb", record) for record in DS2}
    train = tuple(record for record in DS1 if patient_of("mitdb", record) not in test_patients)
    return Split(train, DS2)


def random_beats(records: Sequence[str] = UNPACED) -> Split:
    """Put every record into both sets: their beats are divided at random, not by patient."""
    return Split(tuple(records), tuple(records), by_patient=False)


def ds1_folds() -> tuple[Split, ...]:
    """Divide DS1 by patient in four ways, to choose recipes without using DS2."""
    records = ds1_ds2().train
    return tuple(Split(tuple(r for r in records if r not in fold), fold) for fold in _DS1_FOLDS)


@dataclass(frozen=True)
class PatientFold:
    """Records by database; no patient of the test set is in the training set.

    Attributes
    ----------
    name : str
        Name of the fold: "1", or the record that is left out.
    train, test : dict of str to tuple of str
        Names of records by database.
    """

    name: str
    train: dict[str, tuple[str, ...]]
    test: dict[str, tuple[str, ...]]


def five_patient_folds(present: Mapping[str, Sequence[str]]) -> tuple[PatientFold, ...]:
    """Divide the patients of mitdb, without the paced ones, and of svdb in five, to compare recipes.

    The division is fixed: a record is in the same fold whichever others there are. svdb is divided by the
    remainder of its numbers. nstdb's records test in the fold of the patient that they are made from.

    Parameters
    ----------
    present : mapping of str to sequence of str
        Records at hand by database: "mitdb", "svdb", "nstdb".
    """
    fold_of = {("mitdb", record): fold for fold, records in enumerate(_FIVE_FOLDS) for record in records}
    fold_of |= {("svdb", record): int(record) % 5 for record in present.get("svdb", ())}
    for record in present.get("nstdb", ()):
        database, _, name = patient_of("nstdb", record).partition("/")
        if (database, name) in fold_of:
            fold_of["nstdb", record] = fold_of[database, name]
    return tuple(_patient_fold(present, fold_of, number) for number in range(len(_FIVE_FOLDS)))


def _patient_fold(
    present: Mapping[str, Sequence[str]], fold_of: Mapping[tuple[str, str], int], number: int
) -> PatientFold:
    divided = {
        database: [record for record in sorted(records) if (database, record) in fold_of]
        for database, records in present.items()
    }
    return PatientFold(
        str(number + 1),
        {
            database: tuple(record for record in records if fold_of[database, record] != number)
            for database, records in divided.items()
            if database != "nstdb"
        },
        {
            database: tuple(record for record in records if fold_of[database, record] == number)
            for database, records in divided.items()
        },
    )


def without_fold(folds: Sequence[PatientFold], name: str) -> tuple[PatientFold, ...]:
    """Leave out a fold and its patients: what is chosen on the others may be tested on it.

    Raises
    ------
    ValueError
        When there is no such fold.
    """
    [held] = [fold for fold in folds if fold.name == name]
    return tuple(
        PatientFold(
            fold.name,
            {
                database: tuple(record for record in records if record not in held.test[database])
                for database, records in fold.train.items()
            },
            fold.test,
        )
        for fold in folds
        if fold is not held
    )


def ds1_patient_folds(present: Sequence[str]) -> tuple[PatientFold, ...]:
    """Divide the records of DS1 that are present by patient in four."""
    at_hand = set(present)
    return tuple(
        PatientFold(
            str(number),
            {"mitdb": tuple(record for record in split.train if record in at_hand)},
            {"mitdb": tuple(record for record in split.test if record in at_hand)},
        )
        for number, split in enumerate(ds1_folds(), start=1)
    )


def leave_one_patient_out(present: Sequence[str] = UNPACED) -> tuple[PatientFold, ...]:
    """Divide mitdb, without the paced records, into one fold a person."""
    names = [record for record in UNPACED if record in set(present)]
    people = dict.fromkeys(patient_of("mitdb", record) for record in names)
    return tuple(
        PatientFold(
            person.partition("/")[2],
            {"mitdb": tuple(record for record in names if patient_of("mitdb", record) != person)},
            {"mitdb": tuple(record for record in names if patient_of("mitdb", record) == person)},
        )
        for person in people
    )


def synthetic(records: Sequence[str]) -> Split:
    """Divide the synthetic database: every third patient, one record each, is in the test set."""
    names = sorted(records)
    return Split(tuple(n for i, n in enumerate(names) if i % 3 != 2), tuple(names[2::3]))


# ---- parts of databases -----------------------------------------------------------------------------

Part = Literal["development", "test", "unused", "all"]
PARTS: Final[tuple[Part, ...]] = ("development", "test", "unused", "all")
"""Records that choices are made on, records that only test, records that neither did, and all of them."""

# fmt: off
_QTDB: Final = (
    "sel14046", "sel14172", "sel16265", "sel16273", "sel16483", "sel16773", "sel16795", "sel17453",
    "sele0106", "sele0110", "sele0112", "sele0116", "sele0122", "sele0126", "sele0133", "sele0166",
    "sele0203", "sele0211", "sele0405", "sele0409", "sele0509", "sele0604", "sele0607", "sele0612",
)
# fmt: on
_QTDB_EXCERPT: Final = re.compile(r"sel[128]\d\d")
"""Names of qtdb's excerpts from mitdb and svdb."""


def part_of(database: str, record: str) -> Part:
    """Return the part of a database that a record belongs to; "all" where it belongs to none.

    mitdb: DS1 is the development part and DS2 the test part; the paced records belong to neither. svdb: even
    numbers, odd numbers. nstdb: test. vfdb, ludb and cinc2017: by the remainder of the number, odd numbers
    are unused. qtdb: 12 records each; the others are unused, but excerpts of mitdb and svdb belong to none.
    """
    rule = _PART_RULES.get(database)
    return rule(record) if rule else "all"


def has_parts(database: str) -> bool:
    """Check if a database is divided into parts; the others are taken whole."""
    return database in _PART_RULES


def part_title(records: str, part: Part) -> str:
    """Name the records of one part in tables, such as "mitdb, test part"."""
    return f"{records}, {part} part"


def select_part(database: str, records: Sequence[str], part: Part) -> tuple[str, ...]:
    """Select the records of one part of a database; all of them for "all"."""
    return tuple(name for name in records if part in ("all", part_of(database, name)))


def _mitdb_part(record: str) -> Part:
    return "development" if record in DS1 else "test" if record in DS2 else "all"


def _qtdb_part(record: str) -> Part:
    if record in _QTDB:
        return "test" if _QTDB.index(record) % 2 else "development"
    return "all" if _QTDB_EXCERPT.fullmatch(record) else "unused"


def _by_remainder(divisor: int, development: Sequence[int], test: Sequence[int]) -> Callable[[str], Part]:
    """Make the rule that divides by the remainder of the number in a record's name."""

    def part(record: str) -> Part:
        digits = re.sub(r"\D", "", record)
        remainder = int(digits) % divisor if digits else -1
        return "development" if remainder in development else "test" if remainder in test else "unused"

    return part


_PART_RULES: Final[dict[str, Callable[[str], Part]]] = {
    "mitdb": _mitdb_part,
    "nstdb": lambda record: "test",
    "svdb": _by_remainder(2, (0,), (1,)),
    "vfdb": _by_remainder(4, (2,), (0,)),
    "qtdb": _qtdb_part,
    "ludb": _by_remainder(4, (0,), (2,)),
    "cinc2017": _by_remainder(8, (0,), (4,)),
}
