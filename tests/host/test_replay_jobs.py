"""Replay through several devices at once: as one device gives, in the same order; faults end all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.conformance import replay as replay_module
from ecg_edge.host.conformance.replay import ReplayResult, Update, replay
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.devices.simulator import Faults
from ecg_edge.host.link.transports import Transport
from ecg_edge.host.live.items import Wave
from ecg_edge.host.live.replayed import SessionSource
from ecg_edge.quantize.bundle.manifest import Bundle
from tests.support.simulated import HashEngine, device_on_a_socket, make_bundle, make_database

NAMES = ("100", "101", "102", "103", "104")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five records of half a minute."""
    return make_database(tmp_path_factory.mktemp("data"), NAMES, 30.0)


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A bundle whose reference is the hash engine."""
    monkeypatch.setattr(replay_module, "reference_engine", lambda bundle: HashEngine())
    return make_bundle(tmp_path / "bundle")


def run(
    bundle: Bundle,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    jobs: int,
    faults: tuple[Faults | None, ...] = (),
    **options: Any,
) -> ReplayResult:
    """Replay all records; the devices have the faults, in the order in which they are opened."""
    pending = [*faults]

    @contextmanager
    def opened(*_: Any) -> Iterator[Transport]:
        with (
            device_on_a_socket(bundle, pending.pop(0) if pending else None) as port,
            open_transport(port) as transport,
        ):
            yield transport

    monkeypatch.setattr(replay_module, "open_transport", opened)
    settings = {"bundle_path": bundle.path, "data": database, "out": bundle.path.parent / f"jobs{jobs}"}
    return replay(NAMES, port="simulator", jobs=jobs, **{**settings, **options})


def content(outcome: ReplayResult, name: str) -> bytes:
    return (outcome.session.folder / name).read_bytes()


def test_three_devices_give_what_one_gives(
    bundle: Bundle, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()

    def update(now: Update) -> None:
        threads.add(threading.get_ident())

    one = run(bundle, database, monkeypatch, 1)
    three = run(bundle, database, monkeypatch, 3, on_update=update)
    assert one.passed and three.passed and len(threads) > 1
    assert [record["record"] for record in three.results["records"]] == list(NAMES)
    for name in ("beats.csv", "events.csv"):
        assert content(one, name) == content(three, name)


def test_the_log_has_the_records_in_their_order(
    bundle: Bundle, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run(bundle, database, monkeypatch, 3).session.folder
    for number, name in enumerate(NAMES):
        source = SessionSource(folder, number)
        assert source.origin.name.startswith(f"mitdb/{name} ")
        items = [item for batch in source.items(threading.Event()) for item in batch]
        assert sum(len(item.samples) for item in items if isinstance(item, Wave)) == 30 * 360


def test_a_wrong_output_of_one_device_fails_its_records_alone(
    bundle: Bundle, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run(bundle, database, monkeypatch, 2, (Faults(wrong_outputs=frozenset({3})), None))
    verdicts = {record["verdict"] for record in outcome.results["records"]}
    assert outcome.results["verdict"] == "fail" and "fail" in verdicts and outcome.error is None


def test_an_error_in_one_ends_all_and_keeps_what_there_is(
    bundle: Bundle, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(now: Update) -> None:
        if now.record == "102" and now.taken > 3000:
            raise LinkRefusedError("the third device is gone")

    outcome = run(bundle, database, monkeypatch, 2, on_update=update)
    assert "the third device is gone" in str(outcome.error) and outcome.results["interrupted"]
    records = [record["record"] for record in outcome.results["records"]]
    assert records == list(NAMES[: len(records)]) and len(records) <= 3


class LinkRefusedError(EcgEdgeError):
    """Stands for any error that is not repaired."""


def test_an_interrupted_session_goes_on_with_several(
    bundle: Bundle, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update(now: Update) -> None:
        if now.record == "103":
            raise LinkRefusedError("gone")

    first = run(bundle, database, monkeypatch, 2, on_update=update)
    done = len(first.results["records"])
    streamed: set[str] = set()
    again = run(bundle, database, monkeypatch, 2, resume=True, on_update=lambda now: streamed.add(now.record))
    assert again.passed and [record["record"] for record in again.results["records"]] == list(NAMES)
    assert "103" in streamed and len(streamed) <= len(NAMES) - done + 2


def test_several_boards_at_once(
    bundle: Bundle, database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(replay_module, "reference_engine", lambda bundle: HashEngine())

    @contextmanager
    def counted(port: str, *rest: Any) -> Iterator[Transport]:
        opened.append(port)
        with open_transport(port, *rest) as transport:
            yield transport

    monkeypatch.setattr(replay_module, "open_transport", counted)
    with device_on_a_socket(bundle) as one, device_on_a_socket(bundle) as other:
        outcome = replay(
            NAMES, port=f"{one},{other}", bundle_path=bundle.path, data=database, out=tmp_path / "two"
        )
        assert opened == [one, other]
    assert outcome.passed and [record["record"] for record in outcome.results["records"]] == list(NAMES)
    assert content(outcome, "beats.csv") == content(run(bundle, database, monkeypatch, 1), "beats.csv")


def test_boards_that_differ_are_no_session(
    bundle: Bundle, database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (
        device_on_a_socket(bundle) as one,
        device_on_a_socket(bundle, engine="other") as other,
        pytest.raises(EcgEdgeError, match="Compare different boards"),
    ):
        replay(NAMES, port=f"{one},{other}", bundle_path=bundle.path, data=database, out=tmp_path / "two")


@pytest.mark.parametrize(
    ("port", "jobs", "text"),
    [
        ("/dev/ttyUSB0", 2, "one record at a time"),
        ("native", 0, "1 to"),
        ("a,a", 1, "each port once"),
        ("a,", 1, "each port once"),
        ("a,b", 3, "one record at a time"),
    ],
)
def test_several_jobs_need_devices_of_this_computer(
    bundle: Bundle, database: Path, port: str, jobs: int, text: str
) -> None:
    with pytest.raises(EcgEdgeError, match=text):
        replay(NAMES, port=port, jobs=jobs, bundle_path=bundle.path, data=database)
