"""Splits never have one patient on both sides."""

from __future__ import annotations

import pytest

from ecg_edge.ecg.databases import DATABASES
from ecg_edge.ecg.splits import (
    DS1,
    DS2,
    PACED,
    Split,
    ds1_ds2,
    ds1_folds,
    five_patient_folds,
    leave_one_patient_out,
    part_of,
    patient_of,
    random_beats,
    select_part,
    synthetic,
)

BY_PATIENT = [ds1_ds2(), *ds1_folds()]


def test_ds1_and_ds2_are_all_records_that_are_not_paced() -> None:
    assert len(DS1) == len(DS2) == 22
    assert set(DS1) | set(DS2) | set(PACED) == set(DATABASES["mitdb"].records)
    assert not set(DS1) & set(DS2)


def test_201_and_202_are_one_patient() -> None:
    assert patient_of("mitdb", "201") == patient_of("mitdb", "202")
    assert patient_of("nstdb", "118e06") == patient_of("mitdb", "118")
    names = [patient_of("mitdb", name) for name in DATABASES["mitdb"].records]
    assert len(set(names)) == 47


@pytest.mark.parametrize("split", BY_PATIENT, ids=["DS1->DS2", "fold 1", "fold 2", "fold 3", "fold 4"])
def test_no_patient_is_on_both_sides(split: Split) -> None:
    assert split.by_patient
    train, test = ({patient_of("mitdb", name) for name in side} for side in (split.train, split.test))
    assert train and test and not train & test


def test_training_leaves_out_the_patient_of_ds2_and_nothing_else() -> None:
    split = ds1_ds2()
    assert set(DS1) - set(split.train) == {"201"}
    assert split.test == DS2


def test_folds_test_every_training_record_once_and_never_open_ds2() -> None:
    folds = ds1_folds()
    tested = [name for fold in folds for name in fold.test]
    assert sorted(tested) == sorted(ds1_ds2().train)
    assert not {name for fold in folds for name in fold.train + fold.test} & set(DS2)


def people(records: dict[str, tuple[str, ...]]) -> set[str]:
    return {patient_of(database, name) for database, names in records.items() for name in names}


def test_five_folds_test_every_patient_once() -> None:
    names = {name: DATABASES[name].records for name in ("mitdb", "svdb", "nstdb")}
    folds = five_patient_folds(names)
    assert all(not people(fold.train) & people(fold.test) for fold in folds)
    tested = [(database, name) for fold in folds for database in fold.test for name in fold.test[database]]
    assert len(tested) == len(set(tested))
    assert {name for database, name in tested if database == "mitdb"} == set(DS1) | set(DS2)
    assert {name for database, name in tested if database == "svdb"} == set(names["svdb"])
    [fold] = [fold for fold in folds if "118e06" in fold.test["nstdb"]]
    assert "118" in fold.test["mitdb"] and "nstdb" not in fold.train
    assert min(len(fold.test["svdb"]) for fold in folds) >= 14


def test_five_folds_stay_when_records_come() -> None:
    few = five_patient_folds({"mitdb": ("100", "101"), "svdb": ("800", "801")})
    more = five_patient_folds({"mitdb": DS1 + DS2, "svdb": ("800", "801", "802")})
    for before, after in zip(few, more, strict=True):
        assert all(set(before.test[name]) <= set(after.test[name]) for name in ("mitdb", "svdb"))


def test_one_patient_is_left_out_at_a_time() -> None:
    folds = leave_one_patient_out()
    assert len(folds) == 43
    assert [fold.test["mitdb"] for fold in folds if len(fold.test["mitdb"]) > 1] == [("201", "202")]
    assert all(not people(fold.train) & people(fold.test) for fold in folds)
    assert len(leave_one_patient_out(("100", "101", "102"))) == 2, "102 is paced"


def test_a_random_split_says_that_it_is_not_by_patient() -> None:
    split = random_beats()
    assert not split.by_patient
    assert set(split.train) == set(split.test) == set(DS1) | set(DS2)


def test_synthetic_patients_are_divided_and_each_kind_is_on_both_sides() -> None:
    split = synthetic([f"s{number:02d}" for number in range(1, 10)])
    assert split.test == ("s03", "s06", "s09")
    assert not set(split.train) & set(split.test)
    assert len(split.train) == 6


@pytest.mark.parametrize(
    ("database", "development", "test", "others"),
    [
        ("mitdb", "101", "100", {"102": "all"}),
        ("svdb", "800", "801", {}),
        ("vfdb", "418", "420", {"419": "unused", "421": "unused"}),
        ("qtdb", "sel14046", "sel14172", {"sel30": "unused", "sel100": "all", "sel803": "all"}),
        ("ludb", "data/4", "data/2", {"data/1": "unused"}),
        ("cinc2017", "A00008", "A00004", {"A00001": "unused", "A00002": "unused"}),
    ],
)
def test_each_record_belongs_to_one_part(
    database: str, development: str, test: str, others: dict[str, str]
) -> None:
    names = (development, test, *others)
    assert select_part(database, names, "development") == (development,)
    assert select_part(database, names, "test") == (test,)
    assert {name: part_of(database, name) for name in others} == others
    assert select_part(database, names, "all") == names


def test_the_noise_records_only_test_and_own_records_belong_to_no_part() -> None:
    assert part_of("nstdb", "118e06") == "test"
    assert part_of("own", "r1") == "all" and part_of("ludb", "x") == "unused"
