"""COBS, CRC-32 and frames of ecg_link against zlib, the cobs package and the host's implementation."""

from __future__ import annotations

import ctypes
import subprocess
import zlib
from pathlib import Path

import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_edge.host.link.frames import encode
from ecg_edge.host.link.messages import LABEL_UNCLASSIFIABLE, Beat, Hello, Info, Morphology, SignalQuality
from tests.support.link_device import LinkDevice, compile_link

FRAME_MAX = 508
BODY_MAX = 502

# Runs of zeros and of non-zero bytes around COBS's group length, which plain random bytes never have.
chunks = st.one_of(
    st.binary(max_size=40),
    st.integers(0, 5).map(bytes),
    st.integers(250, 260).map(lambda n: b"\x01" * n),
    st.integers(250, 260).map(lambda n: b"\xff" * n),
)
frames = st.lists(chunks, max_size=6).map(b"".join).map(lambda data: data[:FRAME_MAX])


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> LinkDevice:
    flags = ("-O2", "-shared", "-fPIC", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    return LinkDevice(compile_link(tmp_path_factory.mktemp("link") / "link.so", *flags))


@given(data=st.binary(max_size=600), start=st.binary(max_size=40))
def test_crc_is_zlibs(device: LinkDevice, data: bytes, start: bytes) -> None:
    crc = device.c.ecg_crc32(ctypes.c_uint32(0), start, ctypes.c_size_t(len(start)))
    crc = device.c.ecg_crc32(ctypes.c_uint32(crc), data, ctypes.c_size_t(len(data)))
    assert crc == zlib.crc32(start + data)


@given(data=frames)
def test_cobs_is_that_of_the_package(device: LinkDevice, data: bytes) -> None:
    buffer = ctypes.create_string_buffer(len(data) + len(data) // 254 + 1)
    size = device.c.ecg_cobs_encode(data, ctypes.c_size_t(len(data)), buffer)
    assert buffer.raw[:size] == cobs.encode(data)


@pytest.mark.parametrize("noise", [b"", b"\0", b"\0\0\0", b"\x01\0", b"\x05noi\0", b"\xff" * 3000 + b"\0"])
def test_a_frame_after_noise_is_read(device: LinkDevice, noise: bytes) -> None:
    device.reset()
    assert isinstance(device.send_bytes(noise + encode(Hello(), 0))[-1], Info)


@pytest.mark.parametrize("position", range(len(encode(Hello(), 0)) - 1))
def test_a_damaged_frame_is_dropped(device: LinkDevice, position: int) -> None:
    device.reset()
    frame = bytearray(encode(Hello(), 0))
    for bit in range(8):
        damaged = (
            bytes(frame[:position]) + bytes([frame[position] ^ (1 << bit)]) + bytes(frame[position + 1 :])
        )
        assert device.send_bytes(damaged + b"\0") == []
    assert isinstance(device.send(Hello())[0], Info)


def test_info_is_what_the_host_reads(device: LinkDevice) -> None:
    device.reset()
    (info,) = device.send(Hello())
    assert isinstance(info, Info)
    assert (info.firmware_version, info.board, info.engine) == ("1.2.3", "harness", "none")
    assert tuple(info.labels) == ("N", "V")
    assert (info.arena_bytes, info.core_state_bytes, info.core_fingerprint) == (1000, 2000, 0x12345678)
    assert info.rhythm_fingerprint == 0x13579BDF
    assert (info.fs_hz, info.window_samples, info.max_block, info.status) == (360, 1920, 240, 0)
    assert info.model_sha256 == "ab00cd" + "00" * 29
    assert info.morphology_sha256 == "12" + "00" * 31
    assert (info.strip_fingerprint, info.morphology_labels) == (0x9ABCDEF0, ("up", "down"))


def test_results_are_what_the_host_reads(device: LinkDevice) -> None:
    device.reset()
    device.c.harness_send_results()
    beat = Beat(3, 1234, 288, 0x0120, 45, 200, LABEL_UNCLASSIFIABLE, 200, 0xFFFFFFFF, b"\x80\x00\x7f")
    morphology = Morphology(4, 5399, 1, 99, 0x80000001, b"\x80\x00\x7f")
    assert device.answers() == [beat, SignalQuality(720_000, 1, 0x0100), morphology]


def test_a_body_that_does_not_fit_is_not_sent(device: LinkDevice) -> None:
    device.reset()
    assert device.c.harness_send_body(ctypes.c_uint8(0x87), ctypes.c_size_t(BODY_MAX))
    buffer = ctypes.create_string_buffer(1024)
    size = device.c.harness_sent(buffer, ctypes.c_size_t(1024))
    assert len(cobs.decode(buffer.raw[: size - 1])) == FRAME_MAX
    assert not device.c.harness_send_body(ctypes.c_uint8(0x87), ctypes.c_size_t(BODY_MAX + 1))
    assert device.c.harness_sent(buffer, ctypes.c_size_t(1024)) == 0


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    flags = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    return compile_link(tmp_path_factory.mktemp("link") / "sanitized", *flags)


def with_frame(body: bytes) -> bytes:
    """`body` (type, sequence number and so on) as a frame with a right CRC."""
    return bytes(cobs.encode(body + zlib.crc32(body).to_bytes(4, "little"))) + b"\0"


lines = st.lists(st.one_of(chunks, frames.map(with_frame), st.just(b"\0")), max_size=30).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(line=lines, blocks=st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_no_bytes_harm_the_parser(sanitized: Path, line: bytes, blocks: list[int]) -> None:
    done = subprocess.run([sanitized, *map(str, blocks)], input=line, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
