"""Recordings: whole at every moment, with every sample, beat, event and gap at its place."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray

from ecg_edge.ecg.annotations import END_MARK, annotation_bytes, file_head, read_annotations
from ecg_edge.ecg.errors import EcgEdgeError, OutputError, RecordError
from ecg_edge.ecg.records import load_record
from ecg_edge.firmware.binding.rhythm import COUPLET_V
from ecg_edge.host.analysis import reading
from ecg_edge.host.live.items import (
    INVALID,
    BeatMark,
    Gap,
    Item,
    LeadChange,
    LinkChange,
    Origin,
    StripMark,
    Wave,
    place_of,
)
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.recording import record_writer
from ecg_edge.host.recording import recorder as recorder_module
from ecg_edge.host.recording import recording as recording_module
from ecg_edge.host.recording.record_writer import GrowingFile
from ecg_edge.host.recording.recorder import Recorder
from ecg_edge.host.recording.recording import Recording, RecordingSource
from tests.conftest import ROOT
from tests.support.clock import VirtualClock
from tests.support.made_session import FS_HZ, ORIGIN, ROTATE, event, items, samples
from tests.support.messages import made_event

STARTED = datetime(2026, 1, 31, 23, 59, 58, 250_000, tzinfo=timezone.utc)


def recorded(path: Path, length: int = 10 * FS_HZ) -> Path:
    with Recorder(path, ORIGIN, started=STARTED) as recorder:
        recorder.take(items(0, length))
    return path


def test_wfdb_reads_samples_beats_and_time(tmp_path: Path) -> None:
    path = recorded(tmp_path / "night")
    record = wfdb.rdrecord(str(path), physical=False)
    assert np.array_equal(record.d_signal[:, 0], samples(0, 10 * FS_HZ))
    assert (record.fs, record.adc_gain, record.units) == (FS_HZ, [200], ["mV"])
    assert (str(record.base_date), str(record.base_time)) == ("2026-01-31", "23:59:58.250000")
    beats = wfdb.rdann(str(path), "dev")
    assert beats.sample.tolist() == list(range(0, 9 * FS_HZ + 1, FS_HZ))
    assert beats.symbol[:4] == ["V", "N", "N", "V"]


def test_the_record_can_be_opened_while_it_grows(tmp_path: Path) -> None:
    clock = VirtualClock()
    recorder = Recorder(tmp_path / "night", ORIGIN, clock=clock)
    for second in range(1, 6):
        recorder.take(items((second - 1) * FS_HZ, second * FS_HZ))
        clock.sleep(1.0)
        recorder.tick()
        assert load_record(tmp_path.parent, tmp_path.name, "night").samples.size == second * FS_HZ
        assert wfdb.rdrecord(str(tmp_path / "night")).sig_len == second * FS_HZ
        assert len(read_annotations(tmp_path, "night", "dev")) == second
    recorder.close()


def test_a_record_of_less_than_a_second_can_be_opened(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "night", ORIGIN, clock=VirtualClock())
    recorder.take(items(0, 72))
    assert wfdb.rdrecord(str(tmp_path / "night")).sig_len == 72
    recorder.close()


def test_a_gap_keeps_its_length_and_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "night"
    with Recorder(path, ORIGIN) as recorder:
        recorder.take([Wave(0, samples(0, 360)), Gap(360, 1000, "the link was lost", False)])
        recorder.take([Wave(1000, samples(1000, 1360)), BeatMark(1100, "N", 0, 0, 90, 0)])
    physical = wfdb.rdrecord(str(path)).p_signal[:, 0]
    assert np.isnan(physical[360:1000]).all()
    assert not np.isnan(np.delete(physical, np.s_[360:1000])).any()
    notes = wfdb.rdann(str(path), "rhy")
    assert notes.sample.tolist() == [360, 1000]
    assert notes.aux_note[0] == "gap of 1.778 s, by the computer's clock: the link was lost"
    assert wfdb.rdann(str(path), "dev").sample.tolist() == [1100]


TEN_YEARS = 10 * 365 * 86_400 * FS_HZ


@pytest.mark.parametrize("rotate", [None, 20 * FS_HZ])
def test_behind_a_gap_of_years_another_record_begins(tmp_path: Path, rotate: int | None) -> None:
    begin, end = 5 * FS_HZ, 5 * FS_HZ + TEN_YEARS
    with Recorder(tmp_path / "night", ORIGIN, rotate, started=STARTED) as recorder:
        recorder.take([*items(0, begin), Gap(begin, end, "the link was lost", False), LeadChange(end, 1)])
        recorder.take([Wave(end, samples(0, FS_HZ)), BeatMark(begin - 9, "V", 0, 0, 90, 0)])
        recorder.take([BeatMark(end + 9, "N", 0, 0, 90, 0)])
    first, second = recorder.records
    assert [path.name for path in recorder.records] == [f"night{'_001' if rotate else ''}", "night_002"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10_000
    assert np.array_equal(Recording(first).samples, samples(0, begin))
    assert np.array_equal(Recording(second).samples, samples(0, FS_HZ))
    assert (Recording(second).started - STARTED).total_seconds() == end / FS_HZ
    assert wfdb.rdann(str(first), "dev").sample[-1] == begin - 9
    assert wfdb.rdann(str(second), "dev").sample.tolist() == [9]
    notes = read_annotations(tmp_path, first.name, "rhy")
    assert (notes.samples[-1], notes.aux[-1][:20]) == (begin, "gap of 315360000.000")
    assert read_annotations(tmp_path, "night_002", "rhy").aux == ("electrode off",)


def test_a_gap_of_a_day_is_written_and_a_longer_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "LONGEST_GAP_S", 10)
    lengths = []
    for name, end in (("day", 11 * FS_HZ), ("longer", 11 * FS_HZ + 1)):
        with Recorder(tmp_path / name, ORIGIN) as recorder:
            recorder.take([Wave(0, samples(0, FS_HZ)), Gap(FS_HZ, end, "lost", True)])
            recorder.take([Wave(end, samples(0, FS_HZ))])
        lengths.append([len(Recording(path).samples) for path in recorder.records])
    assert lengths == [[12 * FS_HZ], [FS_HZ, FS_HZ]]


@pytest.mark.parametrize("begin", [5 * FS_HZ, 20 * FS_HZ])
def test_samples_of_years_later_begin_another_record_behind_a_marked_gap(tmp_path: Path, begin: int) -> None:
    end = begin + TEN_YEARS
    recorder = Recorder(tmp_path / "night", ORIGIN, 20 * FS_HZ, clock=VirtualClock())
    recorder.take([*items(0, begin), LeadChange(begin - 9, 1), Wave(end, samples(0, FS_HZ))])
    first, second = recorder.records
    assert wfdb.rdheader(str(first)).sig_len == begin  # though the record is still open
    recorder.close()
    marks = [[mark for _, mark in Recording(path).marks()] for path in recorder.records]
    gaps = [[mark for mark in found if isinstance(mark, Gap)] for found in marks]
    assert gaps == [[Gap(begin, end, "no samples", exact=False)], []]
    assert read_annotations(tmp_path, "night_002", "rhy").aux == ("electrode off",)
    assert np.array_equal(Recording(second).samples, samples(0, FS_HZ))


def copied(path: Path) -> list[Path]:
    """Convert a recording; the records of the copy."""
    source = RecordingSource(Recording(path), speed=0)
    with Recorder(path.with_name(f"copy_of_{path.name}"), source.origin, started=source.started) as recorder:
        for batch in source.items(threading.Event()):
            recorder.take(batch)
    return recorder.records


@pytest.mark.parametrize("gap", [(300, 310), (300, 359), (1000, 5000), (1000, 15_000)])
@pytest.mark.parametrize("rotate", [None, 3600])
def test_a_copy_has_every_sample_at_its_place(
    tmp_path: Path, gap: tuple[int, int], rotate: int | None
) -> None:
    start, end = gap
    with Recorder(tmp_path / "night", ORIGIN, rotate) as recorder:
        recorder.take([Wave(0, samples(0, start)), Gap(start, end, "lost", True)])
        recorder.take([Wave(end, samples(end, end + 1000))])
    whole = np.concatenate([Recording(path).samples for path in recorder.records])
    assert np.array_equal(whole[end:], samples(end, end + 1000)) and (whole[start:end] == INVALID).all()
    for path in recorder.records:
        (copy,) = copied(path)
        assert np.array_equal(Recording(copy).samples, Recording(path).samples)


def test_a_record_that_begins_in_a_gap_tells_it(tmp_path: Path) -> None:
    with Recorder(tmp_path / "night", ORIGIN, 3600) as recorder:
        recorder.take([*items(0, 3600), Gap(3600, 4320, "lost", True), Wave(4320, samples(0, 360))])
    assert Recording(recorder.records[1]).samples[:720].tolist() == [INVALID] * 720
    notes = read_annotations(tmp_path, "night_002", "rhy")
    assert (notes.samples.tolist(), notes.aux[0]) == ([0, 720], "gap of 2.000 s: lost")


UNMARKED = [(0, 900), (900, 1500), (2700, 3600), (0, 3600)]


def with_unmarked_gap(path: Path, start: int, end: int) -> NDArray[np.int16]:
    """Make a recording of ten seconds with a gap that its journal does not have; its samples."""
    signal = samples(0, 3600)
    signal[start:end] = INVALID
    signal_file = recorded(path).with_suffix(".dat")
    signal_file.write_bytes(signal.astype("<i2").tobytes())
    return signal


@pytest.mark.parametrize(("start", "end"), UNMARKED)
def test_a_gap_that_no_mark_tells_of_is_marked_in_the_copy(tmp_path: Path, start: int, end: int) -> None:
    signal = with_unmarked_gap(tmp_path / "night", start, end)
    (copy,) = copied(tmp_path / "night")
    assert np.array_equal(Recording(copy).samples, signal)
    gaps = [mark for _, mark in Recording(copy).marks() if isinstance(mark, Gap)]
    assert gaps == [Gap(start, end, "no samples", exact=False)]


@pytest.mark.parametrize(("start", "end"), UNMARKED)
def test_a_gap_that_no_mark_tells_of_is_a_gap_in_a_live_session(tmp_path: Path, start: int, end: int) -> None:
    signal = with_unmarked_gap(tmp_path / "night", start, end)
    session = LiveSession(ORIGIN)
    for batch in RecordingSource(Recording(tmp_path / "night"), speed=0).items(threading.Event()):
        session.take(batch)
    assert np.array_equal(session.samples(0, 3600)[1], signal)
    gaps = [mark for mark in session.events() if isinstance(mark, Gap)]
    assert gaps == [Gap(start, end, "no samples", exact=False)]


@pytest.mark.parametrize(("start", "end"), UNMARKED)
def test_a_gap_that_no_mark_tells_of_is_marked_in_edf(tmp_path: Path, start: int, end: int) -> None:
    pyedflib = pytest.importorskip("pyedflib")
    from ecg_edge.host.recording.edf import write_edf

    with_unmarked_gap(tmp_path / "night", start, end)
    file = pyedflib.EdfReader(str(write_edf(Recording(tmp_path / "night"), tmp_path / "night.edf")))
    notes = [note for note in zip(*file.readAnnotations(), strict=True) if note[2].startswith("gap")]
    file.close()
    assert notes == [(start / FS_HZ, pytest.approx((end - start) / FS_HZ, abs=1e-3), "gap: no samples")]


@pytest.mark.parametrize("is_marked", [False, True])
@pytest.mark.parametrize("end", [15 * FS_HZ, 26 * FS_HZ])
def test_the_copy_of_a_long_gap_is_one_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: int, is_marked: bool
) -> None:
    path = recorded(tmp_path / "night", 26 * FS_HZ)
    signal = samples(0, 26 * FS_HZ)
    signal[FS_HZ:end] = INVALID
    (tmp_path / "night.dat").write_bytes(signal.astype("<i2").tobytes())
    if is_marked:
        with_line(path, {**GAP, "at": FS_HZ, "start": FS_HZ, "end": end}, place=2)
    monkeypatch.setattr(recorder_module, "LONGEST_GAP_S", 10)
    monkeypatch.setattr(recording_module, "LONGEST_GAP_S", 10)
    (copy,) = copied(path)
    assert np.array_equal(Recording(copy).samples, signal)
    gaps = [(mark.start, mark.end) for _, mark in Recording(copy).marks() if isinstance(mark, Gap)]
    assert (gaps[0][0], gaps[-1][1], len(gaps)) == (FS_HZ, end, -(-(end - FS_HZ) // (10 * FS_HZ)))


def test_a_recording_that_is_stopped_gives_no_more(tmp_path: Path) -> None:
    path, stop = recorded(tmp_path / "night", 80 * FS_HZ), threading.Event()
    given: list[Item] = []
    for batch in RecordingSource(Recording(path), speed=0).items(stop):
        given += batch
        if len(given) > 100:
            stop.set()
    last = max(item.end for item in given if isinstance(item, Wave))
    assert last < 79 * FS_HZ
    assert all(place_of(item) <= last for item in given if not isinstance(item, Wave))
    assert not any(isinstance(item, LinkChange) for item in given)


def with_line(path: Path, line: dict[str, Any], place: int = -1) -> None:
    """Insert a line into a journal."""
    journal = path.with_name(f"{path.name}.jsonl")
    lines = journal.read_text().splitlines(keepends=True)
    lines.insert(place, json.dumps(line) + "\n")
    journal.write_text("".join(lines))


GAP = {"at": 3600, "type": "gap", "start": 3600, "end": 3600 + TEN_YEARS, "reason": "lost", "exact": False}


def test_a_gap_of_years_at_the_end_adds_no_sample(tmp_path: Path) -> None:
    path = recorded(tmp_path / "night")
    with_line(path, GAP)
    (copy,) = copied(path)
    assert np.array_equal(Recording(copy).samples, Recording(path).samples)
    (gap,) = [mark for _, mark in Recording(copy).marks() if isinstance(mark, Gap)]
    assert (gap.start, gap.end) == (3600, 3600)
    assert gap.reason == "lost; 315360000.000 s of it are behind the end of the record"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            {**GAP, "at": 360, "start": 360},
            r"a gap of .* s from sample 360 on \(1\.000 s\), but night\.dat has",
        ),
        ({**GAP, "at": 900, "start": 900, "end": 800}, "ends before it begins"),
        ({**GAP, "at": TEN_YEARS}, rf"the time leaps by 3650 days, from sample \d+ to {TEN_YEARS}"),
    ],
)
def test_a_time_that_leaps_is_refused_and_fills_no_disk(
    tmp_path: Path, line: dict[str, Any], text: str
) -> None:
    path = recorded(tmp_path / "night")
    with_line(path, line)
    with pytest.raises(RecordError, match=rf"night\.jsonl: line \d+ is damaged: .*{text}"):
        copied(path)
    assert (tmp_path / "copy_of_night.dat").stat().st_size <= 2 * 3600


def test_rotation_loses_no_sample_and_carries_open_episodes(tmp_path: Path) -> None:
    rotate = 20 * FS_HZ
    with Recorder(tmp_path / "night", ORIGIN, rotate) as recorder:
        recorder.take(
            [*items(0, rotate - 100), event(0, rotate - 400, rotate - 100), LeadChange(rotate - 50, 1)]
        )
        recorder.take([Wave(rotate - 100, samples(rotate - 100, rotate + 200))])
        recorder.take([BeatMark(rotate - 10, "V", 0, 0, 90, 0), BeatMark(rotate + 10, "N", 0, 0, 90, 0)])
        recorder.take(
            [event(2, rotate - 400, rotate + 150), Wave(rotate + 200, samples(rotate + 200, 2 * rotate + 5))]
        )
    names = [path.name for path in recorder.records]
    assert names == ["night_001", "night_002", "night_003"]
    signal = np.concatenate([Recording(path).samples for path in recorder.records])
    assert np.array_equal(signal, samples(0, 2 * rotate + 5))
    first, second = recorder.records[:2]
    assert wfdb.rdann(str(first), "dev").sample[-1] == rotate - 10
    assert wfdb.rdann(str(second), "dev").sample.tolist() == [10]
    notes = wfdb.rdann(str(second), "rhy")
    assert ("(VT" in notes.aux_note) and ("electrode off" in notes.aux_note)
    assert (Recording(second).started - Recording(first).started).total_seconds() == 20


@pytest.mark.parametrize("late", [5 * FS_HZ, 50 * FS_HZ])
def test_what_is_told_long_after_a_rollover_stands_where_it_was(tmp_path: Path, late: int) -> None:
    rotate, clock = 90 * FS_HZ, VirtualClock()
    onset, last = rotate - 20 * FS_HZ, rotate - 10
    with Recorder(tmp_path / "night", ORIGIN, rotate, clock=clock) as recorder:
        recorder.take([Wave(at, samples(at, at + FS_HZ)) for at in range(0, rotate + late, FS_HZ)])
        recorder.take([BeatMark(last, "V", 0, 0, 90, 0), event(0, onset, rotate + late)])
        recorder.take([made_event(COUPLET_V, 2, last - 300, last)])
        recorder.tick()
        told = read_annotations(tmp_path, "night_001", "rhy").aux  # written at once
        assert f"V run: {20 + late / FS_HZ:.1f} s so far, 3 beats, 150/min" in told
        recorder.take([Wave(rotate + late, samples(0, rotate - late)), Wave(2 * rotate, samples(0, 360))])
    assert wfdb.rdann(str(tmp_path / "night_001"), "dev").sample.tolist() == [last]
    assert len(read_annotations(tmp_path, "night_002", "dev")) == 0
    before, after = (read_annotations(tmp_path, f"night_00{k}", "rhy") for k in (1, 2))
    assert before.samples[before.symbols == "+"].tolist() == [onset]
    assert [text.split(":")[0] for text in before.aux if ":" in text] == ["V run", "V couplet"]
    assert [text.split(":")[0] for text in after.aux if ":" in text] == ["V run"]
    assert after.samples[after.symbols == "+"].tolist() == [0]


def test_an_existing_record_is_not_overwritten(tmp_path: Path) -> None:
    recorded(tmp_path / "night")
    with pytest.raises(OutputError, match="exists already"):
        Recorder(tmp_path / "night", ORIGIN)
    with pytest.raises(OutputError, match="letters, digits"):
        Recorder(tmp_path / "my night", ORIGIN)


@pytest.mark.parametrize(
    ("rotate", "names"),
    [(10 * FS_HZ, ["night_001", "night_003", "night_005", "night_006"]), (None, ["night", "night_003"])],
)
def test_a_record_that_exists_already_ends_no_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rotate: int | None, names: list[str]
) -> None:
    existing = [tmp_path / f"night_{name}" for name in ("002.dat", "004.hea")]
    for path in existing:
        path.write_bytes(b"of another night")
    monkeypatch.setattr(recorder_module, "LONGEST_GAP_S", 10)
    end = 10 * FS_HZ if rotate else 30 * FS_HZ  # without rotation a long gap begins the next record
    with Recorder(tmp_path / "night", ORIGIN, rotate) as recorder:
        recorder.take([*items(0, 10 * FS_HZ), Gap(10 * FS_HZ, end, "lost", True), *items(end, 35 * FS_HZ)])
    assert [path.name for path in recorder.records] == names
    found = np.concatenate([Recording(path).samples for path in recorder.records])
    assert np.array_equal(found, np.concatenate([samples(0, 10 * FS_HZ), samples(end, 35 * FS_HZ)]))
    assert [path.read_bytes() for path in existing] == [b"of another night"] * 2
    with pytest.raises(OutputError, match=rf"{names[0]}\.hea: exists already"):
        Recorder(tmp_path / "night", ORIGIN, rotate)


def test_a_recording_is_a_source_that_gives_the_same_again(tmp_path: Path) -> None:
    path = recorded(tmp_path / "night", 80 * FS_HZ)
    source = RecordingSource(Recording(path), speed=0)
    with Recorder(tmp_path / "copy", source.origin, started=source.started) as recorder:
        for batch in source.items(threading.Event()):
            recorder.take(batch)
    for suffix in ("dat", "dev", "rhy"):
        assert (tmp_path / f"copy.{suffix}").read_bytes() == (tmp_path / f"night.{suffix}").read_bytes()


def test_the_labels_of_strips_are_notes_where_they_change(tmp_path: Path) -> None:
    labels = ("normal", "normal", "st-depression", "st-depression", "normal")
    strips = [StripMark(3559 + 1800 * k, label, 200) for k, label in enumerate(labels)]
    with Recorder(tmp_path / "night", ORIGIN) as recorder:
        recorder.take([*items(0, 35 * FS_HZ), *strips])
    notes = wfdb.rdann(str(tmp_path / "night"), "rhy")
    found = [(at, note.rstrip("\0")) for at, note in zip(notes.sample, notes.aux_note, strict=True)]
    expected = [(3559, "normal"), (7159, "st-depression"), (10759, "normal")]
    assert found == [(at, f"morphology: {label}") for at, label in expected]
    marks = [mark for _, mark in Recording(tmp_path / "night").marks()]
    assert [mark for mark in marks if isinstance(mark, StripMark)] == strips


def test_a_torn_line_at_the_end_of_the_journal_is_passed_over(tmp_path: Path) -> None:
    path = recorded(tmp_path / "night")
    count = len(list(Recording(path).marks()))
    with (tmp_path / "night.jsonl").open("a") as file:
        file.write('{"at":3600,"type":"be')
    assert len(list(Recording(path).marks())) == count


DELETED = object()
BEAT = {"at": 0, "type": "beat", "sample": 0, "symbol": "N", "rr_samples": 0, "flags": 0, "quality": 0}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fs_hz", DELETED),
        ("labels", None),
        ("labels", "NV"),
        ("labels", [1]),
        ("started", DELETED),
        ("started", "yesterday"),
        ("started", "2026-01-31T10:15:00"),
        ("started", "9999-12-31T23:59:59+00:00"),
        ("fs_hz", 0),
        ("fs_hz", "abc"),
        ("fs_hz", True),
        ("adu_per_mv", 0),
        ("adu_per_mv", 1e-320),
        ("adu_per_mv", "x"),
        ("adu_per_mv", float("nan")),
        ("name", None),
        ("lead", "\ud800"),
    ],
)
def test_a_damaged_first_line_of_the_journal(tmp_path: Path, field: str, value: Any) -> None:
    path = recorded(tmp_path / "night", FS_HZ)
    journal = tmp_path / "night.jsonl"
    head, *rest = journal.read_text().splitlines(keepends=True)
    content = {**json.loads(head), field: value}
    if value is DELETED:
        del content[field]
    journal.write_text("".join([json.dumps(content) + "\n", *rest]))
    with pytest.raises(RecordError, match=rf"night\.jsonl: line 1 is damaged: the field '{field}'"):
        Recording(path)


def test_a_rate_that_no_recording_has(tmp_path: Path) -> None:
    path = recorded(tmp_path / "night", FS_HZ)
    journal = tmp_path / "night.jsonl"
    journal.write_text(journal.read_text().replace('"fs_hz":360', '"fs_hz":10000000', 1))
    with pytest.raises(RecordError, match=r"line 1 is damaged: 10000000 samples a second; 10000 at most"):
        Recording(path)


def test_a_line_of_the_journal_without_end(tmp_path: Path) -> None:
    path = recorded(tmp_path / "night", FS_HZ)
    with (tmp_path / "night.jsonl").open("r+b") as file:
        file.truncate(3_000_000_000)
    with pytest.raises(
        RecordError, match=r"night\.jsonl: line \d+ is damaged: it has more than 1000000 bytes"
    ):
        list(Recording(path).marks())


def test_a_journal_may_lack_what_has_a_default(tmp_path: Path) -> None:
    path = recorded(tmp_path / "night", FS_HZ)
    journal = tmp_path / "night.jsonl"
    head, *rest = journal.read_text().splitlines(keepends=True)
    content = {key: value for key, value in json.loads(head).items() if key not in ("labels", "lead")}
    journal.write_text("".join([json.dumps(content) + "\n", *rest]))
    origin = Recording(path).origin
    assert (origin.lead, origin.labels) == ("ECG", ())


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("[1, 2]", "no JSON object"),
        ("5", "no JSON object"),
        ("garbage", "no JSON "),
        ("[" * 100_000, "no JSON "),
        ('{"at": 0, "type": "beat"}', "the field 'sample' is missing"),
        (json.dumps(BEAT), "the field 'confidence' is missing"),
        (json.dumps({**BEAT, "confidence": "1"}), "the field 'confidence' must be an integer, not '1'"),
        (json.dumps({**BEAT, "confidence": 1, "symbol": "XX"}), "the field 'symbol' must be .*, not 'XX'"),
        (json.dumps({**BEAT, "confidence": 1, "sample": 2**32}), "far beyond"),
        (json.dumps({**BEAT, "confidence": 1, "at": None}), "the field 'at' must be an integer, not None"),
        ('{"at": 0, "type": "link", "sample": 0, "up": 1, "text": ""}', "the field 'up' must be .*, not 1"),
        ('{"type": "quality", "sample": -1, "bad": true, "reasons": 1}', "the field 'sample' must be .*-1"),
    ],
)
def test_a_damaged_line_within_the_journal(tmp_path: Path, line: str, text: str) -> None:
    path = recorded(tmp_path / "night", FS_HZ)
    journal = tmp_path / "night.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([*lines[:2], line + "\n", *lines[2:]]))
    with pytest.raises(RecordError, match=rf"night\.jsonl: line 3 is damaged: .*{text}"):
        list(Recording(path).marks())


def test_a_signal_file_that_is_missing_or_cut_off(tmp_path: Path) -> None:
    path = recorded(tmp_path / "night")
    signal_file = tmp_path / "night.dat"
    assert Recording(path).missing_samples() == 0
    signal_file.write_bytes(signal_file.read_bytes()[:-1001])
    source = RecordingSource(Recording(path), speed=0)
    assert Recording(path).missing_samples() == 501
    list(source.items(threading.Event()))
    assert source.losses.samples == 501
    signal_file.write_bytes(b"")
    assert Recording(path).missing_samples() == 3600
    signal_file.unlink()
    with pytest.raises(RecordError, match=r"night\.dat: cannot be read"):
        Recording(path)


def test_a_recording_that_goes_on_lacks_nothing(tmp_path: Path) -> None:
    with Recorder(tmp_path / "night", ORIGIN) as recorder:
        recorder.take(items(0, FS_HZ))
        opened = Recording(tmp_path / "night")
        recorder.take(items(FS_HZ, 2 * FS_HZ))
        assert (len(opened.samples), opened.missing_samples()) == (FS_HZ, 0)


def test_an_episode_without_length_does_not_end_the_notes(tmp_path: Path) -> None:
    with Recorder(tmp_path / "night", ORIGIN) as recorder:
        recorder.take([*items(0, 720), event(2, 500, 500), event(2, 600, 580)])
    notes = wfdb.rdann(str(tmp_path / "night"), "rhy")
    assert notes.sample.tolist() == [500, 600]
    assert "+" not in notes.symbol


def test_a_record_that_cannot_be_begun_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pwrite(file: int, data: bytes, at: int) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(record_writer.os, "pwrite", pwrite)
        with pytest.raises(OutputError, match="No space left"):
            Recorder(tmp_path / "night", ORIGIN)
    assert list(tmp_path.iterdir()) == []
    recorded(tmp_path / "night")


@pytest.mark.parametrize("step", [200, 3000])  # one word, and four
def test_a_full_disk_leaves_the_end_mark_of_the_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    write, cut = os.pwrite, os.ftruncate
    room = 0

    def pwrite(file: int, data: bytes, at: int) -> int:
        data = data[: max(room - at, 0)]
        if not data:
            raise OSError(28, "No space left on device")
        return write(file, data, at)

    def ftruncate(file: int, size: int) -> None:
        nonlocal room
        cut(file, size)
        room = min(room, size)  # another program takes what becomes free

    beat, head = annotation_bytes("N", step), file_head(FS_HZ)
    for spare in range(0, len(beat) + 2, 2):
        file = GrowingFile(tmp_path / f"{spare}.dev", head, END_MARK)
        file.append(beat)
        room = file.path.stat().st_size + spare
        with monkeypatch.context() as patch:
            patch.setattr(record_writer.os, "pwrite", pwrite)
            patch.setattr(record_writer.os, "ftruncate", ftruncate)
            if spare < len(beat):
                with pytest.raises(OutputError, match="No space left"):
                    file.append(beat)
            else:
                file.append(beat)
        file.close()
        expected = [step, 2 * step] if spare >= len(beat) else [step]
        assert read_annotations(tmp_path, f"{spare}", "dev").samples.tolist() == expected
        assert wfdb.rdann(str(tmp_path / f"{spare}"), "dev").sample.tolist() == expected


def test_a_beat_that_was_half_written_is_in_the_copy(tmp_path: Path) -> None:
    """A process may be killed between two pages of a file; the journal has the beat."""
    path = tmp_path / "night"
    with Recorder(path, ORIGIN) as recorder:
        recorder.take([*items(0, 3600), BeatMark(3000, "N", 0, 0, 90, 0), BeatMark(3599, "N", 0, 0, 90, 0)])
        recorder.take([Wave(3600, samples(3600, 7200)), BeatMark(7100, "V", 0, 0, 90, 0)])
    whole = (tmp_path / "night.dev").read_bytes()
    expected = read_annotations(tmp_path, "night", "dev").samples.tolist()
    for size in range(len(whole) - 8, len(whole), 2):
        (tmp_path / "night.dev").write_bytes(whole[:size])
        with pytest.raises(RecordError, match=r"night\.dev: truncated: the end mark"):
            read_annotations(tmp_path, "night", "dev")
        (copy,) = copied(path)
        assert read_annotations(tmp_path, copy.name, "dev").samples.tolist() == expected
        assert len(reading.read_own(path, reading.Reading()).record.samples) == 7200
        for file in tmp_path.glob("copy_of_*"):
            file.unlink()


def test_a_full_disk_leaves_a_record_up_to_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = 20_000
    write = os.pwrite

    def pwrite(file: int, data: bytes, at: int) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(28, "No space left on device")
        data = data[: max(left, 1)]
        left -= len(data)
        return write(file, data, at)

    monkeypatch.setattr(record_writer.os, "pwrite", pwrite)
    clock = VirtualClock()
    given = 0
    with (
        pytest.raises(OutputError, match="No space left"),
        Recorder(tmp_path / "n", ORIGIN, clock=clock) as recorder,
    ):
        while True:
            recorder.take(items(given, given + 36))
            given += 36
            clock.sleep(0.1)
            recorder.tick()
    found = wfdb.rdrecord(str(tmp_path / "n"), physical=False).d_signal[:, 0]
    assert given - FS_HZ <= len(found) <= given + 36
    assert np.array_equal(found, samples(0, len(found)))
    assert len(wfdb.rdann(str(tmp_path / "n"), "dev").sample) >= given // FS_HZ - 2


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_recorder_leaves_everything_but_the_last_seconds(tmp_path: Path, seed: int) -> None:
    out = tmp_path / "night"
    command = [sys.executable, "-m", "tests.support.made_session", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.0, 1.5))
    process.send_signal(signal.SIGKILL)
    given = int(([0, *map(int, process.stdout.read().split())])[-1])
    process.wait()
    process.stdout.close()
    check_recorded(tmp_path, given)


def check_recorded(folder: Path, given: int) -> None:
    """All that was given must be in the files, and the files whole."""
    headers = sorted(folder.glob("night_*.hea"))
    found = np.concatenate([Recording(header.with_suffix("")).samples for header in headers])
    assert len(found) >= given
    assert np.array_equal(found, samples(0, len(found)))
    beats: list[int] = []
    first = 0
    for header in headers:
        name = str(header.with_suffix(""))
        beats += [first + int(at) for at in wfdb.rdann(name, "dev").sample]
        wfdb.rdann(name, "rhy")
        length = wfdb.rdrecord(name).sig_len
        assert header == headers[-1] or length == ROTATE  # only the last header lags
        first += length
        journal = header.with_suffix(".jsonl").read_text().splitlines()
        assert json.loads(journal[0])["type"] == "origin"
    assert beats == [FS_HZ * k for k in range(len(beats))]
    assert len(beats) >= given // FS_HZ - 1


def test_edf_has_the_same_samples_and_marks_gaps(tmp_path: Path) -> None:
    pyedflib = pytest.importorskip("pyedflib")
    from ecg_edge.host.recording.edf import write_edf

    path = tmp_path / "night"
    with Recorder(path, ORIGIN, started=STARTED) as recorder:
        recorder.take([*items(0, 720), Gap(720, 1000, "frames were lost", True), *items(1000, 1900)])
    file = pyedflib.EdfReader(str(write_edf(Recording(path), tmp_path / "night.edf")))
    digital = file.readSignal(0, digital=True)
    physical = file.readSignal(0)
    onsets, durations, texts = file.readAnnotations()
    start = file.getStartdatetime()
    file.close()
    assert np.array_equal(digital[:720], samples(0, 720))
    assert (digital[720:1000] == INVALID).all()
    assert np.array_equal(digital[1000:1900], samples(1000, 1900))
    assert physical[:5] == pytest.approx(samples(0, 5) / 200, abs=1e-3)
    assert start.replace(microsecond=0) == STARTED.replace(tzinfo=None, microsecond=0)
    place = texts.tolist().index("gap: frames were lost")
    assert (onsets[place], durations[place]) == (2.0, pytest.approx(280 / 360, abs=1e-3))
    assert "gap: the recording has ended" in texts


@pytest.mark.parametrize("size", [1000, 20_480, 51_000])
def test_edf_that_the_disk_has_no_room_for_is_not_left(tmp_path: Path, size: int) -> None:
    pytest.importorskip("pyedflib")
    resource = pytest.importorskip("resource")
    from ecg_edge.host.recording.edf import write_edf

    recording = Recording(recorded(tmp_path / "night", 30 * FS_HZ))
    target = tmp_path / "night.edf"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        with pytest.raises(OutputError, match=r"night\.edf: cannot be written .*Free some space"):
            write_edf(recording, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.glob("*night*.edf"))
    write_edf(recording, target)
    assert target.stat().st_size == 51_520


def test_edf_is_not_written_to_a_device(tmp_path: Path) -> None:
    pytest.importorskip("pyedflib")
    from ecg_edge.host.recording.edf import write_edf

    target = tmp_path / "night.edf"
    target.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="is no file"):
        write_edf(Recording(recorded(tmp_path / "night")), target)


def test_edf_of_nothing_or_of_too_large_values_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyedflib")
    from ecg_edge.host.recording.edf import write_edf

    target = tmp_path / "night.edf"
    with pytest.raises(RecordError, match="has no samples"):
        write_edf(Recording(recorded(tmp_path / "empty", 0)), target)
    with Recorder(tmp_path / "large", Origin("port", "made", FS_HZ, 0.001)) as recorder:
        recorder.take(items(0, FS_HZ))
    with pytest.raises(EcgEdgeError, match=r"cannot hold samples of up to -3\.2768e\+07 mV"):
        write_edf(Recording(tmp_path / "large"), target)
    assert not target.exists()


@pytest.mark.parametrize(
    ("year", "held"), [(1950, False), (1984, False), (1985, True), (2084, True), (2085, False)]
)
def test_edf_has_no_other_date_than_the_recordings_or_1985(tmp_path: Path, year: int, held: bool) -> None:
    pyedflib = pytest.importorskip("pyedflib")
    from ecg_edge.host.recording.edf import holds_date, write_edf

    started = datetime(year, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    with Recorder(tmp_path / "night", ORIGIN, started=started) as recorder:
        recorder.take(items(0, FS_HZ))
    file = pyedflib.EdfReader(str(write_edf(Recording(tmp_path / "night"), tmp_path / "night.edf")))
    found = file.getStartdatetime()
    file.close()
    assert holds_date(started) == held
    assert found == (datetime(year, 2, 3, 4, 5, 6) if held else datetime(1985, 1, 1, 4, 5, 6))
