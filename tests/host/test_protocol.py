"""Frames of docs/reference/protocol.md, byte for byte; damage is never taken for a message."""

from __future__ import annotations

import re
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_edge.host.link.frames import Decoder, FrameError, decode, encode
from ecg_edge.host.link.messages import (
    MAX_SAMPLES,
    Beat,
    Credit,
    Deltas,
    DeviceSettings,
    DeviceStatus,
    Done,
    Error,
    Finish,
    GetLog,
    GetSettings,
    GetStatus,
    Hello,
    Info,
    LiveSamples,
    LogRecord,
    LogRecords,
    Message,
    Morphology,
    Nak,
    RhythmEvent,
    Samples,
    SetSettings,
    SignalQuality,
    Start,
    Started,
)
from ecg_edge.host.link.steps import PackedSteps

INFO = Info(
    1,
    0,
    360,
    1920,
    240,
    1696,
    3200,
    0x1234ABCD,
    0x2468ACE0,
    "ab" * 32,
    "0.1.0",
    "stm32f405",
    "tflm",
    ("N", "V"),
)
SECOND_INFO = replace(
    INFO, morphology_sha256="cd" * 32, strip_fingerprint=5, morphology_labels=("up", "down")
)
MESSAGES: list[Message] = [
    Hello(),
    Start(7, 360, 200, 60, 0),
    Samples(480, 3, bytes(range(2, 102))),
    Deltas(480, 0, 4, -1024, b"\x1f\x87\xf0"),
    Finish(650_000),
    INFO,
    SECOND_INFO,
    Started(7),
    Credit(480),
    Nak(480, 2),
    Beat(3, 1234, 288, 1, 87, 140, 4, 200, 0xFFFFFFFF, b"\x80\x00\x7f\xff\x01"),
    Done(650_000, 2273, 1, 168_000_000, 2**40, 2**41, 99),
    LiveSamples(0, 1, b"\0\0\x01\0"),
    SignalQuality(720_000, 1, 0x0122),
    RhythmEvent(5, 3, 2, 1, 1000, 2080, 0, 200, 1080, 1080, 1080, 0, 0),
    Morphology(2, 7199, 254, 130, 0xFFFFFFFF, b"\x80\x00\x7f"),
    GetStatus(),
    GetSettings(),
    SetSettings(1365, 50, 1, 0, 1, 30),
    GetLog(70_000),
    DeviceStatus(4, 8, 9, 1, 0, 65_535, 2**32 - 1, *range(3, 22)),
    DeviceSettings(2, 1365, 50, 1, 0, 1, 30),
    LogRecords(9, 10, (LogRecord(7, 2, 3, 15, 86_400, 2**31, bytes(range(16))),) * 2),
    Error(3, "fs_hz is 250; this device takes 360"),
]


def frame_bytes(message: Message, sequence: int = 0) -> bytes:
    """Type, sequence number and body, after the frame's CRC was checked by hand."""
    encoded = encode(message, sequence)
    assert encoded.count(0) == 1 and encoded.endswith(b"\0")
    frame = cobs.decode(encoded[:-1])
    assert zlib.crc32(frame[:-4]) == int.from_bytes(frame[-4:], "little")
    return bytes(frame[:-4])


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_every_message_comes_back(message: Message) -> None:
    assert decode(encode(message, 300)[:-1]) == (300 % 256, message)


def test_types_are_those_of_the_document(project_root: Path) -> None:
    text = (project_root / "docs" / "reference" / "protocol.md").read_text(encoding="utf-8")
    documented = {name: int(code, 16) for code, name in re.findall(r"^\| 0x(\w\w) \| (\w+) \|", text, re.M)}
    assert documented == {message.NAME: message.TYPE for message in MESSAGES}


