"""The replay as a user runs it: records, a bundle and a port in; a session folder and an exit code out."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge.ecg.errors import BundleError, EcgEdgeError, LinkError, OutputError, RecordError
from ecg_edge.firmware.binding.rhythm import HEART_RATE
from ecg_edge.host.cli import main as cli
from ecg_edge.host.cli.commands.replay import _show
from ecg_edge.host.conformance import passes
from ecg_edge.host.conformance import replay as replay_module
from ecg_edge.host.conformance.events_csv import read_events
from ecg_edge.host.conformance.folder import EVENTS_NAME, claim_folder, clear_folder
from ecg_edge.host.conformance.replay import ReplayResult, Update, read_stream, replay
from ecg_edge.host.conformance.results import summary_of, training_note, verdict_word
from ecg_edge.host.devices.simulator import Faults
from ecg_edge.host.evaluation.sources import Conditions
from ecg_edge.host.reference import labels as labels_module
from ecg_edge.host.report.html import accuracy_of, read_results, write_report
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE, SHIPPED_BUNDLE, Bundle, load_bundle
from tests.support.simulated import (
    HashEngine,
    device_on_a_socket,
    make_bundle,
    make_database,
    make_ecg,
    write_record,
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two records of a minute."""
    return make_database(tmp_path_factory.mktemp("data"))


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A bundle whose reference is the hash engine."""
    monkeypatch.setattr(replay_module, "reference_engine", lambda bundle: HashEngine())
    return make_bundle(tmp_path / "bundle")


def run(bundle: Bundle, database: Path, faults: Faults | None = None, **options: Any) -> ReplayResult:
    """Replay both records to a simulated device."""
    with device_on_a_socket(bundle, faults) as port:
        settings = {"bundle_path": bundle.path, "data": database, "out": bundle.path.parent / "session"}
        return replay(["100", "mitdb/101"], port=port, **{**settings, **options})


@contextmanager
def command(bundle: Bundle, database: Path, faults: Faults | None = None, **info: Any) -> Iterator[list[str]]:
    """The words of a replay command for a simulated device."""
    with device_on_a_socket(bundle, faults, **info) as port:
        folders = [
            "--model",
            str(bundle.path),
            "--morphology",
            "none",
            "--data",
            str(database),
            "--no-report",
        ]
        yield ["replay", "--port", port, *folders, "--out", str(bundle.path.parent / "session")]


def exit_code(words: list[str]) -> int:
    """Run the command line; its exit code."""
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    return int(caught.value.code or 0)


def test_a_device_in_agreement_passes(bundle: Bundle, database: Path) -> None:
    updates: list[Update] = []
    outcome = run(bundle, database, on_update=updates.append)
    assert outcome.passed and outcome.error is None
    assert outcome.results["beats"] > 140 and outcome.results["differing_bytes"] == 0
    assert [record["record"] for record in outcome.results["records"]] == ["100", "101"]
    assert json.loads((outcome.session.folder / "results.json").read_text())["verdict"] == "pass"
    assert updates[-1].taken == updates[-1].samples == 21600
    assert updates[-1].agreeing == updates[-1].beats > 60


@pytest.mark.parametrize("path", [SHIPPED_BUNDLE, BOARD_BUNDLE], ids=["judged", "board"])
def test_without_a_model_the_shipped_one_that_the_device_names_is_the_reference(
    bundle: Bundle, database: Path, tmp_path: Path, path: Path
) -> None:
    with device_on_a_socket(load_bundle(path)) as port:
        outcome = replay(["100"], port=port, data=database, out=tmp_path / "session")
    assert outcome.passed and outcome.session.bundle.path == path
    resumed = json.loads((tmp_path / "session" / "resume.json").read_text())
    assert resumed["options"]["bundle_path"] == str(path)
    assert outcome.results["records"][0]["seen_in_training"] is (path == BOARD_BUNDLE)
    note = training_note(outcome.results["records"])
    assert note.startswith("The network trained on the beats of this record:") is (path == BOARD_BUNDLE)
    judged = accuracy_of(outcome.results)
    assert judged is not None and ("nothing about other people" in judged.text) is (path == BOARD_BUNDLE)


def test_without_a_model_a_device_with_another_one_is_refused(bundle: Bundle, database: Path) -> None:
    with device_on_a_socket(bundle) as port, pytest.raises(LinkError, match=r"holds the model .*--model"):
        replay(["100"], port=port, data=database, out=bundle.path.parent / "session")


def test_a_record_of_a_further_database_is_known_as_trained_on(bundle: Bundle) -> None:
    manifest = load_bundle(BOARD_BUNDLE).manifest
    assert manifest.trained_on("svdb", ["800", "803", "999"]) == ["800", "803"]
    assert load_bundle(SHIPPED_BUNDLE).manifest.trained_on("svdb", ["800", "803"]) == ["800"]


def test_a_wrong_or_lost_event_fails(bundle: Bundle, database: Path) -> None:
    for faults, name in (
        (Faults(wrong_events={1}), "differing_events"),
        (Faults(dropped_events={2}), "lost_events"),
    ):
        outcome = run(bundle, database, faults)
        assert not outcome.passed and outcome.results["differing_bytes"] == 0
        assert outcome.results[name] == 2 and outcome.results["events"] > 10
        assert len(outcome.results["records"][0]["first_event_differences"]) == 1
        shutil.rmtree(outcome.session.folder)


def test_events_are_kept_for_people(bundle: Bundle, database: Path) -> None:
    outcome = run(bundle, database)
    kept = read_events(outcome.session.folder / EVENTS_NAME)
    assert kept == {("mitdb", r.record.name): r.progress.events for r in outcome.session.runs}
    assert sum(event.kind == HEART_RATE for event in kept["mitdb", "100"]) == 6


def test_only_the_first_seconds(bundle: Bundle, database: Path) -> None:
    outcome = run(bundle, database, seconds=20.0)
    assert outcome.passed and outcome.results["samples"] == 2 * 20 * 360
    assert (
        outcome.results["records"][0]["scores"]["ec57"][0]["qrs_se"] > 0.9
    )  # of the annotations up to there


@pytest.mark.slow
@pytest.mark.parametrize("block", [1, 100, None])
def test_blocks_of_any_size_agree(bundle: Bundle, database: Path, block: int | None) -> None:
    outcome = run(bundle, database, seconds=30.0, block=block)
    assert outcome.passed and outcome.results["beats"] > 60
    assert outcome.results["link"]["naks"] == 0


@pytest.mark.parametrize("fs_hz", [250, 500])
def test_a_device_agrees_at_the_rates_of_other_boards(bundle: Bundle, database: Path, fs_hz: int) -> None:
    outcome = run(bundle, database, seconds=30.0, conditions=Conditions(fs_hz=fs_hz))
    assert outcome.passed and outcome.results["beats"] > 60
    assert outcome.results["samples"] == 2 * 30 * fs_hz
    assert outcome.results["records"][0]["scores"]["ec57"][0]["qrs_se"] > 0.9


@pytest.mark.parametrize(
    "options", [["--block-size", "0"], ["--block-size", "241"], ["--block-size", "x"], ["--fs", "300"]]
)
def test_another_block_or_rate_is_refused(
    bundle: Bundle, database: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["replay", "--model", str(bundle.path), "--data", str(database), *options, "100"]
    assert exit_code(arguments) == 2
    assert options[0] in capsys.readouterr().err


def test_damaged_frames_cost_no_verdict(bundle: Bundle, database: Path) -> None:
    outcome = run(bundle, database, Faults(damaged_samples={10, 50, 120}, dropped_samples={70}))
    assert outcome.passed
    assert outcome.results["link"]["naks"] >= 4 and outcome.results["link"]["rejected_by_device"] == 3


def test_wrong_outputs_fail_and_are_shown(
    bundle: Bundle, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with command(bundle, database, Faults(wrong_outputs={3, 8})) as words:
        assert exit_code([*words, "--records", "100", "--json", "-"]) == 1
    captured = capsys.readouterr()
    results, text = json.loads(captured.out), captured.err
    assert (results["verdict"], results["differing_bytes"]) == ("fail", 2)
    assert "First differing beats of mitdb/100" in text and "FAIL" in text
    first = results["records"][0]["first_differences"][0]
    for who in ("expected", "device"):
        assert " ".join(map(str, first[who]["output"])) in " ".join(text.replace("│", " ").split())


def test_a_lost_beat_fails(bundle: Bundle, database: Path) -> None:
    outcome = run(bundle, database, Faults(dropped_beats={4}))
    assert not outcome.passed and outcome.results["lost_beats"] == 2  # one in each record


def test_a_lost_link_keeps_the_partial_session(
    bundle: Bundle, database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "RECONNECT_S", 0.0)
    with command(bundle, database, Faults(hang_up_at=12_000)) as words:
        assert exit_code([*words, "100", "101"]) == 3
    results = json.loads((bundle.path.parent / "session" / "results.json").read_text())
    assert (results["verdict"], results["interrupted"]) == ("fail", True)
    assert "the link was lost" in results["reason"] and "the link was lost" in capsys.readouterr().err
    (record,) = results["records"]
    assert record["interrupted"] and 20 < record["agreeing_beats"] < record["beats"]


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Python's own answer to SIGINT, which a shell's background job ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_keeps_the_partial_session(
    bundle: Bundle, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(update: Update) -> None:
        if update.record == "101" and update.taken > 4500:
            signal.raise_signal(signal.SIGINT)

    outcome = run(bundle, database, on_update=interrupt)
    assert not outcome.passed and outcome.error is None
    results = json.loads((outcome.session.folder / "results.json").read_text())
    assert (results["interrupted"], results["reason"], results["verdict"]) == (True, "Ctrl-C", "fail")
    assert [record["verdict"] for record in results["records"]] == ["pass", "fail"]
    cut = results["records"][1]
    assert 10 < cut["agreeing_beats"] < cut["beats"] and cut["lost_samples"] == 0
    assert (cut["lost_beats"], cut["differing_bytes"]) == (0, 0)  # not lost: never asked for
    assert verdict_word(results) == "interrupted"
    assert re.search(
        r"interrupted: Ctrl-C\. Until then \d+ beats agreed .* 1 complete record and \d+ s of mitdb/101\.$",
        summary_of(results),
    )
    _show(outcome)
    shown = capsys.readouterr().out
    assert f"ecg-edge replay --resume {outcome.session.folder}" in shown
    assert re.search(r"mitdb/101 .*interrupted", shown)


def test_a_damaged_record_keeps_what_was_replayed(bundle: Bundle, database: Path, tmp_path: Path) -> None:
    damaged = make_database(tmp_path / "damaged", seconds=20.0)
    path = damaged / "mitdb" / "101.dat"
    path.write_bytes(path.read_bytes()[:-100])
    outcome = run(bundle, damaged)
    assert isinstance(outcome.error, RecordError) and "101.dat: truncated" in str(outcome.error)
    assert [record["verdict"] for record in outcome.results["records"]] == ["pass"]
    assert outcome.results["verdict"] == "fail"


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ({"model_sha256": "77" * 32}, "holds the model 7777.*, but the bundle .*bundle is [0-9a-f]{64}"),
        ({"core_fingerprint": 0xABCD}, "has the signal path 0000abcd, but the bundle"),
        ({"rhythm_fingerprint": 0xABCD}, "has the rhythm rules 0000abcd, and this computer"),
        ({"labels": ("N", "V")}, "labels N,V, but the bundle .* has N,L,R,A,V"),
        ({"status": 1}, "refuses to label beats: the boot self-test failed"),
        ({"status": 2}, "the model's checksum is wrong"),
        ({"status": 9}, "status 9"),
        ({"protocol_version": 99}, "has protocol version 99"),
    ],
)
def test_another_device_is_refused(bundle: Bundle, database: Path, info: dict[str, Any], text: str) -> None:
    session = bundle.path.parent / "session"
    with device_on_a_socket(bundle, **info) as port, pytest.raises(LinkError, match=text):
        replay(["100"], port=port, bundle_path=bundle.path, data=database, out=session)
    assert not session.exists()


def test_another_signal_path_on_this_computer_is_refused(
    bundle: Bundle, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels_module, "fingerprint", lambda: 1)
    with pytest.raises(BundleError, match="this computer's is 00000001"):
        run(bundle, database)


def test_a_wrong_model_leaves_with_3(
    bundle: Bundle, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with command(bundle, database, model_sha256="77" * 32) as words:
        assert exit_code([*words, "100"]) == 3
    assert "name the device's with --model" in capsys.readouterr().err


def test_a_missing_record_or_bundle_leaves_with_2(
    bundle: Bundle, database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["replay", "--port", "unix:/none", "--model", str(bundle.path), "--data", str(database)]
    assert exit_code([*words, "999"]) == 2
    assert "999: not found" in capsys.readouterr().err
    assert exit_code([*words, "--model", str(tmp_path / "none"), "100"]) == 2
    assert "manifest.json: not found" in capsys.readouterr().err
    assert exit_code(words) == 2
    assert "name at least one record" in capsys.readouterr().err


def test_replay_is_also_a_plain_script(project_root: Path, tmp_path: Path, database: Path) -> None:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    script = [sys.executable, str(project_root / "host" / "replay.py")]
    asked = subprocess.run(
        [*script, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "RECORDS" in asked.stdout and "--port" in asked.stdout
    failed = subprocess.run(
        [*script, "--model", "none", "--data", str(database), "100"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert failed.returncode == 2 and "none/manifest.json: not found" in failed.stderr


SIGNALS = {
    "flat": np.zeros(3600, np.int16),
    "one": np.full(1, 100, np.int16),
    "noise": np.random.default_rng(1).normal(0, 10, 7200).astype(np.int16),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_without_a_beat_is_no_pass(
    bundle: Bundle, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_record(tmp_path / "data" / "mitdb", name, SIGNALS[name])
    with command(bundle, tmp_path / "data") as words:
        assert exit_code([*words, name]) == 1
    results = json.loads((tmp_path / "session" / "results.json").read_text())
    assert (results["verdict"], results["beats"], results["differing_bytes"]) == ("inconclusive", 0, 0)
    assert results["records"][0]["verdict"] == "inconclusive"
    shown = capsys.readouterr().out
    assert "INCONCLUSIVE" in shown and f"mitdb/{name}" in shown and "PASS" not in shown


def test_one_record_without_a_beat_keeps_the_session_from_passing(
    bundle: Bundle, database: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(database, tmp_path / "data")
    write_record(data / "mitdb", "flat", SIGNALS["flat"])
    with device_on_a_socket(bundle) as port:
        outcome = replay(["100", "flat"], port=port, bundle_path=bundle.path, data=data, out=tmp_path / "s")
    assert [record["verdict"] for record in outcome.results["records"]] == ["pass", "inconclusive"]
    assert outcome.results["verdict"] == "inconclusive" and not outcome.passed


def test_a_record_without_annotations_is_compared(bundle: Bundle, tmp_path: Path) -> None:
    write_record(tmp_path / "data" / "mitdb", "bare", make_ecg(30.0)[0])
    with device_on_a_socket(bundle) as port:
        outcome = replay(
            ["bare"], port=port, bundle_path=bundle.path, data=tmp_path / "data", out=tmp_path / "s"
        )
    assert outcome.passed and outcome.results["beats"] > 30
    assert outcome.results["scores"] == {} and outcome.results["records"][0]["scores"] is None


# ---- a replay that ends early -------------------------------------------------------------------------


@contextmanager
def running_replay(data: Path, bundle: Path, out: Path) -> Iterator[subprocess.Popen[str]]:
    """Replay a short and a long record in another process; gives it when the first record is written."""
    write_record(data / "mitdb", "long", np.tile(make_ecg(60.0)[0], 60))
    words = ["replay", "100", "long", "--port", "simulator", "--model", str(bundle), "--data", str(data)]
    words += ["--out", str(out), "--no-report"]
    # A shell's background job ignores SIGINT, and its children would inherit that.
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    start += "from ecg_edge.host.cli.main import main; main(sys.argv[1:])"
    process = subprocess.Popen([sys.executable, "-c", start, *words], stderr=subprocess.PIPE, text=True)
    try:
        while not _records_in(out) and process.poll() is None:
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.communicate()


def _records_in(session: Path) -> int:
    return len(read_results(session)["records"]) if (session / "results.json").exists() else 0


def test_a_killed_replay_leaves_a_session_that_report_reads(
    database: Path, shipped_bundle: Path, tmp_path: Path
) -> None:
    data, out = shutil.copytree(database, tmp_path / "data"), tmp_path / "session"
    with running_replay(data, shipped_bundle, out) as process:
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    results = read_results(out)
    assert (results["verdict"], results["interrupted"]) == ("fail", True)
    assert [(r["record"], r["verdict"]) for r in results["records"]] == [("100", "pass")]
    page = write_report(out, data=data).read_text()
    assert "the replay did not come to its end" in page and "annotated N" in page
    with pytest.raises(OutputError, match=r"session already\. .* go on with it \(`ecg-edge replay --resume"):
        replay(["100"], port="no-port", data=data, out=out)
    with claim_folder(out, may_hold_session=True):
        clear_folder(out)
    assert list(out.iterdir()) == []


def test_ctrl_c_exits_with_130_and_loses_no_samples(
    database: Path, shipped_bundle: Path, tmp_path: Path
) -> None:
    data, out = shutil.copytree(database, tmp_path / "data"), tmp_path / "session"
    with running_replay(data, shipped_bundle, out) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    results = read_results(out)
    assert (results["reason"], results["lost_samples"]) == ("Ctrl-C", 0)


# ---- the session's folder -----------------------------------------------------------------------------


def test_an_earlier_session_is_kept_unless_it_is_to_be_replaced(
    bundle: Bundle, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(bundle, database, seconds=20.0).session.folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with command(bundle, database) as words:
        assert exit_code([*words, "100"]) == 2
        told = capsys.readouterr().err
        assert f"{folder}: holds a session already. Name another folder, or replace it with --over" in told
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        assert exit_code([*words, "100", "--overwrite"]) == 0
    assert [one["record"] for one in read_results(folder)["records"]] == ["100"]
    assert exit_code(["replay", "--resume", str(folder), "--overwrite"]) == 2


@pytest.mark.parametrize("name", ["results.json", "frames.log.gz", "report.html", "annotations"])
def test_any_part_of_a_session_is_kept(bundle: Bundle, database: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / name).write_text("x")
    with pytest.raises(OutputError, match=r"s: holds a session already\. Name another folder, or replace it"):
        replay(["100"], port="no-port", bundle_path=bundle.path, data=database, out=tmp_path / "s")


def test_a_demo_keeps_an_earlier_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: object) -> None:
        raise AssertionError("built before the folder was checked")

    monkeypatch.setattr("ecg_edge.host.cli.commands.demo._build", build)
    (tmp_path / "results.json").write_text("{}")
    assert exit_code(["demo", "--out", str(tmp_path)]) == 2
    assert (tmp_path / "results.json").read_text() == "{}"


def test_a_session_in_a_used_folder_keeps_nothing_of_the_earlier_one(bundle: Bundle, database: Path) -> None:
    folder = run(bundle, database).session.folder
    (folder / "notes.txt").write_text("mine")
    with device_on_a_socket(bundle) as port:
        replay(["101"], port=port, bundle_path=bundle.path, data=database, out=folder, overwrite=True)
    assert [path.name for path in (folder / "annotations" / "mitdb").iterdir()] == ["101.dev"]
    assert {row.split(",")[1] for row in (folder / "beats.csv").read_text().splitlines()[1:]} == {"101"}
    assert (folder / "notes.txt").read_text() == "mine"
    assert not list(folder.glob(".*"))


def test_a_folder_of_something_else_is_refused(bundle: Bundle, database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("x")
    with pytest.raises(EcgEdgeError, match=r"thesis: holds no session, but 'chapter1\.tex'"):
        replay(["100"], port="socket://127.0.0.1:1", bundle_path=bundle.path, data=database, out=folder)
    assert [path.name for path in folder.iterdir()] == ["chapter1.tex"]


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/nowhere/x"])
def test_a_folder_that_cannot_be_made_is_an_error_before_the_device_is_opened(
    bundle: Bundle, database: Path, tmp_path: Path, out: str
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EcgEdgeError, match="cannot be written"):
        replay(["100"], port="no-port", bundle_path=bundle.path, data=database, out=tmp_path / out)


def test_two_replays_into_one_folder_are_refused(bundle: Bundle, database: Path, tmp_path: Path) -> None:
    with claim_folder(tmp_path / "s"), pytest.raises(EcgEdgeError, match="in use"):
        replay(["100"], port="no-port", bundle_path=bundle.path, data=database, out=tmp_path / "s")
    with claim_folder(tmp_path / "s"):
        pass  # the first has given it back


def test_a_device_that_is_refused_costs_no_earlier_session(bundle: Bundle, database: Path) -> None:
    folder = run(bundle, database).session.folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with device_on_a_socket(bundle, status=2) as port, pytest.raises(LinkError):
        replay(["100"], port=port, bundle_path=bundle.path, data=database, out=folder, overwrite=True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@contextmanager
def full_disk(limit_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a limit, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit_bytes", [1_000, 8_000, 20_000])
def test_a_full_disk_has_a_reason_and_leaves_no_cut_file(
    bundle: Bundle, database: Path, limit_bytes: int
) -> None:
    folder = bundle.path.parent / "session"
    with pytest.raises(OutputError, match=r"cannot be written \(File too large\)"), full_disk(limit_bytes):
        raise run(bundle, database).error or AssertionError("no error")
    sizes = {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    assert max(sizes.values(), default=0) < limit_bytes
    if "frames.log.gz" in sizes:
        gzip.decompress((folder / "frames.log.gz").read_bytes())  # whole
    assert not [name for name in sizes if name.startswith(".")]


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -1.0, 0.0])
def test_seconds_that_are_no_length_are_refused(bundle: Bundle, database: Path, seconds: float) -> None:
    with pytest.raises(EcgEdgeError, match="seconds"):
        replay(["100"], port="no-port", bundle_path=bundle.path, data=database, seconds=seconds)


@pytest.mark.parametrize(
    "options",
    [{"block": 0}, {"block": 241}, {"conditions": Conditions(mains_hz=55)}, {"restart_s": 0.0}],
)
def test_options_out_of_range_are_refused(bundle: Bundle, database: Path, options: dict[str, Any]) -> None:
    with pytest.raises(EcgEdgeError, match=r"samples|mains|stream"):
        replay(["100"], port="no-port", bundle_path=bundle.path, data=database, **options)


def test_streams_begin_afresh_and_are_scored_from_their_own_start(bundle: Bundle, database: Path) -> None:
    outcome = run(bundle, database, restart_s=25.0, seconds=20.0)
    assert outcome.passed
    first, second, last = outcome.results["records"][:3]
    assert [entry["record"] for entry in (first, second, last)] == ["100@0s", "100@25s", "100@50s"]
    assert (second["file"], second["from_s"], second["samples"], last["samples"]) == ("100", 25, 7200, 3600)
    assert [one["start_s"] for one in second["scores"]["ec57"]] == [0]
    assert outcome.results["scores"]["DS2"]["records"] == 3
    again = read_stream(database, second)
    assert np.array_equal(again.samples, outcome.session.runs[1].record.samples)
    assert np.array_equal(again.beat_samples, outcome.session.runs[1].record.beat_samples)


def test_an_inverted_lead_of_half_the_size(bundle: Bundle, database: Path) -> None:
    upright = run(bundle, database, seconds=20.0).session.runs[0].record.samples
    turn = Conditions(scale=0.5, invert=True)
    outcome = run(bundle, database, seconds=20.0, conditions=turn, overwrite=True)
    assert outcome.passed and outcome.results["records"][0]["scale"] == -0.5
    turned = outcome.session.runs[0].record.samples
    assert np.array_equal(turned, np.rint(upright * -0.5).astype(np.int16))
    assert np.array_equal(read_stream(database, outcome.results["records"][0]).samples, turned)


def test_alarms_an_hour_are_in_the_results(bundle: Bundle, database: Path) -> None:
    alarms = run(bundle, database).results["alarms"]
    assert alarms["hours"] == pytest.approx(2 / 60, rel=1e-4)
    for one in alarms["kinds"].values():
        assert one["told_per_hour"] == pytest.approx(one["told"] * 30, rel=1e-4)


def test_a_replay_with_the_other_mains_frequency_agrees(bundle: Bundle, database: Path) -> None:
    outcome = run(bundle, database, seconds=20.0, conditions=Conditions(mains_hz=50))
    assert outcome.passed and outcome.results["mains_hz"] == 50


@pytest.mark.slow
@pytest.mark.records
def test_a_real_record_goes_the_whole_way(bundle: Bundle, data_dir: Path) -> None:
    with device_on_a_socket(bundle) as port:
        out = bundle.path.parent / "session"
        outcome = replay(["100"], port=port, bundle_path=bundle.path, data=data_dir, out=out)
    assert outcome.passed and outcome.results["samples"] == 650_000
    assert outcome.results["realtime_factor"] > 5  # hundreds on an idle computer
    assert outcome.results["records"][0]["scores"]["ec57"][0]["qrs_se"] > 0.995
