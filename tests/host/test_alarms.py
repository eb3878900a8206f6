"""Alarms against annotations: what confirms each kind, and alarms an hour."""

from __future__ import annotations

import pytest

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.firmware.binding.rhythm import all_kinds
from ecg_edge.host.evaluation.alarms import (
    URGENT,
    VENTRICULAR_FIBRILLATION,
    Burden,
    Truth,
    burden_figures,
    burden_of,
    burdens_of,
    is_confirmed,
)
from ecg_edge.host.evaluation.stream import Alarm

FS_HZ = 100


def alarm(name: str, onset_s: float, end_s: float, rate_bpm: float = 0.0, beats: int = 0) -> Alarm:
    return Alarm(name, onset_s, end_s, onset_s + 1, end_s + 1, False, rate_bpm, beats)


def truth(beats: str = "", rhythms: dict[float, str] | None = None, rr_s: float = 1.0) -> Truth:
    """One beat each `rr_s`, "." where one is missing, and rhythms by their onset; 100 s long."""
    marks = [(round((k + 1) * rr_s * FS_HZ), symbol, "") for k, symbol in enumerate(beats) if symbol != "."]
    marks += [(round(at * FS_HZ), "+", note) for at, note in (rhythms or {}).items()]
    at, symbols, notes = zip(*sorted(marks), strict=True) if marks else ((), (), ())
    return Truth.of(Annotations.of(at, list(symbols), aux=list(notes)), FS_HZ, 100.0)


@pytest.mark.parametrize(
    ("one", "facts", "expected"),
    [
        (alarm("pause", 2, 5), truth("NN..NN"), True),
        (alarm("pause", 2, 5), truth("NN.NNN"), False),
        (alarm("asystole", 2, 8), truth("NNNNNNNN", {1: "(VF"}), True),
        (alarm("asystole", 2, 8), truth("", {1: "(N"}), False),
        (alarm("tachycardia", 1, 9, rate_bpm=60), truth("N" * 10), True),
        (alarm("tachycardia", 1, 9, rate_bpm=130), truth("N" * 10), False),
        (alarm("tachycardia", 1, 9, rate_bpm=130), truth("", {1: "(N"}), None),
        (alarm("tachycardia", 1, 9, rate_bpm=130), truth("", {1: "(VT"}), True),
        (alarm("V couplet", 3, 4), truth("NNVVN"), True),
        (alarm("V couplet", 3, 4), truth("NNVNN"), False),
        (alarm("V run", 3, 5), truth("NNVFVN"), True),
        (alarm("V run", 3, 5), truth("NNVVNN"), False),
        (alarm("V run", 3, 5), truth("", {0: "(N", 50: "(VT"}), False),
        (alarm("ventricular tachycardia", 3, 9), truth("", {1: "(HGEA"}), True),
        (alarm(VENTRICULAR_FIBRILLATION, 3, 9), truth("", {1: "(HGEA"}), False),
        (alarm("S run", 3, 5), truth("NNAAJN"), True),
        (alarm("bigeminy", 1, 6), truth("NVNVNV"), True),
        (alarm("bigeminy", 1, 6), truth("NVNNNN"), False),
        (alarm("irregularly irregular", 3, 5), truth("NNNN", {0: "(AFL"}), True),
        (alarm("atrial fibrillation suspected", 3, 5), truth("NNNN", {0: "(AFL"}), False),
        (alarm("ventricular fibrillation or flutter suspected", 3, 5), truth("", {0: "(VFL"}), True),
        (alarm("signal unreadable", 3, 5), truth("NNNN"), None),
    ],
)
def test_annotations_confirm_an_alarm(one: Alarm, facts: Truth, expected: bool | None) -> None:
    assert is_confirmed(one, facts) is expected


def test_long_fast_runs_are_urgent() -> None:
    alarms = [alarm("V run", 1, 4, 150, 6), alarm("V run", 6, 9, 90, 6), alarm("V run", 11, 12, 150, 5)]
    told = burden_of(alarms, truth("N" * 20), 0.5).told
    assert told == {"V run": 3, URGENT: 1}


def test_alarms_an_hour_are_summed_over_records_and_have_zeros_for_what_was_judged() -> None:
    facts = truth("N" * 90)
    total = burden_of([alarm("V run", 1, 4)], facts, 0.5) + burden_of([], facts, 1.5)
    figures = burden_figures(total)
    assert figures["V run"] == {"told": 1, "told_per_hour": 0.5, "false": 1, "false_per_hour": 0.5}
    assert figures["asystole"] == {"told": 0, "told_per_hour": 0, "false": 0, "false_per_hour": 0}
    assert list(figures)[-1] == URGENT


def test_without_annotations_alarms_are_counted_and_not_judged() -> None:
    total, noise = burdens_of([alarm("V run", 1, 4)], None, 1800.0)
    assert burden_figures(total) == {
        "V run": {"told": 1, "told_per_hour": 2, "false": None, "false_per_hour": None}
    }
    assert noise == Burden(0.0, {}, {})


def test_alarms_in_ventricular_rhythms_and_noise_stand_apart() -> None:
    facts = truth("", {0: "(N", 40: "(VT", 60: "(NOISE", 70: "(N"})
    alarms = [alarm("V run", 10, 12), alarm("V run", 42, 44), alarm("V run", 62, 64), alarm("V run", 39, 41)]
    others, noise = burdens_of(alarms, facts, 100.0)
    assert (others.told["V run"], noise.told["V run"]) == (1, 1)
    assert others.hours == pytest.approx(70 / 3600) and noise.hours == pytest.approx(10 / 3600)


def test_every_kind_of_event_is_judged_or_technical() -> None:
    """A new kind needs a rule here, or a place among those that annotations say nothing about."""
    unjudged = {kind for kind in all_kinds() if is_confirmed(alarm(kind, 1, 2), truth("NNN")) is None}
    assert unjudged <= {"signal unreadable", "leads off"}