def test_bodies_are_those_of_the_document() -> None:
    assert frame_bytes(Hello(), 5) == bytes.fromhex("0105 06")
    assert frame_bytes(Start(1, 360, 200, 60, 0)) == bytes.fromhex("0200 01000000 6801 c800 3c 00")
    samples = Samples(240, 1, b"\x01\x00\xff\xff")
    assert frame_bytes(samples) == bytes.fromhex("0300 f0000000 01 02 0100 ffff")
    deltas = Deltas(240, 1, 3, -2, b"\x1f")
    assert frame_bytes(deltas) == bytes.fromhex("0500 f0000000 01 03 feff 1f")
    assert frame_bytes(Nak(9, 3)) == bytes.fromhex("8400 09000000 03")
    beat = bytes.fromhex("8500 01000000 02000000 0300 0400 05 06 07 08 09000000 02 807f")
    assert frame_bytes(Beat(1, 2, 3, 4, 5, 6, 7, 8, 9, b"\x80\x7f")) == beat
    assert frame_bytes(SignalQuality(72, 1, 0x0140)) == bytes.fromhex("8800 48000000 01 4001")
    numbers = "01000000 02000000 03000000 04000000 0500000000000000 0600000000000000 07000000"
    numbers += "08000000 0900000000000000 0a000000"
    assert frame_bytes(Done(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)) == bytes.fromhex("8600" + numbers)
    numbers = "01000000 02 03 04 05000000 06000000 0700 0800 0900 0a00 0b00 0c00 0d"
    assert frame_bytes(RhythmEvent(*range(1, 14))) == bytes.fromhex("8900" + numbers)
    numbers = "01000000 02000000 03 04 05000000 02 807f"
    assert frame_bytes(Morphology(1, 2, 3, 4, 5, b"\x80\x7f")) == bytes.fromhex("8a00" + numbers)
    assert frame_bytes(Error(2, "no")) == bytes.fromhex("8f00 02 02") + b"no"
    assert frame_bytes(INFO)[2:].endswith(bytes(36) + b"\x050.1.0\x09stm32f405\x04tflm\x03N,V\0")
    assert len(frame_bytes(INFO)) == 2 + 92 + 6 + 10 + 5 + 4 + 1
    assert frame_bytes(SECOND_INFO)[58:94] == b"\x05\0\0\0" + b"\xcd" * 32
    assert frame_bytes(SECOND_INFO).endswith(b"\x07up,down")


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60), st.lists(st.integers(1, 40), max_size=30))
def test_any_cut_of_the_stream_gives_the_same_messages(noise: bytes, cuts: list[int]) -> None:
    stream = noise + b"\0" + b"".join(encode(message, i) for i, message in enumerate(MESSAGES))
    decoder, received, at = Decoder(), [], 0
    for length in [*cuts, len(stream)]:
        received += decoder.feed(stream[at : at + length])
        at += length
    assert received[-len(MESSAGES) :] == MESSAGES


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(MESSAGES) - 1), st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_byte_never_passes(which: int, at: int, flip: int) -> None:
    encoded = bytearray(encode(MESSAGES[which], 0))
    encoded[at % (len(encoded) - 1)] ^= flip
    decoder = Decoder()
    assert decoder.feed(bytes(encoded) + b"\0") == []
    assert decoder.bad_frames >= 1


def rejected(type_: int, body: bytes) -> FrameError:
    """The error of a frame with a right CRC and a wrong type or body."""
    frame = bytes([type_, 0]) + body
    with pytest.raises(FrameError) as caught:
        decode(cobs.encode(frame + zlib.crc32(frame).to_bytes(4, "little")))
    return caught.value


