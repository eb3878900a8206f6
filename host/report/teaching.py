"""The teaching page: a strip of synthetic ECG for every class, with what to see marked in it.

    python -m ecg_edge.host.report.teaching OUT

The documentation site makes the same page when it is built.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from ecg_edge.ecg.files import write_bytes
from ecg_edge.ecg.synthetic.files import record_name
from ecg_edge.ecg.synthetic.generator import Settings, SyntheticRecord, generate
from ecg_edge.ecg.synthetic.noise import Noise
from ecg_edge.ecg.synthetic.truth import Beat, PWave
from ecg_edge.host.report.strips import open_figure

PAGE: Final = "tutorials/rhythms.md"

_SECONDS: Final = 120.0
_WINDOW_S: Final = 7.0
_INK, _MARK = "#111111", "#1b5fa8"
_TEXT: Final[Any] = {"color": _MARK, "ha": "center", "fontsize": 9}
_DPI: Final = 100
_QUIET: Final = Noise(wander_mv=0.01, mains_mv=0.0, muscle_mv=0.004, white_mv=0.002, movements_per_minute=0.0)


@dataclass(frozen=True)
class Lesson:
    """One class on the page.

    Attributes
    ----------
    kind : str
        Class of synthetic ECG.
    title, text : str
        Heading, and what to see.
    marks : tuple of str
        Of `_MARKS`: what is marked in the figure.
    centre : str
        Of `_CENTRES`: what the figure shows in its middle.
    lead : str
        Lead of the figure.
    seed : int
        Seed of the patient.
    """

    kind: str
    title: str
    text: str
    marks: tuple[str, ...]
    centre: str = "third beat"
    lead: str = "II"
    seed: int = 11

    @property
    def commands(self) -> tuple[str, str]:
        """The command that generates the record, and the one that replays it."""
        name = record_name(Settings(self.kind, self.seed))
        return (
            f"ecg-edge synth --class {self.kind} --seed {self.seed} --leads {self.lead} OUT",
            f"ecg-edge replay OUT/{name}.hea --port native",
        )


LESSONS: Final = (
    Lesson(
        "normal",
        "Normal sinus rhythm",
        "A P wave before each QRS complex, a PR interval of 120 to 200 ms, a QRS complex below 120 ms, an "
        "ST segment at "
        "the level before the QRS complex, an upright T wave.",
        ("PR", "QRS", "RR"),
    ),
    Lesson(
        "sinus-tachycardia",
        "Sinus tachycardia",
        "More than 100 beats a minute with normal P waves. The QT interval is shorter than at rest.",
        ("RR",),
    ),
    Lesson(
        "sinus-bradycardia",
        "Sinus bradycardia",
        "Fewer than 60 beats a minute with normal P waves.",
        ("RR",),
    ),
    Lesson(
        "sinus-arrhythmia",
        "Sinus arrhythmia",
        "The rate rises and falls with breathing; P waves and PR intervals stay the same.",
        ("shortest RR", "longest RR"),
    ),
    Lesson(
        "st-depression",
        "ST depression",
        "The ST segment lies below the level before the QRS complex: here measured 60 ms after the J point. "
        "It may be "
        "horizontal, fall or rise towards the T wave.",
        ("ST",),
    ),
    Lesson(
        "st-elevation",
        "ST elevation",
        "The ST segment lies above the level before the QRS complex, with a convex or a concave course.",
        ("ST",),
    ),
    Lesson("t-inversion", "T-wave inversion", "The T wave points down, the QRS complex up.", ("T",)),
    Lesson("t-flat", "Flat T wave", "The T wave hardly leaves the baseline.", ("T",)),
    Lesson(
        "atrial-premature",
        "Atrial premature beats",
        "A beat comes early, with a P wave of another shape and a normal QRS complex. The sinus rhythm "
        "starts anew after "
        "it, so that the pause is short.",
        ("early", "RR around"),
        "early beat",
    ),
    Lesson(
        "ventricular-premature",
        "Ventricular premature beats",
        "A wide early beat without a P wave before it; its T wave points the other way. The pause is "
        "compensatory: before "
        "and after it together, two normal intervals.",
        ("early", "QRS of early", "RR around"),
        "early beat",
    ),
    Lesson(
        "bigeminy",
        "Bigeminy",
        "Each normal beat is followed by a ventricular premature beat.",
        ("early",),
        "early beat",
    ),
    Lesson(
        "trigeminy",
        "Trigeminy",
        "Two normal beats, then a ventricular premature beat.",
        ("early",),
        "early beat",
    ),
    Lesson(
        "supraventricular-runs",
        "Supraventricular run",
        "Three or more atrial premature beats in a row: fast, with narrow QRS complexes.",
        ("early",),
        "run",
    ),
    Lesson(
        "ventricular-runs",
        "Ventricular run",
        "Three or more ventricular beats in a row: fast, with wide QRS complexes.",
        ("early",),
        "run",
    ),
    Lesson(
        "ventricular-tachycardia",
        "Ventricular tachycardia",
        "Wide beats at a fast, regular rate, without P waves in front.",
        ("rhythm", "RR"),
        "episode",
    ),
    Lesson(
        "ventricular-flutter",
        "Ventricular flutter",
        "A regular, wide oscillation, 200 to 300 a minute; QRS complex and T wave cannot be told apart.",
        ("rhythm",),
        "episode",
    ),
    Lesson(
        "ventricular-fibrillation",
        "Ventricular fibrillation",
        "An irregular oscillation without beats, about 3 to 7 a second; its height changes.",
        ("rhythm",),
        "episode",
    ),
    Lesson(
        "atrial-fibrillation",
        "Atrial fibrillation",
        "Irregular beats with narrow QRS complexes. No P waves; small fibrillatory waves between the beats.",
        ("shortest RR", "longest RR"),
    ),
    Lesson(
        "atrial-flutter",
        "Atrial flutter",
        "Sawtooth waves at 240 to 340 a minute between the QRS complexes; every second, third or fourth is "
        "conducted.",
        ("RR",),
    ),
    Lesson(
        "first-degree-av-block",
        "First-degree AV block",
        "Each P wave is conducted, but the PR interval is longer than 200 ms.",
        ("PR",),
    ),
    Lesson(
        "wenckebach",
        "Second-degree AV block, type I (Wenckebach)",
        "The PR interval grows from beat to beat until a P wave is not conducted.",
        ("all PR", "P without beat"),
        "P without beat",
    ),
    Lesson(
        "mobitz",
        "Second-degree AV block, type II (Mobitz)",
        "A P wave is not conducted, and the PR intervals around it do not change.",
        ("all PR", "P without beat"),
        "P without beat",
    ),
    Lesson(
        "complete-av-block",
        "Third-degree AV block",
        "P waves and QRS complexes have nothing to do with each other. The ventricles beat slowly by "
        "themselves.",
        ("P waves", "RR"),
    ),
    Lesson(
        "pauses",
        "Sinus pause",
        "The sinus node leaves out beats: no P wave, no QRS complex.",
        ("longest RR",),
        "pause",
    ),
    Lesson(
        "left-bundle-branch-block",
        "Left bundle branch block, lead V6",
        "A QRS complex of at least 120 ms, broad and notched in V6; the T wave points the other way.",
        ("QRS",),
        lead="V6",
    ),
    Lesson(
        "right-bundle-branch-block",
        "Right bundle branch block, lead V1",
        "A QRS complex of at least 120 ms with a second, late upright wave in V1.",
        ("QRS",),
        lead="V1",
    ),
)


def teaching_pages() -> Iterator[tuple[str, str | bytes]]:
    """Yield path and content of the page and of its pictures, below `docs/`."""
    parts = [
        "# Rhythms and ST-T changes",
        "Every strip is synthetic: made by `ecg-edge synth`, 25 mm/s, 10 mm/mV, without most of the noise. "
        "Generate a "
        "record of a class with the first command below its strip, and replay it with the second one on the "
        "firmware as a program on this computer, which `ecg-edge build --env native` makes. Synthetic ECG is "
        "no evidence about patients.",
    ]
    for lesson in LESSONS:
        yield f"tutorials/rhythms-{lesson.kind}.png", draw(lesson)
        parts += [f"## {lesson.title}", lesson.text]
        parts.append(f"![Strip of 7 s: {lesson.title.lower()}](rhythms-{lesson.kind}.png)")
        parts.append("\n".join(f"    {command}" for command in lesson.commands))
    yield PAGE, "\n\n".join(parts) + "\n"


def draw(lesson: Lesson) -> bytes:
    """Draw a lesson's strip as a PNG picture."""
    record = generate(
        Settings(lesson.kind, lesson.seed, leads=(lesson.lead,), noise=_QUIET, front_end="ideal"), _SECONDS
    )
    start_s = max(0.0, _CENTRES[lesson.centre](record) / record.settings.fs_hz - _WINDOW_S / 2)
    view = View(record, start_s)
    with open_figure(9.0, 2.6, layout=None) as figure:
        axes = figure.add_axes((0.005, 0.01, 0.99, 0.98))
        view.paper(axes)
        for mark in lesson.marks:
            _MARKS[mark](view, axes)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
    return picture.getvalue()


