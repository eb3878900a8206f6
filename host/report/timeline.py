"""Plots of a record over time: heart rate and every episode by kind; the labels of its strips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from ecg_edge.firmware import STRIP_SECONDS
from ecg_edge.host.conformance.accuracy import LabelledRecord
from ecg_edge.host.link.messages import Morphology, RhythmEvent
from ecg_edge.host.reference.labels import label_name
from ecg_edge.host.reference.morphology import count_labels
from ecg_edge.host.reference.rhythm_events import Episode, episodes, heart_rates
from ecg_edge.host.report.strips import (
    INK,
    LABEL_COLORS,
    OTHER_COLOR,
    Strip,
    clock,
    open_figure,
    strip_svg,
    to_svg,
)

STRIP_S = 10.0

# Lanes from top to bottom, with their colours; a lane without an episode is left out.
_LANES = {
    "ventricular fibrillation or flutter suspected": LABEL_COLORS["V"],
    "ventricular tachycardia": LABEL_COLORS["V"],
    "asystole": LABEL_COLORS["V"],
    "pause": OTHER_COLOR,
    "bradycardia": LABEL_COLORS["R"],
    "tachycardia": LABEL_COLORS["R"],
    "irregularly irregular": LABEL_COLORS["A"],
    "atrial fibrillation suspected": LABEL_COLORS["A"],
    "V run": LABEL_COLORS["V"],
    "V couplet": LABEL_COLORS["V"],
    "bigeminy": LABEL_COLORS["V"],
    "trigeminy": LABEL_COLORS["V"],
    "S run": LABEL_COLORS["A"],
}


@dataclass(frozen=True)
class RhythmExample:
    """An episode as an example of its kind, with its record and the number of episodes of that kind."""

    item: LabelledRecord
    episode: Episode
    count: int


def timeline_svg(events: Sequence[RhythmEvent], samples: int, fs_hz: int, width: float = 10.5) -> str:
    """Draw heart rate and episodes of a record as SVG.

    Parameters
    ----------
    events : sequence of RhythmEvent
        The record's events.
    samples, fs_hz : int
        Its length and rate.
    width : float
        Inches.
    """
    lanes: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes(events):
        lanes[episode.name].append(episode)
    names = [name for name in _LANES if name in lanes]
    with open_figure(width, 1.2 + 0.2 * len(names)) as figure:
        ratios = [5.0, max(1.0, 1.1 * len(names))]
        rate, below = figure.subplots(2, 1, sharex=True, height_ratios=ratios)
        at, rates = heart_rates(events)
        rate.plot([sample / fs_hz for sample in at], rates, color=INK, linewidth=0.9)
        rate.set_ylabel("beats/min", color=INK, fontsize=7)
        rate.set_ylim(0, max([100.0, *(value for value in rates if value == value)]) * 1.08)
        for row, name in enumerate(names):
            _draw_lane(below, row, lanes[name], _LANES[name], fs_hz, samples / fs_hz)
        below.set_yticks(range(len(names)), [f"{name} ({len(lanes[name])})" for name in names])
        below.set_ylim(max(len(names), 1) - 0.5, -0.5)
        _show_time(below, samples / fs_hz)
        for axes in (rate, below):
            _trim(axes)
        return to_svg(figure)


def morphology_svg(
    results: Sequence[Morphology], labels: Sequence[str], samples: int, fs_hz: int, width: float = 10.5
) -> str:
    """Draw the labels of a record's strips as SVG, a row for each; a strip is 10 s long.

    Parameters
    ----------
    results : sequence of Morphology
        The device's results.
    labels : sequence of str
        The network's labels.
    samples, fs_hz : int
        Length and rate of the record.
    width : float
        Inches.
    """
    counts = count_labels(results, labels)
    colors = dict(zip(labels, cycle(LABEL_COLORS.values()), strict=False))
    with open_figure(width, 0.55 + 0.2 * len(counts)) as figure:
        axes = figure.subplots()
        for row, name in enumerate(counts):
            ends = [result.sample + 1 for result in results if label_name(result.label, labels) == name]
            begins = [max(end - STRIP_SECONDS * fs_hz, 0) for end in ends]
            bars = [(a / fs_hz, (b - a) / fs_hz) for a, b in zip(begins, ends, strict=True)]
            axes.broken_barh(bars, (row - 0.36, 0.72), color=colors.get(name, OTHER_COLOR), linewidth=0)
        axes.set_yticks(range(len(counts)), [f"{name} ({count})" for name, count in counts.items()])
        axes.set_ylim(max(len(counts), 1) - 0.5, -0.5)
        _show_time(axes, samples / fs_hz)
        _trim(axes)
        return to_svg(figure)


def _show_time(axes: Axes, length_s: float) -> None:
    axes.set_xlim(0, length_s)
    axes.xaxis.set_major_locator(MultipleLocator(_tick_s(length_s)))
    axes.set_xlabel("min:s", color=INK, fontsize=7, labelpad=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at_s, _: clock(at_s)))


def _tick_s(length_s: float) -> int:
    """Choose a round distance of time marks, at most ten of them."""
    return next((step for step in (5, 10, 30, 60, 120, 300, 600, 1800) if length_s <= 10 * step), 3600)


def _draw_lane(
    axes: Axes, row: int, lane: Sequence[Episode], color: str, fs_hz: int, length_s: float
) -> None:
    """Draw bars as long as the episodes, but long enough to be seen."""
    least_s = length_s / 700
    bars = [(e.onset / fs_hz, max((e.end - e.onset) / fs_hz, least_s)) for e in lane]
    axes.broken_barh(bars, (row - 0.36, 0.72), color=color, linewidth=0)


def _trim(axes: Axes) -> None:
    axes.grid(True, axis="x", color=INK, alpha=0.12, linewidth=0.5)
    axes.tick_params(colors=INK, length=2, labelsize=7)
    for spine in axes.spines.values():
        spine.set_color(INK)
        spine.set_alpha(0.25)


def rhythm_examples(
    items: Sequence[LabelledRecord], events: dict[tuple[str, str], list[RhythmEvent]]
) -> list[RhythmExample]:
    """Choose one episode of every kind, the middle one of all, so that nothing is picked by eye."""
    found: dict[str, list[tuple[LabelledRecord, Episode]]] = defaultdict(list)
    for item in items:
        for episode in episodes(events.get((item.record.database, item.record.name), [])):
            found[episode.name].append((item, episode))
    middles = {name: places[len(places) // 2] for name, places in found.items()}
    return [RhythmExample(*middles[name], count=len(found[name])) for name in _LANES if name in found]


def rhythm_example_svg(example: RhythmExample, labels: Sequence[str]) -> str:
    """Draw the signal from two seconds before the episode's onset, with labels and annotations."""
    record: Any = example.item.record
    start_s = example.episode.onset / record.fs_hz - 2.0
    latest_s = max(0.0, example.item.samples / record.fs_hz - STRIP_S)
    return strip_svg(Strip(example.item, min(max(start_s, 0.0), latest_s), STRIP_S), labels, width=7.0)
