"""The device's clock against this computer's."""

from __future__ import annotations

WINDOW_S = 10.0
_LEAST_WINDOWS = 3


class ClockDrift:
    """Rate of the samples by the computer's clock, in constant memory.

    A block arrives late by what the line and both programs take, never early. So of each ten seconds only the
    block that was least late counts, and a line is fitted through these.

    Parameters
    ----------
    fs_hz : int
        Nominal rate of the samples.
    """

    def __init__(self, fs_hz: int) -> None:
        self._fs_hz = fs_hz
        self.restart()

    def restart(self) -> None:
        """Begin again: the device counts from 0."""
        self._first: tuple[int, float] | None = None
        self._window_end = 0.0
        self._best: tuple[float, float] | None = None  # lateness, time
        self._count = 0
        self._sums = (0.0, 0.0, 0.0, 0.0)  # of x, y, xx, xy

    def add(self, end: int, now_s: float) -> None:
        """Note that all samples before `end` had arrived at `now_s`."""
        if self._first is None:
            self._first, self._window_end = (end, now_s), now_s + WINDOW_S
        time_s = (end - self._first[0]) / self._fs_hz
        lateness = now_s - self._first[1] - time_s
        if now_s >= self._window_end and self._best is not None:
            self._fit(self._best[1], self._best[0])
            self._best, self._window_end = None, now_s + WINDOW_S
        if self._best is None or lateness < self._best[0]:
            self._best = (lateness, time_s)

    def _fit(self, x: float, y: float) -> None:
        self._count += 1
        sx, sy, sxx, sxy = self._sums
        self._sums = (sx + x, sy + y, sxx + x * x, sxy + x * y)

    @property
    def ppm(self) -> float | None:
        """Parts per million by which the device's clock is slower than the computer's; None: not known."""
        if self._count < _LEAST_WINDOWS:
            return None
        sx, sy, sxx, sxy = self._sums
        spread = self._count * sxx - sx * sx
        return 1e6 * (self._count * sxy - sx * sy) / spread if spread > 0 else None
