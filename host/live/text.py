"""Samples from any sketch that prints one number a line: shown and classified as if they came from a device.

A line is a number, or a name and a number as the Arduino IDE's plotter takes them ("ecg:512"); of several
numbers the first counts. "!" is an electrode that is off, as in SparkFun's example for the AD8232. This
computer runs the device's signal path, network and rhythm rules.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError
from ecg_edge.firmware import BOARD_RATES_HZ, FS_HZ, LEAD_OFF_MINUS, LEAD_OFF_PLUS
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.link.messages import Message
from ecg_edge.host.live.clock_drift import ClockDrift
from ecg_edge.host.live.computed import ComputedDevice
from ecg_edge.host.live.device import POLL_S, RETRY_S, SILENCE_S, OpenLine
from ecg_edge.host.live.items import Item, LinkChange, Origin
from ecg_edge.host.live.timeline import Losses, Timeline
from ecg_edge.quantize.bundle.engines import reference_engine
from ecg_edge.quantize.bundle.manifest import Bundle

RATES_HZ: Final = (50.0, 2000.0)
_LINE: Final = re.compile(rb"\s*(?:[A-Za-z_][\w ]*[:=]\s*)?(-?\d+(?:\.\d+)?)(?:[,;\s].*)?")
_MOST: Final = 240  # samples a block
_LONGEST_LINE: Final = 200
_FINE_GAIN: Final = 1000


class LineParser:
    """Numbers from the bytes of a sketch.

    Attributes
    ----------
    bad_lines : int
        Lines without a number.
    """

    def __init__(self) -> None:
        self.bad_lines = 0
        self._pending = b""
        self._is_first = True  # it may be cut off

    def feed(self, data: bytes) -> list[float | None]:
        """Return the numbers that `data` completes; None for an electrode that is off."""
        *lines, self._pending = re.split(rb"\r\n|\n|\r", self._pending + data)
        self._pending = self._pending[-_LONGEST_LINE:]
        if lines and self._is_first:
            self._is_first = False
            lines = lines[1:]
        return [value for line in lines if line.strip() for value in self._values(line)]

    def _values(self, line: bytes) -> list[float | None]:
        if line.strip() == b"!":
            return [None]
        match = _LINE.fullmatch(line)
        if match is None:
            self.bad_lines += 1
            return []
        return [float(match[1])]


class LinearResampler:
    """Samples at another rate, by straight lines between neighbours.

    Parameters
    ----------
    from_hz, to_hz : float
        Rates in Hz.
    """

    def __init__(self, from_hz: float, to_hz: float) -> None:
        self._step = from_hz / to_hz
        self._next = 0.0  # place of the next output, in input samples from `_last`
        self._last: float | None = None

    def push(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the samples that `values`, shape (n,), complete."""
        known = np.concatenate([[] if self._last is None or not len(values) else [self._last], values])
        if len(known) < 2:
            self._last = float(known[-1]) if len(known) else self._last
            return np.zeros(0)
        at = np.arange(self._next, len(known) - 1, self._step)
        if len(at):
            self._next = float(at[-1]) + self._step
        self._next -= len(known) - 1
        self._last = float(known[-1])
        result: NDArray[np.float64] = np.interp(at, np.arange(len(known)), known)
        return result


