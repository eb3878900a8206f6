"""Strips of ECG on the usual paper, 25 mm/s and 10 mm/mV, as SVG at true size.

A unit of the drawing is 0.1 mm: 4 ms, or 0.01 mV. Colours and the grid come from the page's style
(`templates/style.css`) and its `ecg-grid` pattern; labels are letters, so nothing is told by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MM_PER_S: Final = 25
MM_PER_MV: Final = 10
_UNIT: Final = 10  # units per mm
_ROW: Final = 60  # units for a row of letters
_SQUARE: Final = 50  # units of a large square
_LEAST: Final = 250  # units of signal height
_MOST: Final = 650
_MERGE: Final = 0.75  # units by which a point may differ from the line between its neighbours
_PASSES: Final = 3


@dataclass(frozen=True)
class Letter:
    """A letter over or under a beat.

    Attributes
    ----------
    sample : int
    text : str
        Label, one character.
    kind : str
        Class of the style, e.g. "wrong"; "" for the label's own.
    """

    sample: int
    text: str
    kind: str = ""


@dataclass(frozen=True)
class Shade:
    """A part of the strip that is shaded: samples, and the class of the style."""

    start: int
    end: int
    kind: str = "mark"


@dataclass(frozen=True, eq=False)
class PaperStrip:
    """What to draw.

    Attributes
    ----------
    samples : ndarray of int16, shape (n,)
        The whole record.
    fs_hz, adu_per_mv : int
    start_s, seconds : float
        The part to draw.
    title : str
        Text alternative.
    above, below : sequence of Letter
        Labels above the signal, and below it where `below_name` is given.
    dots : sequence of int
        Samples with a dot on the signal.
    shades : sequence of Shade
    above_name, below_name : str
        Names of the rows of letters; "" leaves the lower row out.
    """

    samples: NDArray[np.int16]
    fs_hz: int
    adu_per_mv: int
    start_s: float
    seconds: float
    title: str
    above: Sequence[Letter] = ()
    below: Sequence[Letter] = ()
    dots: Sequence[int] = ()
    shades: Sequence[Shade] = ()
    above_name: str = "device"
    below_name: str = ""


def paper_svg(strip: PaperStrip) -> str:
    """Draw a strip."""
    first = max(0, round(strip.start_s * strip.fs_hz))
    last = min(len(strip.samples), first + round(strip.seconds * strip.fs_hz))
    drawing = _Drawing(strip, first, last)
    width, height = drawing.width, drawing.height
    parts = [
        f'<svg class="ecg" role="img" viewBox="0 0 {width} {height}" width="{width / _UNIT:g}mm" '
        f'height="{height / _UNIT:g}mm">',
        f"<title>{escape(strip.title)}</title>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        *(drawing.shade(shade) for shade in strip.shades if shade.end > first and shade.start < last),
        f'<rect fill="url(#ecg-grid)" width="{width}" height="{height}"/>',
        *drawing.seconds(),
        drawing.curve(),
        *(drawing.dot(sample) for sample in strip.dots if first <= sample < last),
        *drawing.letters(strip.above, 46, strip.above_name, 16),
        *(
            drawing.letters(strip.below, height - 22, strip.below_name, height - 4)
            if strip.below_name
            else ()
        ),
        "</svg>",
    ]
    return "".join(parts)


class _Drawing:
    """Places of one strip in units of the drawing."""

    def __init__(self, strip: PaperStrip, first: int, last: int) -> None:
        self._strip, self._first, self._last = strip, first, last
        self._per_sample = MM_PER_S * _UNIT / strip.fs_hz
        self._per_adu = MM_PER_MV * _UNIT / strip.adu_per_mv
        values = strip.samples[first:last].astype(np.float64) * self._per_adu
        self._middle, self._half = _limits(values)
        self.width = max(round((last - first) * self._per_sample), _SQUARE)
        below = _ROW if strip.below_name else 20
        rows = _ROW + below
        self.height = math.ceil((2 * self._half + rows) / _SQUARE) * _SQUARE
        self._zero = _ROW + (self.height - rows) / 2
        self._y = np.rint(self._zero + self._middle - values).clip(0, self.height).astype(np.int64)

    def x(self, sample: int) -> int:
        """Place of a sample."""
        return round((sample - self._first) * self._per_sample)

    def curve(self) -> str:
        """The signal."""
        if not len(self._y):
            return ""
        x = np.rint(np.arange(len(self._y)) * self._per_sample).astype(np.int64)
        x, y = _simplified(x, self._y)
        steps = " ".join(
            f"{dx} {dy}" for dx, dy in zip(np.diff(x).tolist(), np.diff(y).tolist(), strict=True)
        )
        return f'<path class="trace" d="M{x[0]} {y[0]}l{steps}"/>'

    def dot(self, sample: int) -> str:
        """A dot on the signal."""
        return f'<circle class="dot" cx="{self.x(sample)}" cy="{self._y[sample - self._first]}" r="7"/>'

    def shade(self, shade: Shade) -> str:
        """A shaded part."""
        start, end = max(self.x(shade.start), 0), min(self.x(shade.end), self.width)
        size = f'x="{start}" width="{max(end - start, 8)}" height="{self.height}"'
        return f'<rect class="{shade.kind}" {size}/>'

    def letters(self, letters: Iterable[Letter], y: int, name: str, name_y: int) -> list[str]:
        """A row of letters, and its name at the strip's edge."""
        inside = [one for one in letters if self._first <= one.sample < self._last]
        found = [
            f'<text class="{escape(one.kind or "l-" + _class(one.text))}" x="{self.x(one.sample)}" '
            f'y="{y}">{escape(one.text)}</text>'
            for one in inside
        ]
        return [*found, f'<text class="row" x="6" y="{name_y}">{escape(name)}</text>'] if name else found

    def seconds(self) -> list[str]:
        """The time at each whole second that fits."""
        fs_hz = self._strip.fs_hz
        marks = []
        for second in range(-(-self._first // fs_hz), self._last // fs_hz + 1):
            x = self.x(second * fs_hz)
            marks.append(f'<path class="second" d="M{x} 0v12"/>')
        return marks


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    """Middle and half height of the signal, in units: what lies beyond the largest height is cut off."""
    if not len(values):
        return 0.0, _LEAST / 2
    low, high = float(values.min()), float(values.max())
    if high - low > _MOST:
        low, high = (float(value) for value in np.percentile(values, (1, 99)))
    half = min(max(high - low, _LEAST), _MOST) / 2
    return (low + high) / 2, half


def _simplified(x: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leave out points that lie on the line between their neighbours, every other one in each pass."""
    for number in range(_PASSES):
        if len(x) < 3:
            break
        inner = np.arange(1 + number % 2, len(x) - 1, 2)
        before, after = inner - 1, inner + 1
        along = (x[inner] - x[before]) / np.maximum(x[after] - x[before], 1)
        line = y[before] + along * (y[after] - y[before])
        keep = np.ones(len(x), np.bool_)
        keep[inner] = np.abs(y[inner] - line) > _MERGE
        x, y = x[keep], y[keep]
    return x, y


def _class(text: str) -> str:
    return text if text.isalnum() else "other"


def clock_text(seconds: float, started: Any = None) -> str:
    """Write a time since the start as h:mm:ss, and with it the time of day where the start is known."""
    total = round(seconds)
    text = f"{total // 3600}:{total % 3600 // 60:02d}:{total % 60:02d}"
    if started is None:
        return text
    from datetime import timedelta

    moment = started + timedelta(seconds=round(seconds))
    return f"{moment:%H:%M:%S} ({text} after the start)"
