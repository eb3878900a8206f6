"""The port that "auto" stands for, and the reset of a board."""

from __future__ import annotations

import os
import pty
import sys
from contextlib import closing
from pathlib import Path

import pytest
import typer

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.cli import console, port_choice
from ecg_edge.host.cli.live_options import LiveLine, any_source
from ecg_edge.host.devices.discovery import DEVICE, Found, Port
from ecg_edge.host.link import transports
from ecg_edge.host.link.transports import reset_board
from ecg_edge.host.live.device import DeviceSource


def found(*names: str) -> list[Found]:
    devices = [Found(Port(name, "", ""), DEVICE, 921_600, f"board {name}", "") for name in names]
    return [Found(Port("other", "", ""), "text", 9600, "sends numbers", "Try --text"), *devices]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user at a terminal."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(type(console.err), "is_terminal", True)


def test_a_named_port_is_that() -> None:
    assert port_choice.found_port("/dev/ttyUSB7") == "/dev/ttyUSB7"


def test_a_link_to_a_port_is_a_port(tmp_path: Path) -> None:
    (tmp_path / "port").symlink_to("/dev/null")
    line = LiveLine(str(tmp_path / "port"), None, 60, None, False, None)
    assert isinstance(any_source(line, 1, None, None), DeviceSource)


def test_the_only_device_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_choice, "discover", lambda: found("a"))
    assert port_choice.found_port("auto") == "a"


@pytest.mark.usefixtures("terminal")
def test_of_several_the_user_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_choice, "discover", lambda: found("a", "b"))
    answers = [0, 3, 2]
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: answers.pop(0))
    assert port_choice.found_port("auto") == "b" and not answers


def test_of_several_none_is_taken_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_choice, "discover", lambda: found("a", "b"))
    with pytest.raises(LinkError, match=r"2 devices answer(.|\n)*a: board a"):
        port_choice.found_port("auto")


class FakeLines:
    """A port that keeps the changes of its lines."""

    def __init__(self) -> None:
        object.__setattr__(self, "changes", [])

    def __setattr__(self, name: str, value: bool) -> None:
        self.changes.append((name, value))

    def fileno(self) -> int:
        raise OSError

    def close(self) -> None:
        self.changes.append(("close", True))


def test_a_reset_pulls_rts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "RESET_S", 0.0)
    line = FakeLines()
    reset_board("/dev/ttyUSB0", lambda port: line)  # type: ignore[arg-type, return-value]
    assert line.changes == [("dtr", False), ("rts", True), ("rts", False), ("close", True)]


def test_a_port_without_these_lines_is_an_error() -> None:
    with pytest.raises(LinkError, match="has no lines DTR and RTS"):
        reset_board("unix:/tmp/x")
    master, slave = pty.openpty()
    with closing(os.fdopen(master)), closing(os.fdopen(slave)), pytest.raises(LinkError, match="be reset"):
        reset_board(os.ttyname(slave))
