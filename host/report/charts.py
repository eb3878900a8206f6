"""Charts of a whole recording as SVG: heart rate, every episode of rhythm by kind, labels of strips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from html import escape
from itertools import cycle
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecg_edge.firmware import STRIP_SECONDS
from ecg_edge.host.link.messages import Morphology, RhythmEvent
from ecg_edge.host.reference.labels import label_name
from ecg_edge.host.reference.morphology import count_labels
from ecg_edge.host.reference.rhythm_events import Episode, episodes, heart_rates

LANES: Final = {
    "ventricular fibrillation or flutter suspected": "l-V",
    "ventricular tachycardia": "l-V",
    "asystole": "l-V",
    "V run": "l-V",
    "pause": "l-other",
    "bradycardia": "l-R",
    "tachycardia": "l-R",
    "atrial fibrillation suspected": "l-A",
    "irregularly irregular": "l-A",
    "S run": "l-A",
    "V couplet": "l-V",
    "bigeminy": "l-V",
    "trigeminy": "l-V",
    "signal unreadable": "soft",
    "leads off": "soft",
}
"""Lanes from top to bottom, with the classes of their colours; a lane without an episode is left out."""

_CLASSES: Final = ("l-N", "l-L", "l-R", "l-A", "l-V")
_LEFT: Final = 250
_WIDTH: Final = 1000
_RIGHT: Final = 30
_RATE_HEIGHT: Final = 130
_LANE: Final = 20
_STEPS_S: Final = (5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)


Place = tuple[str, int]
"""Kind and onset of an episode."""


def rhythm_svg(
    events: Sequence[RhythmEvent],
    samples: int,
    fs_hz: int,
    title: str,
    false: Collection[Place] = (),
) -> str:
    """Draw heart rate and episodes of a recording.

    Parameters
    ----------
    events : sequence of RhythmEvent
        All of the recording.
    samples, fs_hz : int
        Its length and rate.
    title : str
        Text alternative.
    false : collection of Place
        Episodes that annotations do not confirm: they are drawn empty, and their number is stated.
    """
    lanes: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes(events):
        lanes[episode.name].append(episode)
    rows = [_episode_row(name, lanes[name], false) for name in LANES if name in lanes]
    return _chart(rows, samples, fs_hz, title, events)


def labels_svg(
    results: Sequence[Morphology], labels: Sequence[str], samples: int, fs_hz: int, title: str
) -> str:
    """Draw the labels of a record's strips, a row for each.

    Parameters
    ----------
    results : sequence of Morphology
        The device's results.
    labels : sequence of str
        The network's labels.
    samples, fs_hz : int
        Length and rate of the record.
    title : str
        Text alternative.
    """
    classes = dict(zip(labels, cycle(_CLASSES), strict=False))
    rows = []
    for name, count in count_labels(results, labels).items():
        ends = [result.sample + 1 for result in results if label_name(result.label, labels) == name]
        spans = [(max(end - STRIP_SECONDS * fs_hz, 0), end) for end in ends]
        rows.append(_Row(f"{name} ({count:,})", classes.get(name, "l-other"), spans))
    return _chart(rows, samples, fs_hz, title)


class _Row(NamedTuple):
    """A lane: its name, the class of its colour, its spans of samples, and those that are false."""

    name: str
    kind: str
    spans: Sequence[tuple[int, int]]
    false: Sequence[tuple[int, int]] = ()


def _episode_row(name: str, found: Sequence[Episode], false: Collection[Place]) -> _Row:
    spans: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for episode in found:
        spans[(name, episode.onset) in false].append((episode.onset, episode.end))
    count = f"{len(found):,}, {len(spans[1]):,} false" if spans[1] else f"{len(found):,}"
    return _Row(f"{name} ({count})", LANES[name], *spans)


def _chart(
    rows: Sequence[_Row], samples: int, fs_hz: int, title: str, events: Sequence[RhythmEvent] | None = None
) -> str:
    head = _RATE_HEIGHT if events is not None else 0
    height = head + 40 + _LANE * len(rows)
    scale = (_WIDTH - _LEFT - _RIGHT) / max(samples, 1)
    parts = [
        f'<svg class="chart" role="img" viewBox="0 0 {_WIDTH} {height}">',
        f"<title>{escape(title)}</title>",
        *_time_axis(samples / fs_hz, scale * fs_hz, height),
        *(_rates(events, scale) if events is not None else ()),
    ]
    for number, row in enumerate(rows):
        top = head + 20 + _LANE * number
        parts.append(f'<text class="name" x="{_LEFT - 8}" y="{top + 12}">{escape(row.name)}</text>')
        parts += [f'<path class="{row.kind}" d="{_bars(row.spans, scale, top)}"/>'] if row.spans else []
        parts += [f'<path class="false" d="{_bars(row.false, scale, top)}"/>'] if row.false else []
    return "".join([*parts, "</svg>"])


def _bars(spans: Sequence[tuple[int, int]], scale: float, top: int) -> str:
    """Bars as long as the spans, at least wide enough to be seen; those that touch become one."""
    joined: list[list[float]] = []
    for first, last in spans:
        start = round(_LEFT + first * scale, 1)
        end = max(round(_LEFT + last * scale, 1), start + 1.5)
        if joined and start <= joined[-1][1] + 0.3:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return "".join(f"M{start:g} {top + 2}h{end - start:.1f}v13h-{end - start:.1f}z" for start, end in joined)


def _rates(events: Sequence[RhythmEvent], scale: float) -> list[str]:
    """The heart rate, with a scale; of what falls on one point of the drawing only lowest and highest."""
    at, values = (np.array(part, np.float64) for part in heart_rates(events))
    known = values[np.isfinite(values)]
    top = max(100.0, float(known.max()) if len(known) else 0.0) * 1.05
    lines = [f'<text class="name" x="{_LEFT - 8}" y="{_RATE_HEIGHT + 4}">heart rate, beats/min</text>']
    for rate in range(0, int(top) + 1, 50):
        y = _height(rate, top)
        lines.append(f'<path class="axis" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>')
        lines.append(f'<text class="name" x="{_LEFT - 8}" y="{y + 4}">{rate}</text>' if rate else "")
    return [*lines, f'<path class="rate" d="{_rate_path(at * scale + _LEFT, values, top)}"/>']


def _height(rate: float, top: float) -> int:
    return round(_RATE_HEIGHT - rate / top * (_RATE_HEIGHT - 8))


def _rate_path(x: NDArray[np.float64], values: NDArray[np.float64], top: float) -> str:
    places = np.rint(x).astype(np.int64)
    parts, joined = [], False
    for place in dict.fromkeys(places.tolist()):
        first, last = np.searchsorted(places, [place, place + 1])
        here = values[first:last]
        here = here[np.isfinite(here)]
        if not len(here):
            joined = False
            continue
        ends = dict.fromkeys((_height(float(here.min()), top), _height(float(here.max()), top)))
        for y in ends:
            parts.append(f"{'L' if joined else 'M'}{place} {y}")
            joined = True
        if len(ends) == 1 and len(parts) and parts[-1].startswith("M"):
            parts.append("h1")
    return "".join(parts)


def _time_axis(length_s: float, scale: float, height: int) -> list[str]:
    """Marks of time, at most eleven."""
    step = next((step for step in _STEPS_S if length_s <= 10 * step), 12 * 3600)
    lines = []
    for second in range(0, int(length_s) + 1, step):
        x = round(_LEFT + second * scale)
        lines.append(f'<path class="axis" d="M{x} 8V{height - 18}"/>')
        lines.append(f'<text class="time" x="{x}" y="{height - 4}">{_time(second, length_s)}</text>')
    return lines


def _time(second: int, length_s: float) -> str:
    if length_s >= 2 * 3600:
        return f"{second // 3600}:{second % 3600 // 60:02d} h"
    return f"{second // 60}:{second % 60:02d}"
