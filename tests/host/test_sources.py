"""Leads of records as evaluations read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.ecg.errors import RecordError
from ecg_edge.host.evaluation.sources import (
    Conditions,
    board_rate,
    covers_whole,
    list_sources,
    read_annotated,
    read_reference,
    read_source,
    resampled,
)
from tests.support.wfdb_files import pack, write_record

VALUES = np.rint(200 * np.sin(np.arange(3600) / 20)).astype(np.int64)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """own/three has the leads i, ii and Resp, own/twins two leads of one name, both at 500 Hz."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, leads in (("three", ("i", "ii", "Resp")), ("twins", ("ECG", "ECG"))):
        lines = [f"{name} {len(leads)} 500 3600", *(f"{name}.dat 16 200 16 0 0 0 0 {lead}" for lead in leads)]
        (folder / f"{name}.hea").write_text("\n".join(lines))
        (folder / f"{name}.dat").write_bytes(pack(np.repeat(VALUES, len(leads)), 16))
    write_annotations(folder, "three", "ii", Annotations.of([500, 1000, 3000], ["N", "p", "N"]), 500)
    return tmp_path


def titles(root: Path, name: str, *leads: str) -> list[str]:
    return [source.title for source in list_sources(root, "own", [name], Conditions(leads=leads))]


def test_leads_are_listed_by_name_and_by_number_where_a_name_occurs_twice(root: Path) -> None:
    assert titles(root, "three", "auto") == ["three"]
    assert titles(root, "three", "all") == ["three i", "three ii"]
    assert titles(root, "three", "II", "V9") == ["three ii"]
    assert titles(root, "three", "ii") == ["three"]
    assert titles(root, "twins", "all") == ["twins ECG/0", "twins ECG/1"]
    with pytest.raises(RecordError, match="V9"):
        titles(root, "three", "V8", "V9")


def test_a_lead_s_own_annotations_are_its_reference_from_the_first_beat_to_the_last(root: Path) -> None:
    one, two = list_sources(root, "own", ["three"], Conditions(leads=("all",)))
    assert read_reference(one, Conditions()) is None
    reference = read_reference(two, Conditions())
    assert reference is not None and (reference.start_s, reference.end_s) == (1, 6)
    assert not covers_whole(two, Conditions())
    record = read_annotated(two, Conditions(fs_hz=250))
    assert record.beat_samples.tolist() == [250, 1500]


def test_a_named_annotator_must_be_there(root: Path) -> None:
    [source] = list_sources(root, "own", ["three"], Conditions())
    with pytest.raises(RecordError, match="q1c"):
        read_reference(source, Conditions(reference="q1c"))


def test_amplitude_and_polarity(root: Path) -> None:
    [source] = list_sources(root, "own", ["three"], Conditions())
    upright = read_source(source, Conditions()).samples.astype(int)
    turned = read_source(source, Conditions(scale=0.5, invert=True)).samples
    assert np.abs(turned + upright / 2).max() <= 0.5
    huge = read_source(source, Conditions(scale=100)).samples
    assert (huge.min(), huge.max()) == (-20000, 20000)


@pytest.mark.parametrize(
    ("rate", "board"),
    [
        ("100", 250),
        ("128", 250),
        ("249.9", 250),
        ("300", 250),
        ("310.5", 360),
        ("360", 360),
        ("500", 500),
        ("1000", 500),
    ],
)
def test_other_rates_go_to_the_nearest_board(rate: str, board: int, tmp_path: Path) -> None:
    count = round(9 * float(rate))
    wave = np.rint(200 * np.sin(2 * np.pi * np.arange(count) / float(rate))).astype(np.int64)
    write_record(tmp_path / "own", "r", wave, rate=rate)
    [source] = list_sources(tmp_path, "own", ["r"], Conditions())
    native = Conditions(fs_hz=None)
    assert board_rate(source, native) == board
    record = read_source(source, native)
    assert record.fs_hz == board and record.duration_s == pytest.approx(9, abs=0.02)
    assert record.samples.max() == pytest.approx(200, abs=8)
    assert (resampled([source], native) == "") == (float(rate) == board)
    if rate == "1000":
        assert resampled([source], native) == "1 from 1000 to 500 Hz"


def test_a_checksum_of_0_is_none_and_another_is_checked(tmp_path: Path) -> None:
    write_record(tmp_path / "own", "none", VALUES, rest=" 16 0 0 0 0 ECG")
    write_record(tmp_path / "own", "right", VALUES, rest=f" 16 0 0 {int(VALUES.sum()) % 65536} 0 ECG")
    write_record(tmp_path / "own", "wrong", VALUES, rest=f" 16 0 0 {int(VALUES.sum()) % 65536 + 1} 0 ECG")
    for name in ("none", "right"):
        [source] = list_sources(tmp_path, "own", [name], Conditions())
        assert len(read_source(source, Conditions()).samples) == 3600
    [source] = list_sources(tmp_path, "own", ["wrong"], Conditions())
    with pytest.raises(RecordError, match="checksum"):
        read_source(source, Conditions())
