"""The host's end of the line, against a device with every fault that a line can have."""

from __future__ import annotations

import os
import pty
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, repeat

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError, ToolError
from ecg_edge.firmware import fingerprint
from ecg_edge.firmware.binding import rhythm
from ecg_edge.host.conformance.comparison import Comparator, Comparison, compare
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.devices.simulator import Faults, simulator, simulator_info
from ecg_edge.host.link import transports
from ecg_edge.host.link.client import Link, Progress
from ecg_edge.host.link.frames import Decoder, encode
from ecg_edge.host.link.messages import (
    LEADS_OFF,
    PROTOCOL_VERSION,
    Credit,
    Deltas,
    Error,
    Finish,
    Hello,
    Info,
    Message,
    Nak,
    Samples,
    SignalQuality,
    Start,
    Started,
)
from ecg_edge.host.link.transports import SocketTransport, port_kind
from ecg_edge.host.reference.expected import expect
from tests.support.clock import VirtualClock
from tests.support.simulated import LABELS, HashEngine, make_ecg

INFO = simulator_info("ab" * 32, fingerprint(), LABELS, "hash")
ECG = make_ecg(60.0)[0]


@contextmanager
def linked(
    info: Info = INFO, faults: Faults | None = None, engine: HashEngine | None = None
) -> Iterator[Link]:
    """Link to a simulated device, on a virtual clock: silence takes no time here."""
    clock = VirtualClock()
    with simulator(info, engine or HashEngine(), faults, clock) as transport:
        yield Link(transport, clock)


def stream(faults: Faults, samples: NDArray[np.int16] = ECG) -> tuple[Progress, Comparison]:
    """Stream `samples` to a device with `faults`, and compare its beats with the reference."""
    with linked(INFO, faults) as link:
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
    with linked() as link:
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


@pytest.mark.parametrize("blocks", [repeat(240), cycle([1, 240, 7])])
def test_time_without_samples_is_sent_as_electrodes_off(blocks: Iterable[int]) -> None:
    """The device and the reference agree, and each frame lies inside or outside of such time."""
    frames: list[tuple[str, bytes]] = []
    off_spans = np.array([[7200, 9300], [20_000, 20_001], [len(ECG) - 100, len(ECG)]])
    with linked() as link:
        link.start(360, 200, 60, 0)
        link.log = lambda direction, encoded: frames.append((direction, encoded))
        progress = link.stream(ECG, INFO.window_samples, blocks=blocks, off_spans=off_spans)
    assert compare(expect(ECG, 200, 60, HashEngine(), LABELS, off_spans=off_spans), progress).agrees
    assert rhythm.LEADS_OFF in {event.kind for event in progress.events}
    flags = np.zeros(len(ECG), np.int64)
    for direction, encoded in frames:
        (message,) = Decoder().feed(encoded.rstrip(b"\0") + b"\0")
        if direction == ">" and isinstance(message, (Samples, Deltas)):
            flags[message.first_index : message.first_index + len(message.values)] = message.lead_flags
    edges = np.flatnonzero(np.diff(flags, prepend=0, append=0)).reshape(-1, 2)
    assert edges.tolist() == off_spans.tolist() and set(flags) == {0, LEADS_OFF}


