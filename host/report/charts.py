"""Charts of a whole recording as SVG: heart rate, and below it every episode of rhythm by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.host.link.messages import RhythmEvent
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

_LEFT: Final = 250
_WIDTH: Final = 1000
_RIGHT: Final = 10
_RATE_HEIGHT: Final = 130
_LANE: Final = 20
_STEPS_S: Final = (5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)


def rhythm_svg(events: Sequence[RhythmEvent], samples: int, fs_hz: int, title: str) -> str:
    """Draw heart rate and episodes of a recording.

    Parameters
    ----------
    events : sequence of RhythmEvent
        All of the recording.
    samples, fs_hz : int
        Its length and rate.
    title : str
        Text alternative.
    """
    lanes: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes(events):
        lanes[episode.name].append(episode)
    names = [name for name in LANES if name in lanes]
    height = _RATE_HEIGHT + 40 + _LANE * len(names)
    scale = (_WIDTH - _LEFT - _RIGHT) / max(samples, 1)
    parts = [
        f'<svg class="chart" role="img" viewBox="0 0 {_WIDTH} {height}">',
        f"<title>{escape(title)}</title>",
        *_time_axis(samples / fs_hz, scale * fs_hz, height),
        *_rates(events, scale),
    ]
    for row, name in enumerate(names):
        top = _RATE_HEIGHT + 20 + _LANE * row
        label = escape(f"{name} ({len(lanes[name]):,})")
        parts.append(f'<text class="name" x="{_LEFT - 8}" y="{top + 12}">{label}</text>')
        parts.append(f'<path class="{LANES[name]}" d="{_bars(lanes[name], scale, top)}"/>')
    return "".join([*parts, "</svg>"])


def _bars(lane: Sequence[Episode], scale: float, top: int) -> str:
    """Bars as long as the episodes, at least wide enough to be seen; those that touch become one."""
    joined: list[list[float]] = []
    for episode in lane:
        start = round(_LEFT + episode.onset * scale, 1)
        end = max(round(_LEFT + episode.end * scale, 1), start + 1.5)
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
    lines = [f'<text class="name" x="{_LEFT - 8}" y="22">heart rate, beats/min</text>']
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
