"""A device in live mode, on a line that a test can stall, cut and damage, with a virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.link.frames import Decoder, encode
from ecg_edge.host.link.messages import (
    PROTOCOL_VERSION,
    Credit,
    Done,
    Finish,
    Hello,
    Info,
    LiveSamples,
    Message,
    Start,
    Started,
)
from tests.support.clock import VirtualClock

FS_HZ = 360
BLOCK = 36
INFO = Info(PROTOCOL_VERSION, 0, FS_HZ, 1920, 240, 0, 0, 0, 0, "00" * 32, "1.0", "fake", "none", ("N", "V"))


class LiveDevice:
    """A device that sends WAVE for a known signal, as long as it runs.

    Attributes
    ----------
    running : bool
        START has come; a reset clears it.
    silent, cut : bool
        The line delivers nothing; the line fails.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.running = self.silent = self.cut = False
        self.extra: list[Message] = []
        self.lost_blocks: set[int] = set()
        self.starts = 0
        self._sequence = 0
        self._sent = 0
        self._start_s = 0.0
        self._out = b""
        self._decoder = Decoder()

    @contextmanager
    def line(self) -> Iterator[LiveDevice]:
        """Open the line."""
        if self.cut:
            raise LinkError("no such port")
        yield self

    def reset(self) -> None:
        """Switch it off and on."""
        self.running, self._sequence = False, 0

    def signal(self, start: int, end: int) -> NDArray[np.int16]:
        """Samples of its front end."""
        return (np.arange(start, end) % 1000).astype(np.int16)

    def write(self, data: bytes) -> None:
        """Take bytes from the host."""
        for message in self._decoder.feed(data):
            if isinstance(message, Hello):
                self._send(INFO)
            elif isinstance(message, Start):
                self.starts += 1
                self.running, self._sent, self._start_s = True, 0, self.clock.now()
                self._send(Started(message.session_id), Credit(0))
            elif isinstance(message, Finish):
                self.running = False
                self._send(Done(self._sent, 0, 0, 1, 0, 0, 0))

    def read(self, timeout_s: float) -> bytes:
        """Return what has come within `timeout_s`, which passes when nothing is here."""
        if self.cut:
            raise LinkError("the cable is out")
        self._sample()
        if self.silent or not self._out:
            self.clock.sleep(timeout_s)
            self._sample()
        if self.silent:
            return b""
        out, self._out = self._out, b""
        return out

    def close(self) -> None:
        """Do nothing."""

    def _sample(self) -> None:
        while self.running and self._sent + BLOCK <= (self.clock.now() - self._start_s) * FS_HZ:
            data = self.signal(self._sent, self._sent + BLOCK).astype("<i2").tobytes()
            self._send(LiveSamples(self._sent, 0, data), lost=self._sent // BLOCK in self.lost_blocks)
            self._sent += BLOCK
        self._send(*self.extra)
        self.extra = []

    def _send(self, *messages: Message, lost: bool = False) -> None:
        for message in messages:
            self._out += b"" if lost else encode(message, self._sequence)
            self._sequence += 1
