"""Beats, flutter and shutdown of one annotator, as the beat-by-beat comparison reads them.

The comparison goes forward through two files and, at every beat, knows only the two latest episodes of
flutter and of shutdown before the next beat. `BeatSequence` holds the episodes that are known at each beat.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import NOISE, SHUTDOWN_BITS, Annotations
from ecg_edge.ecg.labels import SCORING_CLASS_OF

IntArray = npt.NDArray[np.int64]

FAR: Final = 2**62
"""Time of the beat after the last one."""

UNSET: Final = -1


@dataclass
class _Episodes:
    """Onsets and ends in the order of reading; UNSET as an end: open to the end of the record."""

    known: list[tuple[int, int]] = field(default_factory=lambda: [(UNSET, UNSET), (UNSET, UNSET)])

    @property
    def last_end(self) -> int:
        return self.known[-1][1]

    def add(self, onset: int, end: int) -> None:
        self.known.append((onset, end))

    @property
    def latest(self) -> int:
        """Index of the latest episode."""
        return len(self.known) - 1


@dataclass(frozen=True)
class BeatSequence:
    """Beats of one annotator, between one pseudo-beat at time 0 and two at time `FAR`.

    Attributes
    ----------
    times : list of int, length n + 3
        Sample numbers.
    labels : list of str, length n + 3
        AAMI labels N, S, V, F, Q, O; "" for the pseudo-beats.
    flutter, shutdown : ndarray of int64, shape (n + 3, 2, 2)
        For each beat, the episode before the latest and the latest that are known when the beat has been
        read; of each, onset and end in samples.
    shutdown_samples : list of int, length n + 3
        Duration of all shutdowns that are known when the beat has been read.
    """

    times: list[int]
    labels: list[str]
    flutter: IntArray
    shutdown: IntArray
    shutdown_samples: list[int]

    def rr_samples(self) -> IntArray:
        """Compute the interval of each beat from the one before, shape (n + 3,); 0 where it is not valid.

        There is none for the first beat, nor where flutter or shutdown began since the beat before.
        """
        times = np.array(self.times, np.int64)
        before = np.concatenate(([0], times[:-1]))
        onsets = np.concatenate((self.flutter[:, :, 0], self.shutdown[:, :, 0]), axis=1)
        interrupted = ((before[:, None] <= onsets) & (onsets < times[:, None])).any(axis=1)
        valid = (before != 0) & (times != FAR) & ~interrupted
        return np.where(valid, times - before, 0)


def in_latest(episodes: IntArray, times: IntArray) -> npt.NDArray[np.bool_]:
    """Check for each time if it lies in one of the two episodes known then.

    Parameters
    ----------
    episodes : ndarray of int64, shape (m, 2, 2)
        Rows of `BeatSequence.flutter` or `BeatSequence.shutdown`.
    times : ndarray of int64, shape (m,)
        Sample numbers.
    """
    onset, end = episodes[:, :, 0], episodes[:, :, 1]
    is_open = (end == UNSET) & np.array([False, True])  # only the latest can be
    inside = (onset != UNSET) & (onset <= times[:, None])
    result: npt.NDArray[np.bool_] = (inside & ((times[:, None] <= end) | is_open)).any(axis=1)
    return result


def read_sequence(annotations: Annotations, window: int, end: int | None, is_reference: bool) -> BeatSequence:
    """Read annotations into a sequence of beats.

    Parameters
    ----------
    annotations : Annotations
        All annotations of one annotator.
    window : int
        Match window in samples; shutdowns without an end mark are kept this far from the beats around them.
    end : int or None
        End of the comparison in samples, None when it is unknown.
    is_reference : bool
        A shutdown without an end lasts for ever in the reference; in the test annotations, to the end of the
        comparison.
    """
    reader = _Reader(annotations, window, end, is_reference)
    reader.read()
    flutter, shutdown = np.array(reader.flutter.known, np.int64), np.array(reader.shutdown.known, np.int64)
    seen = np.array(reader.seen, np.int64)
    return BeatSequence(
        reader.times,
        reader.labels,
        np.stack((flutter[seen[:, 0] - 1], flutter[seen[:, 0]]), axis=1),
        np.stack((shutdown[seen[:, 1] - 1], shutdown[seen[:, 1]]), axis=1),
        seen[:, 2].tolist(),
    )


class _Reader:
    """Goes once through the annotations and records after each beat the episodes known by then."""

    def __init__(self, annotations: Annotations, window: int, end: int | None, is_reference: bool) -> None:
        self._at: list[int] = annotations.samples.tolist()
        self._symbols: list[str] = annotations.symbols.tolist()
        self._starts_shutdown: list[bool] = (
            (annotations.symbols == NOISE) & ((annotations.subtype & SHUTDOWN_BITS) == SHUTDOWN_BITS)
        ).tolist()
        self._window, self._end, self._is_reference = window, end, is_reference
        self.flutter, self.shutdown = _Episodes(), _Episodes()
        self._shutdown_samples = 0
        self.times: list[int] = []
        self.labels: list[str] = []
        self.seen: list[tuple[int, int, int]] = []

    def read(self) -> None:
        """Fill `times`, `labels` and `seen`."""
        self._add_beat(0, "")
        index = 0
        while index < len(self._at):
            symbol = self._symbols[index]
            if symbol in SCORING_CLASS_OF:
                self._add_beat(self._at[index], SCORING_CLASS_OF[symbol])
                index += 1
            elif self._starts_shutdown[index]:
                index = self._read_shutdown(index)
            elif symbol == "[":
                index = self._read_flutter(index)
            else:
                index += 1
        self._add_beat(FAR, "")
        self._add_beat(FAR, "")

    def _add_beat(self, time: int, label: str) -> None:
        self.times.append(time)
        self.labels.append(label)
        self.seen.append((self.flutter.latest, self.shutdown.latest, self._shutdown_samples))

    def _read_flutter(self, index: int) -> int:
        """Skip everything up to the end of the flutter. Returns the index to continue from."""
        try:
            stop = self._symbols.index("]", index + 1)
        except ValueError:  # bxb then keeps the end of the flutter before, if there was one
            self.flutter.add(self._at[index], self.flutter.last_end)
            return len(self._at)
        self.flutter.add(self._at[index], self._at[stop])
        return stop + 1

    def _read_shutdown(self, index: int) -> int:
        """Read a shutdown, which the next annotation ends. Returns the index to continue from."""
        follower = index + 1
        if follower == len(self._at):
            self._read_endless_shutdown(self._at[index])
            return follower
        if self._symbols[follower] == NOISE and not self._starts_shutdown[follower]:
            self._add_shutdown(self._at[index], self._at[follower])
            return follower + 1
        # A single mark somewhere in the shutdown, as in the AHA database.
        onset = max(self.times[-1], self.flutter.last_end) + self._window
        end = self._at[follower] - self._window
        self._add_shutdown(min(onset, end), end)
        return follower

    def _add_shutdown(self, onset: int, end: int) -> None:
        self.shutdown.add(onset, end)
        self._shutdown_samples += end - onset

    def _read_endless_shutdown(self, onset: int) -> None:
        if self._is_reference:
            self.shutdown.add(onset, FAR)
            return
        self.shutdown.add(onset, self.shutdown.last_end)  # as with flutter that never ends
        if self._end is not None:
            self._shutdown_samples += self._end - onset
