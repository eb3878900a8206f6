"""Fresh streams: the signal path started again every few seconds of a record, scored from its own start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.figures import share
from ecg_edge.ecg.labels import BEAT_SYMBOLS, SCORING_CLASS_OF
from ecg_edge.ecg.rates import convert_samples
from ecg_edge.ecg.records import Record, Timing
from ecg_edge.ecg.scoring import BeatComparison, compare_beats, match_beats
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.firmware import Beats, Processed, process_signal
from ecg_edge.host.evaluation.sources import Reference

FIRST_S: Final = (10.0, 20.0)
TAIL_S: Final = 10.0
"""Signal after the part that is scored: the device tells a beat up to some seconds after its R peak."""

TOO_MANY: Final = 1.3
"""Factor of the annotated number of beats above which a start counts too many."""

BEAT_NUMBERS: Final = {
    "1": (0, 1),
    "2 to 4": (1, 4),
    "5 to 10": (4, 10),
    "11 to 20": (10, 20),
    "later": (20, None),
}

Symbols = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Plan:
    """When streams start and how much of each is scored.

    Attributes
    ----------
    every_s : float
        Time from one start to the next in seconds.
    first_s : tuple of float
        Lengths of the scored parts in seconds.
    """

    every_s: float
    first_s: tuple[float, ...] = FIRST_S

    def starts_s(self, end_s: float) -> list[float]:
        """List the starts that at least the shortest part follows in a record of `end_s` seconds."""
        last_s = end_s - min(self.first_s)
        return np.arange(0.0, max(last_s, 0.0) + 1e-9, self.every_s).tolist() if last_s >= 0 else []


@dataclass
class StartCounts:
    """Counts of the first seconds of some streams.

    Attributes
    ----------
    starts, too_many : int
        Number of streams; of those that count more than `TOO_MANY` times the annotated beats.
    comparison : BeatComparison or None
        All streams together.
    """

    starts: int = 0
    too_many: int = 0
    comparison: BeatComparison | None = None

    def add(self, other: StartCounts) -> None:
        """Add the counts of other streams."""
        self.starts += other.starts
        self.too_many += other.too_many
        if other.comparison is not None:
            one = self.comparison
            self.comparison = other.comparison if one is None else one + other.comparison


@dataclass
class Restarts:
    """Counts of one record, or of several.

    Attributes
    ----------
    first : dict of float to StartCounts
        By the length of the part that is scored.
    called_v : dict of str to list of int
        By the number of the beat in its stream: beats that are not ventricular and were called so, and all
        of them. Empty without labels.
    """

    first: dict[float, StartCounts]
    called_v: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: Restarts) -> None:
        """Add the counts of another record."""
        for length, counts in other.first.items():
            self.first.setdefault(length, StartCounts()).add(counts)
        for name, (hits, total) in other.called_v.items():
            before = self.called_v.get(name, [0, 0])
            self.called_v[name] = [before[0] + hits, before[1] + total]


def restart(
    record: Record,
    reference: Reference,
    timing: Timing,
    plan: Plan,
    mains_hz: int,
    symbols_of: Callable[[Processed, int, int], Symbols] | None = None,
) -> Restarts:
    """Start a stream every `plan.every_s` seconds of a record and score its first seconds.

    Parameters
    ----------
    record : Record
        The signal.
    reference : Reference
        Its annotations.
    timing : Timing
        Rate that the annotations count in.
    plan : Plan
        When streams start.
    mains_hz : int
        Mains frequency to suppress.
    symbols_of : callable, optional
        Labels the beats of a signal of a length and rate.
    """
    result = Restarts({length: StartCounts() for length in plan.first_s})
    for start_s in plan.starts_s(reference.end_s):
        first = round(start_s * record.fs_hz)
        part = record.samples[first : first + round((max(plan.first_s) + TAIL_S) * record.fs_hz)]
        found = process_signal(
            part,
            adu_per_mv=record.adu_per_mv,
            mains_hz=mains_hz,
            fs_hz=record.fs_hz,
            off_spans=(record.invalid_spans - first).clip(0, len(part)),
        )
        symbols = symbols_of(found, len(part), record.fs_hz) if symbols_of else None
        beats = found.beats.copy()
        beats["r_sample"] += first
        result.add(_score(record, reference, timing, plan, start_s, beats, symbols))
    return result


def _score(
    record: Record,
    reference: Reference,
    timing: Timing,
    plan: Plan,
    start_s: float,
    beats: Beats,
    symbols: Symbols | None,
) -> Restarts:
    at = convert_samples(beats["r_sample"], record.fs_hz, timing.fs_hz)
    found = Annotations.of(at, ["N"] * len(at) if symbols is None else symbols)
    first = {
        length: _first(reference, found, timing.fs_hz, start_s, length)
        for length in plan.first_s
        if start_s + length <= reference.end_s and start_s + length > reference.start_s
    }
    longest = start_s + max(first, default=0.0)
    called = {} if symbols is None else _called_v(reference, found, timing.fs_hz, longest)
    return Restarts(first, called)


def _first(
    reference: Reference, found: Annotations, fs_hz: float, start_s: float, length_s: float
) -> StartCounts:
    # A complex that the start cuts is not counted.
    start_s, end_s = max(start_s + MATCH_WINDOW_S, reference.start_s), start_s + length_s
    comparison = compare_beats(reference.annotations, found, fs_hz=fs_hz, start_s=start_s, end_s=end_s)
    annotated = _count(reference.annotations, start_s * fs_hz, end_s * fs_hz)
    counted = _count(found, start_s * fs_hz, end_s * fs_hz)
    return StartCounts(1, int(counted > TOO_MANY * annotated), comparison)


def _count(annotations: Annotations, start: float, end: float) -> int:
    at = annotations.samples[np.isin(annotations.symbols, BEAT_SYMBOLS)]
    return int(((at >= start) & (at < end)).sum())


def _called_v(reference: Reference, found: Annotations, fs_hz: float, end_s: float) -> dict[str, list[int]]:
    """Count beats whose annotation is N or S by their number in the stream; those called V first."""
    is_beat = np.isin(reference.annotations.symbols, BEAT_SYMBOLS)
    peaks, symbols = reference.annotations.samples[is_beat], reference.annotations.symbols[is_beat]
    pairs = match_beats(peaks, found.samples, round(MATCH_WINDOW_S * fs_hz))
    pairs = pairs[found.samples[pairs[:, 1]] < end_s * fs_hz]
    others = np.array([SCORING_CLASS_OF[symbol] in "NS" for symbol in symbols[pairs[:, 0]]], np.bool_)
    numbers = pairs[others, 1]
    is_v = found.symbols[numbers] == "V"
    counts = {}
    for name, (first, last) in BEAT_NUMBERS.items():
        here = (numbers >= first) & (numbers < (np.inf if last is None else last))
        counts[name] = [int(is_v[here].sum()), int(here.sum())]
    return counts


def restart_figures(found: Sequence[Restarts]) -> dict[str, Any]:
    """Compute the figures of several records together: fractions, and numbers of starts."""
    total = Restarts({})
    for one in found:
        total.add(one)
    return {
        "first": {f"{length:g}_s": _start_figures(counts) for length, counts in sorted(total.first.items())},
        "called_v": {
            name: {"beats": beats, "share": share(hits, beats)}
            for name, (hits, beats) in total.called_v.items()
        },
    }


def _start_figures(counts: StartCounts) -> dict[str, float | int | None]:
    ratios = counts.comparison.ratios if counts.comparison is not None else {}
    return {
        "starts": counts.starts,
        "too_many": counts.too_many,
        **{name: share(*ratios[name]) if name in ratios else None for name in ("qrs_se", "qrs_ppv")},
        "beats": ratios["qrs_se"].total if ratios else 0,
    }
