"""ecg_link compiled for this computer, as a device that the tests can talk to."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecg_edge.host.link.frames import Decoder, encode
from ecg_edge.host.link.messages import Message
from tests.support.device_c import WARNINGS, include_options, linked_sources_of

HERE = Path(__file__).resolve().parent
WINDOW = 1920
NO_MODE = 2


def compile_link(output: Path, *flags: str) -> Path:
    """Compile the library and the harness with the system's compiler."""
    sources = linked_sources_of("ecg_link")
    command = ["gcc", *WARNINGS, "-g", *flags, *include_options("ecg_link"), "-o", str(output)]
    subprocess.run([*command, *sources, str(HERE / "link_harness.c")], check=True)
    return output


class LinkDevice:
    """The device's side of the protocol; messages in, messages out."""

    def __init__(self, library: Path) -> None:
        self.c = ctypes.CDLL(str(library))
        self.c.ecg_crc32.restype = ctypes.c_uint32
        for name in ("ecg_cobs_encode", "harness_sent"):
            getattr(self.c, name).restype = ctypes.c_size_t
        self.c.harness_send_body.restype = ctypes.c_bool
        self.now_ms = 0
        self.reset()

    def reset(self, refused_mode: int = NO_MODE) -> None:
        """A device that was just switched on; it refuses START with `refused_mode`."""
        self.c.harness_reset(ctypes.c_uint16(WINDOW), ctypes.c_uint8(refused_mode))
        self.decoder = Decoder()
        self.sequence = 0

    def send(self, *messages: Message) -> list[Message]:
        """The device's answers to messages."""
        data = b""
        for message in messages:
            data += encode(message, self.sequence)
            self.sequence += 1
        return self.send_bytes(data)

    def send_bytes(self, data: bytes) -> list[Message]:
        """The device's answers to bytes on the line."""
        self.c.harness_receive(data, ctypes.c_size_t(len(data)), ctypes.c_uint32(self.now_ms))
        return self.answers()

    def overrun(self) -> list[Message]:
        """The device's answers when its receive buffer overran."""
        self.c.harness_overrun(ctypes.c_uint32(self.now_ms))
        return self.answers()

    def answers(self) -> list[Message]:
        """What the device has sent; every frame of it must be whole."""
        buffer = ctypes.create_string_buffer(1_000_000)
        size = self.c.harness_sent(buffer, ctypes.c_size_t(len(buffer)))
        messages = self.decoder.feed(buffer.raw[:size])
        assert self.decoder.bad_frames == 0
        assert self.decoder.sequence_gaps == 0
        return messages

    def taken(self) -> NDArray[np.int16]:
        """The samples that the device took, int16 (n,)."""
        buffer = np.zeros(1_000_000, dtype=np.int16)
        count = self.c.harness_taken(buffer.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint32(len(buffer)))
        return buffer[:count]
