"""A clock that stands still but for waiting, so that no test depends on the speed of the computer."""

from __future__ import annotations


class VirtualClock:
    """Time that advances by what is slept."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def now(self) -> float:
        """Return the time in seconds."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Advance the time."""
        self._now_s += seconds
