"""Plot a segment of an `Inspection`: signal, detector internals, and annotations."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib import style as styles
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MultipleLocator, NullFormatter
from numpy.typing import NDArray

from ecg_edge import firmware
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.firmware import FS_HZ
from ecg_edge.firmware.binding.trace import LOGIT, REFUSED
from ecg_edge.host.evaluation.inspection import FALSE, FLUTTER_WAVE, MATCHED, MISSED, BeatMatch, Inspection
from ecg_edge.host.reference.signal_reasons import reasons_text
from ecg_edge.host.report.strips import clock

INK: Final = "#1f2933"
FAINT: Final = "#6b7680"
WRONG_LABEL: Final = "wrong label"
COLORS: Final = {
    MATCHED: "#1a7450",
    WRONG_LABEL: "#215fae",
    MISSED: "#b3261e",
    FALSE: "#8f4e00",
}
"""One colour for each outcome of a beat, and for nothing else; 4.5:1 on white."""
BAD_COLOR: Final = "#6a4b9a"
_STYLE: Final[Any] = {"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "ecg-edge"}
_CLOSE: Final = 5  # logits: a candidate rejected with more is no close decision
_CHARACTER: Final = {7: 0.069, 9: 0.09}  # width of a bold character in inches, by font size
_LINE_CHARACTER: Final = 0.068  # the same of the line under the title, on average
_LEFT: Final = 0.72  # inches beside the panels: their names and scales, and "detected", "annotated"
_BELOW: Final = 0.41
_QUALITY: Final = 0.5  # height of the lowest panel at least
_LEAST_PANELS: Final = 0.5  # of the height: a legend that leaves less is left out
_SCORE_WIDTH: Final = 0.38  # inches of a score, with space to the next one
_MOST_POINTS: Final = 40_000  # of the energy: more takes long and shows no more
_STEPS_S: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800)
"""Steps between the times below, then whole hours."""
_GAP_TEXT: Final[Any] = {"ha": "center", "va": "center", "fontsize": 8, "color": BAD_COLOR, "clip_on": True}
_DASHED: Final[Any] = (0, (5, 2))
_DOTTED: Final[Any] = (0, (1, 1.5))


@dataclass(frozen=True)
class Segment:
    """A segment of a record in seconds, and the beat to mark."""

    start_s: float
    end_s: float
    marked_s: float | None = None
    title: str = ""

    def holds(self, time_s: float) -> bool:
        """Test if the time lies in the segment."""
        return self.start_s <= time_s < self.end_s


def draw(found: Inspection, segment: Segment, figure: Figure) -> None:
    """Draw four panels over one another into an empty figure of any size.

    Where letters or scores would lie on one another, a stroke in its colour stands for each letter, and the
    scores are left out.

    Parameters
    ----------
    found : Inspection
    segment : Segment
        At least one sample of the record.
    figure : Figure
        12 by 7.5 inches suit ten seconds.
    """
    width, height = figure.get_size_inches()
    figure.set_facecolor("white")
    with styles.context(["default", _STYLE]):  # whatever colours are set for other plots
        top = max(1 - _write_head(figure, found, segment) / height, _LEAST_PANELS)
        side = _LEFT / width
        figure.subplots_adjust(left=side, right=1 - side, top=top, bottom=_BELOW / height, hspace=0.07)
        quality = max(0.62, 6.5 * _QUALITY / max(top * height - _BELOW - _QUALITY, _QUALITY))
        panels = figure.subplots(4, 1, sharex=True, gridspec_kw={"height_ratios": [2.3, 2.1, 2.1, quality]})
        for axes in panels:
            _trim(axes)
            _shade(axes, found, segment)
        _draw_raw(panels[0], found, segment)
        _draw_filtered(panels[1], found, segment)
        _draw_energy(panels[2], found, segment)
        _draw_quality(panels[3], found, segment)
        panels[0].set_xlim(segment.start_s, segment.end_s)
        panels[-1].xaxis.set_major_locator(MultipleLocator(_step_s(segment, _size(panels[0])[0])))
        panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda x, _: clock(x)))


# ---- parts of all panels --------------------------------------------------------------------------------


def _trim(axes: Axes) -> None:
    axes.grid(True, color=INK, alpha=0.1, linewidth=0.5)
    axes.tick_params(colors=INK, length=2, labelsize=8)
    for edge, spine in axes.spines.items():
        spine.set_color(INK)
        spine.set_alpha(0.3)
        spine.set_visible(edge in ("left", "bottom"))


def _shade(axes: Axes, found: Inspection, segment: Segment) -> None:
    """Missed beats, false detections, flutter and bad signal, over the whole height."""
    for outcome in found.outcomes:
        if outcome.kind != MATCHED and not found.in_flutter(outcome.time_s) and segment.holds(outcome.time_s):
            strong = segment.marked_s is not None and abs(outcome.time_s - segment.marked_s) < 0.001
            alpha = (0.3 if strong else 0.15) if outcome.counted else 0.06
            span = (outcome.time_s - 0.1, outcome.time_s + 0.1)
            axes.axvspan(*span, color=COLORS[outcome.kind], alpha=alpha, linewidth=0)
    for start_s, end_s in found.flutter:
        axes.axvspan(start_s, end_s, color=INK, alpha=0.07, linewidth=0)
    for start, end in found.processed.bad_spans / FS_HZ:
        axes.axvspan(start, end, color=BAD_COLOR, alpha=0.1, linewidth=0)


def _name(axes: Axes, text: str) -> None:
    width, height = _size(axes)
    axes.set_ylabel(text, color=INK, fontsize=min(8.5, 72 * height / (0.55 * len(text))))
    axes.yaxis.set_label_coords(-0.48 / width, 0.5)


def _size(axes: Axes) -> tuple[float, float]:
    """Width and height of a panel in inches."""
    figure: Any = axes.get_figure()
    width, height = figure.get_size_inches()
    return float(axes.get_position().width * width), float(axes.get_position().height * height)


def _step_s(segment: Segment, width: float) -> float:
    """Seconds between two of the times below: as many as have space, at whole seconds, minutes or hours."""
    least = (segment.end_s - segment.start_s) / width
    return next((step for step in _STEPS_S if step >= least), 3600.0 * math.ceil(least / 3600))


def _color(found: Inspection, outcome: BeatMatch) -> str:
    """Colour of a beat's outcome; grey in flutter, where nothing counts."""
    if found.in_flutter(outcome.time_s):
        return FAINT
    return COLORS[WRONG_LABEL if found.has_wrong_label(outcome) else outcome.kind]


