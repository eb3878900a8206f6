"""Pictures of a replay: strips of ECG with device labels against annotations, as PNG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import style as styles
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from ecg_edge.host.conformance.accuracy import MISSED, NO_BEAT, LabelledRecord, pair_beats
from ecg_edge.host.reference.labels import symbol_of

# Middle tones, so that they can be read on white and on black.
LABEL_COLORS = {"N": "#5f7f95", "L": "#2a9d8f", "R": "#3f7fd0", "A": "#d9822b", "V": "#d1495b"}
OTHER_COLOR = "#8a6fb3"
WRONG_COLOR = "#d1495b"
RIGHT_COLOR = "#2f9e6e"

_PAPER_INK = "#1f2933"

_MARGIN = 0.12  # space on the left of a strip for the names of its rows of labels, as a share of its length

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "ecg-edge",
    "path.simplify_threshold": 0.3,
}


@dataclass(frozen=True)
class Strip:
    """A segment of a record to draw.

    Attributes
    ----------
    item : LabelledRecord
        The record with the device's beats.
    start_s, seconds : float
        Start and length.
    marked_sample : int or None
        A beat to mark.
    """

    item: LabelledRecord
    start_s: float
    seconds: float
    marked_sample: int | None = None


def clock(time_s: float, digits: int = 1) -> str:
    """Write minutes and seconds, e.g. "10:06.5"; whole seconds without the dot."""
    sign, parts = "-" if time_s < 0 else "", round(abs(time_s) * 10**digits)
    minutes, rest = divmod(parts, 60 * 10**digits)
    seconds = rest / 10**digits
    text = f"{seconds:0{3 + digits}.{digits}f}" if rest % 10**digits else f"{rest // 10**digits:02d}"
    return f"{sign}{minutes}:{text}"


@contextmanager
def open_figure(width: float, height: float, layout: Any = "constrained") -> Iterator[Figure]:
    """A figure outside pyplot, which would keep it, with this module's style."""
    with styles.context(["default", _STYLE]):  # whatever colours are set for other plots
        yield Figure(figsize=(width, height), layout=layout)


# ---- strips -----------------------------------------------------------------------------------------


def replay_picture(
    strips: Sequence[Strip], labels: Sequence[str], path: Path, title: str, width: float = 11.0
) -> None:
    """Write strips one below the other as a PNG on white, e.g. for the README.

    Parameters
    ----------
    strips : sequence of Strip
        Strips from top to bottom.
    labels : sequence of str
        The device's labels.
    path : Path
        The PNG file.
    title : str
        One line of up to 120 characters above the strips.
    width : float
        Inches; 150 dots an inch.
    """
    with open_figure(width, 0.5 + 2.1 * len(strips)) as figure:
        figure.suptitle(title, x=0.01, ha="left", fontsize=9, color=_PAPER_INK)
        for axes, strip in zip(np.atleast_1d(figure.subplots(len(strips), 1)), strips, strict=True):
            draw_strip(axes, strip, labels, _PAPER_INK)
            record = strip.item.record
            name = f"{record.database} {record.name}, {record.lead}"
            axes.set_title(name, loc="left", fontsize=9, color=_PAPER_INK, pad=2)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150, facecolor="white")


def draw_strip(axes: Axes, strip: Strip, labels: Sequence[str], ink: str) -> None:
    """Draw a strip into `axes`."""
    record = strip.item.record
    first = max(0, round(strip.start_s * record.fs_hz))
    last = min(len(record.samples), first + round(strip.seconds * record.fs_hz))
    t_s = np.arange(first, last) / record.fs_hz
    signal_mv = record.samples[first:last] / record.adu_per_mv
    low, high = _limits(signal_mv)
    axes.plot(t_s, signal_mv, color=ink, linewidth=0.8, solid_joinstyle="round")
    _label_beats(axes, strip, labels, (first, last), (low, high))
    start_s = first / record.fs_hz
    _trim(axes, ink, (start_s - _MARGIN * strip.seconds, start_s + strip.seconds), (low, high))


