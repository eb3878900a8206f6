"""Figures of a device's report on a recording: quality, heart rate, beats, rhythm, variability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.figures import duration_text, share
from ecg_edge.firmware import FLAG_LEADS_OFF
from ecg_edge.firmware.binding.rhythm import (
    ATRIAL_FIBRILLATION,
    BIGEMINY,
    COUPLET_V,
    IRREGULAR,
    LEADS_OFF,
    PAUSE,
    RUN_V,
    TRIGEMINY,
    UNREADABLE,
    VENTRICULAR_FIBRILLATION,
    VENTRICULAR_TACHYCARDIA,
)
from ecg_edge.host.analysis.device import DeviceReport
from ecg_edge.host.analysis.hrv import Variability, variability
from ecg_edge.host.analysis.reading import SHORTEST_S, OwnRecording, merged
from ecg_edge.host.reference.rhythm_events import Episode, heart_rates
from ecg_edge.host.reference.signal_reasons import REASON_TEXTS

HOUR_S: Final = 3600
VENTRICULAR_KINDS: Final = (
    VENTRICULAR_FIBRILLATION,
    VENTRICULAR_TACHYCARDIA,
    RUN_V,
    COUPLET_V,
    BIGEMINY,
    TRIGEMINY,
)
TECHNICAL_KINDS: Final = (UNREADABLE, LEADS_OFF)
LEAST_RATE_HZ: Final = 64
"""Rate of a file from which N, L, R and V are told as at 360 Hz (docs/how-to/analyze.md)."""

TRAINED_ON: Final = (
    "the network trained on the beats of this record: its labels here say nothing about other people"
)
SPAN_MV: Final = (0.05, 20.0)
"""Least and most of the typical span of an ECG in two seconds, far beyond any: a named unit is wrong."""


class Quality(TypedDict):
    """Time in seconds, of the whole recording."""

    duration_s: float
    worn_s: float
    readable_s: float
    bad_by_reason_s: dict[str, float]


class Hour(TypedDict):
    """One hour of the recording; rates in beats a minute, None where none is known."""

    hour: int
    readable_s: float
    beats: int
    mean_bpm: float | None
    lowest_bpm: float | None
    highest_bpm: float | None
    ventricular: int
    supraventricular: int


class Kind(TypedDict):
    """Episodes of one kind; times in seconds, rates in beats a minute."""

    kind: str
    priority: str
    episodes: int
    total_s: float
    longest_s: float
    longest_at_s: float
    most_beats: int
    highest_bpm: float | None


class Interval(TypedDict):
    """An RR interval, between two beats in readable signal."""

    ms: float
    at_s: float


class Figures(TypedDict):
    """Everything that the page and `--json` state."""

    quality: Quality
    limits: list[str]
    seen_in_training: bool
    beats: dict[str, int]
    mean_bpm: float | None
    lowest_bpm: float | None
    highest_bpm: float | None
    hours: list[Hour]
    kinds: list[Kind]
    fibrillation_s: float
    fibrillation_share: float | None
    irregular_s: float
    ventricular_beats: int
    ventricular_share: float | None
    pauses: int
    longest_pause_s: float | None
    largest_rr: Interval | None
    smallest_rr: Interval | None
    variability: Variability


def figures_of(report: DeviceReport, seen_in_training: bool = False) -> Figures:
    """Compute the figures of a report.

    Parameters
    ----------
    report : DeviceReport
    seen_in_training : bool
        Beats of this record trained the network.
    """
    quality, rates = quality_of(report), _rates(report)
    beats = dict(Counter(report.symbols.tolist()).most_common())
    ventricular, classified = beats.get("V", 0), int(report.readable.sum())
    fibrillation_s = _total_s(report, ATRIAL_FIBRILLATION)
    pauses = [e for e in report.episodes if e.event.kind == PAUSE]
    longest, shortest = _extreme_intervals(report)
    return {
        "quality": quality,
        "limits": [*_limits(report, quality), *[TRAINED_ON] * seen_in_training],
        "seen_in_training": seen_in_training,
        "beats": beats,
        **_rate_figures(rates[1]),
        "hours": hours_of(report),
        "kinds": kinds_of(report),
        "fibrillation_s": fibrillation_s,
        "fibrillation_share": share(fibrillation_s, quality["readable_s"] if beats else 0, 6),
        "irregular_s": _total_s(report, IRREGULAR),
        "ventricular_beats": ventricular,
        "ventricular_share": share(ventricular, classified, 6),
        "pauses": len(pauses),
        "longest_pause_s": max((_seconds(report, e) for e in pauses), default=None),
        "largest_rr": longest,
        "smallest_rr": shortest,
        "variability": variability(report),
    }


def _limits(report: DeviceReport, quality: Quality) -> list[str]:
    """Sentences on what limits the whole report."""
    found = []
    read, unread_s = duration_text(quality["readable_s"]), quality["duration_s"] - quality["readable_s"]
    if unread_s > 0.1 * quality["duration_s"]:
        found.append(f"{duration_text(unread_s)} cannot be read: nothing is known of that time")
    if not len(report.beats) and quality["readable_s"] >= SHORTEST_S:
        found.append(
            f"no beat was found in the {read} that can be read, so nothing is known of the rhythm: see that "
            "it is an ECG lead, that unit and gain are right, and that R waves are above 0.1 mV"
        )
    own_hz = float(report.own.own_hz)
    if own_hz < LEAST_RATE_HZ:
        found.append(
            f"the file has {own_hz:g} samples a second: below {LEAST_RATE_HZ} a QRS complex may be too "
            "blurred to tell bundle branch block from a normal beat"
        )
    found += [report.own.rate_doubt] if report.own.rate_doubt else []
    return found + _unit_limits(report.own)


def _unit_limits(own: OwnRecording) -> list[str]:
    """Tell of a unit that the user named, and that gives no ECG's amplitude; flat parts do not count."""
    if not own.is_unit_named:
        return []
    samples, step = own.record.samples.astype(np.int64), 2 * own.record.fs_hz
    parts = samples[: len(samples) // step * step].reshape(-1, step)
    spans = parts.max(axis=1) - parts.min(axis=1)
    typical_mv = float(np.median(spans[spans > 0])) / own.record.adu_per_mv if spans.any() else 0.0
    low, high = SPAN_MV
    if low <= typical_mv <= high:
        return []
    size = f"less than {low:g}" if typical_mv < low else f"more than {high:g}"
    return [f"the signal spans {size} mV in two seconds, and an ECG about 1 mV: check --unit or --gain"]


# ---- quality ----------------------------------------------------------------------------------------


def quality_of(report: DeviceReport) -> Quality:
    """Compute the time in which the electrodes were on, and in which the signal could be read."""
    fs_hz, spans, off = report.fs_hz, report.processed.bad_spans, report.own.off_spans
    reasons: Counter[str] = Counter()
    turned_bad = report.processed.changes[report.processed.changes["bad"] != 0]
    for (start, end), change in zip(spans.tolist(), turned_bad, strict=False):
        reasons[_reason(int(change["reasons"]))] += end - start
    unread = _length(_unread_spans(report))
    if unread > _length(spans):  # the device states an electrode that is off a little later
        reasons[REASON_TEXTS[FLAG_LEADS_OFF]] += unread - _length(spans)
    worn_s = report.duration_s - _length(off) / fs_hz
    return {
        "duration_s": round(report.duration_s, 3),
        "worn_s": round(worn_s, 3),
        "readable_s": round(report.duration_s - unread / fs_hz, 3),
        "bad_by_reason_s": {name: round(count / fs_hz, 1) for name, count in reasons.most_common()},
    }


def _reason(flags: int) -> str:
    """Name the first reason that the table knows, so that times add up to the whole."""
    return next((text for flag, text in REASON_TEXTS.items() if flags & flag), "noise")


def _unread_spans(report: DeviceReport) -> NDArray[np.int64]:
    """Time in which the signal was bad by the device, an electrode was off, or the file has no values."""
    return merged(report.processed.bad_spans, report.own.off_spans)


def _length(spans: NDArray[np.int64]) -> int:
    return int((spans[:, 1] - spans[:, 0]).sum()) if len(spans) else 0


def _readable_s(report: DeviceReport, start: int, end: int) -> float:
    inside = _unread_spans(report).clip(start, end)
    return (end - start - _length(inside)) / report.fs_hz


# ---- heart rate -------------------------------------------------------------------------------------


def _rates(report: DeviceReport) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sample and value of the device's heart rates that are valid."""
    at, values = heart_rates(report.events)
    samples, rates = np.array(at, np.int64), np.array(values, np.float64)
    known = np.isfinite(rates)
    return samples[known], rates[known]


class _RateFigures(TypedDict):
    mean_bpm: float | None
    lowest_bpm: float | None
    highest_bpm: float | None


def _rate_figures(rates: NDArray[np.float64]) -> _RateFigures:
    if not len(rates):
        return {"mean_bpm": None, "lowest_bpm": None, "highest_bpm": None}
    values = [round(float(value), 1) for value in (rates.mean(), rates.min(), rates.max())]
    return {"mean_bpm": values[0], "lowest_bpm": values[1], "highest_bpm": values[2]}


def hours_of(report: DeviceReport) -> list[Hour]:
    """Compute the figures of each hour since the start."""
    length, step = len(report.own.record.samples), HOUR_S * report.fs_hz
    at, rates = _rates(report)
    peaks = report.beats["r_sample"].astype(np.int64)
    found: list[Hour] = []
    for hour, start in enumerate(range(0, length, step)):
        end = min(start + step, length)
        first, last = np.searchsorted(peaks, [start, end])
        symbols = report.symbols[first:last]
        low, high = np.searchsorted(at, [start, end])
        found.append(
            {
                "hour": hour,
                "readable_s": round(_readable_s(report, start, end), 1),
                "beats": int(last - first),
                **_rate_figures(rates[low:high]),
                "ventricular": int((symbols == "V").sum()),
                "supraventricular": int((symbols == "A").sum()),
            }
        )
    return found


# ---- rhythm -----------------------------------------------------------------------------------------


def _seconds(report: DeviceReport, episode: Episode) -> float:
    return round((episode.end - episode.onset) / report.fs_hz, 3)


def _total_s(report: DeviceReport, kind: int) -> float:
    return round(sum(_seconds(report, e) for e in report.episodes if e.event.kind == kind), 1)


def kinds_of(report: DeviceReport) -> list[Kind]:
    """Count the episodes of each kind, the most urgent kinds first."""
    groups: dict[str, list[Episode]] = {}
    for episode in report.episodes:
        groups.setdefault(episode.name, []).append(episode)
    order = ("high", "medium", "low", "technical", "none")
    names = sorted(groups, key=lambda name: (order.index(groups[name][0].priority), name))
    return [_kind(report, name, groups[name]) for name in names]


def _kind(report: DeviceReport, name: str, found: Sequence[Episode]) -> Kind:
    longest = max(found, key=lambda episode: episode.end - episode.onset)
    rate = max(episode.event.rate_x10 for episode in found) / 10
    return {
        "kind": name,
        "priority": found[0].priority,
        "episodes": len(found),
        "total_s": round(sum(_seconds(report, episode) for episode in found), 1),
        "longest_s": _seconds(report, longest),
        "longest_at_s": round(longest.onset / report.fs_hz, 3),
        "most_beats": max(episode.event.beats for episode in found),
        "highest_bpm": rate or None,
    }


def readable_intervals(report: DeviceReport) -> NDArray[np.bool_]:
    """Select the beats whose interval to the beat before lies in readable signal, shape (n,)."""
    good = report.readable
    before = np.concatenate(([False], good[:-1]))[: len(good)]
    chosen: NDArray[np.bool_] = good & before & (report.beats["rr_samples"] > 0)
    return chosen


def _extreme_intervals(report: DeviceReport) -> tuple[Interval | None, Interval | None]:
    chosen = np.flatnonzero(readable_intervals(report))
    if not len(chosen):
        return None, None
    rr = report.beats["rr_samples"][chosen]
    places = chosen[int(rr.argmax())], chosen[int(rr.argmin())]
    longest, shortest = (_interval(report, int(place)) for place in places)
    return longest, shortest


def _interval(report: DeviceReport, number: int) -> Interval:
    beat = report.beats[number]
    at_s = (int(beat["r_sample"]) - int(beat["rr_samples"])) / report.fs_hz
    return {"ms": round(1000 * int(beat["rr_samples"]) / report.fs_hz, 1), "at_s": round(at_s, 3)}
