"""JUnit XML, the least agreement, Parquet, and the comparison of two sessions."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.firmware.binding.rhythm import END, RUN_V
from ecg_edge.host.cli.commands.compare import compare
from ecg_edge.host.cli.commands.replay import is_enough
from ecg_edge.host.conformance.comparison import Comparator
from ecg_edge.host.conformance.junit import junit_xml, write_junit
from ecg_edge.host.conformance.parquet import write_parquet
from ecg_edge.host.conformance.session import RecordRun, Session
from ecg_edge.host.conformance.two_sessions import SessionSide, compare_sessions
from ecg_edge.host.devices.simulator import simulator_info
from ecg_edge.host.link.client import Progress
from ecg_edge.host.link.messages import Beat, Done
from ecg_edge.host.reference.expected import Expected, expect
from ecg_edge.host.report.html import read_results
from tests.support.made_reports import made_record
from tests.support.messages import made_event
from tests.support.simulated import LABELS, HashEngine, make_bundle, make_database, make_ecg

SAMPLES = make_ecg(60.0)[0]
RECORD = made_record(SAMPLES, "r1")


@pytest.fixture(scope="module")
def expected() -> Expected:
    return expect(SAMPLES, 200, 60, HashEngine(), LABELS)


def session(folder: Path, expected: Expected, beats: list[Beat] | None = None, more: int = 0) -> Session:
    """A session of one record; `beats` as the device reported them, with `more` events of its own."""
    bundle = make_bundle(folder.parent / f"{folder.name}-bundle")
    info = simulator_info(bundle.manifest.model_sha256, bundle.manifest.core_fingerprint, LABELS, "hash")
    made = Session(folder, "emulator", bundle, info, "hash", 60)
    found = expected.beat_messages() if beats is None else beats
    own = [made_event(RUN_V, END, 360 * k, 360 * k + 300, event_index=900 + k) for k in range(more)]
    progress = Progress(len(SAMPLES), len(SAMPLES), found, seconds=1.5)
    progress.events, progress.changes = [*expected.events, *own], expected.quality_messages()
    progress.done = Done(len(SAMPLES), len(found), 0, 0, 0, 0, 0)
    comparator = Comparator(expected)
    comparator.take(found)
    comparator.take_events(progress.events)
    comparator.take_changes(progress.changes)
    made.runs.append(RecordRun(RECORD, progress, comparator.finish(), LABELS))
    made.write()
    return made


def side(made: Session) -> SessionSide:
    return SessionSide(made.folder, read_results(made.folder))


def changed(expected: Expected) -> list[Beat]:
    """Beat 3 has another label, beat 5 another output, beat 7 is missing."""
    beats = expected.beat_messages()
    beats[3] = replace(beats[3], label=(beats[3].label + 1) % 5)
    beats[5] = replace(beats[5], output=bytes([beats[5].output[0] ^ 1]) + beats[5].output[1:])
    return [beat for beat in beats if beat.beat_index != 7]


# ---- JUnit ------------------------------------------------------------------------------------------


def test_junit_of_a_session_that_passed(tmp_path: Path, expected: Expected) -> None:
    made = session(tmp_path / "a", expected)
    write_junit(tmp_path / "out" / "junit.xml", read_results(made.folder))
    root = ElementTree.parse(tmp_path / "out" / "junit.xml").getroot()
    assert root.tag == "testsuites" and root.get("failures") == root.get("errors") == "0"
    (case,) = root.iter("testcase")
    assert (case.get("classname"), case.get("name"), list(case)) == ("replay.own", "r1", [])
    properties = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert properties["model_sha256"] == made.bundle.manifest.model_sha256


def test_junit_of_a_session_that_failed(tmp_path: Path, expected: Expected) -> None:
    made = session(tmp_path / "a", expected, changed(expected))
    made.interrupted = "the <link> was lost"
    made.write()
    root = ElementTree.fromstring(junit_xml(read_results(made.folder)).split("\n", 1)[1])
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "1", "1")
    (failure,) = root.iter("failure")
    assert failure.get("message", "").startswith("3 of ") and "beat 3 (label)" in (failure.text or "")
    (error,) = root.iter("error")
    assert error.get("message") == "the <link> was lost"


# ---- agreement --------------------------------------------------------------------------------------


def test_the_least_agreement(tmp_path: Path, expected: Expected) -> None:
    results = read_results(session(tmp_path / "a", expected, changed(expected)).folder)
    share = 100 * results["agreeing_beats"] / results["beats"]
    assert 90 < share < 100
    assert is_enough(results, share - 0.1) and not is_enough(results, share + 0.1)
    assert not is_enough({**results, "lost_samples": 1}, 50)
    assert not is_enough({**results, "interrupted": True}, 50)
    assert not is_enough({**results, "beats": 0, "agreeing_beats": 0}, 0)


# ---- two sessions -----------------------------------------------------------------------------------


def test_equal_sessions(tmp_path: Path, expected: Expected) -> None:
    sides = [side(session(tmp_path / name, expected)) for name in "ab"]
    (one,) = compare_sessions(*sides)
    assert one.is_equal and one.equal == one.beats == len(expected.beats)
    assert one.events == len(expected.events) and one.first_differences == []
    compare(str(sides[0].folder), str(sides[1].folder))


def test_sessions_that_differ(tmp_path: Path, expected: Expected) -> None:
    first = session(tmp_path / "a", expected)
    second = session(tmp_path / "b", expected, changed(expected), more=2)
    (one,) = compare_sessions(side(first), side(second))
    count = len(expected.beats)
    assert (one.beats, one.equal, one.labels) == (count - 1, count - 3, 1)
    assert (one.only_first, one.only_second) == (1, 0)
    assert (one.events_only_first, one.events_only_second) == (0, 2)
    assert sorted(pair.second is None for pair in one.first_differences) == [False, True]
    (turned,) = compare_sessions(side(second), side(first))
    assert (turned.only_first, turned.only_second, turned.labels) == (0, 1, 1)
    with pytest.raises(typer.Exit) as caught:
        compare(str(first.folder), str(second.folder), json=tmp_path / "out.json")
    assert caught.value.exit_code == 1
    figures = json.loads((tmp_path / "out.json").read_text())
    assert figures["equal"] is False and figures["records"][0]["confusion"][0]["beats"] == 1


def test_two_models_in_one_step(
    tmp_path: Path, shipped_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = make_database(tmp_path / "data", ("100",), 20.0)
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"
    shutil.copytree(shipped_bundle, other)
    compare(str(shipped_bundle), str(other), ["100"], data=database, json=tmp_path / "out.json")
    figures = json.loads((tmp_path / "out.json").read_text())
    assert figures["equal"] and figures["records"][0]["beats"] > 15
    assert figures["first"] != figures["second"]


def test_a_port_needs_records() -> None:
    with pytest.raises(EcgEdgeError, match="Name the records to replay"):
        compare("emulator", "simulator")


def test_sessions_that_cannot_be_compared(tmp_path: Path, expected: Expected) -> None:
    first, second = side(session(tmp_path / "a", expected)), side(session(tmp_path / "b", expected))
    second.results["records"][0]["fs_hz"] = 250
    with pytest.raises(EcgEdgeError, match="own/r1: has another rate or length"):
        compare_sessions(first, second)
    second.results["records"][0]["record"] = "r2"
    with pytest.raises(EcgEdgeError, match="no record in common"):
        compare_sessions(first, second)
    with pytest.raises(EcgEdgeError, match=r"results\.json: not found"):
        compare(tmp_path, tmp_path)


# ---- Parquet ----------------------------------------------------------------------------------------


def test_parquet_of_the_beats(tmp_path: Path, expected: Expected) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    made = session(tmp_path / "a", expected)
    count = write_parquet(made.folder, read_results(made.folder), tmp_path / "beats.parquet")
    table = parquet.read_table(tmp_path / "beats.parquet").to_pydict()
    beats = made.runs[0].progress.beats
    assert count == len(beats) == len(table["r_sample"])
    assert table["r_sample"] == [beat.r_sample for beat in beats]
    assert table["label"] == [LABELS[beat.label] if beat.label < 5 else "unclassifiable" for beat in beats]
    assert table["output"][0] == expected.outputs[0].tolist() and set(table["record"]) == {"r1"}
    assert table["seconds"][1] == pytest.approx(beats[1].r_sample / 360)
