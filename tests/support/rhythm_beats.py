"""Made-up sequences of beats for the rhythm rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ecg_edge.firmware.binding import rhythm
from ecg_edge.firmware.binding.rhythm import Events, follow_beats

FS_HZ = 360
CLASSES = {
    "N": rhythm.NORMAL,
    "A": rhythm.SUPRAVENTRICULAR,
    "V": rhythm.VENTRICULAR,
    "Q": rhythm.UNCLASSIFIABLE,
    "D": rhythm.DOUBTFUL,
    "U": rhythm.UNLABELLED,
}

Beats = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def make_beats(classes: str, rr: int | Sequence[int] = 300, first: int = 100) -> Beats:
    """R peaks, intervals and classes of beats, one for each letter of N, A, V, Q, D, U.

    Parameters
    ----------
    classes : str
        One letter a beat.
    rr : int or sequence of int
        Interval before each beat but the first, in samples.
    first : int
        R peak of the first beat.
    """
    intervals = [rr] * (len(classes) - 1) if isinstance(rr, int) else list(rr)
    r_samples = first + np.concatenate([[0], np.cumsum(intervals, dtype=np.int64)])
    rr_samples = np.concatenate([[0], np.array(intervals, np.int64)])
    return r_samples.astype(np.int64), rr_samples, np.array([CLASSES[c] for c in classes])


def events_of(
    classes: str,
    rr: int | Sequence[int] = 300,
    kind: int | None = None,
    changes: Sequence[tuple[int, bool]] = (),
    first: int = 100,
    tail: int = 200,
) -> Events:
    """Events of made-up beats, of one kind where it is named; the signal ends `tail` after the last beat."""
    beats = make_beats(classes, rr, first)
    events = follow_beats(*beats, int(beats[0][-1]) + tail, changes).events
    return events if kind is None else events[events["kind"] == kind]


def fibrillation(count: int, seed: int = 1, mean: int = 240, spread: float = 0.22) -> list[int]:
    """Intervals that follow from nothing before them."""
    random = np.random.default_rng(seed)
    return [int(rr) for rr in np.maximum(random.normal(mean, spread * mean, count), 110)]


def sinus(count: int, seed: int = 1, mean: int = 300, spread: float = 0.02) -> list[int]:
    """Intervals that vary a little."""
    return fibrillation(count, seed, mean, spread)