def test_blocks_are_as_short_as_they_can_be() -> None:
    frames: list[bytes] = []
    with linked() as link:
        link.log = lambda direction, encoded: frames.append(encoded) if direction == ">" else None
        link.start(360, 200, 60, 0)
        link.stream(
            np.array([0, 1000] * 120 + [0, 127, -1, 1000, 1001] + [1000] * 235, np.int16), INFO.window_samples
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
    with linked() as link:
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
    with linked(INFO, Faults(silent_at=9600)) as link:
        link.handshake()
        link.start(360, 200, 60, 0)
        with pytest.raises(LinkError, match=r"The link was lost: nothing from the device.* of 21600"):
            link.stream(ECG, INFO.window_samples, progress=progress)
    assert 7200 <= progress.samples_taken < 9600 and len(progress.beats) > 20
    assert progress.done is None and progress.resends > 1 and progress.seconds > 0


def test_a_closed_connection_is_a_lost_link() -> None:
    with linked(INFO, Faults(hang_up_at=4800)) as link:
        link.handshake()
        link.start(360, 200, 60, 0)
        with pytest.raises(LinkError, match="simulator: the link was lost"):
            link.stream(ECG, INFO.window_samples)


def test_a_device_of_another_protocol_version_is_refused() -> None:
    newer = replace(INFO, protocol_version=99)
    expected = pytest.raises(LinkError, match=f"protocol version 99, this program has {PROTOCOL_VERSION}")
    with linked(newer) as link, expected:
        link.handshake()


def test_an_error_frame_names_the_device_s_reason() -> None:
    with linked(replace(INFO, status=1)) as link:
        link.handshake()
        with pytest.raises(LinkError, match=r"self-test failed \(code 1\): the boot self-test failed"):
            link.start(360, 200, 60, 0)


def test_a_mute_device_is_given_up() -> None:
    with pytest.raises(LinkError, match=r"HELLO.*nothing arrived"):
        scripted(lambda message: []).handshake()


@pytest.mark.parametrize(
    ("noise", "text"),
    [
        (b"\x1b[0mlogin: \r\npi@board:~$ ", "25 bytes arrived.*login: pi@board"),
        (b"\xff\x00\x80" * 5, "15 bytes arrived, but no frame.*ff 00 80"),
        (encode(Started(1), 0), "1 other frame arrived"),
    ],
)
def test_a_foreign_device_is_described(noise: bytes, text: str) -> None:
    with pytest.raises(LinkError, match=text):
        scripted(lambda message: [], noise).handshake()


Script = Callable[[Message], list[Message]]


class ScriptedLine:
    """A line to a device whose answers to each batch of messages `script` makes."""

    def __init__(self, script: Script, clock: VirtualClock, noise: bytes = b"") -> None:
        self._script, self._clock, self._answers = script, clock, noise
        self._decoder = Decoder()

    def read(self, timeout_s: float) -> bytes:
        data, self._answers = self._answers, b""
        if not data:
            self._clock.sleep(timeout_s)
        return data

    def write(self, data: bytes) -> None:
        for message in self._decoder.feed(data):
            self._answers += b"".join(encode(reply, 0) for reply in self._script(message))

    def close(self) -> None:
        pass


def scripted(script: Script, noise: bytes = b"", session: int = 0) -> Link:
    """Link to a scripted device, on a virtual clock."""
    clock = VirtualClock()
    return Link(ScriptedLine(script, clock, noise), clock, session)


@pytest.mark.parametrize("answer", [Credit(100_000), Nak(100_000, 1)])
def test_an_index_that_was_never_sent_is_refused(answer: Credit | Nak) -> None:
    expected = pytest.raises(LinkError, match="for sample 100000; only 1920 were sent")
    with expected:
        scripted(lambda message: [answer] if isinstance(message, Deltas) else []).stream(ECG, 1920)


def test_a_session_before_is_not_taken_for_this_one() -> None:
    link = scripted(lambda message: [Started(1)] if isinstance(message, Hello) else [], session=4)
    link.send(Hello())
    with pytest.raises(LinkError, match="does not answer START"):
        link.start(360, 200, 60, 0)


def test_credit_is_kept() -> None:
    """Never a sample at or beyond the newest credit plus the window."""
    taken, allowed, furthest = 0, 0, []

    def answer(message: Message) -> list[Message]:
        nonlocal taken, allowed
        if not isinstance(message, (Samples, Deltas)):
            return [Error(7, "enough")] if taken == 4800 else []
        taken += len(message.values)
        furthest.append(taken - (allowed + 720))
        if taken < allowed + 480:
            return []
        allowed = taken
        return [Credit(allowed)]

    with pytest.raises(LinkError, match="enough"):
        scripted(answer).stream(ECG[:4800], 720)
    assert taken == 4800 and max(furthest) <= 0


def test_frames_are_logged_in_both_directions() -> None:
    frames: list[tuple[str, bytes]] = []
    with linked() as link:
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
        (f"native:{__file__}", "test_link.py: cannot be started.*a text file"),
        (f"emulator:{__file__}", "test_link.py: a text file; .* boots an ELF program for Arm"),
        (f"emulator:{sys.executable}", "a program for .*; the emulated board boots"),
        ("native:/dev/null/x", "not found"),
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
        "pico:x.uf2",
        "native",
        "simulator",
        "unix:/x",
        "socket://h:1",
        "/dev/ttyUSB0",
        "COM3",
    ]
    kinds = ["emulator"] * 2 + ["pico", "native", "simulator"] + ["socket"] * 2 + ["serial"] * 2
    assert [port_kind(port) for port in ports] == kinds


def test_a_pseudo_terminal_is_a_serial_port() -> None:
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


def test_a_peer_that_sends_before_it_takes_anything_does_not_block() -> None:
    """As an emulator does: it takes no input while its output is full."""
    own, peer = socket.socketpair()
    there, back = bytes(range(256)) * 8192, bytes(range(255)) * 8192
    taken = bytearray()

    def answer_first() -> None:
        peer.sendall(back)
        while len(taken) < len(there):
            taken.extend(peer.recv(65_536))

    thread = threading.Thread(target=answer_first, daemon=True)
    thread.start()
    transport = SocketTransport(own, "here")
    transport.write(there)
    arrived = bytearray()
    while len(arrived) < len(back):
        arrived += transport.read(5)
    thread.join(5)
    assert taken == there and arrived == back
    assert transport.read(0) == b""
    peer.close()
    with pytest.raises(LinkError, match="closed the connection"):
        transport.read(1)
    transport.close()


def test_a_peer_that_takes_nothing_is_a_lost_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "_WRITE_TIMEOUT_S", 0.05)
    own, peer = socket.socketpair()
    with own, peer, pytest.raises(LinkError, match="timed out"):
        SocketTransport(own, "here").write(bytes(10_000_000))


@pytest.mark.parametrize("baud", [0, -9600, 2**32, 123_456_789_012])
def test_a_baud_rate_that_no_line_has_is_refused(baud: int) -> None:
    device, host = pty.openpty()
    with pytest.raises(LinkError, match="baud"), open_transport(os.ttyname(host), baud):
        pass
    os.close(device)
    os.close(host)


def test_a_serial_port_is_opened_by_one_program_at_a_time() -> None:
    device, host = pty.openpty()
    name = os.ttyname(host)
    with open_transport(name), pytest.raises(LinkError, match="Another program"):
        open_transport(name).__enter__()
    with open_transport(name):
        pass  # given back
    os.close(device)
    os.close(host)