def samples_of(found: Inspection, segment: Segment) -> np.ndarray[Any, np.dtype[np.int64]]:
    """List the samples of the record that lie in a segment."""
    first, last = max(0, round(segment.start_s * FS_HZ)), round(segment.end_s * FS_HZ)
    return np.arange(first, min(last, len(found.record.samples)))


def _without_gaps(found: Inspection, at: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.float64]:
    """Values at samples `at`, and no number where the record has no samples, so that no line is drawn."""
    shown = values.astype(np.float64)
    for start, end in found.record.invalid_spans:
        shown[(at >= start) & (at < end)] = np.nan
    return shown


def _set_limits(axes: Axes, values: NDArray[np.float64], below: float, above: float, least: float) -> None:
    """Leave space below and above the curve for rows of text, as shares of its height."""
    drawn = values[np.isfinite(values)]
    low, high = (float(drawn.min()), float(drawn.max())) if len(drawn) else (0.0, 0.0)
    height = max(high - low, least)
    middle = (low + high) / 2
    axes.set_ylim(middle - height * (0.5 + below), middle + height * (0.5 + above))


# ---- the panels ---------------------------------------------------------------------------------------


def _draw_raw(axes: Axes, found: Inspection, segment: Segment) -> None:
    at = samples_of(found, segment)
    signal_mv = _without_gaps(found, at, found.record.samples[at] / found.record.adu_per_mv)
    axes.plot(at / FS_HZ, signal_mv, color=INK, linewidth=0.85, solid_joinstyle="round")
    _set_limits(axes, signal_mv, 0.22, 0.22, 0.8)
    _name(axes, f"{found.record.lead} in mV")
    _row(axes, segment, 0.93, "detected", _detected(found, segment))
    _row(axes, segment, 0.055, "annotated", _annotated(found, segment))
    for start_s, end_s in found.record.invalid_spans / FS_HZ:
        first, last = max(start_s, segment.start_s), min(end_s, segment.end_s)
        if first < last:
            where = axes.get_xaxis_transform()
            axes.text((first + last) / 2, 0.5, "no samples", transform=where, **_GAP_TEXT)


def _detected(found: Inspection, segment: Segment) -> Iterable[tuple[float, str, str]]:
    """Time, text and colour of each detection."""
    kinds = {outcome.beat: outcome for outcome in found.outcomes if outcome.beat is not None}
    for index, r_sample in enumerate(found.beats["r_sample"].tolist()):
        if segment.holds(r_sample / FS_HZ):
            outcome = kinds.get(index)
            text = found.labels[index] if found.labels else "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"
            yield r_sample / FS_HZ, text, FAINT if outcome is None else _color(found, outcome)


