"""Alarms against a record's annotations: which of them these confirm, and how many an hour they do not.

Each kind of event has one rule by which beat and rhythm annotations confirm it (`_RULES`). Kinds about the
signal itself, and kinds without a rule, are counted and not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.figures import share
from ecg_edge.ecg.labels import BEAT_SYMBOLS, SCORING_CLASS_OF
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.ecg.scoring.spans import Spans, as_spans, difference, overlaps, rhythm_spans, total_s
from ecg_edge.firmware.binding.rhythm import all_kinds
from ecg_edge.host.evaluation.stream import Alarm

FIBRILLATION: Final = ("irregularly irregular", "atrial fibrillation suspected")
VENTRICULAR_FIBRILLATION: Final = "ventricular fibrillation or flutter suspected"
VENTRICULAR_TACHYCARDIA: Final = "ventricular tachycardia"
RUN: Final = "V run"
TECHNICAL: Final = ("signal unreadable", "leads off")

URGENT: Final = "VF, VT, V run of 6 and more above 100/min"
"""Name of the group of ventricular alarms that call for help at once."""
_LONG_RUN: Final = 6
_FAST_BPM: Final = 100

VF_NOTES: Final = ("(VF", "(VFIB")
FLUTTER_NOTES: Final = ("(VFL",)
VT_NOTES: Final = ("(VT",)
ASYSTOLE_NOTES: Final = ("(ASYS",)
NOISE_NOTES: Final = ("(NOISE",)
MALIGNANT_NOTES: Final = (*VF_NOTES, *FLUTTER_NOTES, *VT_NOTES)
_AF_NOTES: Final = ("(AFIB",)
_IRREGULAR_NOTES: Final = ("(AFIB", "(AFL")
_SVT_NOTES: Final = ("(AFIB", "(AFL", "(SVTA", "(AT")
_RATE_TOLERANCE: Final = 0.1
_PATTERN_SHARE: Final = 0.75  # of the V beats that an unbroken pattern has


def is_urgent(alarm: Alarm) -> bool:
    """Check if an alarm belongs to the group `URGENT`."""
    if alarm.name == RUN:
        return alarm.beats >= _LONG_RUN and alarm.rate_bpm > _FAST_BPM
    return alarm.name in (VENTRICULAR_FIBRILLATION, VENTRICULAR_TACHYCARDIA)


@dataclass(frozen=True, eq=False)
class Truth:
    """What the annotations of a record say about its rhythm.

    Attributes
    ----------
    beats_s : float64 (n,)
        Times of the annotated beats.
    classes : str (n,)
        Their EC57 classes N, S, V, F, Q.
    spans : dict of str to Spans
        Time of each annotated rhythm, by its note.
    duration_s : float
        Length of the record.
    """

    beats_s: npt.NDArray[np.float64]
    classes: npt.NDArray[np.str_]
    spans: Mapping[str, Spans]
    duration_s: float

    @classmethod
    def of(cls, annotations: Annotations, fs_hz: float, duration_s: float) -> Truth:
        """Read the truth from annotations that count samples at `fs_hz`."""
        is_beat = np.isin(annotations.symbols, BEAT_SYMBOLS)
        rhythms = rhythm_spans(annotations, fs_hz, duration_s)
        notes = dict.fromkeys(span.note for span in rhythms)
        return cls(
            annotations.samples[is_beat] / fs_hz,
            np.array([SCORING_CLASS_OF[symbol] for symbol in annotations.symbols[is_beat]], "U1"),
            {note: as_spans((s.onset_s, s.end_s) for s in rhythms if s.note == note) for note in notes},
            duration_s,
        )

    @property
    def has_beats(self) -> bool:
        """The record has beat annotations."""
        return len(self.beats_s) > 0

    @property
    def has_rhythms(self) -> bool:
        """The record has rhythm annotations."""
        return bool(self.spans)

    def time_of(self, notes: Iterable[str]) -> Spans:
        """List the time of some rhythms."""
        return as_spans((a, b) for note in notes if note in self.spans for a, b in self.spans[note].tolist())

    def inside(self, alarm: Alarm, margin_s: float = MATCH_WINDOW_S) -> slice:
        """Select the annotated beats in the time of an alarm, which is widened by the margin."""
        first, last = np.searchsorted(self.beats_s, [alarm.onset_s - margin_s, alarm.end_s + margin_s])
        return slice(int(first), int(last))

    def has(self, alarm: Alarm, notes: Iterable[str]) -> bool:
        """Check if any of some rhythms is annotated in the time of an alarm."""
        return overlaps(alarm.onset_s, alarm.end_s, self.time_of(notes))


# ---- rules ------------------------------------------------------------------------------------------


def _silent(alarm: Alarm, truth: Truth) -> bool:
    """No annotated beat between the two R peaks that limit the alarm."""
    if truth.has(alarm, (*ASYSTOLE_NOTES, *VF_NOTES, *FLUTTER_NOTES)):
        return True
    between = truth.inside(alarm, -MATCH_WINDOW_S)
    return truth.has_beats and between.start >= between.stop


def _right_rate(alarm: Alarm, truth: Truth) -> bool | None:
    """The annotated beats have the alarm's rate, within a tenth."""
    if not truth.has_beats:
        return None
    beats = truth.beats_s[truth.inside(alarm)]
    if len(beats) < 2:
        return False
    rate_bpm = 60 * (len(beats) - 1) / (beats[-1] - beats[0])
    return bool(abs(rate_bpm - alarm.rate_bpm) <= _RATE_TOLERANCE * alarm.rate_bpm)


