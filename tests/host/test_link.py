"""The host's end of the line, against a device with every fault that a line can have."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, repeat
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError, ToolError
from ecg_edge.firmware import fingerprint
from ecg_edge.host.conformance.comparison import Comparator, Comparison
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.devices.simulator import Faults, simulator, simulator_info
from ecg_edge.host.link import client as link_module
from ecg_edge.host.link.client import Link, Progress
from ecg_edge.host.link.frames import Decoder, encode
from ecg_edge.host.link.messages import (
    Credit,
    Deltas,
    Error,
    Finish,
    Hello,
    Nak,
    Samples,
    SignalQuality,
    Start,
    Started,
)
from ecg_edge.host.link.transports import SocketTransport, port_kind
from ecg_edge.host.reference.expected import expect
from tests.support.simulated import LABELS, HashEngine, make_ecg

INFO = simulator_info("ab" * 32, fingerprint(), LABELS, "hash")
ECG = make_ecg(60.0)[0]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence that would take seconds takes tenths here."""
    monkeypatch.setattr(link_module, "RESEND_S", 0.1)
    monkeypatch.setattr(link_module, "HELLO_S", 0.1)
    monkeypatch.setattr(link_module, "GIVE_UP_S", 0.5)


def stream(faults: Faults, samples: NDArray[np.int16] = ECG) -> tuple[Progress, Comparison]:
    """Stream `samples` to a device with `faults`, and compare its beats with the reference."""
    with simulator(INFO, HashEngine(), faults) as transport:
        link = Link(transport)
        info = link.handshake()
        link.start(fs_hz=360, adu_per_mv=200, mains_hz=60, mode=0)
        progress = link.stream(samples, info.window_samples)
    comparator = Comparator(expect(samples, 200, 60, HashEngine(), LABELS))
    comparator.take(progress.beats)
    comparator.take_events(progress.events)
    comparator.take_changes(progress.changes)
    return progress, comparator.finish()


def test_a_clean_line_loses_nothing() -> None:
    progress, comparison = stream(Faults())
    assert comparison.agrees and comparison.beats > 60 and comparison.agreeing == comparison.beats
    assert progress.done is not None and progress.done.samples == progress.samples_taken == len(ECG)
    assert (progress.naks, progress.resends, progress.retransmitted_frames, progress.bad_frames) == (
        0,
        0,
        0,
        0,
    )


@pytest.mark.parametrize("length", [0, 1, 239, 240, 241, 1920, 1921])
def test_any_length_is_streamed(length: int) -> None:
    progress, comparison = stream(Faults(), ECG[:length])
    assert progress.samples_taken == length and comparison.agrees


@pytest.mark.parametrize("step", [1, 127, 128, 129, 20_000])
def test_steps_of_any_size_arrive(step: int) -> None:
    samples = ECG.copy()
    samples[1000::500] += np.int16(step)  # into the middle of some blocks and the beginning of others
    samples[4800] = -32768
    progress, comparison = stream(Faults(), samples)
    assert comparison.agrees and progress.samples_taken == len(samples)


@pytest.mark.parametrize("blocks", [repeat(1), repeat(7), repeat(239), cycle([1, 240, 3, 100])])
def test_blocks_of_any_size_fit_the_receive_buffer(blocks: Iterable[int]) -> None:
    """The device's buffer holds eight full frames twice; bytes under way are those since the last CREDIT."""
    frames: list[tuple[str, bytes]] = []
    samples = ECG[:6000]
    with simulator(INFO, HashEngine()) as transport:
        link = Link(transport)
        link.start(360, 200, 60, 0)
        link.log = lambda direction, encoded: frames.append((direction, encoded))
        progress = link.stream(samples, INFO.window_samples, blocks=blocks)
    assert (progress.samples_taken, progress.naks, progress.resends) == (6000, 0, 0)
    assert most_under_way(frames) <= 8 * 495
    comparator = Comparator(expect(samples, 200, 60, HashEngine(), LABELS))
    comparator.take(progress.beats)
    comparator.take_events(progress.events)
    comparator.take_changes(progress.changes)
    assert comparator.finish().agrees


def most_under_way(frames: list[tuple[str, bytes]]) -> int:
    """Bytes of samples, at most, that were sent and not yet covered by a CREDIT."""
    under_way: dict[int, int] = {}
    most = 0
    for direction, encoded in frames:
        (message,) = Decoder().feed(encoded.rstrip(b"\0") + b"\0")
        if direction == ">" and isinstance(message, (Samples, Deltas)):
            under_way[message.first_index] = len(encoded)
        elif isinstance(message, Credit):
            under_way = {at: size for at, size in under_way.items() if at >= message.next_index}
        most = max(most, sum(under_way.values()))
    return most