def _annotated(found: Inspection, segment: Segment) -> Iterable[tuple[float, str, str]]:
    missed = {outcome.time_s for outcome in found.outcomes if outcome.kind == MISSED}
    times = found.record.annotation_samples / FS_HZ
    for time_s, symbol, note in zip(
        times.tolist(), found.record.annotation_symbols.tolist(), found.record.annotation_notes, strict=True
    ):
        if segment.holds(time_s):
            is_missed = any(abs(time_s - other) < 0.005 for other in missed) and symbol != FLUTTER_WAVE
            color = COLORS[MISSED] if is_missed else INK
            yield time_s, note if symbol == "+" and note else symbol, color


def _row(
    axes: Axes, segment: Segment, height: float, name: str, items: Iterable[tuple[float, str, str]]
) -> None:
    """A line of letters at a share of the panel's height; longer notes stand above it."""
    axes.text(1.008, height, name, transform=axes.transAxes, fontsize=8, color=INK, alpha=0.7, va="center")
    listed = list(items)
    where = axes.get_xaxis_transform()
    letters = [item for item in listed if len(item[1]) == 1]
    is_crowded = _is_crowded(axes, len(letters), _CHARACTER[9])
    if is_crowded:
        colors = [color for *_, color in letters]
        low, high = height - 0.02, height + 0.02
        axes.vlines([item[0] for item in letters], low, high, colors, linewidth=0.8, transform=where)
    free_s = -math.inf
    for time_s, text, color in listed:
        note = len(text) > 1
        size = 7 if note else 9
        if is_crowded and (not note or time_s < free_s):
            continue
        free_s = time_s + _seconds(axes, segment, text, size)
        style: Any = {"va": "center", "color": color, "fontsize": size}
        style["ha"] = _align(axes, segment, time_s, text, size, "left" if note else "center")
        axes.text(time_s, height + 0.065 * note, text, transform=where, fontweight="bold", **style)


def _is_crowded(axes: Axes, count: int, width: float) -> bool:
    """Test if texts of a width in inches have no space side by side."""
    return count * width > _size(axes)[0]


def _seconds(axes: Axes, segment: Segment, text: str, size: int) -> float:
    """Width of a text in seconds."""
    return _CHARACTER[size] * len(text) * (segment.end_s - segment.start_s) / _size(axes)[0]


def _align(axes: Axes, segment: Segment, time_s: float, text: str, size: int, usual: str) -> str:
    """Align a text at a time so that it stays in the panel; in the middle of the panel as usual."""
    before, after = time_s - segment.start_s, segment.end_s - time_s
    width = _seconds(axes, segment, text, size)
    if usual == "left":
        return "right" if after < width else "left"
    return "left" if before < width / 2 else "right" if after < width / 2 else "center"


def _draw_filtered(axes: Axes, found: Inspection, segment: Segment) -> None:
    at = samples_of(found, segment)
    filtered = _without_gaps(found, at, found.trace.filtered[at])
    axes.plot(at / FS_HZ, filtered, color=INK, linewidth=0.85, solid_joinstyle="round")
    _set_limits(axes, filtered, 0.08, 0.1, 0.8)
    _name(axes, "filtered, mV")
    here = [o for o in found.outcomes if segment.holds(o.time_s) and o.symbol != FLUTTER_WAVE]
    for is_missed, color in dict.fromkeys((o.beat is None, _color(found, o)) for o in here):
        chosen = [o for o in here if (o.beat is None, _color(found, o)) == (is_missed, color)]
        _mark(axes, found, chosen, color, is_missed)


def _mark(axes: Axes, found: Inspection, outcomes: Sequence[BeatMatch], color: str, is_missed: bool) -> None:
    """A dot at a detection's R peak, a ring at a missed annotation; grey where nothing counts."""
    filtered = found.trace.filtered
    at = np.array([_place(found, outcome) for outcome in outcomes]).clip(max=len(filtered) - 1)
    style: Any = {"markersize": 4}
    if is_missed:
        style = {"markersize": 8, "markerfacecolor": "none", "markeredgewidth": 1.6}
    axes.plot(at / FS_HZ, filtered[at], "o", color=color, **style)


def _place(found: Inspection, outcome: BeatMatch) -> int:
    """Sample of a detection's R peak, or of a missed annotation."""
    return (
        round(outcome.time_s * FS_HZ) if outcome.beat is None else int(found.beats["r_sample"][outcome.beat])
    )