class TextSource:
    """Items of a sketch that prints numbers.

    Parameters
    ----------
    open_line : callable
        Opens the line; called again after each loss.
    name : str
        Port, for messages.
    bundle : Bundle
        The model.
    fs_hz : float
        Samples a second that the sketch prints, 50 to 2000.
    adu_per_mv : float
        Its units per millivolt at the electrodes.
    mains_hz : int
        Mains frequency to suppress.
    clock : Clock, optional
        The computer's when left out.
    """

    def __init__(
        self,
        open_line: OpenLine,
        name: str,
        bundle: Bundle,
        fs_hz: float,
        adu_per_mv: float,
        mains_hz: int = 60,
        clock: Clock | None = None,
    ) -> None:
        if not RATES_HZ[0] <= fs_hz <= RATES_HZ[1] or adu_per_mv <= 0:
            raise LinkError(f"{name}: {fs_hz:g} samples a second. Name 50 to 2000, and a gain above 0.")
        self._open_line, self._name, self._bundle = open_line, name, bundle
        self._clock, self._mains_hz = clock or SystemClock(), mains_hz
        self._rate_hz = fs_hz
        self._fs_hz = int(fs_hz) if fs_hz in BOARD_RATES_HZ else FS_HZ
        is_plain = 20 <= adu_per_mv <= 20_000 and float(adu_per_mv).is_integer()
        self._gain = int(adu_per_mv) if is_plain else _FINE_GAIN
        self._factor = self._gain / adu_per_mv
        self._engine, self._labels = reference_engine(bundle), bundle.manifest.labels
        self._timeline = Timeline(self._labels)
        self._is_up = False
        self._last_s: float | None = None
        self.drift = ClockDrift(round(fs_hz))
        self.origin = Origin(
            name,
            f"text of {fs_hz:g} samples a second, computed by this computer",
            *(self._fs_hz, self._gain, "ECG", self._labels, bundle.manifest.model_sha256),
        )

    @property
    def losses(self) -> Losses:
        """Lines that were no number count as damaged frames: text has no numbers of its own."""
        return self._timeline.losses

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Deliver items until `stop` is set.

        Raises
        ------
        LinkError
            When the port cannot be opened at the start.
        """
        while not stop.is_set():
            try:
                with self._open_line() as line:
                    self._parser, self._bad_before = LineParser(), self.losses.bad_frames
                    while not stop.is_set():
                        yield self._take(line.read(POLL_S))
            except LinkError as error:
                if self._last_s is None:
                    raise
                yield self._down(str(error))
                self._clock.sleep(RETRY_S)
        if self._last_s is not None and not self._is_up:
            self._timeline.count_outage(self._outage(self._clock.now()))
        yield [*(self._pending() if self._is_up else []), *self._timeline.close()]

    def _begin(self, now: float) -> list[Item]:
        """Begin with the first number, or with the first one after an outage."""
        items = self._timeline.begin(self._outage(now), "the link was lost")
        self._is_up = True
        self._resampler = LinearResampler(self._rate_hz, self._fs_hz)
        self._device = ComputedDevice(self._engine, self._labels, self._fs_hz, self._gain, self._mains_hz)
        self._held, self._taken = 0.0, 0
        self.drift.restart()
        return [*items, LinkChange(self._timeline.end, True, "connected")]

    def _outage(self, now: float) -> int:
        return 0 if self._last_s is None else round((now - self._last_s) * self._fs_hz)

    def _take(self, data: bytes) -> list[Item]:
        values = self._parser.feed(data)
        self.losses.bad_frames = self._bad_before + self._parser.bad_lines
        now = self._clock.now()
        if not values:
            is_late = self._last_s is not None and now - self._last_s > SILENCE_S
            return self._down("no numbers for one second") if is_late else []
        items: list[Item] = [] if self._is_up else self._begin(now)
        self._last_s = now
        self._taken += len(values)
        self.drift.add(self._taken, now)
        for run, is_off in _runs(values):
            items += self._push(run, LEAD_OFF_PLUS | LEAD_OFF_MINUS if is_off else 0)
        return items

    def _push(self, run: list[float | None], lead_flags: int) -> list[Item]:
        values = np.array([self._held if value is None else value for value in run])
        self._held = float(values[-1])
        if self._fs_hz != self._rate_hz:
            values = self._resampler.push(values)
        samples = np.clip(np.rint(values * self._factor), -32767, 32767).astype(np.int16)
        messages = [
            message
            for start in range(0, len(samples), _MOST)
            for message in self._device.push(samples[start : start + _MOST], lead_flags)
        ]
        return self._items(messages)

    def _pending(self) -> list[Item]:
        """End the signal: the beats and events that were still to come."""
        return self._items(self._device.finish())

    def _items(self, messages: list[Message]) -> list[Item]:
        return [item for message in messages for item in self._timeline.take(message)]

    def _down(self, text: str) -> list[Item]:
        if not self._is_up:
            return []
        self._is_up = False
        return [*self._pending(), LinkChange(self._timeline.end, False, text)]


def _runs(values: list[float | None]) -> Iterator[tuple[list[float | None], bool]]:
    """Cut into runs with and without the electrodes."""
    start = 0
    for at in range(1, len(values) + 1):
        if at == len(values) or (values[at] is None) != (values[start] is None):
            yield values[start:at], values[start] is None
            start = at
