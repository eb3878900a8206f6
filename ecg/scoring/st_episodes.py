"""Episodes of ST change, annotated as in the European ST-T Database, by the rules of EC57 as in `epicmp`.

Annotations of type "s" have notes with signal and direction: "(ST0-" begins an episode, "AST0-150" is its
extremum with the deviation in microvolts, "ST0-)" ends it. An episode that never ends lasts to the end of the
comparison. An episode counts as matched where its overlap with the other annotator's episodes holds the
extremum, or half of its duration.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.scoring.episodes import EpisodeComparison

ST_CHANGE: Final = "s"
SMALLEST_UV: Final = 100
SHORTEST_S: Final = 30.0
"""An episode has at least 0.1 mV for 30 s, as in the European ST-T Database."""

_EXTREMUM: Final = re.compile(r"AST(\d)([+-]\d+)")


class StEpisode(NamedTuple):
    """An episode; samples.

    Attributes
    ----------
    onset, end : int
    extremum : int or None
        Sample of the largest deviation; None where it is not annotated.
    deviation_uv : int or None
        Deviation there, in microvolts.
    """

    onset: int
    end: int
    extremum: int | None = None
    deviation_uv: int | None = None


@dataclass(frozen=True)
class StComparison:
    """Result of a comparison.

    Attributes
    ----------
    episodes : EpisodeComparison
        Episodes and their durations.
    deviation_errors_uv : tuple of int
        Test annotator's extreme deviation minus the reference's, in microvolts, of matched pairs that both
        give one.
    """

    episodes: EpisodeComparison
    deviation_errors_uv: tuple[int, ...] = ()

    def __add__(self, other: StComparison) -> StComparison:
        """Both together."""
        return StComparison(
            self.episodes + other.episodes, self.deviation_errors_uv + other.deviation_errors_uv
        )


def st_episodes(annotations: Annotations, signal: int, end: int) -> list[StEpisode]:
    """Find the episodes of one signal.

    Parameters
    ----------
    annotations : Annotations
        All annotations of one annotator.
    signal : int
        Number of the signal.
    end : int
        End of the comparison in samples.
    """
    found: list[StEpisode] = []
    current: StEpisode | None = None
    for at in np.flatnonzero(annotations.symbols == ST_CHANGE).tolist():
        sample, note = int(annotations.samples[at]), annotations.aux[at].strip("\0 ")
        if note.startswith(f"(ST{signal}") and current is None:
            current = StEpisode(sample, end)
        elif current is not None and (extremum := _EXTREMUM.match(note)) and int(extremum[1]) == signal:
            current = current._replace(extremum=sample, deviation_uv=int(extremum[2]))
        elif current is not None and note.startswith(f"ST{signal}"):
            found.append(current._replace(end=sample))
            current = None
    return found if current is None else [*found, current]


def st_annotations(episodes: Sequence[StEpisode], signal: int, directions: Sequence[str]) -> Annotations:
    """Write episodes as annotations; `directions` has "+" or "-" for each."""
    rows: list[tuple[int, str]] = []
    for episode, sign in zip(episodes, directions, strict=True):
        rows.append((episode.onset, f"(ST{signal}{sign}"))
        if episode.extremum is not None:
            rows.append((episode.extremum, f"AST{signal}{episode.deviation_uv or 0:+d}"))
        rows.append((episode.end, f"ST{signal}{sign})"))
    rows.sort(key=lambda row: row[0])
    return Annotations.of([row[0] for row in rows], [ST_CHANGE] * len(rows), aux=[row[1] for row in rows])


def compare_st_episodes(
    reference: Annotations,
    test: Annotations,
    *,
    fs_hz: float,
    end_s: float,
    start_s: float = 0.0,
    signal: int = 0,
    shortest_s: float = 0.0,
) -> StComparison:
    """Compare the ST episodes of two annotators of one signal.

    Parameters
    ----------
    reference, test : Annotations
    fs_hz : float
        Sampling frequency of the record.
    end_s, start_s : float
        Limits of the comparison in s; EC57 leaves out the first 300 s of a record.
    signal : int
        Number of the signal.
    shortest_s : float
        Shorter episodes count in nothing.
    """
    start, end = round(start_s * fs_hz), round(end_s * fs_hz)
    annotated, detected = (
        _inside(st_episodes(one, signal, end), start, end, shortest_s * fs_hz) for one in (reference, test)
    )
    found, true = _match(annotated, detected), _match(detected, annotated)
    comparison = EpisodeComparison(fs_hz, *found[:2], *true[:2], *found[2:], *true[2:])
    return StComparison(comparison, _deviation_errors(annotated, detected))


def _inside(episodes: list[StEpisode], start: int, end: int, shortest: float) -> list[StEpisode]:
    """Cut episodes to the time that is compared; an extremum outside of it counts for nothing."""
    cut = []
    for one in episodes:
        onset, last = max(one.onset, start), min(one.end, end)
        if one.end < start or one.onset >= end or last - onset < shortest:
            continue
        seen = one.extremum is not None and start < one.extremum < end
        cut.append(StEpisode(onset, last, one.extremum if seen else None, one.deviation_uv if seen else None))
    return cut


def _match(episodes: list[StEpisode], others: list[StEpisode]) -> tuple[int, int, int, int]:
    """Count matched and unmatched episodes, their duration, and the part of it that lies in `others`."""
    matched, duration, shared = 0, 0, 0
    for one in episodes:
        spans = [(max(one.onset, other.onset), min(one.end, other.end)) for other in others]
        spans = [(first, last) for first, last in spans if last > first]
        overlap = sum(last - first for first, last in spans)
        holds = one.extremum is not None and any(first <= one.extremum <= last for first, last in spans)
        matched += bool(spans) and (holds or 2 * overlap >= one.end - one.onset)
        duration += one.end - one.onset
        shared += overlap
    return matched, len(episodes) - matched, duration, shared


def _deviation_errors(annotated: list[StEpisode], detected: list[StEpisode]) -> tuple[int, ...]:
    """Differences of the extremes of the first overlapping pair of each annotated episode."""
    errors = []
    for one in annotated:
        for other in detected:
            overlaps = min(one.end, other.end) > max(one.onset, other.onset)
            if overlaps and one.deviation_uv is not None and other.deviation_uv is not None:
                errors.append(other.deviation_uv - one.deviation_uv)
                break
    return tuple(errors)
