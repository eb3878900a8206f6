"""Heart rate variability in the time domain, from intervals between normal beats.

Figures as the Task Force of the European Society of Cardiology and the North American Society of Pacing and
Electrophysiology defines them (Circulation 93:1043-1065, 1996): SDNN, SDANN and SDNN index over 5 minutes,
RMSSD, pNN50. Which intervals count is an own choice, stated at `normal_intervals`.
"""

from __future__ import annotations

from typing import Final, SupportsFloat, TypedDict

import numpy as np
from numpy.typing import NDArray

from ecg_edge.firmware.binding.rhythm import ATRIAL_FIBRILLATION, IRREGULAR
from ecg_edge.host.analysis.device import DeviceReport

NORMAL: Final = ("N", "L", "R")
"""Labels of beats that the sinus node begins; bundle branch block changes only their shape."""
LIMITS_MS: Final = (300.0, 2000.0)
LARGEST_CHANGE: Final = 0.2
"""Share by which an interval may differ from the median of the 11 around it: a missed or an extra beat
changes it by more; breathing at rest by less."""
_MEDIAN_OF: Final = 11
SEGMENT_S: Final = 300.0
_LEAST_SHARE: Final = 0.5  # of a segment that must be normal intervals
LEAST_INTERVALS: Final = 100
_FAST_MS: Final = 50.0


class Variability(TypedDict):
    """Figures of heart rate variability in ms; None with too few intervals."""

    intervals: int
    left_out: int
    segments: int
    mean_nn_ms: float | None
    sdnn_ms: float | None
    sdann_ms: float | None
    sdnn_index_ms: float | None
    rmssd_ms: float | None
    pnn50: float | None
    resolution_ms: float


def normal_intervals(report: DeviceReport) -> NDArray[np.bool_]:
    """Select the beats whose interval to the beat before counts as normal to normal, shape (n,).

    Both beats have a label of `NORMAL` and lie in readable signal; the interval lies within `LIMITS_MS`, near
    the median around it, and outside of suspected fibrillation and irregular rhythm.
    """
    beats, fs_hz = report.beats, report.fs_hz
    good = report.readable & np.isin(report.symbols, NORMAL)
    rr_ms = beats["rr_samples"] * (1000 / fs_hz)
    chosen = good & np.concatenate(([False], good[:-1]))[: len(good)] & (beats["rr_samples"] > 0)
    chosen &= (rr_ms >= LIMITS_MS[0]) & (rr_ms <= LIMITS_MS[1])
    for episode in report.episodes:
        if episode.event.kind in (ATRIAL_FIBRILLATION, IRREGULAR):
            first, last = np.searchsorted(beats["r_sample"], [episode.onset, episode.end], "right")
            chosen[first : last + 1] = False
    return chosen & _near_median(rr_ms, chosen)


def _near_median(rr_ms: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy.ndimage import median_filter  # takes a while: only here

    near = np.zeros(len(rr_ms), np.bool_)
    values = rr_ms[chosen]
    if len(values):
        median = median_filter(values, _MEDIAN_OF, mode="nearest")
        near[chosen] = np.abs(values - median) <= LARGEST_CHANGE * median
    return near


def variability(report: DeviceReport) -> Variability:
    """Compute the figures of a report."""
    chosen = normal_intervals(report)
    rr_ms = report.beats["rr_samples"] * (1000 / report.fs_hz)
    intervals = rr_ms[chosen]
    pairs = chosen[1:] & chosen[:-1]
    steps = np.diff(rr_ms)[pairs]
    segments = _segments(report.beats["r_sample"][chosen] / report.fs_hz, intervals)
    enough = len(intervals) >= LEAST_INTERVALS
    means = [float(part.mean()) for part in segments]
    return {
        "intervals": len(intervals),
        "left_out": int((report.beats["rr_samples"] > 0).sum()) - len(intervals),
        "segments": len(segments),
        "mean_nn_ms": _rounded(intervals.mean()) if enough else None,
        "sdnn_ms": _rounded(intervals.std(ddof=1)) if enough else None,
        "sdann_ms": _rounded(np.std(means, ddof=1)) if len(means) > 1 else None,
        "sdnn_index_ms": _rounded(np.mean([part.std(ddof=1) for part in segments])) if segments else None,
        "rmssd_ms": _rounded(np.sqrt(np.mean(steps**2))) if enough and len(steps) else None,
        "pnn50": round(float(np.mean(np.abs(steps) > _FAST_MS)), 4) if enough and len(steps) else None,
        "resolution_ms": _rounded(1000 / report.fs_hz),
    }


def _segments(at_s: NDArray[np.float64], intervals: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Divide into 5 minutes each; those that are less than half normal intervals are left out."""
    if not len(at_s):
        return []
    edges = np.arange(0.0, at_s[-1] + SEGMENT_S, SEGMENT_S)
    parts = np.split(intervals, np.searchsorted(at_s, edges[1:-1]))
    return [part for part in parts if len(part) > 1 and part.sum() >= 1000 * SEGMENT_S * _LEAST_SHARE]


def _rounded(value: SupportsFloat) -> float:
    return round(float(value), 1)
