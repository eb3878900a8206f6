"""Spans of time: of annotated rhythms, and their overlap with other spans.

Spans are float64 arrays of shape (n, 2), onset and end in seconds, in the order of onset.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations

Spans: TypeAlias = npt.NDArray[np.float64]

RHYTHM: Final = "+"


class RhythmSpan(NamedTuple):
    """Time with one annotated rhythm: its note, such as "(VT", onset and end in seconds."""

    note: str
    onset_s: float
    end_s: float


def rhythm_spans(annotations: Annotations, fs_hz: float, end_s: float) -> list[RhythmSpan]:
    """List the annotated rhythms, each up to the next rhythm annotation; the last one up to `end_s`."""
    at = np.flatnonzero(annotations.symbols == RHYTHM).tolist()
    onsets = [float(annotations.samples[k]) / fs_hz for k in at]
    ends = [*onsets[1:], max(end_s, *onsets)] if onsets else []
    return [
        RhythmSpan(annotations.aux[k].strip(), onset, end)
        for k, onset, end in zip(at, onsets, ends, strict=True)
        if end > onset
    ]


def as_spans(pairs: Iterable[tuple[float, float]]) -> Spans:
    """Make an array of pairs of onset and end in seconds, in the order of onset."""
    return np.array(sorted(pairs), np.float64).reshape(-1, 2)


def union(spans: Spans) -> Spans:
    """Join spans that overlap or touch."""
    joined: list[list[float]] = []
    for onset, end in as_spans(spans.tolist()).tolist():
        if joined and onset <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([onset, end])
    return as_spans((onset, end) for onset, end in joined)


def intersection(spans: Spans, others: Spans) -> Spans:
    """Cut spans to the time that lies in any of `others`."""
    pairs = [
        (max(onset, start), min(end, stop))
        for onset, end in union(spans).tolist()
        for start, stop in union(others).tolist()
        if min(end, stop) > max(onset, start)
    ]
    return as_spans(pairs)


def difference(spans: Spans, others: Spans) -> Spans:
    """Cut out of spans the time that lies in any of `others`."""
    left: list[tuple[float, float]] = []
    cuts = union(others).tolist()
    for onset, end in union(spans).tolist():
        for start, stop in cuts:
            if stop <= onset or start >= end:
                continue
            if start > onset:
                left.append((onset, start))
            onset = stop
        if end > onset:
            left.append((onset, end))
    return as_spans(left)


def total_s(spans: Spans) -> float:
    """Add up the time of spans, overlaps once, in seconds."""
    joined = union(spans)
    return float((joined[:, 1] - joined[:, 0]).sum())


def overlaps(onset_s: float, end_s: float, spans: Spans) -> bool:
    """Check if the time from `onset_s` to `end_s` shares a moment with any of the spans."""
    return bool(np.any((spans[:, 0] < end_s) & (spans[:, 1] > onset_s)))
