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

import numpy as np
import pytest
import wfdb

from ecg_edge.ecg.annotations import read_annotations
from ecg_edge.ecg.errors import OutputError
from ecg_edge.ecg.records import load_record
from ecg_edge.host.live.items import INVALID, BeatMark, Gap, LeadChange, StripMark, Wave
from ecg_edge.host.recording import record_writer
from ecg_edge.host.recording.recorder import Recorder
from ecg_edge.host.recording.recording import Recording, RecordingSource
from tests.conftest import ROOT
from tests.support.clock import VirtualClock
from tests.support.made_session import FS_HZ, ORIGIN, event, items, samples

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


def test_an_existing_record_is_not_overwritten(tmp_path: Path) -> None:
    recorded(tmp_path / "night")
    with pytest.raises(OutputError, match="exists already"):
        Recorder(tmp_path / "night", ORIGIN)
    with pytest.raises(OutputError, match="letters, digits"):
        Recorder(tmp_path / "my night", ORIGIN)


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
        first += wfdb.rdrecord(name).sig_len
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
