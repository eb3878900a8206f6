"""A replay that goes on where it was interrupted gives the results of one that was not."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.cli import main as cli
from ecg_edge.host.conformance import passes
from ecg_edge.host.conformance import replay as replay_module
from ecg_edge.host.conformance.replay import ReplayResult, replay
from ecg_edge.host.conformance.resume import read_request
from ecg_edge.host.devices.simulator import Faults
from ecg_edge.host.live.items import BeatMark
from ecg_edge.host.live.replayed import SessionSource
from ecg_edge.quantize.bundle.manifest import Bundle
from tests.support.simulated import (
    HashEngine,
    device_on_a_socket,
    make_bundle,
    make_database,
    make_ecg,
    write_record,
)

NAMES = ("100", "101", "102")
VARYING = ("started", "seconds", "realtime_factor", "port")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_database(tmp_path_factory.mktemp("data"), NAMES, 40.0)


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A bundle whose reference is the hash engine; a lost line is given up at once."""
    monkeypatch.setattr(replay_module, "reference_engine", lambda bundle: HashEngine())
    monkeypatch.setattr(passes, "RECONNECT_S", 0.0)
    return make_bundle(tmp_path / "bundle")


def run(bundle: Bundle, database: Path, out: Path, faults: Faults | None = None, **more: Any) -> ReplayResult:
    with device_on_a_socket(bundle, faults) as port:
        return replay(NAMES, port=port, bundle_path=bundle.path, data=database, out=out, **more)


def plain(value: Any) -> Any:
    """Results without what differs between two equal replays."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in VARYING}
    return [plain(one) for one in value] if isinstance(value, list) else value


def files(folder: Path) -> dict[str, bytes]:
    """Tables and annotations."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in (".csv", ".dev")
    }


def interrupt_in(record: str) -> Any:
    def update(now: Any) -> None:
        if now.record == record and now.taken > 4500:
            raise KeyboardInterrupt

    return update


@pytest.mark.parametrize("record", NAMES)
def test_it_gives_the_results_of_an_uninterrupted_replay(
    bundle: Bundle, database: Path, tmp_path: Path, record: str
) -> None:
    whole = run(bundle, database, tmp_path / "whole")
    cut = run(bundle, database, tmp_path / "cut", on_update=interrupt_in(record))
    assert cut.cancelled and cut.results["verdict"] == "fail"
    streamed = set()
    resumed = run(
        bundle, database, tmp_path / "cut", resume=True, on_update=lambda now: streamed.add(now.record)
    )
    assert streamed == set(NAMES[NAMES.index(record) :])
    assert resumed.passed and plain(resumed.results) == plain(whole.results)
    assert resumed.results["started"] == cut.results["started"]
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
    for number in range(3):
        batches = SessionSource(tmp_path / "cut", number).items(threading.Event())
        beats = [one for batch in batches for one in batch if isinstance(one, BeatMark)]
        assert len(beats) == whole.results["records"][number]["beats"]


def test_it_may_be_interrupted_again(bundle: Bundle, database: Path, tmp_path: Path) -> None:
    out = tmp_path / "session"
    assert run(bundle, database, out, Faults(hang_up_at=4000)).error
    for record in ("101", "101", "102"):
        assert run(bundle, database, out, resume=True, on_update=interrupt_in(record)).cancelled
    assert run(bundle, database, out, resume=True).passed


def test_a_difference_before_the_interruption_stays(bundle: Bundle, database: Path, tmp_path: Path) -> None:
    out, wrong = tmp_path / "session", Faults(wrong_outputs={3})
    run(bundle, database, out, wrong, on_update=interrupt_in("101"))
    resumed = run(bundle, database, out, resume=True)
    assert [one["verdict"] for one in resumed.results["records"]] == ["fail", "pass", "pass"]
    assert resumed.results["records"][0]["first_differences"]


def test_another_device_or_no_session_is_refused(bundle: Bundle, database: Path, tmp_path: Path) -> None:
    out = tmp_path / "session"
    run(bundle, database, out, on_update=interrupt_in("101"))
    before = files(out)
    other = device_on_a_socket(bundle, firmware_version="other")
    with other as port, pytest.raises(EcgEdgeError, match="another device, firmware or model"):
        replay(NAMES, port=port, bundle_path=bundle.path, data=database, out=out, resume=True)
    assert files(out) == before
    with pytest.raises(EcgEdgeError, match="no session that can go on"):
        read_request(tmp_path)
    assert run(bundle, database, out, resume=True).passed
    with pytest.raises(EcgEdgeError, match="came to its end"):
        read_request(out)


def test_a_killed_replay_goes_on_by_the_command(
    database: Path, shipped_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "session"
    make_database(data, ("100",), 20.0)
    write_record(data / "mitdb", "long", np.tile(make_ecg(60.0)[0], 10))
    words = ["replay", "100", "long", "--port", "simulator", "--model", str(shipped_bundle)]
    words += ["--data", str(data), "--out", str(out), "--no-report", "--seconds", "200", "--block-size", "30"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ecg_edge.host.cli.main", *words], stderr=subprocess.DEVNULL
    )
    resume = out / "resume.json"
    while not (resume.is_file() and json.loads(resume.read_text())["records"]) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert exit_code(["replay", "--resume", str(out), "100"]) == 2
    assert exit_code(["replay", "--resume", str(out), "--no-report"]) == 0
    assert "PASS" in capsys.readouterr().out
    results = json.loads((out / "results.json").read_text())
    assert [one["record"] for one in results["records"]] == ["100", "long"]
    assert results["records"][1]["samples"] == 200 * 360
    gzip.decompress((out / "frames.log.gz").read_bytes())
    assert exit_code(["replay", "--resume", str(out)]) == 2


def exit_code(words: list[str]) -> int:
    """Run the command line; its exit code."""
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    return int(caught.value.code or 0)