def _fast(alarm: Alarm, truth: Truth) -> bool | None:
    return truth.has(alarm, (*MALIGNANT_NOTES, "(SVTA")) or _right_rate(alarm, truth)


def _row(classes: str, length: int, notes: Sequence[str]) -> Callable[[Alarm, Truth], bool]:
    """Make the rule that asks for a row of `length` beats of some classes, or for a rhythm."""

    def rule(alarm: Alarm, truth: Truth) -> bool:
        longest = count = 0
        for one in truth.classes[truth.inside(alarm)].tolist():
            count = count + 1 if one in classes else 0
            longest = max(longest, count)
        return longest >= length or truth.has(alarm, notes)

    return rule


def _rhythm(notes: Sequence[str]) -> Callable[[Alarm, Truth], bool]:
    return lambda alarm, truth: truth.has(alarm, notes)


def _pattern(period: int, note: str) -> Callable[[Alarm, Truth], bool]:
    """Make the rule that asks for V beats once in `period` beats, or for the rhythm."""

    def rule(alarm: Alarm, truth: Truth) -> bool:
        classes = truth.classes[truth.inside(alarm)]
        wanted = _PATTERN_SHARE * len(classes) / period
        return truth.has(alarm, (note,)) or bool(
            len(classes) and np.isin(classes, ("V", "F")).sum() >= wanted
        )

    return rule


_ECTOPIC_NOTES: Final = (*MALIGNANT_NOTES, "(IVR", "(VER", "(HGEA")  # the last has runs of ventricular beats
_RULES: Final[dict[str, Callable[[Alarm, Truth], bool | None]]] = {
    "pause": _silent,
    "asystole": _silent,
    "bradycardia": _right_rate,
    "tachycardia": _fast,
    "V couplet": _row("VF", 2, _ECTOPIC_NOTES),
    RUN: _row("VF", 3, _ECTOPIC_NOTES),
    VENTRICULAR_TACHYCARDIA: _row("VF", 3, _ECTOPIC_NOTES),
    VENTRICULAR_FIBRILLATION: _rhythm(MALIGNANT_NOTES),
    "S run": _row("S", 3, _SVT_NOTES),
    "bigeminy": _pattern(2, "(B"),
    "trigeminy": _pattern(3, "(T"),
    FIBRILLATION[0]: _rhythm(_IRREGULAR_NOTES),
    FIBRILLATION[1]: _rhythm(_AF_NOTES),
}


