"""The bridge against a real broker: killed, restarted, with passwords and certificates."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from ecg_edge.host.bridge.bridge import Bridge
from ecg_edge.host.bridge.broker import Broker, BrokerError, BrokerRefusal
from ecg_edge.host.bridge.messages import Topics
from ecg_edge.host.bridge.outbox import Outbox
from ecg_edge.host.bridge.publisher import Publisher
from ecg_edge.host.cli.main import main
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import BeatMark, Item, LeadChange, LinkChange, Origin, Wave
from ecg_edge.host.live.timeline import Losses
from tests.support.mosquitto import Mosquitto, Subscriber, free_port

TOPICS = Topics("bed3")
FS_HZ = 360
BLOCK = 36


class Counting:
    """A source of samples that count, with a beat every 300 samples.

    Parameters
    ----------
    blocks_per_s : float
        0: as fast as possible.
    blocks : int
    """

    def __init__(self, blocks: int, blocks_per_s: float = 0.0, extra: list[Item] | None = None) -> None:
        self._blocks, self._pause = blocks, 1 / blocks_per_s if blocks_per_s else 0.0
        self._extra = extra or []
        self.origin = Origin("counting", "test", FS_HZ, 200.0, "ECG", ("N", "V"), "ab" * 32)
        self.losses = Losses()

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Deliver the blocks."""
        yield [LinkChange(0, True, "connected")]
        for block in range(self._blocks):
            if stop.is_set():
                return
            start = block * BLOCK
            items: list[Item] = [Wave(start, (np.arange(start, start + BLOCK) % 1000).astype(np.int16))]
            items += [BeatMark(k, "N", 300, 1, 99, 200) for k in range(start, start + BLOCK) if k % 300 == 0]
            yield items
            time.sleep(self._pause)
        yield self._extra


def bridge(broker: Broker, folder: Path, source: Counting, prefix: str | None = None) -> Outbox:
    """Run one bridge to its end."""
    with closing(Outbox(folder / "outbox.sqlite")) as outbox:
        with Publisher(broker, TOPICS, outbox) as publisher:
            publisher.connect()
            Bridge(source, TOPICS, outbox, publisher, prefix).run(threading.Event())
        return outbox


def samples_of(subscriber: Subscriber, session: int = 1) -> np.ndarray:
    """All samples of a session, which must be without a gap."""
    waves = [one for one in subscriber.messages["ecg-edge/bed3/wave"] if one["session"] == session]
    end = 0
    for wave in waves:
        assert wave["start"] == end
        end += len(wave["samples"])
    return np.concatenate([wave["samples"] for wave in waves])


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def test_everything_arrives_once_and_in_order(
    mosquitto: Mosquitto, tmp_path: Path, project_root: Path
) -> None:
    event = RhythmEvent(0, 10, 0, 0, 100, 200, 5, 1800, 120, 100, 130, 0, 0)
    source = Counting(400, extra=[event, LeadChange(400 * BLOCK, 3)])
    with Subscriber(mosquitto.port) as subscriber:
        outbox = bridge(Broker("localhost", mosquitto.port), tmp_path, source, "homeassistant")
        assert outbox.state["messages"] == outbox.state["dropped"] == 0
        subscriber.wait(lambda: subscriber.plain.get("ecg-edge/bed3/status") == b"offline")
    assert (subscriber.doubles, subscriber.lost) == (0, 0)
    assert np.array_equal(samples_of(subscriber), np.arange(400 * BLOCK) % 1000)
    beats = [one["sample"] for one in subscriber.messages["ecg-edge/bed3/beat"]]
    assert beats == list(range(0, 400 * BLOCK, 300))
    state = json.loads(subscriber.plain["ecg-edge/bed3/state"])
    schema = json.loads((project_root / "docs" / "reference" / "mqtt.schema.json").read_text())
    jsonschema.validate({"state": state}, {**schema, "required": ["state"]})
    assert state["signal"] == "electrode off" and state["heart_rate"] is None
    assert "electrode off" in [alarm["name"] for alarm in state["alarms"]]
    config = json.loads(subscriber.plain["homeassistant/device/ecg-edge-bed3/config"])
    assert config["device"]["name"] == "ECG bed3"


def test_state_session_and_status_are_retained(mosquitto: Mosquitto, tmp_path: Path) -> None:
    bridge(Broker("localhost", mosquitto.port), tmp_path, Counting(40))
    with Subscriber(mosquitto.port) as late:
        late.wait(lambda: len(late.plain) == 2 and late.count)
    assert late.plain["ecg-edge/bed3/status"] == b"offline"
    assert json.loads(late.plain["ecg-edge/bed3/state"])["link"]
    assert list(late.messages) == ["ecg-edge/bed3/session"]


