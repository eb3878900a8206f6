"""Recordings that end at any change of any file: whole for every reader, with all that had been written."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray
from typer.testing import CliRunner

from ecg_edge.ecg.annotations import read_annotations
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.records import load_record
from ecg_edge.firmware import FLAG_MOTION
from ecg_edge.host.analysis import reading
from ecg_edge.host.cli.main import app
from ecg_edge.host.live.items import INVALID, BeatMark, Gap, Item, QualityChange, Wave
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.recording.record_writer import SUFFIXES
from ecg_edge.host.recording.recorder import FLUSH_S, Recorder
from ecg_edge.host.recording.recording import Recording, RecordingSource
from tests.support.clock import VirtualClock
from tests.support.file_changes import FileChanges
from tests.support.made_session import FS_HZ, ORIGIN, event, samples

BLOCK = 180
ROTATE = 4 * FS_HZ
LENGTH = 11 * FS_HZ
LATE = 130
"""Samples from a beat to its report."""
BEATS = list(range(30, LENGTH - LATE, 240))
RUN = (ROTATE - 300, 2 * ROTATE - 30)
BAD = (ROTATE - 20, 2 * ROTATE - 20)
GAPS = ((1000, 1100), (2 * ROTATE - 200, 2 * ROTATE + 300))

TOLD = (
    *((at + LATE, BeatMark(at, "V", 240, 0, 90, 200)) for at in BEATS),
    (ROTATE - 200, event(0, RUN[0], ROTATE - 200)),
    (ROTATE + 350, QualityChange(BAD[0], True, FLAG_MOTION)),  # late: lies in the record before
    (2 * ROTATE + 350, event(2, *RUN)),
    (2 * ROTATE + 350, QualityChange(BAD[1], False, FLAG_MOTION)),
)
"""Marks, each with the number of samples that have arrived when it is told."""


class State(NamedTuple):
    """A folder as a killed recorder leaves it, and how many samples the recorder had been given."""

    folder: Path
    given: int


class Night(NamedTuple):
    """States of a recording of three records, and its samples."""

    states: list[State]
    samples: NDArray[np.int16]
    seconds_a_block: float


def blocks(gaps: Iterable[tuple[int, int]]) -> Iterator[list[Item]]:
    """Samples and gaps, each with the marks that are told then."""
    at, starts = 0, dict(gaps)
    while at < LENGTH:
        end = starts.get(at) or min([at + BLOCK, LENGTH, *(start for start in starts if start > at)])
        block = Gap(at, end, "frames were lost", True) if at in starts else Wave(at, samples(at, end))
        yield [block, *(mark for told, mark in TOLD if at < told <= end)]
        at = end


def recorded(folder: Path, gaps: Iterable[tuple[int, int]], seconds_a_block: float) -> list[State]:
    out, copies, clock = folder / "records", folder / "states", VirtualClock()
    out.mkdir()
    copies.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        changes = FileChanges(out, copies, patch)
        with Recorder(out / "night", ORIGIN, ROTATE, clock=clock) as recorder:
            for block in blocks(gaps):
                recorder.take(block)
                changes.given = recorder.samples
                clock.sleep(seconds_a_block)
                recorder.tick()
    assert [path.name for path in recorder.records] == ["night_001", "night_002", "night_003"]
    return [State(*state) for state in changes.states]


@pytest.fixture(
    scope="module",
    params=[((), 0.001), ((), BLOCK / FS_HZ), (GAPS, 0.001), (GAPS, BLOCK / FS_HZ)],
    ids=["at once", "in real time", "gaps, at once", "gaps, in real time"],
)
def night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Night:
    gaps, seconds_a_block = request.param
    signal = samples(0, LENGTH)
    for start, end in gaps:
        signal[start:end] = INVALID
    return Night(recorded(tmp_path_factory.mktemp("night"), gaps, seconds_a_block), signal, seconds_a_block)


def named(folder: Path, suffix: str) -> list[Path]:
    """Records that have a file with a suffix, without the suffix."""
    return [path.with_suffix("") for path in sorted(folder.glob(f"night_*.{suffix}"))]


def first_of(record: Path) -> int:
    """The session's number of a record's first sample."""
    return int(json.loads(record.with_suffix(".jsonl").read_text().splitlines()[0])["first"])


def journals(folder: Path) -> list[Path]:
    """Records whose journal has begun; only the last may be empty, and then nothing was recorded there."""
    records = named(folder, "jsonl")
    if records and not records[-1].with_suffix(".jsonl").stat().st_size:
        with pytest.raises(RecordError, match="is not the journal of a recording"):
            Recording(records[-1])
        assert not records[-1].with_suffix(".dat").stat().st_size
        records.pop()
    return records


def test_there_are_states_within_each_rollover(night: Night) -> None:
    """The test would be blind without them."""
    last_files = [{path.suffix for path in state.folder.glob("night_002.*")} for state in night.states]
    for files in ({".dat"}, {".dat", ".dev"}, {".dat", ".dev", ".jsonl"}, {f".{name}" for name in SUFFIXES}):
        assert files in last_files


def test_nothing_is_lost_and_nothing_is_there_twice(night: Night) -> None:
    for folder, given in night.states:
        recordings = [Recording(record) for record in journals(folder)]
        found = np.concatenate([np.zeros(0, np.int16), *(recording.samples for recording in recordings)])
        assert len(found) >= given
        assert np.array_equal(found, night.samples[: len(found)])
        assert not any(recording.missing_samples() for recording in recordings)
        beats = [
            first_of(recording.path) + mark.sample
            for recording in recordings
            for _, mark in recording.marks()
            if isinstance(mark, BeatMark)
        ]
        assert beats == BEATS[: len(beats)]
        assert len(beats) >= sum(at + LATE <= given for at in BEATS)


def test_wfdb_and_the_own_reader_open_every_record(night: Night) -> None:
    for folder, given in night.states:
        headers = named(folder, "hea")
        assert len(headers) >= -(-given // ROTATE)  # a header from the first samples on
        first, beats = 0, list[int]()
        for record in headers:
            found = wfdb.rdrecord(str(record), physical=False).d_signal[:, 0]
            assert np.array_equal(found, night.samples[first : first + len(found)])
            assert record == headers[-1] or len(found) == ROTATE
            assert len(load_record(folder.parent, folder.name, record.name).samples) == len(found)
            marks = wfdb.rdann(str(record), "dev").sample
            assert marks.tolist() == read_annotations(folder, record.name, "dev").samples.tolist()
            beats += [first + int(at) for at in marks]
            first += len(found)
        assert beats == BEATS[: len(beats)]
        assert len(beats) >= sum(at + LATE <= given for at in BEATS)
        if night.seconds_a_block == BLOCK / FS_HZ:
            assert first >= given - FLUSH_S * FS_HZ


def test_what_goes_on_is_in_the_next_record_from_its_first_header_on(night: Night) -> None:
    for folder, _ in night.states:
        for record in named(folder, "hea")[1:]:
            notes = read_annotations(folder, record.name, "rhy").aux
            assert any(note.startswith("V run") for note in notes)
            assert record.name != "night_003" or any(note.startswith("bad signal") for note in notes)


def test_what_is_told_late_ends_in_the_record_before_and_in_the_next(night: Night) -> None:
    folder = night.states[-1].folder
    found = {name: rows(folder, name) for name in ("night_001", "night_002", "night_003")}
    assert (BAD[0], "bad signal: motion") in found["night_001"]
    assert {(0, "bad signal: motion"), (BAD[1] - ROTATE, "good signal")} <= found["night_002"]
    assert {(0, "(VT"), (RUN[1] - ROTATE, "(N")} <= found["night_002"]
    assert {(0, "bad signal: motion"), (0, "good signal")} <= found["night_003"]
    assert not any(text == "(VT" for _, text in found["night_003"])


def rows(folder: Path, name: str) -> set[tuple[int, str]]:
    annotations = read_annotations(folder, name, "rhy")
    return set(zip(annotations.samples.tolist(), annotations.aux, strict=True))


def test_each_record_has_its_part_of_a_gap(night: Night) -> None:
    folder = night.states[-1].folder
    for record in journals(folder):
        recording = Recording(record)
        is_marked = np.zeros(len(recording.samples), np.bool_)
        for _, mark in recording.marks():
            if isinstance(mark, Gap):
                assert mark.end <= len(recording.samples)
                is_marked[mark.start : mark.end] = True
        assert np.array_equal(is_marked, recording.samples == INVALID)


@pytest.mark.parametrize("night", [(GAPS, BLOCK / FS_HZ)], indirect=True, ids=["gaps, in real time"])
def test_every_state_can_be_converted_played_and_analyzed(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SHORTEST_S", 0.0)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # hundreds of files, for nobody to keep
    seen = set[tuple[bytes, ...]]()
    for folder, _ in night.states:
        for record in journals(folder):
            files = tuple(path.read_bytes() for path in sorted(folder.glob(f"{record.name}.*")))
            if files not in seen:
                seen.add(files)
                check_readers(record, tmp_path / f"{len(seen)}")


def check_readers(record: Path, copy: Path) -> None:
    """Open a recording with every command that takes one; without samples some refuse it, with a reason."""
    recording = Recording(record)
    is_empty, length = not np.any(recording.samples != INVALID), len(recording.samples)
    convert(record, copy)
    assert np.array_equal(Recording(copy).samples, recording.samples)
    copied = [mark for _, mark in Recording(copy).marks()][:-1]
    for (_, mark), found in zip(recording.marks(), copied, strict=True):
        if isinstance(mark, Gap) and mark.end > length:  # killed before all of the gap was in the signal file
            assert isinstance(found, Gap) and found.reason.startswith(mark.reason)
            assert found == replace(mark, end=length, reason=found.reason)
        else:
            assert found == mark
    convert(record, copy.with_suffix(".json"), is_refused=is_empty)
    if find_spec("pyedflib"):
        convert(record, copy.with_suffix(".edf"), is_refused=not length)
    session = LiveSession(recording.origin)
    for items in RecordingSource(recording, speed=0).items(threading.Event()):
        session.take(items)
    assert np.array_equal(session.samples(0, length)[1], recording.samples)
    if record.with_suffix(".hea").exists():
        assert reading.read_own(record, reading.Reading()).record.duration_s > 0


def convert(record: Path, out: Path, is_refused: bool = False) -> None:
    done = CliRunner().invoke(app, ["record", "--from", str(record), str(out)])
    if is_refused:
        assert "no sig" in str(done.exception) or "no samples" in str(done.exception)
    else:
        assert done.exit_code == 0, done.output