def is_confirmed(alarm: Alarm, truth: Truth) -> bool | None:
    """Check if the annotations confirm an alarm; None for a kind that they say nothing about."""
    rule = _RULES.get(alarm.name)
    return rule(alarm, truth) if rule else None


# ---- burden -----------------------------------------------------------------------------------------


@dataclass
class Burden:
    """Alarms of some records by kind, and the time in which they came.

    Attributes
    ----------
    hours : float
        Time of the records.
    told, false : dict of str to int
        Alarms by kind, and those that the annotations do not confirm.
    """

    hours: float
    told: dict[str, int]
    false: dict[str, int]

    def __add__(self, other: Burden) -> Burden:
        """Both together."""
        return Burden(
            self.hours + other.hours, _added(self.told, other.told), _added(self.false, other.false)
        )


class BurdenFigures(TypedDict):
    """Alarms of one kind: number, number an hour; those that the annotations do not confirm likewise.

    `false` is None where the annotations do not say.
    """

    told: int
    told_per_hour: float | None
    false: int | None
    false_per_hour: float | None


def burden_of(alarms: Sequence[Alarm], truth: Truth | None, hours: float) -> Burden:
    """Count the alarms of one record; without annotations none is judged."""
    told: dict[str, int] = {}
    false: dict[str, int] = {}
    for alarm in alarms:
        confirmed = is_confirmed(alarm, truth) if truth else None
        for name in (alarm.name, *((URGENT,) if is_urgent(alarm) else ())):
            told[name] = told.get(name, 0) + 1
            if confirmed is not None:
                false[name] = false.get(name, 0) + (not confirmed)
    if truth:
        judged = [name for name in _RULES if truth.has_beats or _RULES[name] not in (_right_rate, _fast)]
        false = dict.fromkeys((*judged, URGENT), 0) | false
    return Burden(hours, told, false)


def burdens_of(alarms: Sequence[Alarm], truth: Truth | None, duration_s: float) -> tuple[Burden, Burden]:
    """Count the alarms of one record outside of annotated ventricular rhythms and asystole.

    Returns
    -------
    Burden
        In all other rhythms, or in the whole record without annotations.
    Burden
        In what is annotated as noise.
    """
    if truth is None:
        return burden_of(alarms, None, duration_s / 3600), Burden(0.0, {}, {})
    noise, named = truth.time_of(NOISE_NOTES), truth.time_of((*MALIGNANT_NOTES, *ASYSTOLE_NOTES))
    outside = [alarm for alarm in alarms if not _shares(alarm, named)]
    others = difference(as_spans([(0.0, duration_s)]), np.concatenate([named, noise]))
    elsewhere = [alarm for alarm in outside if not _shares(alarm, noise)]
    in_noise = [alarm for alarm in outside if _shares(alarm, noise)]
    return (
        burden_of(elsewhere, truth, total_s(others) / 3600),
        burden_of(in_noise, truth, total_s(difference(noise, named)) / 3600),
    )


def _shares(alarm: Alarm, spans: Spans) -> bool:
    return bool(((spans[:, 0] <= alarm.end_s) & (spans[:, 1] >= alarm.onset_s)).any())


def burden_figures(burden: Burden) -> dict[str, BurdenFigures]:
    """Compute the alarms an hour by kind, in the order of the kinds' numbers, the urgent group last."""
    kinds = [kind for kind in (*all_kinds(), URGENT) if kind in burden.told or kind in burden.false]
    return {
        kind: {
            "told": burden.told.get(kind, 0),
            "told_per_hour": share(burden.told.get(kind, 0), burden.hours),
            "false": burden.false.get(kind),
            "false_per_hour": share(burden.false[kind], burden.hours) if kind in burden.false else None,
        }
        for kind in kinds
    }


def burden_sum(burdens: Iterable[Burden]) -> dict[str, Any]:
    """Figures of several records together: hours, and alarms by kind."""
    total = sum(burdens, Burden(0.0, {}, {}))
    return {"hours": total.hours, "kinds": burden_figures(total)}


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in dict.fromkeys((*one, *other))}