def test_a_broker_killed_and_restarted_in_the_middle_loses_nothing(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    notes: list[str] = []
    broker, source = Broker("localhost", mosquitto.port), Counting(600, 150.0)
    with Subscriber(mosquitto.port) as subscriber, closing(Outbox(tmp_path / "outbox.sqlite")) as outbox:
        with Publisher(broker, TOPICS, outbox, notes.append) as publisher:
            publisher.connect()
            bridging = Bridge(source, TOPICS, outbox, publisher)
            running = threading.Thread(target=bridging.run, args=(threading.Event(),))
            running.start()
            for kills in range(2):
                subscriber.wait(lambda kills=kills: connected(notes) == kills)
                time.sleep(0.4)
                mosquitto.kill()
                waiting = outbox.state["messages"]
                time.sleep(0.6)
                assert outbox.state["messages"] > waiting
                mosquitto.start()
            running.join()
            subscriber.wait(lambda: outbox.state["messages"] == 0)
        subscriber.wait(lambda: len(samples_of(subscriber)) == 600 * BLOCK)
    assert subscriber.lost == 0
    assert np.array_equal(samples_of(subscriber), np.arange(600 * BLOCK) % 1000)
    assert sum("Messages wait on the disk" in note for note in notes) >= 2
    assert connected(notes) == 2


def test_what_a_killed_broker_confirmed_in_the_last_two_seconds_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecg_edge.host.bridge.publisher.RETRY_S", (3.0,))  # a subscriber is there before it
    (tmp_path / "broker").mkdir()
    with (
        Mosquitto(tmp_path / "broker", autosave=False) as mosquitto,  # it forgets what it confirmed
        closing(Outbox(tmp_path / "outbox.sqlite")) as outbox,
        Publisher(Broker("localhost", mosquitto.port), TOPICS, outbox) as publisher,
    ):
        publisher.connect()
        stop = threading.Event()
        bridging = Bridge(Counting(9999, 20.0), TOPICS, outbox, publisher)
        running = threading.Thread(target=bridging.run, args=(stop,))
        running.start()
        with Subscriber(mosquitto.port) as early:
            early.wait(lambda: len(early.messages["ecg-edge/bed3/wave"]) > 20)
            mosquitto.kill()
        mosquitto.start()
        with Subscriber(mosquitto.port, "late") as late:
            late.wait(lambda: len(late.messages["ecg-edge/bed3/wave"]) > 10)
        stop.set()
        running.join()
    before, after = (
        [one["seq"] for one in subscriber.messages["ecg-edge/bed3/wave"]] for subscriber in (early, late)
    )
    again = before[-1] + 1 - after[0]  # some four, at two a second; never all of them
    assert 1 <= again <= 10
    assert after == list(range(after[0], after[0] + len(after)))


def connected(notes: list[str]) -> int:
    """Times that the connection came back."""
    return sum("connected again" in note for note in notes)


def test_a_broker_that_forgot_everything_gets_session_and_state_again(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    with (
        Mosquitto(tmp_path / "broker", autosave=False) as mosquitto,
        closing(Outbox(tmp_path / "outbox.sqlite")) as outbox,
        Publisher(Broker("localhost", mosquitto.port), TOPICS, outbox) as publisher,
    ):
        publisher.connect()
        bridging, stop = (
            Bridge(Counting(9999, 100.0), TOPICS, outbox, publisher, "homeassistant"),
            threading.Event(),
        )
        running = threading.Thread(target=bridging.run, args=(stop,))
        running.start()
        with Subscriber(mosquitto.port) as subscriber:
            subscriber.wait(lambda: subscriber.messages["ecg-edge/bed3/wave"])
        mosquitto.kill()
        mosquitto.start()
        with Subscriber(mosquitto.port) as late:
            late.wait(lambda: late.messages["ecg-edge/bed3/session"] and len(late.plain) == 3)
        stop.set()
        running.join()


def test_a_bridge_that_is_gone_is_offline_by_its_last_will(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with Subscriber(mosquitto.port) as subscriber, running_bridge(mosquitto, tmp_path) as process:
        subscriber.wait(lambda: subscriber.plain.get("ecg-edge/bed3/status") == b"online")
        process.kill()
        subscriber.wait(lambda: subscriber.plain["ecg-edge/bed3/status"] == b"offline")


@contextmanager
def running_bridge(
    mosquitto: Mosquitto, folder: Path, play: float = 2.0, *more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The command in another process, with synthetic ECG."""
    words = ["bridge", "synth/s09", "--mqtt", mosquitto.url, "--name", "bed3", "--state", str(folder)]
    command = [sys.executable, "-m", "ecg_edge.host.cli.main", *words, "--play", str(play), *more]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_killed_bridge_loses_two_seconds_at_most_and_sends_the_rest_later(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    chosen, kills = random.Random(3), 3
    lifetimes_s: dict[int, float] = {}
    with Subscriber(mosquitto.port) as subscriber:
        for session in range(1, kills + 1):
            with running_bridge(mosquitto, tmp_path, 1.0) as process:

                def count(session: int = session) -> int:
                    waves = subscriber.messages["ecg-edge/bed3/wave"]
                    return sum(one["session"] == session for one in waves)

                subscriber.wait(count)
                began = time.monotonic() - count()  # a message a second
                if session == 2:
                    mosquitto.kill()
                time.sleep(chosen.uniform(1.0, 3.0))
                process.send_signal(signal.SIGKILL)
                elapsed = time.monotonic() - began
                process.wait()
            if session == 2:
                mosquitto.start()
            lifetimes_s[session] = elapsed
        with running_bridge(mosquitto, tmp_path, 0.0) as process:
            process.wait(60)
        subscriber.wait(lambda: subscriber.plain.get("ecg-edge/bed3/status") == b"offline")
        for session, elapsed in lifetimes_s.items():
            assert elapsed - len(samples_of(subscriber, session)) / FS_HZ < 2.0
        assert len(samples_of(subscriber, kills + 1)) == 43_200
    assert subscriber.lost == 0


def test_a_broker_that_is_away_at_the_start_is_an_error_or_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mosquitto: Mosquitto
) -> None:
    mosquitto.kill()
    words = ["bridge", "synth/s09", "--mqtt", mosquitto.url, "--state", str(tmp_path), "--play", "0"]
    assert exit_code([*words, "--name", "bed3"]) == 3
    assert "no broker there (Connection refused)" in capsys.readouterr().err
    assert exit_code([*words, "--name", "bed3", "--offline-start"]) == 0
    assert "Bridge again to send them." in capsys.readouterr().out
    mosquitto.start()
    with Subscriber(mosquitto.port) as subscriber:
        assert exit_code([*words, "--name", "bed3"]) == 0
        subscriber.wait(lambda: subscriber.plain.get("ecg-edge/bed3/status") == b"offline")
        for session in (1, 2):
            assert len(samples_of(subscriber, session)) == 43_200


def exit_code(words: list[str]) -> int:
    """Run the command line; its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    return int(caught.value.code or 0)


def make_password_file(folder: Path) -> Path:
    """Users of a broker: ward, with the password heart."""
    path = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(path), "ward", "heart"], check=True)
    return path


def test_a_wrong_password_is_refused_with_advice(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, f"password_file {make_password_file(tmp_path)}") as mosquitto:
        for user, password in (("ward", "lung"), ("ward", None), (None, None)):
            with pytest.raises(BrokerRefusal, match=r"refuses .*(Not authorized|Bad user).*--password-file"):
                bridge(Broker("localhost", mosquitto.port, False, user, password), tmp_path, Counting(4))
        right = Broker("localhost", mosquitto.port, False, "ward", "heart")
        assert bridge(right, tmp_path, Counting(40)).state["messages"] == 0


def make_certificates(folder: Path) -> None:
    """An authority (ca.pem), a certificate for localhost that it signed, and another authority."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}")
        openssl(*new, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    new = ("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost")
    openssl(*new, "-keyout", "broker.key", "-out", "broker.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signing = ("x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    openssl(*signing, "-days", "2", "-extfile", "names", "-out", "broker.pem")


# paho leaves the socket of a failed handshake to the garbage collector.
LEFT_OPEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@LEFT_OPEN
@pytest.mark.slow
def test_encryption_needs_a_known_authority(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    files = (f"certfile {tmp_path / 'broker.pem'}", f"keyfile {tmp_path / 'broker.key'}")
    with Mosquitto(tmp_path, *files) as mosquitto:
        broker = Broker("localhost", mosquitto.port, True, ca=tmp_path / "ca.pem")
        assert bridge(broker, tmp_path, Counting(40)).state["messages"] == 0
        with pytest.raises(BrokerRefusal, match=r"not trusted.*--ca FILE"):
            bridge(Broker("localhost", mosquitto.port, True), tmp_path, Counting(4))
        with pytest.raises(BrokerRefusal, match=r"other\.pem is not the authority"):
            bridge(
                Broker("localhost", mosquitto.port, True, ca=tmp_path / "other.pem"), tmp_path, Counting(4)
            )
        with pytest.raises(BrokerRefusal, match=r"not trusted"):
            bridge(Broker("127.0.0.1", mosquitto.port, True, ca=tmp_path / "ca.pem"), tmp_path, Counting(4))


@LEFT_OPEN
def test_encryption_to_a_plain_port_is_named(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"mqtts://|no broker there"):
        bridge(Broker("localhost", mosquitto.port, True), tmp_path, Counting(4))


def test_a_host_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="no such host"):
        bridge(Broker("no-such-host.invalid", 1883), tmp_path, Counting(4))
    with pytest.raises(BrokerError, match="no broker there"):
        bridge(Broker("localhost", free_port()), tmp_path, Counting(4))


def test_two_bridges_of_one_name_on_one_computer_are_refused(
    mosquitto: Mosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Subscriber(mosquitto.port) as subscriber, running_bridge(mosquitto, tmp_path) as process:
        subscriber.wait(lambda: subscriber.plain.get("ecg-edge/bed3/status") == b"online")
        words = ["bridge", "synth/s09", "--mqtt", mosquitto.url, "--name", "bed3", "--state", str(tmp_path)]
        assert exit_code(words) == 2
        assert f"in use by process {process.pid}" in capsys.readouterr().err


def test_bad_options_leave_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["bridge", "synth/s09", "--mqtt", "http://x", "--state", str(tmp_path)]) == 2
    assert "is no URL of a broker" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
