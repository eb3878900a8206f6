"""The strips of a recording that are worth a look, chosen by rule, with what each rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ecg_edge.firmware.binding.rhythm import LEADS_OFF
from ecg_edge.host.analysis.device import DeviceReport
from ecg_edge.host.analysis.figures import readable_intervals
from ecg_edge.host.reference.rhythm_events import Episode

STRIP_S: Final = 6.0
_LEAD_IN_S: Final = 1.2
_ORDER: Final = ("high", "medium", "low", "none", "technical")
_BY_RATE: Final = ("tachycardia", "V run", "S run", "ventricular tachycardia")


@dataclass(frozen=True)
class Highlight:
    """A strip to draw.

    Attributes
    ----------
    title : str
        What it shows and why it was chosen.
    start_s, seconds : float
        Its place in the recording.
    rests_on : str
        Evidence of the device.
    marked : tuple of int
        First and last sample to shade.
    priority : str
        As an alarm; "none" for what is no event.
    """

    title: str
    start_s: float
    seconds: float
    rests_on: str
    marked: tuple[int, int]
    priority: str = "none"


def highlights(report: DeviceReport) -> list[Highlight]:
    """Choose the strips, the most urgent first: one of each kind of event and label, and both extreme RR."""
    if not len(report.own.record.samples):
        return []
    found = [*_of_kinds(report), *_of_intervals(report), *_of_labels(report)]
    return sorted(found, key=lambda one: _ORDER.index(one.priority))


def _at(report: DeviceReport, sample: int, lead_in_s: float = _LEAD_IN_S) -> float:
    latest = max(report.duration_s - STRIP_S, 0.0)
    return min(max(sample / report.fs_hz - lead_in_s, 0.0), latest)


def _of_kinds(report: DeviceReport) -> list[Highlight]:
    groups: dict[str, list[Episode]] = {}
    for episode in report.episodes:
        if episode.event.kind != LEADS_OFF:
            groups.setdefault(episode.name, []).append(episode)
    return [_of_kind(report, name, found) for name, found in groups.items()]


def _of_kind(report: DeviceReport, name: str, found: list[Episode]) -> Highlight:
    """The fastest one where the rate tells how severe it is, the slowest bradycardia, else the longest."""
    if name in _BY_RATE:
        chosen, why = max(found, key=lambda one: one.event.rate_x10), "the fastest"
    elif name == "bradycardia":
        chosen, why = min(found, key=lambda one: one.event.rate_x10 or 10**6), "the slowest"
    else:
        chosen, why = max(found, key=lambda one: one.end - one.onset), "the longest"
    title = f"{name}: {why} of {len(found)}" if len(found) > 1 else name
    return Highlight(
        *(title[0].upper() + title[1:], _at(report, chosen.onset), min(STRIP_S, report.duration_s)),
        *(_evidence(report, chosen), (chosen.onset, chosen.end), chosen.priority),
    )


def _evidence(report: DeviceReport, episode: Episode) -> str:
    event, fs_hz = episode.event, report.fs_hz
    parts = [f"{(episode.end - episode.onset) / fs_hz:.1f} s"]
    parts += [f"{event.beats} beats"] if event.beats else []
    parts += [f"{event.rate_x10 / 10:.0f}/min"] if event.rate_x10 and event.beats else []
    if event.beats and event.shortest_rr:
        parts.append(f"RR {1000 * event.shortest_rr // fs_hz} to {1000 * event.longest_rr // fs_hz} ms")
    parts += [f"irregularity {event.irregularity_permille / 10:.0f} %"] if event.irregularity_permille else []
    parts += [f"confidence {event.confidence} %"] if event.confidence else []
    parts += ["ended by bad signal or by the end of the recording"] if episode.cut else []
    return ", ".join([*parts, _quality(report, episode.onset, episode.end)])


def _quality(report: DeviceReport, start: int, end: int) -> str:
    peaks = report.beats["r_sample"]
    first, last = np.searchsorted(peaks, start, "left"), np.searchsorted(peaks, end, "right")
    here = report.beats["quality"][int(first) : int(last)]
    return f"signal quality {int(np.median(here))} of 100" if len(here) else "no beats found"


def _of_intervals(report: DeviceReport) -> list[Highlight]:
    chosen = np.flatnonzero(readable_intervals(report))
    if len(chosen) < 2:
        return []
    rr = report.beats["rr_samples"][chosen]
    both = (("Largest", chosen[int(rr.argmax())]), ("Smallest", chosen[int(rr.argmin())]))
    return [_of_interval(report, name, int(place)) for name, place in both]


def _of_interval(report: DeviceReport, name: str, number: int) -> Highlight:
    end, length = int(report.beats["r_sample"][number]), int(report.beats["rr_samples"][number])
    title = f"{name} RR interval: {1000 * length / report.fs_hz:.0f} ms"
    start_s = _at(report, end - length // 2, STRIP_S / 2)
    labels = f"beats labelled {report.symbols[number - 1]} and {report.symbols[number]}"
    evidence = f"{labels}, {_quality(report, end - length, end)}"
    return Highlight(title, start_s, min(STRIP_S, report.duration_s), evidence, (end - length, end))


def _of_labels(report: DeviceReport) -> list[Highlight]:
    """Of each label the middle one of all in the best signal, so that nothing is picked by eye."""
    found = []
    for label in dict.fromkeys(report.symbols[report.readable].tolist()):
        places = np.flatnonzero((report.symbols == label) & report.readable)
        quality = report.beats["quality"][places]
        best = places[quality == quality.max()]
        place = int(best[len(best) // 2])
        peak = int(report.beats["r_sample"][place])
        half = report.fs_hz // 4
        found.append(
            Highlight(
                f"A beat labelled {label}, of {len(places):,}",
                _at(report, peak, STRIP_S / 2),
                min(STRIP_S, report.duration_s),
                f"the middle one of {len(best):,} in signal of quality {int(quality.max())}",
                (peak - half, peak + half),
            )
        )
    return found
