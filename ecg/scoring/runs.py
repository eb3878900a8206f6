"""Run-by-run comparison of two annotators, by the rules of WFDB's `rxr`.

A run is a row of ectopic beats: ventricular (VEB: labels V and F, and ventricular flutter, which counts as a
longest run) or supraventricular (SVEB: label S, and atrial fibrillation likewise). Lengths beyond 6
count as 6: 2 is a couplet, 3 to 5 a short run, 6 a long one.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ecg_edge.ecg.annotations import NOISE, SHUTDOWN_BITS, Annotations
from ecg_edge.ecg.labels import SCORING_CLASS_OF
from ecg_edge.ecg.scoring.beat_sequence import IntArray
from ecg_edge.ecg.scoring.beats import Ratio
from ecg_edge.ecg.scoring.protocol import LEARNING_S, MATCH_WINDOW_S

Kind = Literal["veb", "sveb"]

LONG: Final = 6
_SHORT: Final = slice(3, 6)
_BELOW_SHORT: Final = slice(0, 3)

_FLUTTER_START, _FLUTTER_END, _FIBRILLATION_START, _FIBRILLATION_END, _UNREADABLE = "[]{}U"
_OTHER: Final = "-"


@dataclass(frozen=True)
class _Rules:
    """Labels that make up the runs of one kind."""

    beats: str
    start: str
    end: str
    other_start: str

    @property
    def breakers(self) -> str:
        """Labels of beats that end a run, and unreadable signal, which does too."""
        return "".join(set("NQSVF" + _UNREADABLE) - set(self.beats))


_RULES: Final[dict[str, _Rules]] = {
    "veb": _Rules("VF", _FLUTTER_START, _FLUTTER_END, _FIBRILLATION_START),
    "sveb": _Rules("S", _FIBRILLATION_START, _FIBRILLATION_END, _FLUTTER_START),
}


@dataclass(frozen=True)
class _Run:
    length: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class RunComparison:
    """Result of a run-by-run comparison; lengths are 0 to 6, and 6 stands for all longer ones too.

    Attributes
    ----------
    kind : str
        "veb" or "sveb".
    sensitivity_table : ndarray of int64, shape (7, 7)
        For each run of the reference: its length (row) and that of the longest test run in its time (column).
    predictivity_table : ndarray of int64, shape (7, 7)
        For each run of the test annotator: length of the longest reference run in its time (row), its
        own length (column).
    """

    kind: Kind
    sensitivity_table: IntArray
    predictivity_table: IntArray

    @property
    def ratios(self) -> dict[str, Ratio]:
        """Sensitivity and positive predictivity for couplets, short and long runs, as counts."""
        found, reported = self.sensitivity_table, self.predictivity_table.T
        return {
            "couplet_se": _ratio(found[2:3, 2:], found[2:3, :2]),
            "couplet_ppv": _ratio(reported[2:3, 2:], reported[2:3, :2]),
            "short_se": _ratio(found[_SHORT, 3:], found[_SHORT, _BELOW_SHORT]),
            "short_ppv": _ratio(reported[_SHORT, 3:], reported[_SHORT, _BELOW_SHORT]),
            "long_se": _ratio(found[LONG:, LONG:], found[LONG:, :LONG]),
            "long_ppv": _ratio(reported[LONG:, LONG:], reported[LONG:, :LONG]),
        }

    @property
    def figures(self) -> dict[str, float]:
        """The ratios as fractions; nan when undefined."""
        return {name: ratio.value for name, ratio in self.ratios.items()}


def compare_runs(
    reference: Annotations,
    test: Annotations,
    *,
    fs_hz: float,
    kind: Kind = "veb",
    start_s: float = LEARNING_S,
    end_s: float | None = None,
    match_window_s: float = MATCH_WINDOW_S,
) -> RunComparison:
    """Compare the runs of ectopic beats of two annotators of one record.

    Parameters
    ----------
    reference, test : Annotations
        All annotations of each: beats, rhythm ("+"), flutter ("[", "]") and noise ("~").
    fs_hz : float
        Sampling frequency of the record.
    kind : {"veb", "sveb"}
        Ventricular or supraventricular runs.
    start_s, end_s, match_window_s : float
        As in `compare_beats`; a run's time is widened by the match window on either side.
    """
    window, start = int(match_window_s * fs_hz + 0.5), int(start_s * fs_hz + 0.5)
    end = None if end_s is None else int(end_s * fs_hz + 0.5)
    annotated, detected = (_RunFinder(annotations, _RULES[kind]) for annotations in (reference, test))
    tables = np.zeros((2, 7, 7), np.int64)
    for run in annotated.runs(start, end, window):
        tables[0, run.length, detected.longest_run(run)] += 1
    for run in detected.runs(start, end, window):
        tables[1, annotated.longest_run(run), run.length] += 1
    return RunComparison(kind, tables[0], tables[1])


def _ratio(hits: IntArray, misses: IntArray) -> Ratio:
    return Ratio(int(hits.sum()), int(hits.sum() + misses.sum()))


class _RunFinder:
    """Runs of one annotator, and the longest run within a time. Times must be queried in order."""

    def __init__(self, annotations: Annotations, rules: _Rules) -> None:
        self._times: list[int] = annotations.samples.tolist()
        self._labels = _run_labels(annotations)
        self._rules = rules
        self._next = 0  # the first annotation that longest_run has not read yet
        self._episode_end: float = 0

    def runs(self, start: int, end: int | None, window: int) -> list[_Run]:
        """Find all runs from `start` on whose end is known by `end`."""
        first = bisect_left(self._times, start)
        length = LONG if self._in_episode(first) else 0
        run_start, run_end = start - window, start + window
        found: list[_Run] = []
        for time, label in zip(self._times[first:], self._labels[first:], strict=True):
            if end is not None and time > end:
                return found
            if length and label in self._rules.breakers:
                found.append(_Run(length, run_start, run_end))
                length = 0
            elif length and (label in self._rules.beats or label == self._rules.end):
                length = min(length + (label in self._rules.beats), LONG)
                run_end = time + window
            elif not length and label in self._rules.beats:
                length, run_start, run_end = 1, time - window, time + window
            elif not length and label == self._rules.start:
                length, run_start = LONG, time - window  # its end is known when the episode ends
        return [*found, _Run(length, run_start, run_end)] if length else found

    def _in_episode(self, first: int) -> bool:
        """Check if flutter (fibrillation) that began before annotation `first` still goes on."""
        marks = [label for label in self._labels[:first] if label in "[]{}"]
        starts = [label for label in marks if label != self._rules.other_start]
        return bool(starts) and starts[-1] == self._rules.start

    def longest_run(self, within: _Run) -> int:
        """Return the length of the longest run, 0 to 6, between `within.start` and `within.end`."""
        if self._episode_end > within.start:
            return LONG
        if self._skip_to(within.start):
            return LONG
        longest = length = 0
        while self._next < len(self._times) and self._times[self._next] <= within.end:
            label = self._labels[self._next]
            if label == self._rules.start:
                self._read_episode()
                return LONG
            if label in self._rules.beats:
                length = min(length + 1, LONG)
            elif label in self._rules.breakers or label == self._rules.other_start:
                length = 0
            longest = max(longest, length)
            self._next += 1
        return longest

    def _skip_to(self, start: int) -> bool:
        """Read up to `start`; True when flutter (fibrillation) on the way there goes on beyond it."""
        while self._next < len(self._times) and self._times[self._next] < start:
            if self._labels[self._next] == self._rules.start:
                self._read_episode()
                if self._episode_end > start:
                    return True
            else:
                self._next += 1
        return False

    def _read_episode(self) -> None:
        """Read past the annotation that ends the flutter (fibrillation) beginning at the next one."""
        ends = (self._rules.end, self._rules.other_start, _UNREADABLE)
        for index in range(self._next + 1, len(self._times)):
            if self._labels[index] in ends:
                self._episode_end = self._times[index]
                self._next = index + 1
                return
        self._episode_end = math.inf


def _run_labels(annotations: Annotations) -> list[str]:
    """List labels of annotations: N, S, V, F, Q; "[]{}" for flutter and fibrillation; U: unreadable."""
    state = _Rhythm()
    return [
        state.label(symbol, subtype, aux)
        for symbol, subtype, aux in zip(
            annotations.symbols.tolist(), annotations.subtype.tolist(), annotations.aux, strict=True
        )
    ]


class _Rhythm:
    """State from one annotation to the next: fibrillation, flutter, unreadable signal."""

    def __init__(self) -> None:
        self._fibrillation = self._flutter = self._unreadable = False

    def label(self, symbol: str, subtype: int, aux: str) -> str:
        """Return the label of the next annotation."""
        if symbol == "+":
            return self._rhythm(aux)
        if symbol == NOISE:
            return self._noise((subtype & SHUTDOWN_BITS) == SHUTDOWN_BITS)
        if symbol == "[":
            return self._begin_flutter()
        if symbol == "]":
            return self._end_flutter()
        label = SCORING_CLASS_OF.get(symbol, _OTHER)
        if label == "N" and self._fibrillation:
            return "S"
        return _OTHER if label == "O" else label

    def _rhythm(self, aux: str) -> str:
        if not aux:
            return _OTHER
        if aux.startswith("(AF"):
            return self._begin_fibrillation()
        if aux.startswith("(VF"):
            return self._begin_flutter()
        if self._fibrillation:
            self._fibrillation = False
            return _FIBRILLATION_END
        return self._end_flutter()

    def _begin_fibrillation(self) -> str:
        if self._fibrillation:
            return _OTHER
        self._fibrillation, self._flutter = True, False
        return _FIBRILLATION_START

    def _begin_flutter(self) -> str:
        if self._flutter:
            return _OTHER
        self._fibrillation, self._flutter = False, True
        return _FLUTTER_START

    def _end_flutter(self) -> str:
        if not self._flutter:
            return _OTHER
        self._flutter = False
        return _FLUTTER_END

    def _noise(self, shutdown: bool) -> str:
        was, self._unreadable = self._unreadable, shutdown
        return _UNREADABLE if shutdown and not was else _OTHER
