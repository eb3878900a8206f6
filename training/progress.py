"""Progress callbacks of the long steps: reading records, training."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

OnRecord = Callable[[str, int, int], None]
"""Called before a record is read: its name, its number from 1, the number of records."""

OnEpoch = Callable[[int, int, Mapping[str, float]], None]
"""Called after an epoch: its number from 1, the number of epochs, loss and accuracy."""


@dataclass(frozen=True)
class Progress:
    """Callbacks of one step; each may be left out.

    Attributes
    ----------
    on_epoch : callable, optional
    on_record : callable, optional
    """

    on_epoch: OnEpoch | None = None
    on_record: OnRecord | None = None


SILENT: Final = Progress()


def text_progress(show: Callable[[str], None]) -> Progress:
    """Make callbacks that format progress as one line of text.

    Parameters
    ----------
    show : callable
        Called with each line.
    """
    clock = _Clock()

    def on_epoch(epoch: int, epochs: int, figures: Mapping[str, float]) -> None:
        values = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        show(f"epoch {epoch:3d}/{epochs}  {values}{clock.remaining(epoch, epochs)}")

    def on_record(name: str, number: int, total: int) -> None:
        clock.restart()
        show(f"record {name}, {number} of {total}")

    return Progress(on_epoch, on_record)


class _Clock:
    """Estimate of the time that the remaining epochs take."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def restart(self) -> None:
        self._start = time.monotonic()

    def remaining(self, done: int, total: int) -> str:
        seconds = (time.monotonic() - self._start) / done * (total - done)
        return f"  about {seconds:.0f} s left" if done < total else ""