def _limits(signal_mv: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Compute limits with space for a row of labels above and below; at least 1 mV for the signal."""
    low, high = (float(signal_mv.min()), float(signal_mv.max())) if len(signal_mv) else (0.0, 0.0)
    middle, half = (low + high) / 2, max(high - low, 1.0) / 2
    return middle - 1.45 * half, middle + 1.45 * half


def _trim(axes: Axes, ink: str, x: tuple[float, float], y: tuple[float, float]) -> None:
    axes.set_xlim(*x)
    axes.set_ylim(*y)
    axes.grid(True, color=ink, alpha=0.12, linewidth=0.5)
    axes.tick_params(colors=ink, length=2, labelsize=7)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at_s, _: clock(at_s)))  # as in the captions
    axes.set_xlabel("min:s", color=ink, fontsize=7, labelpad=0)
    axes.set_ylabel("mV", color=ink, fontsize=7, labelpad=1)
    for text, height in (("device", 0.93), ("annotated", 0.07)):
        axes.text(
            0.004, height, text, transform=axes.transAxes, va="center", fontsize=6.5, color=ink, alpha=0.7
        )
    for spine in axes.spines.values():
        spine.set_color(ink)
        spine.set_alpha(0.25)


def _label_beats(
    axes: Axes, strip: Strip, labels: Sequence[str], span: tuple[int, int], y: tuple[float, float]
) -> None:
    """Device labels above, annotations below, and a shade over the beats where the two disagree."""
    item, record = strip.item, strip.item.record
    top, bottom = y[1] - 0.07 * (y[1] - y[0]), y[0] + 0.07 * (y[1] - y[0])
    for beat in item.beats:
        if span[0] <= beat.r_sample < span[1]:
            name = symbol_of(beat.label, labels, other="?")
            at, height = beat.r_sample / record.fs_hz, record.samples[beat.r_sample] / record.adu_per_mv
            axes.plot(at, height, "o", markersize=3, color=_color(name))
            _write(axes, at, top, name)
    for sample, symbol in zip(record.beat_samples, record.beat_symbols, strict=True):
        if span[0] <= sample < span[1]:
            _write(axes, sample / record.fs_hz, bottom, str(symbol))
    for sample in _disagreements(item, labels):
        if span[0] <= sample < span[1]:
            here = sample == strip.marked_sample
            at = sample / record.fs_hz
            axes.axvspan(at - 0.2, at + 0.2, color=WRONG_COLOR, alpha=0.22 if here else 0.1, linewidth=0)


def _write(axes: Axes, x: float, y: float, name: str) -> None:
    axes.text(
        x, y, name, ha="center", va="center", fontsize=8, fontweight="bold", color=_color(name), clip_on=True
    )


def _color(name: str) -> str:
    return LABEL_COLORS.get(name, OTHER_COLOR)


def _disagreements(item: LabelledRecord, labels: Sequence[str]) -> list[int]:
    """List R peaks of beats whose annotation and label differ, or that have only one of the two."""
    return [sample for row, column, sample in beat_kinds(item, labels) if row != column]


def beat_kinds(item: LabelledRecord, labels: Sequence[str]) -> list[tuple[str, str, int]]:
    """List annotated symbol or "no beat", device label or "missed", and sample of every beat."""
    record = item.record
    known = record.beat_samples < item.samples
    at, symbols = record.beat_samples[known].tolist(), record.beat_symbols[known].tolist()
    names = [symbol_of(beat.label, labels, other="?") for beat in item.beats]
    pairs = pair_beats(item).tolist()
    missed = set(range(len(at))) - {i for i, _ in pairs}
    false = set(range(len(names))) - {j for _, j in pairs}
    kinds = [(symbols[i], names[j], at[i]) for i, j in pairs]
    kinds += [(symbols[i], MISSED, at[i]) for i in missed]
    kinds += [(NO_BEAT, names[j], item.beats[j].r_sample) for j in false]
    return sorted(kinds, key=lambda kind: kind[2])
