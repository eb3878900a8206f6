"""Names of records, databases and files, and the records that they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.ecg import selection
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.selection import RecordName, select_records


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("mitdb/100", "mitdb/101", "svdb/800", "own/100", "own/7", "mitdb/109"):
        path = tmp_path / "data" / f"{name}.hea"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "data" / "mitdb" / "101.atr").touch()
    (tmp_path / "data" / "own" / "night.edf").touch()
    return tmp_path / "data"


def names_of(names: list[str], root: Path | None, annotator: str | None = None) -> list[str]:
    return [str(record) for record in select_records(names, root, annotator)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["101", "100"], ["mitdb/101", "mitdb/100"]),
        (["mitdb/100", "own/100"], ["mitdb/100", "own/100"]),
        (["svdb/", "7"], ["svdb/800", "own/7"]),
        (["mitdb", "mitdb/101", "101"], ["mitdb/100", "mitdb/101", "mitdb/109"]),
        (["night.edf"], ["own/night.edf"]),
        (
            ["all"],
            ["mitdb/100", "mitdb/101", "mitdb/109", "svdb/800", "own/100", "own/7", "own/night.edf"],
        ),
    ],
)
def test_records_databases_and_all(root: Path, names: list[str], expected: list[str]) -> None:
    assert names_of(names, root) == expected


def test_a_database_gives_the_records_with_the_annotator(root: Path) -> None:
    assert names_of(["mitdb"], root, "atr") == ["mitdb/101"]
    assert names_of(["mitdb/100"], root, "atr") == ["mitdb/100"]
    with pytest.raises(RecordError, match=r"svdb.*annotator 'atr'"):
        select_records(["svdb"], root, "atr")


def test_a_path_needs_no_data_root(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECG_EDGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.chdir(root / "own")
    assert select_records(["7.hea", str(root / "own" / "night.edf")]) == [
        RecordName(root, "own", "7"),
        RecordName(root, "own", "night.edf"),
    ]
    with pytest.raises(RecordError, match=r"no records found.*data get.*--data"):
        select_records(["7"])


def test_a_name_in_two_databases_is_refused_with_both(root: Path) -> None:
    (root / "more").mkdir()
    (root / "more" / "7.hea").touch()
    with pytest.raises(RecordError, match=r"more/7 or own/7"):
        select_records(["7"], root)


@pytest.mark.parametrize("name", ["900", "mitdb/900", "none/100", "x.hea", ""])
def test_an_unknown_name_lists_the_databases(root: Path, name: str) -> None:
    with pytest.raises(RecordError, match=r"mitdb, svdb, own.*mitdb/100"):
        select_records([name], root)


def test_any_file_of_a_record_names_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    for name in ("data/mitdb/101", "data/mitdb/101.hea", "data/mitdb/101.atr"):
        assert select_records([name]) == [RecordName(root, "mitdb", "101")]


def test_a_record_in_a_folder_of_a_database(root: Path) -> None:
    (root / "ludb" / "data").mkdir(parents=True)
    (root / "ludb" / "data" / "2.hea").touch()
    assert select_records(["ludb/data/2"], root) == [RecordName(root, "ludb", "data/2")]
    assert select_records(["ludb/2"], root) == select_records(["ludb"], root)


@pytest.mark.parametrize("name", ["ecg.csv", "ecg.mat", "ecg.xml"])
def test_a_file_of_another_format_lists_those_that_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(RecordError, match=rf"{name}: .*WFDB.*EDF"):
        select_records([str(tmp_path / name)])


def test_a_suffix_of_a_record_is_left_out(root: Path) -> None:
    for name in ("mitdb/101.hea", "101.dat", "101.hea"):
        assert names_of([name], root) == ["mitdb/101"]
    assert names_of(["own/night.edf"], root) == ["own/night.edf"]


def test_a_folder_of_records_is_a_database(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECG_EDGE_DATA", raising=False)
    assert names_of([str(root / "mitdb")], None) == ["mitdb/100", "mitdb/101", "mitdb/109"]
    monkeypatch.chdir(root / "svdb")
    assert select_records(["."]) == [RecordName(root, "svdb", "800")]
    with pytest.raises(RecordError, match=r"this folder holds no records.*--data"):
        select_records([str(root)])


@pytest.mark.parametrize("name", ["{}/no.hea", "{}/no", "../no.hea", "no/x_011.hea"])
def test_a_file_that_does_not_exist_is_named_as_such(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RecordError, match="no such file"):
        select_records([name.format(root)], root)
    monkeypatch.delenv("ECG_EDGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "empty"))
    with pytest.raises(RecordError, match="no such file"):
        select_records([name.format(root)])


def test_synthetic_records_are_made_where_they_are_missing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(data: Path | None) -> Path:
        assert data == root
        (root / "made" / "synth").mkdir(parents=True)
        (root / "made" / "synth" / "s03.hea").touch()
        return root / "made"

    monkeypatch.setattr(selection, "synthetic_root", made)
    assert select_records(["synth/s03"], root) == [RecordName(root / "made", "synth", "s03")]


def test_nstdb_does_not_stand_for_its_noise(root: Path) -> None:
    (root / "nstdb").mkdir()
    for name in ("118e00", "bw", "em", "ma"):
        (root / "nstdb" / f"{name}.hea").touch()
    assert names_of(["nstdb"], root) == ["nstdb/118e00"]
    assert names_of(["all"], root, "atr") == ["mitdb/101"]  # the others have no annotations: left out
    assert names_of(["nstdb/bw", "em"], root) == ["nstdb/bw", "nstdb/em"]
