"""Pictures of the report on realism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_edge.ecg.files import replacing
from ecg_edge.ecg.records import FS_HZ
from ecg_edge.training.realism.separation import AFTER, BEFORE, Beats
from ecg_edge.training.realism.sources import Strip

Floats = npt.NDArray[np.float64]

_COLORS: Final = ("#1b4965", "#d9822b", "#2a9d8f", "#8a6fb3", "#d1495b")
_STRIP_S: Final = 6.0
_DPI: Final = 80


def draw_strips(path: Path, strips: Sequence[tuple[str, Strip, float]]) -> None:
    """Draw 6 s of each strip on the usual grid: 25 mm/s, 10 mm/mV.

    Parameters
    ----------
    path : Path
        PNG file.
    strips : sequence of (str, Strip, float)
        Title, strip, and start in s.
    """
    figure = Figure(figsize=(10, 1.35 * len(strips)), layout="constrained")
    for number, (title, strip, start_s) in enumerate(strips, start=1):
        axes = figure.add_subplot(len(strips), 1, number)
        first = round(start_s * FS_HZ)
        values = strip.signal_mv[first : first + round(_STRIP_S * FS_HZ)]
        _paper(axes, values)
        axes.plot(np.arange(len(values)) / FS_HZ, values, color="#111111", linewidth=0.8)
        axes.set_title(title, loc="left", fontsize=8, pad=2)
    _save(figure, path)


def _paper(axes: Axes, values: Floats) -> None:
    """Large squares of 0.2 s and 0.5 mV, small ones of 0.04 s and 0.1 mV."""
    low, high = np.floor(2 * values.min()) / 2, np.ceil(2 * values.max()) / 2
    axes.set(xlim=(0, _STRIP_S), ylim=(low, max(high, low + 1.5)), xticklabels=[], yticklabels=[])
    axes.set_xticks(np.arange(0, _STRIP_S + 0.01, 0.2))
    axes.set_xticks(np.arange(0, _STRIP_S + 0.01, 0.04), minor=True)
    axes.set_yticks(np.arange(low, axes.get_ylim()[1] + 0.01, 0.5))
    axes.set_yticks(np.arange(low, axes.get_ylim()[1] + 0.01, 0.1), minor=True)
    axes.grid(True, which="major", color="#e8a0a0", linewidth=0.6)
    axes.grid(True, which="minor", color="#f5dada", linewidth=0.3)
    axes.tick_params(which="both", length=0)


def draw_distributions(path: Path, tables: Mapping[str, Mapping[str, Floats]], names: Sequence[str]) -> None:
    """Draw the cumulative distribution of each measure in every table, one panel a measure."""
    columns = 5
    figure = Figure(figsize=(12, 2.2 * -(-len(names) // columns)), layout="constrained")
    for number, name in enumerate(names, start=1):
        axes = figure.add_subplot(-(-len(names) // columns), columns, number)
        for (source, table), color, style in zip(
            tables.items(), _COLORS, ("-", "--", "-.", ":", "-"), strict=False
        ):
            values = np.sort(table.get(name, np.zeros(0)))
            if len(values) >= 5:
                share = np.arange(1, len(values) + 1) / len(values)
                axes.step(values, share, color=color, linestyle=style, linewidth=1.2, label=source)
        axes.set_title(name, fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
        if number == 1:
            axes.legend(fontsize=7)
    _save(figure, path)


def draw_beats(path: Path, beats: Mapping[str, Beats]) -> None:
    """Draw median beats of the patients, divided by their height: middle, quarters, and 5 and 95 %."""
    figure = Figure(figsize=(3.0 * len(beats), 2.6), layout="constrained")
    times = (np.arange(BEFORE + AFTER) - BEFORE) / FS_HZ
    for number, (source, one) in enumerate(beats.items(), start=1):
        axes = figure.add_subplot(1, len(beats), number)
        middle = [np.median(one.windows[one.patients == name], axis=0) for name in np.unique(one.patients)]
        unit = np.array([beat / np.ptp(beat) for beat in middle])
        outer, inner, median = (np.percentile(unit, at, axis=0) for at in ((5, 95), (25, 75), 50))
        axes.fill_between(times, *outer, color="#1b4965", alpha=0.15, linewidth=0)
        axes.fill_between(times, *inner, color="#1b4965", alpha=0.35, linewidth=0)
        axes.plot(times, median, color="#1b4965", linewidth=1.2)
        axes.set(ylim=(-0.7, 1.1), xlabel="s")
        axes.set_title(f"{source} ({len(unit)} patients)", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=_DPI, facecolor="white")
