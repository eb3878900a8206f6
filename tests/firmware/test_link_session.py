"""The device's side of docs/reference/protocol.md: handshake, credit, loss, restart."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_edge.host.link.frames import encode
from ecg_edge.host.link.messages import (
    PROTOCOL_VERSION,
    Credit,
    Done,
    Error,
    Finish,
    Hello,
    Info,
    Message,
    Nak,
    Samples,
    Start,
    Started,
)
from ecg_edge.host.link.steps import PackedSteps
from tests.support.link_device import WINDOW, LinkDevice, compile_link

START = Start(session_id=77, fs_hz=360, adu_per_mv=200, mains_hz=60, mode=0)
SIGNAL = (np.arange(20_000) * 7919 % 4096 - 2048).astype("<i2")
GAP, OVERRUN, WRONG_CRC = 1, 2, 3


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_link(tmp_path_factory.mktemp("link") / "link.so", "-O2", "-shared", "-fPIC")


@pytest.fixture
def device(library: Path) -> LinkDevice:
    return LinkDevice(library)


def block(first: int, count: int = 240) -> Samples:
    return Samples(first_index=first, lead_flags=0, data=SIGNAL[first : first + count].tobytes())


def test_a_session_from_start_to_done(device: LinkDevice) -> None:
    assert device.send(START) == [Started(77), Credit(0)]
    answers = device.send(*(block(first) for first in range(0, 4800, 240)))
    assert [m.next_index for m in answers if isinstance(m, Credit)] == list(range(480, 4801, 480))
    (done,) = device.send(Finish(4800))
    assert isinstance(done, Done)
    assert (done.samples, done.beats, done.rejected_frames, done.core_ticks) == (4800, 7, 0, 1 << 40)
    assert np.array_equal(device.taken(), SIGNAL[:4800])


@given(sizes=st.lists(st.integers(1, 240), min_size=1, max_size=60))
@settings(deadline=None)
def test_credit_comes_within_a_quarter_of_the_window(library: Path, sizes: list[int]) -> None:
    device = LinkDevice(library)
    device.send(START)
    credit, at = 0, 0
    for size in sizes:
        for message in device.send(block(at, size)):
            assert isinstance(message, Credit)
            credit = message.next_index
        at += size
        assert credit <= at
        assert at - credit < WINDOW // 4
    assert np.array_equal(device.taken(), SIGNAL[:at])


def test_a_gap_is_answered_by_one_nak_in_200_ms(device: LinkDevice) -> None:
    device.send(START, block(0))
    assert device.send(block(480), block(720)) == [Nak(240, GAP)]
    device.now_ms += 199
    assert device.send(block(960)) == []
    device.now_ms += 1
    assert device.send(block(1200)) == [Nak(240, GAP)]
    assert device.send(block(240)) == [Credit(480)]
    assert device.send(block(720)) == [Nak(480, GAP)]
    assert np.array_equal(device.taken(), SIGNAL[:480])


def test_the_pause_between_naks_outlives_the_clocks_wrap(device: LinkDevice) -> None:
    device.now_ms = 2**32 - 100
    device.send(START)
    assert device.send(block(240)) == [Nak(0, GAP)]
    device.now_ms = 99
    assert device.send(block(240)) == []
    device.now_ms = 100
    assert device.send(block(240)) == [Nak(0, GAP)]


def test_a_block_from_before_is_answered_by_credit(device: LinkDevice) -> None:
    device.send(START, block(0), block(240))
    assert device.send(block(0)) == [Credit(480)]
    assert len(device.taken()) == 480


def test_a_damaged_frame_is_asked_for_at_once(device: LinkDevice) -> None:
    device.send(START)
    damaged = bytearray(encode(block(0), 1))
    damaged[100] ^= 0x10
    assert device.send_bytes(bytes(damaged)) == [Nak(0, WRONG_CRC)]
    device.send(block(0))
    (done,) = device.send(Finish(240))
    assert isinstance(done, Done)
    assert done.rejected_frames == 1
    assert np.array_equal(device.taken(), SIGNAL[:240])


def test_an_overrun_is_reported(device: LinkDevice) -> None:
    assert device.overrun() == []
    device.send(START, block(0))
    assert device.overrun() == [Nak(240, OVERRUN)]


def test_finish_with_samples_missing_is_refused_every_time(device: LinkDevice) -> None:
    device.send(START, block(0))
    assert device.send(Finish(480)) == [Nak(240, GAP)]
    assert device.send(Finish(480)) == [Nak(240, GAP)]
    assert isinstance(device.send(block(240), Finish(480))[-1], Done)


def test_finish_repeated_gives_the_same_done(device: LinkDevice) -> None:
    device.send(START, block(0))
    assert device.send(Finish(240)) == device.send(Finish(240))


def test_samples_that_come_again_after_done_are_answered_by_credit(device: LinkDevice) -> None:
    done = device.send(START, block(0), block(240), Finish(480))[-1]
    assert isinstance(done, Done)
    assert device.send(block(240)) == [Credit(480)]
    assert device.send(block(0), block(240), Finish(480)) == [Credit(480), Credit(480), done]
    assert len(device.taken()) == 480


def test_start_begins_anew_at_any_time(device: LinkDevice) -> None:
    device.send(START, block(0), block(240))
    assert device.send(START) == [Started(77), Credit(0)]
    device.send(block(0))
    assert np.array_equal(device.taken(), SIGNAL[:240])


def test_a_start_of_an_unknown_mode_leaves_the_session_as_it_is(device: LinkDevice) -> None:
    device.send(START, block(0))
    (error,) = device.send(Start(1, 360, 200, 60, 9))
    assert isinstance(error, Error) and "mode" in error.text
    assert device.send(block(240)) == [Credit(480)]


def test_hello_changes_nothing(device: LinkDevice) -> None:
    device.send(START, block(0))
    assert isinstance(device.send(Hello())[0], Info)
    assert device.send(block(240)) == [Credit(480)]


@pytest.mark.parametrize(
    ("before", "message", "code", "text"),
    [
        ([], block(0), 4, "without START"),
        ([], Finish(0), 4, "without START"),
        ([START, Finish(0)], block(0), 4, "without START"),
        ([], Hello(protocol_version=PROTOCOL_VERSION + 1), 2, f"version {PROTOCOL_VERSION}"),
        ([], Start(1, 250, 200, 60, 0), 3, "fs_hz is 360"),
        ([], Start(1, 360, 200, 60, 9), 3, "mode"),
        ([Start(1, 360, 200, 60, 1)], block(0), 7, "live"),
    ],
)
def test_what_cannot_be_is_refused(
    device: LinkDevice, before: list[Message], message: Message, code: int, text: str
) -> None:
    device.send(*before)
    (error,) = device.send(message)
    assert isinstance(error, Error)
    assert error.code == code
    assert text in error.text


def test_a_mode_that_the_board_lacks_is_refused(device: LinkDevice) -> None:
    device.reset(refused_mode=1)
    (error,) = device.send(Start(1, 360, 200, 60, 1))
    assert isinstance(error, Error)
    assert error.code == 7


def raw(device: LinkDevice, kind: int, body: bytes) -> list[Message]:
    """The device's answers to a frame whose body the host's own encoder might not make."""
    frame = bytes([kind, 0]) + body
    return device.send_bytes(bytes(cobs.encode(frame + zlib.crc32(frame).to_bytes(4, "little"))) + b"\0")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (0x01, b""),
        (0x01, b"\x01\x01"),
        (0x02, bytes(9)),
        (0x02, bytes(11)),
        (0x03, b""),
        (0x03, bytes(5)),
        (0x03, struct.pack("<IBB", 0, 0, 0)),
        (0x03, struct.pack("<IBB", 0, 0, 2) + bytes(3)),
        (0x03, struct.pack("<IBB", 0, 0, 2) + bytes(5)),
        (0x03, struct.pack("<IBB", 0, 0, 241) + bytes(482)),
        (0x04, bytes(3)),
        (0x05, struct.pack("<IBB", 0, 0, 0) + bytes(2)),
        (0x05, struct.pack("<IBB", 0, 0, 1) + bytes(1)),
        (0x05, struct.pack("<IBB", 0, 0, 3) + bytes(2)),
        (0x05, struct.pack("<IBB", 0, 0, 3) + bytes(4)),  # two differences, and two groups more
        (0x05, struct.pack("<IBB", 0, 0, 2) + bytes(2) + b"\x01"),  # the half of a byte that is over is not 0
        (0x05, struct.pack("<IBB", 0, 0, 2) + bytes(2) + b"\x81"),  # 8 bits announced, 4 there
        (0x05, struct.pack("<IBB", 0, 0, 2) + bytes(2) + b"\x88\x00\x00"),  # 16 announced, 12 there
        (0x05, struct.pack("<IBB", 0, 0, 241) + bytes(122)),
    ],
)
def test_a_body_of_another_length_is_refused(device: LinkDevice, kind: int, body: bytes) -> None:
    device.send(START)
    (error,) = raw(device, kind, body)
    assert isinstance(error, Error)
    assert error.code == 6
    assert len(device.taken()) == 0


@pytest.mark.parametrize("kind", [0x00, 0x06, 0x81, 0xFF])
def test_an_unknown_type_is_refused(device: LinkDevice, kind: int) -> None:
    (error,) = raw(device, kind, b"")
    assert isinstance(error, Error)
    assert error.code == 5


@given(
    st.lists(
        st.integers(-32768, 32767) | st.integers(-130, 130) | st.integers(-9, 9), min_size=1, max_size=100
    )
)
@settings(deadline=None)
def test_deltas_of_any_samples_arrive(library: Path, samples: list[int]) -> None:
    device = LinkDevice(library)
    device.send(START)
    values = np.array(samples, np.int16)
    steps = PackedSteps(values).between(0, len(values))
    raw(device, 0x05, struct.pack("<IBBh", 0, 0, len(values), samples[0]) + steps)
    assert np.array_equal(device.taken(), values)