def test_blocks_are_as_short_as_they_can_be() -> None:
    frames: list[bytes] = []
    with simulator(INFO, HashEngine()) as transport:
        link = Link(transport)
        link.log = lambda direction, encoded: frames.append(encoded) if direction == ">" else None
        link.start(360, 200, 60, 0)
        link.stream(
            np.array([0, 127, -1, 1000, 1001] + [0] * 235 + [1000] * 240, np.int16), INFO.window_samples
        )
    kinds = [type(message) for message in Decoder().feed(b"\0".join([*frames, b""]))]
    assert kinds == [Start, Samples, Deltas, Finish]


def test_a_damaged_frame_is_sent_again() -> None:
    progress, comparison = stream(Faults(damaged_samples={0, 3, 40}))
    assert comparison.agrees and progress.samples_taken == len(ECG)
    assert progress.naks >= 2 and progress.retransmitted_frames >= 3  # 0 and 3 went in one burst: one NAK
    assert progress.done is not None and progress.done.rejected_frames == 3


def test_a_dropped_frame_is_sent_again() -> None:
    progress, comparison = stream(Faults(dropped_samples={5, 6, 30}))
    assert comparison.agrees and progress.naks == 2


def test_the_last_frame_may_be_lost_too() -> None:
    progress, comparison = stream(Faults(dropped_samples={len(ECG) // 240 - 1}))
    assert comparison.agrees and progress.naks + progress.resends >= 1


def replies_to(samples: NDArray[np.int16]) -> list[type]:
    """Kinds of the frames with which a device answers to a whole session."""
    frames: list[bytes] = []
    with simulator(INFO, HashEngine()) as transport:
        link = Link(transport)
        link.log = lambda direction, encoded: frames.append(encoded) if direction == "<" else None
        link.handshake()
        link.start(360, 200, 60, 0)
        link.stream(samples, INFO.window_samples)
    return [type(message) for message in Decoder().feed(b"\0".join([*frames, b""]))]


def test_a_damaged_credit_or_done_costs_only_time() -> None:
    quiet = np.zeros(2400, np.int16)  # no beat
    replies = replies_to(quiet)
    assert [kind.__name__ for kind in replies].count("Credit") >= 5
    for number in np.flatnonzero([kind is not SignalQuality for kind in replies]).tolist():
        progress, comparison = stream(Faults(damaged_replies={number}), quiet)
        assert comparison.agrees and progress.samples_taken == len(quiet), f"reply {number} was damaged"


def test_a_lost_change_of_the_signals_quality_is_a_difference() -> None:
    samples = ECG.copy()
    samples[7200:9000] = 900  # a flat line
    progress, comparison = stream(Faults(), samples)
    assert [change.bad for change in progress.changes] == [1, 0] and comparison.agrees
    progress, comparison = stream(Faults(dropped_changes={1}), samples)
    assert len(progress.changes) == 1
    assert comparison.differing_changes == 1 and not comparison.agrees


def test_a_damaged_beat_counts_as_lost() -> None:
    _, comparison = stream(Faults(dropped_beats={7}))
    assert not comparison.agrees
    assert (comparison.lost_beats, comparison.differing_bytes) == (1, len(LABELS))


def test_silence_ends_the_stream_and_keeps_what_there_was() -> None:
    progress = Progress()
    with simulator(INFO, HashEngine(), Faults(silent_at=9600)) as transport:
        link = Link(transport)
        link.handshake()
        link.start(360, 200, 60, 0)
        with pytest.raises(LinkError, match=r"The link was lost: nothing from the device.* of 21600"):
            link.stream(ECG, INFO.window_samples, progress=progress)
    assert 7200 <= progress.samples_taken < 9600 and len(progress.beats) > 20
    assert progress.done is None and progress.resends > 1 and progress.seconds > 0


def test_a_closed_connection_is_a_lost_link() -> None:
    with simulator(INFO, HashEngine(), Faults(hang_up_at=4800)) as transport:
        link = Link(transport)
        link.handshake()
        link.start(360, 200, 60, 0)
        with pytest.raises(LinkError, match="simulator: the link was lost"):
            link.stream(ECG, INFO.window_samples)


def test_a_device_of_another_protocol_version_is_refused() -> None:
    newer = replace(INFO, protocol_version=3)
    expected = pytest.raises(LinkError, match="speaks protocol version 3, this program speaks 2")
    with simulator(newer, HashEngine()) as transport, expected:
        Link(transport).handshake()


def test_an_error_frame_names_the_device_s_reason() -> None:
    with simulator(replace(INFO, status=1), HashEngine()) as transport:
        link = Link(transport)
        link.handshake()
        with pytest.raises(LinkError, match=r"self-test failed \(code 1\): the boot self-test failed"):
            link.start(360, 200, 60, 0)


def test_a_mute_device_is_given_up() -> None:
    with scripted_device({}) as link, pytest.raises(LinkError, match="does not answer HELLO"):
        link.handshake()


@contextmanager
def scripted_device(answers: dict[type, list[Any]]) -> Iterator[Link]:
    """A link to a device that gives fixed answers to each type of message."""
    host_end, device_end = socket.socketpair()

    def serve() -> None:
        decoder = Decoder()
        with contextlib.suppress(OSError):  # the host hangs up first
            while data := device_end.recv(4096):
                for message in decoder.feed(data):
                    device_end.sendall(b"".join(encode(reply, 0) for reply in answers.get(type(message), [])))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    transport = SocketTransport(host_end, "scripted")
    yield Link(transport)
    transport.close()
    thread.join(5.0)
    device_end.close()


@pytest.mark.parametrize("answer", [Credit(100_000), Nak(100_000, 1)])
def test_an_index_that_was_never_sent_is_refused(answer: Credit | Nak) -> None:
    expected = pytest.raises(LinkError, match="for sample 100000; only 1920 were sent")
    with scripted_device({Deltas: [answer]}) as link, expected:
        link.stream(ECG, 1920)


def test_a_session_before_is_not_taken_for_this_one() -> None:
    with scripted_device({Hello: [Started(1)]}) as link:
        link.send(Hello())
        with pytest.raises(LinkError, match="does not answer START"):
            link._session = 4
            link.start(360, 200, 60, 0)


def test_credit_is_kept() -> None:
    """Never a sample at or beyond the newest credit plus the window."""
    taken, allowed, furthest = 0, 0, []
    host_end, device_end = socket.socketpair()

    def serve() -> None:
        nonlocal taken, allowed
        decoder = Decoder()
        while data := device_end.recv(400):
            for message in decoder.feed(data):
                if isinstance(message, (Samples, Deltas)):
                    taken += len(message.values)
                    furthest.append(taken - (allowed + 720))
                    if taken >= allowed + 480:
                        allowed = taken
                        device_end.sendall(encode(Credit(allowed), 0))
                elif taken == 4800:
                    device_end.sendall(encode(Error(7, "enough"), 0))

    threading.Thread(target=serve, daemon=True).start()
    with pytest.raises(LinkError, match="enough"):
        Link(SocketTransport(host_end, "credit")).stream(ECG[:4800], 720)
    assert taken == 4800 and max(furthest) <= 0


def test_frames_are_logged_in_both_directions() -> None:
    frames: list[tuple[str, bytes]] = []
    with simulator(INFO, HashEngine()) as transport:
        link = Link(transport)
        link.log = lambda direction, encoded: frames.append((direction, encoded))
        link.handshake()
    assert [direction for direction, _ in frames] == [">", "<"]
    assert Decoder().feed(frames[1][1] + b"\0") == [INFO]


@pytest.mark.parametrize(
    ("port", "text"),
    [
        ("/dev/no-such-port", "cannot be opened.*Is the board plugged in"),
        ("unix:/no/such/socket", "cannot be opened.*Is the program that listens there running"),
        ("socket://127.0.0.1:1", "cannot be opened.*refused"),
        ("socket://nowhere", "a socket URL is socket://HOST:PORT"),
        ("nonsense://x", "nonsense://x: cannot be opened"),
        ("native:/no/such/program", "/no/such/program: not found"),
        ("emulator:/no/such.elf", r"/no/such\.elf: not found"),
        ("simulator", "name a bundle with --model"),
    ],
)
def test_a_port_that_cannot_be_opened_says_why(port: str, text: str) -> None:
    with pytest.raises((LinkError, ToolError), match=text), open_transport(port):
        pass


def test_kinds_of_ports() -> None:
    ports = [
        "emulator",
        "emulator:x.elf",
        "native",
        "simulator",
        "unix:/x",
        "socket://h:1",
        "/dev/ttyUSB0",
        "COM3",
    ]
    kinds = ["emulator", "emulator", "native", "simulator", "socket", "socket", "serial", "serial"]
    assert [port_kind(port) for port in ports] == kinds


def test_a_pseudo_terminal_is_a_serial_port() -> None:
    import os
    import pty

    device, host = pty.openpty()
    with open_transport(os.ttyname(host)) as transport:
        os.write(device, b"hello\n\r\x11\x00")
        received = b""
        while len(received) < 9:
            received += transport.read(1.0)
        transport.write(b"\x00\x03\xff\n")
        assert received == b"hello\n\r\x11\x00" and os.read(device, 10) == b"\x00\x03\xff\n"
        assert transport.read(0.01) == b""
        os.close(host)
        os.close(device)
        with pytest.raises(LinkError, match="the link was lost"):
            transport.read(1.0)
