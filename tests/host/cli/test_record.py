"""`ecg-edge record`: the words of its command line, and conversions."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
import typer
import wfdb
from click.testing import Result
from typer.testing import CliRunner

from ecg_edge.ecg.errors import EcgEdgeError, LinkError, OutputError, RecordError
from ecg_edge.host.cli.commands import record as command
from ecg_edge.host.cli.main import app
from ecg_edge.host.conformance.replay import replay
from ecg_edge.host.live.items import Item, LinkChange
from ecg_edge.host.live.timeline import Losses
from ecg_edge.host.recording.recorder import Recorder
from tests.support.made_session import FS_HZ, ORIGIN, event, items
from tests.support.simulated import make_bundle


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["record", *(str(word) for word in words)])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("/dev/ttyNONE",), "name the port and the record"),
        (("--from", "night", "a", "b"), "name the new record alone"),
        (("--from", "night", "new", "--seconds", "5"), "--seconds: no effect with --from"),
        (("--from", "night", "new", "--rotate", "10s", "--gain", "3"), "--rotate, --gain: no effect"),
        (("--from", "night", "new.edf", "--start-s", "5"), "--start-s: no effect"),
        (("--from", "night", "new.edf", "--edf"), "--edf: no effect"),
        (("--from", "night", "new.json", "--edf", "--text"), "--edf, --text: no effect"),
        (("/dev/ttyNONE", "night", "--start-s", "5"), "--start-s: no effect without --from"),
        (("/dev/ttyNONE", "night", "--seconds", "inf"), "--seconds"),
        (("/dev/ttyNONE", "night", "--seconds", "1e308"), "--seconds"),
        (("--from", "night", "new.json", "--start-s", "nan"), "--start-s"),
        (("--from", "night", "new.json", "--start-s", "1e308"), "--start-s"),
    ],
)
def test_words_that_do_not_fit(words: tuple[str, ...], text: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert text in " ".join(done.output.replace("│", "").split())


@pytest.mark.parametrize(
    ("words", "text", "code"),
    [
        (("/dev/ttyNONE", "night"), "No such file.*ecg-edge ports", 3),
        (("/dev/ttyNONE", "night", "--rate", "250"), "--rate is for --text", 2),
        (("/dev/ttyNONE", "night", "--text"), "--text needs --rate", 2),
        (("--from", "/no/such", "night"), "neither a recording nor", 2),
        (("--from", ".", "night"), "neither a recording nor", 2),
        (("--from", "", "night"), "neither a recording nor", 2),
        (("--from", "/", "night"), "neither a recording nor", 2),
    ],
)
def test_errors_say_what_to_do(words: tuple[str, ...], text: str, code: int) -> None:
    error = run(*words).exception
    assert isinstance(error, EcgEdgeError)
    assert error.exit_code == code
    with pytest.raises(EcgEdgeError, match=text):
        raise error


def test_a_replay_session_becomes_a_record(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_EDGE_DATA", str(records))
    bundle = make_bundle(tmp_path / "bundle")
    monkeypatch.setattr("ecg_edge.host.devices.ports.reference_engine", engine)
    monkeypatch.setattr("ecg_edge.host.conformance.replay.reference_engine", engine)
    outcome = replay(["100"], port="simulator", bundle_path=bundle.path, data=records, out=tmp_path / "s")
    assert outcome.passed
    assert run("--from", tmp_path / "s", tmp_path / "strip").exit_code == 0
    (session,) = outcome.session.runs
    record = wfdb.rdrecord(str(tmp_path / "strip"), physical=False)
    assert np.array_equal(record.d_signal[:, 0], session.record.samples)
    beats = wfdb.rdann(str(tmp_path / "strip"), "dev")
    assert beats.sample.tolist() == [beat.r_sample for beat in session.progress.beats]
    assert run("--from", tmp_path / "strip", tmp_path / "copy").exit_code == 0
    assert (tmp_path / "copy.dat").read_bytes() == (tmp_path / "strip.dat").read_bytes()


@pytest.fixture
def night(tmp_path: Path) -> Path:
    with Recorder(tmp_path / "night", ORIGIN, started=datetime(1950, 1, 1, tzinfo=timezone.utc)) as recorder:
        recorder.take(items(0, 10 * FS_HZ))
    return tmp_path / "night"


def test_conversions_obey_json(night: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    assert run("--from", night, tmp_path / "copy", "--json", figures).exit_code == 0
    found = json.loads(figures.read_text())
    assert found["records"] == [str(tmp_path / "copy")]
    assert found["losses"]["samples"] == 0
    assert run("--from", night, tmp_path / "strip.json", "--json", figures).exit_code == 0
    assert json.loads(figures.read_text()) == {"fhir": str(tmp_path / "strip.json")}
    pytest.importorskip("pyedflib")
    done = run("--from", night, tmp_path / "night.edf", "--json", figures)
    assert done.exit_code == 0
    assert json.loads(figures.read_text())["edf"] == [str(tmp_path / "night.edf")]
    assert "has 1985 for the year 1950" in done.output


@pytest.mark.parametrize("name", ["other.edf", "other.json", "other"])
def test_a_conversion_replaces_no_file(night: Path, tmp_path: Path, name: str) -> None:
    taken = tmp_path / (name if "." in name else f"{name}.dat")
    taken.write_text("mine")
    error = run("--from", night, tmp_path / name).exception
    assert isinstance(error, OutputError) and f"{taken}: exists already" in str(error)
    assert taken.read_text() == "mine"


@pytest.mark.parametrize(("rotate", "name"), [((), "new.edf"), (("--rotate", "1h"), "new_001.edf")])
def test_edf_of_a_recording_that_begins_replaces_no_file(
    tmp_path: Path, rotate: tuple[str, ...], name: str
) -> None:
    (tmp_path / name).write_text("mine")
    error = run("/dev/ttyNONE", tmp_path / "new", "--edf", *rotate).exception
    assert isinstance(error, OutputError) and f"{name}: exists already" in str(error)


def test_fhir_has_the_length_of_an_event_that_goes_on_behind_the_part(tmp_path: Path) -> None:
    with Recorder(tmp_path / "long", ORIGIN) as recorder:
        recorder.take(items(0, 130 * FS_HZ))
        recorder.take([event(2, 118 * FS_HZ, 129 * FS_HZ)])
    out = tmp_path / "strip.json"
    assert run("--from", tmp_path / "long", out, "--start-s", "118", "--seconds", "2").exit_code == 0
    assert "V run: 11.0 s" in json.loads(out.read_text())["note"][0]["text"]


def test_number_is_refused_for_a_recording(night: Path, tmp_path: Path) -> None:
    done = run("--from", night, tmp_path / "copy", "--number", "2")
    assert done.exit_code == 2
    assert "--number: no effect" in done.output


def test_a_signal_file_that_was_cut_off_is_told(night: Path, tmp_path: Path) -> None:
    signal_file = tmp_path / "night.dat"
    signal_file.write_bytes(signal_file.read_bytes()[:-1000])
    done = run("--from", night, tmp_path / "copy")
    assert done.exit_code == 0
    assert "night.dat: cut off, 500 samples (1.4 s)" in done.output
    assert "Lost: 500 samples." in done.output


def test_a_conversion_that_fails_leaves_no_files(
    night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RecordError("damaged")

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "take", fail)
        assert isinstance(run("--from", night, tmp_path / "copy").exception, RecordError)
    assert not list(tmp_path.glob("copy*"))
    assert run("--from", night, tmp_path / "copy").exit_code == 0


class Quiet:
    """A line of text without numbers, until `stop` is set."""

    origin, drift = ORIGIN, None

    def __init__(self, bad_lines: int) -> None:
        self.losses = Losses(bad_frames=bad_lines)

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        for _ in range(30):
            yield []
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("bad_lines", "text"), [(0, "no line so far"), (7, "7 lines without a number so far")]
)
def test_text_without_numbers_is_told_once(
    bad_lines: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(command.console, "warn", told.append)
    monkeypatch.setattr(command, "QUIET_S", 0.1)
    command._run(Quiet(bad_lines), tmp_path / "text", threading.Event(), None, None, is_text=True)
    (found,) = told
    assert text in found and "--baud" in found
    command._run(Quiet(0), tmp_path / "device", threading.Event(), None, None)
    assert len(told) == 1


class Unplugged:
    """A device that is lost after a second, for three or until `stop` is set."""

    origin, drift = ORIGIN, None

    def __init__(self, is_back: bool) -> None:
        self._is_back, self.losses = is_back, Losses()

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        yield [LinkChange(0, True, "connected"), *items(0, FS_HZ)]
        yield [LinkChange(FS_HZ, False, "port: the link was lost (pulled). Check cable and power.")]
        if self._is_back:
            yield [LinkChange(FS_HZ, True, "connected")]
        else:
            while not stop.is_set():
                time.sleep(0.01)
                yield []
            self.losses = Losses(outages=1, outage_samples=FS_HZ)


def test_a_lost_link_is_told_at_once_and_so_is_its_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(command.console, "warn", told.append)
    monkeypatch.setattr(command.console, "note", told.append)
    _, link = command._run(Unplugged(True), tmp_path / "night", threading.Event(), None, None)
    assert link.lost_at is None
    assert re.search(r"lost at \d\d:\d\d:\d\d: .*\(pulled\).* Trying again\.$", told[1])
    assert re.search(r"back at \d\d:\d\d:\d\d, after ", told[2])


def test_a_link_that_is_lost_at_the_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.LiveLine, "source", lambda line: Unplugged(False))
    figures = tmp_path / "figures.json"
    done = run("port", tmp_path / "night", "--seconds", "1.2", "--json", figures)
    error = done.exception
    assert isinstance(error, LinkError) and error.exit_code == 3
    assert re.match(r"port: the link was lost at \d\d:\d\d:\d\d and not back", str(error))
    assert "Lost: 1 outage (1 s)." in done.output
    assert json.loads(figures.read_text())["losses"]["outages"] == 1


def engine(bundle: object) -> object:
    from tests.support.simulated import HashEngine

    return HashEngine()


def test_a_length_that_no_record_has_is_refused() -> None:
    assert command._samples_of("1h", 250) == 900_000
    for text in ("9" * 400 + "h", "9" * 400 + "MB", "1h2", "1s"):
        with pytest.raises(typer.BadParameter):
            command._samples_of(text, 250)