def _draw_energy(axes: Axes, found: Inspection, segment: Segment) -> None:
    at = samples_of(found, segment)
    energy = np.maximum(found.trace.energy[at], 1)
    axes.set_yscale("log")
    times, shown = _highest(at / FS_HZ, _without_gaps(found, at, energy))
    axes.fill_between(times, shown, 1, color=FAINT, alpha=0.25, linewidth=0)
    axes.plot(times, shown, color=FAINT, linewidth=0.7)
    _draw_levels(axes, found, segment)
    _draw_candidates(axes, found, segment)
    low = float(np.percentile(energy, 10))
    axes.set_ylim(max(1.0, low, float(energy.max()) / 300), float(energy.max()) * 3.2)
    axes.yaxis.set_major_formatter(NullFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", which="both", length=0)
    _name(axes, "QRS energy, log")


def _highest(
    times: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Reduce a long curve to the highest value of each of equal parts."""
    step = -(-len(values) // _MOST_POINTS)
    if step <= 1:
        return times, values
    whole = len(values) // step * step
    return times[:whole:step], values[:whole].reshape(-1, step).max(axis=1)


def _draw_levels(axes: Axes, found: Inspection, segment: Segment) -> None:
    """Draw the levels of the last beats and of noise, to which candidates are compared."""
    candidates = found.trace.candidates
    first, last = np.searchsorted(candidates["at"], [segment.start_s * FS_HZ, segment.end_s * FS_HZ])
    around = candidates[max(0, int(first) - 1) : int(last) + 1]
    around = around[around["beat_energy"] > 0]
    times = around["at"] / FS_HZ
    axes.step(times, around["beat_energy"], where="post", color=INK, linewidth=1.1, linestyle=_DASHED)
    axes.step(times, around["noise"], where="post", color=INK, linewidth=1.0, linestyle=_DOTTED)


def _shows_score(found: Inspection, candidate: Any) -> bool:
    """Select the scores to write: of beats, close decisions, and candidates near a missed beat."""
    if candidate["score"] == REFUSED:
        return False
    if candidate["accepted"] or candidate["score"] > -_CLOSE * LOGIT:
        return True
    time_s = candidate["at"] / FS_HZ
    return any(o.kind == MISSED and abs(o.time_s - time_s) < MATCH_WINDOW_S for o in found.outcomes)


def _draw_candidates(axes: Axes, found: Inspection, segment: Segment) -> None:
    """A dot at each candidate, and the score where there is space."""
    times = found.trace.candidates["energy_at"] / FS_HZ
    here = found.trace.candidates[(times >= segment.start_s) & (times < segment.end_s)]
    accepted, refused = here["accepted"] != 0, here["score"] == REFUSED
    for chosen, color, fill in (
        (~accepted & ~refused, INK, "white"),
        (refused, FAINT, "white"),
        (accepted, INK, INK),
    ):
        x, y = here["energy_at"][chosen] / FS_HZ, np.maximum(here["energy"][chosen], 1)
        axes.plot(x, y, "o", markersize=4.2, color=color, markerfacecolor=fill, markeredgewidth=1.1)
    if not _is_crowded(axes, int(accepted.sum()), _SCORE_WIDTH):
        for candidate in here:
            if _shows_score(found, candidate):
                _write_score(axes, segment, candidate)


def _write_score(axes: Axes, segment: Segment, candidate: Any) -> None:
    text = f"{candidate['score'] / LOGIT:+.1f}".replace("-", "\N{MINUS SIGN}")
    x, y = candidate["energy_at"] / FS_HZ, max(1, int(candidate["energy"]))
    style: Any = {"fontsize": 7, "color": INK, "ha": _align(axes, segment, x, text, 7, "center")}
    level = float(candidate["beat_energy"])
    above = level if y < level < 2 * y else y  # not on the line of the last beats' mean
    axes.annotate(text, (x, above), xytext=(0, 5), textcoords="offset points", annotation_clip=True, **style)


def _draw_quality(axes: Axes, found: Inspection, segment: Segment) -> None:
    """A bar for each beat, and why the signal was bad."""
    beats = found.beats
    times = beats["r_sample"] / FS_HZ
    here = (times >= segment.start_s) & (times < segment.end_s)
    bad = (beats["flags"] & firmware.FLAG_UNCLASSIFIABLE) != 0
    colors = np.where(bad[here], BAD_COLOR, FAINT)
    axes.vlines(times[here], 0, beats["quality"][here], colors=colors.tolist(), linewidth=2.2)
    axes.set_ylim(0, 135)
    axes.set_yticks([0, 50, 100])
    _name(axes, "quality")
    for start_s, end_s, text in _bad_spans(found):
        if start_s < segment.end_s and end_s > segment.start_s:
            x = max(start_s, segment.start_s)
            style: Any = {"fontsize": 7, "color": BAD_COLOR, "va": "center"}
            axes.text(x, 119, f" {text} ", ha=_align(axes, segment, x, f" {text} ", 7, "left"), **style)


def _bad_spans(found: Inspection) -> list[tuple[float, float, str]]:
    """List start, end and reasons of bad signal."""
    turned_bad = found.processed.changes[found.processed.changes["bad"] != 0]
    spans = found.processed.bad_spans / FS_HZ
    return [
        (float(start), float(end), reasons_text(int(change["reasons"])))
        for (start, end), change in zip(spans, turned_bad, strict=True)
    ]


# ---- head ---------------------------------------------------------------------------------------------


def _write_head(figure: Figure, found: Inspection, segment: Segment) -> float:
    """Write title, counts and legend, in lines that fit the width. Returns their height in inches."""
    width, height = figure.get_size_inches()
    room = width - _LEFT - 0.1
    title = f"{found.name}, {found.record.lead}, {clock(segment.start_s)} to {clock(segment.end_s)}"
    lines = textwrap.wrap(segment.title or _counts(found, segment), max(round(room / _LINE_CHARACTER), 1))
    style: Any = {"color": INK, "va": "top", "linespacing": 1.15}
    figure.text(_LEFT / width, 1 - 0.07 / height, title, fontsize=11, fontweight="bold", **style)
    figure.text(_LEFT / width, 1 - 0.29 / height, "\n".join(lines), fontsize=8.5, **style)
    top = 0.33 + 0.14 * len(lines)
    below = top + _draw_legend(figure, top, room)
    if below > height * (1 - _LEAST_PANELS):
        figure.legends[0].remove()
        below = top
    return below + 0.16


def _draw_legend(figure: Figure, top: float, room: float) -> float:
    """Draw the legend at `top` in as many columns as have room, in inches. Returns its height."""
    width, height = figure.get_size_inches()
    style: Any = {"loc": "upper left", "borderpad": 0, "fontsize": 7, "frameon": False, "labelcolor": INK}
    style |= {"handletextpad": 0.5, "columnspacing": 1.4, "labelspacing": 0.3, "borderaxespad": 0}
    for columns in range(6, 0, -1):
        place = (_LEFT / width, 1 - top / height)
        legend = figure.legend(handles=_handles(), bbox_to_anchor=place, ncols=columns, **style)
        box = legend.get_window_extent()
        if columns == 1 or box.width / figure.dpi <= room:
            break
        legend.remove()
    return float(box.height / figure.dpi)


def _counts(found: Inspection, segment: Segment) -> str:
    if not found.has_reference:
        return "no reference annotations"
    here = [o for o in found.outcomes if segment.holds(o.time_s) and not found.in_flutter(o.time_s)]
    counts = [f"{sum(o.kind == kind for o in here)} {kind}" for kind in (MATCHED, MISSED, FALSE)]
    if wrong := sum(map(found.has_wrong_label, here)):
        counts[0] += f" ({wrong} with a wrong label)"
    note = "" if all(o.counted for o in here) else " (the first five minutes are not scored)"
    return ", ".join(counts) + note


def _handles() -> Sequence[Any]:
    return [
        _marker(COLORS[MATCHED], "matched", filled=True),
        _marker(COLORS[WRONG_LABEL], "matched, wrong label", filled=True),
        _marker(COLORS[MISSED], "missed", size=7.5),
        _marker(COLORS[FALSE], "false detection", filled=True),
        _marker(INK, "candidate taken for a beat", filled=True),
        _marker(INK, "candidate rejected as noise (score below 0)"),
        _marker(FAINT, "candidate under 200 ms after a beat"),
        Line2D([], [], color=INK, linestyle=_DASHED, linewidth=1.1, label="mean of the last 8 beats"),
        Line2D([], [], color=INK, linestyle=_DOTTED, linewidth=1.0, label="noise level"),
        Patch(color=BAD_COLOR, alpha=0.2, label="bad signal"),
        Patch(color=INK, alpha=0.1, label="flutter: not scored"),
    ]


def _marker(color: str, text: str, filled: bool = False, size: float = 5) -> Line2D:
    style: Any = {"marker": "o", "linestyle": "", "markersize": size, "markeredgewidth": 1.2}
    return Line2D([], [], color=color, markerfacecolor=color if filled else "white", label=text, **style)