class View:
    """Seven seconds of a record.

    Attributes
    ----------
    times_s, values_mv : ndarray of float64, shape (n,)
        The first lead.
    beats : list of Beat
        Beats that lie inside with their T wave.
    """

    def __init__(self, record: SyntheticRecord, start_s: float) -> None:
        self.record, fs_hz = record, record.settings.fs_hz
        first = round(start_s * fs_hz)
        self._range = range(first, first + round(_WINDOW_S * fs_hz))
        self.times_s = np.arange(len(self._range)) / fs_hz
        self.values_mv = record.samples[self._range.start : self._range.stop, 0] / record.adu_per_mv
        self.beats = [
            one for one in record.truth.beats if one.qrs_on in self._range and one.t_off in self._range
        ]
        self.p_waves = [
            one for one in record.truth.p_waves if one.on in self._range and one.off in self._range
        ]
        self.low, self.high = float(self.values_mv.min()), float(self.values_mv.max())

    def time_s(self, sample: int) -> float:
        """Time of a sample in the view, in s."""
        return (sample - self._range.start) / self.record.settings.fs_hz

    def ms(self, begin: int, end: int) -> str:
        """Time between two samples, e.g. "158 ms"."""
        return f"{1000 * (end - begin) / self.record.settings.fs_hz:.0f} ms"

    def level(self, sample: int) -> float:
        """Value at a sample, in mV."""
        return float(self.values_mv[sample - self._range.start])

    def paper(self, axes: Axes) -> None:
        """Draw the grid (0.2 s and 0.5 mV, 0.04 s and 0.1 mV) and the ECG."""
        low, high = np.floor(2 * (self.low - 0.45)) / 2, np.ceil(2 * (self.high + 0.35)) / 2
        axes.set(xlim=(0, _WINDOW_S), ylim=(low, high))
        for step_s, step_mv, color, width in ((0.04, 0.1, "#f6dcdc", 0.4), (0.2, 0.5, "#e9abab", 0.7)):
            axes.vlines(np.arange(0, _WINDOW_S + 0.01, step_s), low, high, color=color, linewidth=width)
            axes.hlines(np.arange(low, high + 0.01, step_mv), 0, _WINDOW_S, color=color, linewidth=width)
        axes.plot(self.times_s, self.values_mv, color=_INK, linewidth=1.0)
        axes.set_axis_off()

    def bracket(
        self, axes: Axes, begin: int, end: int, text: str, below: bool = True, shift: float = 0.0
    ) -> None:
        """Mark the time between two samples."""
        at = self.low - 0.12 - shift if below else self.high + 0.10 + shift
        left, right = self.time_s(begin), self.time_s(end)
        axes.plot([left, left, right, right], [at + 0.06, at, at, at + 0.06], color=_MARK, linewidth=1.4)
        middle, above = (left + right) / 2, at + (-0.03 if below else 0.03)
        axes.text(middle, above, text, va="top" if below else "bottom", **_TEXT)

    def arrow(self, axes: Axes, sample: int, text: str, below: bool = False) -> None:
        """Point from above or below at a sample."""
        if below:
            at = (self.time_s(sample), self.level(sample) - 0.03)
            place = (at[0], self.low - 0.30)
            self._point(axes, at, place, text)
            return
        at = (self.time_s(sample), max(self.level(sample), float(np.median(self.values_mv))) + 0.03)
        self._point(axes, at, (at[0], min(at[1] + 0.45, axes.get_ylim()[1] - 0.12)), text)

    def _point(self, axes: Axes, at: tuple[float, float], place: tuple[float, float], text: str) -> None:
        axes.annotate(text, at, place, arrowprops={"arrowstyle": "->", "color": _MARK}, **_TEXT)


