"""The thread that reads a source: an error of any kind ends the link, and is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
import wfdb

from ecg_edge.ecg.errors import LinkError, OutputError
from ecg_edge.host.live.items import Item, LinkChange, Origin
from ecg_edge.host.recording.reader import Reader
from ecg_edge.host.recording.recorder import Recorder
from tests.support.made_session import FS_HZ, ORIGIN, items


class Failing:
    """A source of a second of signal and an error."""

    origin: Origin = ORIGIN
    losses = None

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        yield [LinkChange(0, True, "connected")]
        yield list(items(0, FS_HZ))
        if self._error is not None:
            raise self._error


def read(error: Exception | None, recorder: Recorder | None = None) -> Reader:
    reader = Reader(Failing(error))  # type: ignore[arg-type]
    reader.start(recorder)
    deadline = time.monotonic() + 10
    while reader._thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    return reader


@pytest.mark.parametrize(
    ("error", "text"),
    [(LinkError("unplugged"), "unplugged"), (OverflowError("too large"), "OverflowError: too large")],
)
def test_any_error_ends_the_link_and_is_told(error: Exception, text: str) -> None:
    session = read(error).session
    assert (session.is_up, session.link_text, session.end) == (False, text, FS_HZ)


def test_any_error_of_the_recorder_ends_the_recording_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such sample")

    recorder = Recorder(tmp_path / "night", ORIGIN)
    monkeypatch.setattr(recorder, "tick", fail)
    reader = read(None, recorder)
    assert reader.session.is_up and reader.recorder is None
    assert reader.session.link_text == "recording stopped: ValueError: no such sample"
    assert reader.recording_error == "ValueError: no such sample"
    assert wfdb.rdheader(str(tmp_path / "night")).sig_len == FS_HZ  # closed: the header has all of it
    assert '"type":"end","reason":"ValueError: no such sample"' in (tmp_path / "night.jsonl").read_text()


def test_a_recording_that_stops_while_the_link_is_lost_does_not_bring_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "night", ORIGIN)

    def fail(*_: object) -> None:
        if recorder.samples:
            raise OutputError("no space")

    def lost(stop: threading.Event) -> Iterator[list[Item]]:
        yield [LinkChange(0, True, "connected")]
        yield [*items(0, FS_HZ), LinkChange(FS_HZ, False, "unplugged")]

    source = Failing(None)
    monkeypatch.setattr(source, "items", lost)
    monkeypatch.setattr(recorder, "tick", fail)
    reader = Reader(source)  # type: ignore[arg-type]
    reader.start(recorder)
    reader._thread.join(10)
    assert (reader.session.is_up, reader.recording_error) == (False, "no space")


def test_a_session_has_the_time_of_its_source() -> None:
    source, started = Failing(None), datetime(2026, 1, 31, 10, 15, tzinfo=timezone.utc)
    source.started = started  # type: ignore[attr-defined]
    assert Reader(source).session.started == started  # type: ignore[arg-type]
