"""A device in live mode, over an interrupted line.

    source = DeviceSource(lambda: open_transport(port), port)
    for items in source.items(stop):
        ...                             # also empty, at least every 0.2 s

The line is opened again whenever it is lost, and the device started again whenever it was reset. Whatever did
not arrive is a Gap in the items and a number in `source.losses`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final

from ecg_edge.ecg.errors import EcgEdgeError, LinkError
from ecg_edge.host.link.client import GIVE_UP_S, Link
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.link.messages import (
    STATUS_TEXT,
    Done,
    Finish,
    GetStatus,
    Hello,
    Info,
    LiveSamples,
    Message,
)
from ecg_edge.host.link.transports import Transport
from ecg_edge.host.live.clock_drift import ClockDrift
from ecg_edge.host.live.items import Item, LinkChange, Origin
from ecg_edge.host.live.timeline import Losses, Timeline

MODE_LIVE: Final = 1
POLL_S: Final = 0.2
SILENCE_S: Final = 1.0  # WAVE comes every 0.1 s
ASK_EVERY_S: Final = 0.5
REOPEN_S: Final = 5.0  # silence after which the line itself is opened again
RETRY_S: Final = 0.5
KEEP_ALIVE_S: Final = 5.0  # the device takes a host for gone that is silent for half a minute
RECONNECT_GIVE_UP_S: Final = 2.0
FINISH_S: Final = 1.0

OpenLine = Callable[[], AbstractContextManager[Transport]]


class DeviceSource:
    """Items of a device.

    Parameters
    ----------
    open_line : callable
        Opens the line; called again after each loss.
    name : str
        Port, for messages.
    adu_per_mv : int
        ADC units per millivolt of its front end, 20 to 20000.
    mains_hz : int
        Mains frequency to suppress: 50, 60 or 0.
    clock : Clock, optional
        The computer's when left out.
    """

    def __init__(
        self,
        open_line: OpenLine,
        name: str,
        adu_per_mv: int = 1365,
        mains_hz: int = 60,
        clock: Clock | None = None,
    ) -> None:
        self._open_line, self._name, self._mains_hz = open_line, name, mains_hz
        self._adu_per_mv = adu_per_mv
        self._clock = clock or SystemClock()
        self._timeline = Timeline()
        self._origin: Origin | None = None
        self._info: Info | None = None
        self._last_wave_s = 0.0
        self._has_started = False
        self._is_up = self._is_lost = False
        self._frames_before = (0, 0)  # missing and damaged, of earlier lines
        self.drift: ClockDrift | None = None

    @property
    def losses(self) -> Losses:
        """Everything lost so far."""
        return self._timeline.losses

    @property
    def origin(self) -> Origin:
        """The device; known after the first items."""
        if self._origin is None:
            raise LinkError(f"{self._name}: not connected yet.")
        return self._origin

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Deliver items until `stop` is set.

        Raises
        ------
        LinkError
            When the device cannot be reached at the start, refuses live mode, or another one takes its place.
        """
        while not stop.is_set():
            try:
                with self._open_line() as transport:
                    link = Link(transport, self._clock, random.randrange(1, 2**31))
                    yield from self._serve(link, stop)
            except EcgEdgeError as error:
                if not self._has_started or isinstance(error, OtherDeviceError):
                    raise
                yield self._down(str(error))
                yield from self._wait(RETRY_S, stop)
        if self._is_lost:
            self._timeline.count_outage(self._outage(self._clock.now()))
        yield self._timeline.close()

    def _wait(self, seconds: float, stop: threading.Event) -> Iterator[list[Item]]:
        until = self._clock.now() + seconds
        while self._clock.now() < until and not stop.is_set():
            self._clock.sleep(min(POLL_S, seconds))
            yield []

    def _serve(self, link: Link, stop: threading.Event) -> Iterator[list[Item]]:
        self._frames_before = (self.losses.frames, self.losses.bad_frames)
        yield self._start(link, "the link was lost")
        ask_at, reopen_at, alive_at = 0.0, 0.0, self._clock.now()
        while not stop.is_set():
            messages = link.receive(POLL_S)
            now = self._clock.now()
            yield self._take(link, messages)
            if now - alive_at >= KEEP_ALIVE_S:
                link.send(GetStatus())
                alive_at = now
            if now - self._last_wave_s < SILENCE_S:
                ask_at, reopen_at = now, self._last_wave_s + REOPEN_S
                continue
            yield self._down("no samples for one second")
            if any(isinstance(message, Info) for message in messages):
                yield self._start(link, "the device restarted")  # it answers, but samples no longer
            elif now >= reopen_at:
                raise LinkError(f"{self._name}: no samples for {REOPEN_S:.0f} s.")
            elif now >= ask_at:
                link.send(Hello())
                ask_at = now + ASK_EVERY_S
        yield from self._finish(link)

    def _start(self, link: Link, reason: str) -> list[Item]:
        patience_s = GIVE_UP_S if self._origin is None else RECONNECT_GIVE_UP_S
        info = link.handshake(patience_s)
        self._check(info)
        link.start(info.fs_hz, self._adu_per_mv, self._mains_hz, MODE_LIVE, patience_s)
        now = self._clock.now()
        outage = self._outage(now) if self._has_started else 0
        self._last_wave_s, self._has_started, self._is_lost = now, True, False
        assert self.drift is not None
        self.drift.restart()
        return self._timeline.begin(outage, reason)

    def _outage(self, now: float) -> int:
        """Samples that the device would have sent since the last one."""
        return round((now - self._last_wave_s) * self.origin.fs_hz)

    def _check(self, info: Info) -> None:
        if info.status:
            raise LinkError(
                f"The device ({info.board}) refuses to label beats: "
                f"{STATUS_TEXT.get(info.status, f'status {info.status}')}. Flash the firmware again."
            )
        if self._info is None:
            self._info, self._origin = info, _origin_of(info, self._name, self._adu_per_mv)
            self._timeline.labels, self._timeline.morphology_labels = info.labels, info.morphology_labels
            self.drift = ClockDrift(info.fs_hz)
        elif _kind_of(info) != _kind_of(self._info):
            raise OtherDeviceError(
                f"{self._name}: another device answers ({info.board}, {info.fs_hz} Hz, "
                f"labels {','.join(info.labels)}). Begin another session for it."
            )

    def _take(self, link: Link, messages: list[Message]) -> list[Item]:
        items = [item for message in messages for item in self._timeline.take(message)]
        self._count_frames(link)
        waves = [message for message in messages if isinstance(message, LiveSamples)]
        if waves:
            now = self._last_wave_s = self._clock.now()
            self._is_lost = False
            assert self.drift is not None
            self.drift.add(waves[-1].first_index + len(waves[-1].data) // 2, now)
            if not self._is_up:
                self._is_up = True
                items.insert(0, LinkChange(self._timeline.end, True, "connected"))
        return items

    def _count_frames(self, link: Link) -> None:
        missing, bad = self._frames_before
        self.losses.frames, self.losses.bad_frames = missing + link.sequence_gaps, bad + link.bad_frames

    def _down(self, text: str) -> list[Item]:
        self._is_lost = True
        if not self._is_up:
            return []
        self._is_up = False
        return [LinkChange(self._timeline.end, False, text)]

    def _finish(self, link: Link) -> Iterator[list[Item]]:
        """Stop the device, and take the beats that were still pending."""
        link.send(Finish(0))
        until = self._clock.now() + FINISH_S
        while (left_s := until - self._clock.now()) > 0:
            messages = link.receive(min(left_s, POLL_S))
            yield self._take(link, messages)
            if any(isinstance(message, Done) for message in messages):
                return


class OtherDeviceError(LinkError):
    """A device of other rate or labels answers where the session's was."""


def _kind_of(info: Info) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    return info.fs_hz, info.labels, info.morphology_labels


def _origin_of(info: Info, name: str, adu_per_mv: int) -> Origin:
    device = f"{info.board}, firmware {info.firmware_version}, engine {info.engine}"
    return Origin(name, device, info.fs_hz, adu_per_mv, "ECG", info.labels, info.model_sha256)
