"""The page of `ecg-edge evaluate classifier --html FILE`: figures, curves, matrices, worst mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecg_edge.ecg.files import write_text
from ecg_edge.ecg.scoring.classifier import latest
from ecg_edge.ecg.scoring.curves import CLASSES, Curve
from ecg_edge.host.evaluation.classifier import repeats
from ecg_edge.host.evaluation.mistakes import PIECES, R_POINT, Explained, expected
from ecg_edge.host.report.page import Example, render
from ecg_edge.host.report.paper import Letter, PaperStrip, Shade, clock_text, paper_svg

STRIP_S: Final = 5.0  # the beat in its middle is in sight on a phone, too
_POINT_S: Final = 1 / 180  # between points of the window
_WINDOW_POINTS: Final = 128
_LEVELS: Final = (0.02, 0.1, 0.3, 0.6)  # of the fall in probability, for the shades from faint to strong
_TABLE_ROWS: Final = "NSVFQOX"
_TABLE_COLUMNS: Final = "nsvfqox"
_WORST_FIRST: Final = 30  # records shown without a click

_PLOT: Final = 240  # units of a plot's side
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 12, 14, 40

Row = Mapping[str, Any]
Curves = Mapping[tuple[str, str], Mapping[str, Curve]]
"""By group of records and R peaks."""


def write_classifier_report(
    path: Path, figures: Mapping[str, Any], curves: Curves, explained: Sequence[Explained]
) -> Path:
    """Write the page: one file that needs no network.

    Parameters
    ----------
    path : Path
        The HTML file.
    figures : mapping
        What `ecg-edge evaluate classifier --json FILE` writes.
    curves : mapping
        Precision-recall curves from the first second.
    explained : sequence of Explained
        The worst mistakes.
    """
    rows = [row for row in figures["rows"] if row["network"] == "int8"]
    main = latest(rows)
    first = [row for row in rows if row["start_s"] == min(one["start_s"] for one in rows)]
    start_s = max((row["start_s"] for row in main), default=0.0)
    context = {
        "figures": figures,
        "start_s": start_s,
        "main": main,
        "rows": rows,
        "whole": first,
        "records": _records(rows),
        "worst_first": _WORST_FIRST,
        "calibrated": [row for row in first if row["peaks"] == "detected" and not repeats(row)],
        "plots": _plots(curves),
        "table_rows": _TABLE_ROWS,
        "table_columns": _TABLE_COLUMNS,
        "mistakes": [example(one) for one in explained],
        "compared": figures.get("int8_against_float", []),
    }
    write_text(path, render("classifier.html", context))
    return path


def _records(rows: Sequence[Row]) -> list[tuple[Row, str, Row]]:
    """List the records of whole test sets with detected peaks, the lowest mean of Se and +P first.

    Each from the latest start that it has.
    """
    found = {
        (row["database"], title): (row, title, one)
        for row in sorted(rows, key=lambda row: row["start_s"])
        if row["peaks"] == "detected" and not repeats(row)
        for title, one in row["by_record"].items()
    }
    return sorted(found.values(), key=lambda one: _mean(one[2]))


def _mean(one: Row) -> float:
    values = [one[name] for name in ("veb_se", "veb_ppv", "sveb_se", "sveb_ppv")]
    known = [value for value in values if value is not None and value == value]
    return float(np.mean(known)) if known else 1.0


# ---- curves -----------------------------------------------------------------------------------------


def _plots(curves: Curves) -> list[tuple[str, str, dict[str, Curve]]]:
    """Draw VEB and SVEB of each group, and its labels apart from them: title, picture, curves."""
    plots = []
    for (group, peaks), found in curves.items():
        for text, ectopic in (("", True), (", each label", False)):
            shown = {name: one for name, one in found.items() if (name in CLASSES) == ectopic}
            title = f"{group}, {peaks} peaks{text}"
            plots += [(title, curve_svg(shown, title), shown)] if shown else []
    return plots


def curve_svg(curves: Mapping[str, Curve], title: str) -> str:
    """Draw precision against recall, one line a class, with a legend where curves seldom are."""
    width, height = _LEFT + _PLOT + _RIGHT, _TOP + _PLOT + _BOTTOM
    parts = [
        f'<svg class="plot" role="img" viewBox="0 0 {width} {height}">',
        f"<title>{escape(title)}: precision (+P) against recall (Se)</title>",
        *_grid(),
    ]
    for number, (name, curve) in enumerate(curves.items()):
        style = f"{_kind(name)} dash-{number % 4}"
        x, y = _LEFT + 14, _TOP + _PLOT - 12 - 18 * (len(curves) - 1 - number)
        parts.append(f'<path class="{style}" d="{_path(curve)}"/>')
        parts.append(f'<path class="{style}" d="M{x} {y}h28"/>')
        parts.append(f'<text x="{x + 36}" y="{y + 4}">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


def _kind(name: str) -> str:
    return {"VEB": "l-V", "SVEB": "l-A"}.get(name, f"l-{name}")


def _place(recall: float, precision: float) -> tuple[float, float]:
    return _LEFT + _PLOT * float(recall), _TOP + _PLOT * (1 - float(precision))


def _path(curve: Curve) -> str:
    """The highest precision at each of 121 steps of recall or beyond, as far as the curve reaches."""
    reached = float(curve.recall[-1])
    steps = np.linspace(0, reached, 121)
    best = np.maximum.accumulate(curve.precision[::-1])[::-1]
    at = np.minimum(np.searchsorted(curve.recall, steps - 1e-12), len(best) - 1)
    places = [_place(recall, precision) for recall, precision in zip(steps, best[at], strict=True)]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def _grid() -> list[str]:
    lines = []
    for percent in range(0, 101, 20):
        x, y = _place(percent / 100, percent / 100)
        lines.append(
            f'<path class="axis" d="M{x:.0f} {_TOP}V{_TOP + _PLOT}M{_LEFT} {y:.0f}H{_LEFT + _PLOT}"/>'
        )
        lines.append(f'<text class="tick" x="{x:.0f}" y="{_TOP + _PLOT + 15}">{percent}</text>')
        lines.append(f'<text class="tick end" x="{_LEFT - 6}" y="{y + 4:.0f}">{percent}</text>')
    middle = _LEFT + _PLOT / 2
    lines.append(f'<text class="tick" x="{middle:.0f}" y="{_TOP + _PLOT + 32}">recall (Se), %</text>')
    y = _TOP + _PLOT / 2
    lines.append(f'<text class="tick" transform="translate(11 {y:.0f}) rotate(-90)">precision (+P), %</text>')
    return lines


# ---- mistakes ---------------------------------------------------------------------------------------


def example(one: Explained) -> Example:
    """Draw a mistake on paper: labels above, annotations below, shades where the label depends on it."""
    mistake, record = one.mistake, one.record
    at_s = one.r_sample / record.fs_hz
    title = f"Expected {expected(mistake)}, label {mistake.answer}"
    place = f"{mistake.database}/{mistake.title} at {clock_text(at_s)}"
    caption = f"{place}. {one.line} {mistake.of_kind:,} of this kind."
    svg = paper_svg(
        PaperStrip(
            *(record.samples, record.fs_hz, record.adu_per_mv),
            start_s=min(max(at_s - STRIP_S / 2, 0.0), max(len(record.samples) / record.fs_hz - STRIP_S, 0.0)),
            seconds=STRIP_S,
            title=f"{title}: {caption}",
            above=[Letter(int(at), str(symbol)) for at, symbol in zip(one.peaks, one.symbols, strict=True)],
            below=[
                Letter(int(at), str(symbol))
                for at, symbol in zip(record.beat_samples, record.beat_symbols, strict=True)
            ],
            dots=[one.r_sample],
            shades=_shades(one),
            above_name="label",
            below_name="annotated",
        )
    )
    return Example(title, caption, svg)


def _shades(one: Explained) -> list[Shade]:
    """Shade the pieces of the window without which the label's probability falls."""
    fs_hz = one.record.fs_hz
    points = _WINDOW_POINTS // PIECES
    shades = []
    for number, fall in enumerate(one.pieces.tolist()):
        level = sum(fall >= limit for limit in _LEVELS)
        first, last = (round(((number + k) * points - R_POINT) * _POINT_S * fs_hz) for k in (0, 1))
        if level:
            shades.append(Shade(one.r_sample + first, one.r_sample + last, f"heat-{level}"))
    return shades
