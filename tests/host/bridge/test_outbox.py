"""The queue on disk."""

from __future__ import annotations

import json
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ecg_edge.ecg.errors import OutputError
from ecg_edge.host.bridge.broker import Broker
from ecg_edge.host.bridge.messages import Topics
from ecg_edge.host.bridge.outbox import Outbox
from ecg_edge.host.bridge.publisher import Publisher


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


def numbers(outbox: Outbox) -> list[tuple[str, int, int]]:
    found = [(one.kind, json.loads(one.payload)) for one in outbox.after(0, 1000)]
    return [(kind, content["seq"], content["session"]) for kind, content in found]


def test_numbers_go_on_after_the_file_is_opened_again(path: Path) -> None:
    with closing(Outbox(path)) as outbox:
        outbox.begin()
        outbox.put([("wave", {}), ("beat", {})])
        outbox.put([("wave", {})])
        stream = outbox.stream
        outbox.remove(outbox.after(0, 1))
    with closing(Outbox(path)) as outbox:
        outbox.begin()
        outbox.put([("wave", {}), ("beat", {})])
        assert outbox.stream == stream
        assert numbers(outbox) == [("beat", 0, 1), ("wave", 1, 1), ("wave", 2, 2), ("beat", 1, 2)]
        assert outbox.state["messages"] == 4


def test_another_file_is_another_stream(tmp_path: Path) -> None:
    with closing(Outbox(tmp_path / "a")) as one, closing(Outbox(tmp_path / "b")) as other:
        assert one.stream != other.stream


def test_the_oldest_go_when_it_is_full(path: Path) -> None:
    with closing(Outbox(path, 2000)) as outbox:
        dropped = [outbox.put([("wave", {"samples": [k] * 50})]) for k in range(20)]
        kept = numbers(outbox)
        assert kept == [("wave", number, 0) for number in range(20 - len(kept), 20)]
        assert 5 < len(kept) < 20
        assert sum(dropped) == outbox.state["dropped"] == 20 - len(kept)
        assert outbox.state["bytes"] == sum(len(one.payload) for one in outbox.after(0, 99)) <= 2000


@contextmanager
def full_disk(limit_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_messages_that_are_counted(path: Path) -> None:
    with closing(Outbox(path)) as outbox:
        outbox.put([("wave", {})])
        with full_disk(1000):
            assert outbox.put([("wave", {"text": "x" * 5000})]) == 1
        outbox.put([("wave", {})])
        assert numbers(outbox) == [("wave", 0, 0), ("wave", 2, 0)]
        assert outbox.state == {"messages": 2, "bytes": outbox.state["bytes"], "dropped": 1}


class Taker:
    """A connection that takes everything and confirms nothing."""

    room, is_idle = 20, True

    def __init__(self) -> None:
        self.topics: list[str] = []

    def send(self, topic: str, payload: bytes | str, retain: bool) -> int:
        self.topics.append(topic)
        return len(self.topics)

    def work(self, timeout_s: float) -> None:
        time.sleep(0.01)

    def close(self) -> None:
        """Do nothing."""


def test_a_file_that_cannot_be_read_is_told_and_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, notes = Taker(), list[str]()
    with closing(Outbox(path)) as outbox:
        outbox.put([("beat", {})])
        publisher = Publisher(Broker("host", 1883), Topics("bed"), outbox, notes.append)
        monkeypatch.setattr(publisher, "_open", lambda: connection)
        database, outbox._db = outbox._db, sqlite3.connect(":memory:")
        publisher.start({})
        wait_for(lambda: bool(notes))
        outbox._db = database
        wait_for(lambda: "ecg-edge/bed/beat" in connection.topics)
        publisher.stop(0.0)
    assert "outbox.sqlite: cannot be used (" in notes[0]


def wait_for(is_done: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not is_done() and time.monotonic() < until:
        time.sleep(0.01)
    assert is_done()


def test_a_damaged_file_is_named(path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    with pytest.raises(OutputError, match=r"outbox\.sqlite: cannot be used"):
        Outbox(path)