@pytest.mark.parametrize(
    ("type_", "body", "text"),
    [
        (0x01, b"\x01\x02", "HELLO: the body has 2 bytes instead of 1"),
        (0x03, bytes(6), "a block of 0 samples"),
        (0x03, bytes(5) + b"\x02" + bytes(2), "SAMPLES: the body has 8 bytes instead of 10"),
        (0x03, bytes(5) + b"\xf1" + bytes(482), "a block of 241 samples"),
        (0x05, bytes(5) + b"\x00" + bytes(2), "DELTAS: a block of 0 samples"),
        (
            0x05,
            bytes(5) + b"\x04" + bytes(3),
            "DELTAS: a difference runs past the end in a block of 4 samples",
        ),
        (0x05, bytes(5) + b"\x03" + bytes(4), "DELTAS: more than 2 differences in a block of 3 samples"),
        (0x05, bytes(5) + b"\xff" + bytes(256), "DELTAS: a block of 255 samples"),
        (0x87, bytes(5) + b"\x01" + bytes(4), "WAVE: the body has 10 bytes instead of 8"),
        (0x85, bytes(20) + b"\x05" + bytes(4), "BEAT: the body has 25 bytes instead of 26"),
        (0x85, bytes(3), "BEAT: the body has 3 bytes"),
        (0x81, bytes(10), "INFO: the body has 10 bytes"),
        (0x81, bytes(92) + b"\x09abc", "a string runs past the end"),
        (0x81, bytes(92) + bytes(6), "INFO: the body has 98 bytes instead of 97"),
        (0x8A, bytes(14) + b"\x05" + bytes(4), "MORPHOLOGY: the body has 19 bytes instead of 20"),
        (0x8A, bytes(3), "MORPHOLOGY: the body has 3 bytes"),
        (0x8F, b"", "ERROR: the body has 0 bytes"),
        (0x8F, b"\x01\x05ab", "a string runs past the end"),
    ],
)
def test_a_body_of_the_wrong_length_is_refused(type_: int, body: bytes, text: str) -> None:
    error = rejected(type_, body)
    assert text in str(error) and error.code == 6


def test_an_unknown_type_is_refused() -> None:
    error = rejected(0x55, b"")
    assert "unknown frame type 0x55" in str(error) and error.code == 5


def test_what_is_no_frame_is_refused() -> None:
    for encoded, text in (
        (b"\x05ab", "not COBS"),
        (b"\x04abc", "a frame of 3 bytes"),
        (b"\x01" * 600, "600 encoded"),
    ):
        with pytest.raises(FrameError, match=text) as caught:
            decode(encoded)
        assert caught.value.code == 0


def test_too_many_samples_are_not_sent() -> None:
    with pytest.raises(FrameError, match="1 to 240"):
        encode(Samples(0, 0, bytes(2 * (MAX_SAMPLES + 1))), 0)
    with pytest.raises(FrameError, match="1 to 240"):
        encode(Samples(0, 0, b""), 0)
    with pytest.raises(FrameError, match="a block of 241 samples"):
        encode(Deltas(0, 0, 241, 0, bytes(120)), 0)


def test_deltas_and_samples_say_the_same() -> None:
    values = np.array([-32768, 0, 32767, -1], np.int16)
    assert Samples(0, 0, values.astype("<i2").tobytes()).values.tolist() == values.tolist()
    steps = bytes.fromhex("7879 f880 ff80 8808 0008 81")  # 7, 121, -1, -128, -32768, -127: the sums wrap
    values = [-32768, -32761, -32640, -32641, 32767, -1, -128]
    assert Deltas(0, 0, 7, -32768, steps).values.tolist() == values
    assert PackedSteps(np.array(values, np.int16)).between(0, 7) == steps


def test_a_stream_without_end_marks_takes_no_memory() -> None:
    decoder = Decoder()
    tracemalloc.start()
    for _ in range(1000):
        assert decoder.feed(b"\x01" * 1000) == []
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000
    assert decoder.feed(b"\0" + encode(Credit(1), 0)) == [Credit(1)]
    assert decoder.bad_frames == 1


def test_missing_frames_are_counted_by_their_sequence_numbers() -> None:
    decoder = Decoder()
    for sequence in (250, 251, 254, 255, 0, 3):
        decoder.feed(encode(Credit(0), sequence))
    assert decoder.sequence_gaps == 4