# ---- marks --------------------------------------------------------------------------------------------


def _middle(view: View) -> int:
    times = [abs(view.time_s(beat.sample) - 0.45 * _WINDOW_S) for beat in view.beats]
    return int(np.argmin(times))


def _mark_pr(view: View, axes: Axes) -> None:
    beat = view.beats[_middle(view)]
    wave = _p_of(view, beat)
    if wave is not None:
        view.bracket(axes, wave.on, beat.qrs_on, f"PR {view.ms(wave.on, beat.qrs_on)}")


def _p_of(view: View, beat: Beat) -> PWave | None:
    """The last P wave before a beat, within 0.5 s."""
    before = [wave for wave in view.p_waves if 0 < beat.qrs_on - wave.on < 0.5 * view.record.settings.fs_hz]
    return before[-1] if before else None


def _mark_all_pr(view: View, axes: Axes) -> None:
    for beat in view.beats:
        wave = _p_of(view, beat)
        if wave is not None:
            view.bracket(axes, wave.on, beat.qrs_on, view.ms(wave.on, beat.qrs_on))


def _mark_qrs(view: View, axes: Axes, symbol: str = "") -> None:
    beats = [beat for beat in view.beats if not symbol or beat.symbol in symbol]
    beat = beats[min(len(beats) - 1, _middle(view) + 1)] if not symbol else beats[0]
    view.bracket(axes, beat.qrs_on, beat.qrs_off, f"QRS {view.ms(beat.qrs_on, beat.qrs_off)}")


