"""`ecg-edge monitor` as a program: it prints an address, answers there, and ends on SIGINT."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.cli.main import app
from ecg_edge.host.recording.recorder import Recorder
from tests.conftest import ROOT
from tests.support.made_session import ORIGIN, items

pytest.importorskip("fastapi")

from typer.testing import CliRunner


def chunk_of(words: list[str], number: int, seconds: float = 30) -> dict[str, object]:
    """Run the command and get a chunk as soon as it is there; the exit code must be 0."""
    command = [sys.executable, "-m", "ecg_edge.host.cli.main", "monitor", "--no-browser", "--http-port", "0"]
    process = subprocess.Popen([*command, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        address = urlsplit(process.stdout.readline().strip())
        until = time.monotonic() + seconds
        found: dict[str, object] = {}
        while found.get("known") != 3600 and time.monotonic() < until:
            line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
            line.request("GET", f"/chunk/{number}")
            answer = line.getresponse()
            content = answer.read()
            line.close()
            found = json.loads(content) if answer.status == 200 else {}
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        return found
    finally:
        process.kill()
        process.stdout.close()


@pytest.mark.slow
def test_a_recording(tmp_path: Path) -> None:
    with Recorder(tmp_path / "night", ORIGIN) as recorder:
        recorder.take(items(0, 30 * 360))
    chunk = chunk_of([str(tmp_path / "night")], 1)
    assert chunk["known"] == 3600
    assert len(chunk["beats"]) == 10  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_record(records: Path) -> None:
    chunk = chunk_of(["mitdb/100", "--data", str(records), "--play", "0"], 5)
    assert chunk["known"] == 3600
    assert len(chunk["beats"]) >= 10  # type: ignore[arg-type]
    assert len(chunk["references"]) >= 10  # type: ignore[arg-type]


def test_a_device_without_a_front_end() -> None:
    done = CliRunner().invoke(app, ["monitor", "simulator", "--no-browser"])
    assert isinstance(done.exception, LinkError)
    assert "front end" in str(done.exception)


def test_a_port_that_is_not_there() -> None:
    done = CliRunner().invoke(app, ["monitor", "/dev/ttyNONE", "--no-browser"])
    assert isinstance(done.exception, LinkError)
    assert "ecg-edge ports" in str(done.exception)