def _mark_rr(view: View, axes: Axes, which: str = "middle") -> None:
    peaks = [beat.sample for beat in view.beats]
    lengths = np.diff(peaks)
    middle = max(0, len(lengths) // 2 - 2)
    at = {"longest": int(lengths.argmax()), "shortest": int(lengths.argmin())}.get(which, middle)
    rate = 60 * view.record.settings.fs_hz / lengths[at]
    text = f"RR {view.ms(peaks[at], peaks[at + 1])} ({rate:.0f} a minute)"
    view.bracket(axes, peaks[at], peaks[at + 1], text, below=which != "longest")


def _mark_around(view: View, axes: Axes) -> None:
    peaks = [beat.sample for beat in view.beats]
    at = next(i for i, beat in enumerate(view.beats) if beat.symbol in "AV" and i)
    for begin, end in zip(peaks[at - 1 : at + 1], peaks[at : at + 2], strict=True):
        view.bracket(axes, begin, end, view.ms(begin, end), shift=0.35)


def _mark_early(view: View, axes: Axes) -> None:
    for beat in view.beats:
        if beat.symbol in "AV":
            view.arrow(axes, beat.sample, "early")


def _mark_st(view: View, axes: Axes) -> None:
    point_s = 0.060
    for beat in view.beats[1:-1:3]:
        base, point = view.level(beat.qrs_on), beat.qrs_off + round(point_s * view.record.settings.fs_hz)
        left, right = view.time_s(beat.qrs_on), view.time_s(beat.t_off)
        axes.plot([left - 0.1, right], [base, base], color=_MARK, linewidth=1.2, linestyle="--")
        axes.plot([view.time_s(point)] * 2, [base, view.level(point)], color=_MARK, linewidth=2.0)
        axes.text(
            *(
                view.time_s(point),
                view.low - 0.1,
                f"J + 60 ms: {_signed(beat.st_60_mv)} mV",
            ),
            va="top",
            **_TEXT,
        )


def _mark_t(view: View, axes: Axes) -> None:
    for beat in view.beats[1:-1:2]:
        view.arrow(axes, beat.t_peak, f"T {_signed(beat.t_mv)} mV", below=True)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _mark_p(view: View, axes: Axes, alone: bool) -> None:
    for wave in view.p_waves:
        fs_hz, beats = view.record.settings.fs_hz, view.record.truth.beats
        followed = any(0 < beat.qrs_on - wave.on < 0.5 * fs_hz for beat in beats)
        if not (alone and followed):
            view.arrow(axes, wave.peak, "P")


def _mark_rhythm(view: View, axes: Axes) -> None:
    for change in view.record.truth.changes:
        if 0 < view.time_s(change.sample) < _WINDOW_S:
            axes.axvline(view.time_s(change.sample), color=_MARK, linewidth=1.2, linestyle="--")


_MARKS: Final[dict[str, Callable[[View, Axes], None]]] = {
    "PR": _mark_pr,
    "all PR": _mark_all_pr,
    "QRS": _mark_qrs,
    "QRS of early": lambda view, axes: _mark_qrs(view, axes, "AV"),
    "RR": _mark_rr,
    "longest RR": lambda view, axes: _mark_rr(view, axes, "longest"),
    "shortest RR": lambda view, axes: _mark_rr(view, axes, "shortest"),
    "RR around": _mark_around,
    "early": _mark_early,
    "ST": _mark_st,
    "T": _mark_t,
    "P waves": lambda view, axes: _mark_p(view, axes, alone=False),
    "P without beat": lambda view, axes: _mark_p(view, axes, alone=True),
    "rhythm": _mark_rhythm,
}


# ---- what the figure shows in its middle --------------------------------------------------------------


def _early_beat(record: SyntheticRecord) -> int:
    return next(beat.sample for beat in record.truth.beats[4:] if beat.symbol in "AV")


def _run(record: SyntheticRecord) -> int:
    symbols = "".join(beat.symbol for beat in record.truth.beats)
    first = min(at for at in (symbols.find("AAA"), symbols.find("VVV")) if at >= 0)
    return record.truth.beats[first + 1].sample


def _lonely_p(record: SyntheticRecord) -> int:
    onsets, fs_hz = np.array([beat.qrs_on for beat in record.truth.beats]), record.settings.fs_hz
    for wave in record.truth.p_waves[5:]:
        after = onsets[onsets > wave.on]
        if len(after) and after[0] - wave.on > 0.6 * fs_hz:
            return wave.peak
    return 0


def _pause(record: SyntheticRecord) -> int:
    peaks = np.array([beat.sample for beat in record.truth.beats])
    longest = int(np.diff(peaks).argmax())
    return int(peaks[longest : longest + 2].mean())


_CENTRES: Final[dict[str, Callable[[SyntheticRecord], int]]] = {
    "third beat": lambda record: record.truth.beats[2].sample,
    "early beat": _early_beat,
    "run": _run,
    "P without beat": _lonely_p,
    "pause": _pause,
    "episode": lambda record: record.truth.changes[1].sample,
}


def main() -> None:
    """Write the page and its pictures into a folder."""
    parser = argparse.ArgumentParser(description="Write the teaching page.")
    parser.add_argument("out", type=Path, help="folder")
    out: Path = parser.parse_args().out
    for path, content in teaching_pages():
        write_bytes(out / path, content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    main()
