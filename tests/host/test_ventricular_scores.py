"""Alarms in annotated ventricular rhythms: share of time, delay, gaps, asystole, segments."""

from __future__ import annotations

import numpy as np
import pytest

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.host.evaluation.alarms import Truth
from ecg_edge.host.evaluation.ventricular import rate_bpm, score_ventricular, ventricular_figures
from tests.support.made_reports import FS_HZ, made_record, made_report

VF = "ventricular fibrillation or flutter suspected"


def signal(bpm: float, seconds: float = 120.0, height_mv: float = 1.0) -> np.ndarray:
    t = np.arange(round(seconds * FS_HZ)) / FS_HZ
    return np.rint(100 * height_mv * np.sin(2 * np.pi * bpm / 60 * t)).astype(np.int16)


def truth(rhythms: dict[float, str], duration_s: float = 120.0) -> Truth:
    at = [round(onset * FS_HZ) for onset in rhythms]
    return Truth.of(Annotations.of(at, "+" * len(at), aux=list(rhythms.values())), FS_HZ, duration_s)


def figures(report: object, record: np.ndarray, facts: Truth) -> dict:
    return ventricular_figures([score_ventricular(report, made_record(record), facts)])  # type: ignore[arg-type]


def test_share_of_time_delay_and_longest_time_without_alarm() -> None:
    report = made_report(120, [(VF, 22, 32, 25), ("tachycardia", 50, 60, 52)])
    found = figures(report, signal(240), truth({0: "(N", 20: "(VF", 60: "(N"}))
    vf = found["time"]["VF"]
    assert (vf["annotated_s"], vf["any_alarm"], vf["ventricular_alarm"]) == (40, 0.5, 0.25)
    assert found["first_alarm"] == {"episodes": 1, "without": 0, "median_s": 5, "p95_s": 5}
    assert found["longest_gap_s"] == pytest.approx(19)  # from 33, when the first alarm was over, to 52
    assert found["gaps_of_10_s"] == 1


def test_an_episode_without_alarm_has_no_delay() -> None:
    found = figures(
        made_report(120), signal(240), truth({0: "(N", 20: "(VFL", 60: "(N", 70: "(VT", 73: "(N"})
    )
    assert found["first_alarm"] == {"episodes": 1, "without": 1, "median_s": None, "p95_s": None}
    assert found["longest_gap_s"] == 40


def test_asystole_is_told_in_time_or_called_bad_signal() -> None:
    facts = truth(
        {0: "(N", 10: "(ASYS", 20: "(N", 30: "(ASYS", 40: "(N", 50: "(ASYS", 60: "(N", 70: "(ASYS", 72: "(N"}
    )
    report = made_report(120, [("asystole", 10, 20, 14.0), ("asystole", 30, 40, 36.0)], bad_s=[(52, 60)])
    found = figures(report, signal(60), facts)
    assert found["asystole"] == {
        "episodes": 3,
        "told": pytest.approx(1 / 3),
        "told_or_bad_signal": pytest.approx(2 / 3),
    }


def test_segments_are_decided_by_the_alarm_in_force_at_their_end() -> None:
    facts = truth({0: "(N", 20: "(VF", 60: "(AFIB", 80: "(VT", 100: "(N"})
    report = made_report(120, [(VF, 22, 58, 28), ("ventricular tachycardia", 82, 88, 84)])
    segments = figures(report, signal(180), facts)["segments"]
    assert segments["coarse VF, flutter"] == {"segments": 4, "right": 0.75, "goal_percent": 90}
    assert segments["rapid VT"] == {"segments": 2, "right": 0.0, "goal_percent": 75}
    assert segments["normal rhythm"] == {"segments": 4, "right": 1.0, "goal_percent": 99}
    assert segments["other rhythms"] == {"segments": 2, "right": 1.0, "goal_percent": 95}


def test_fine_fibrillation_and_slow_tachycardia_are_kept_apart() -> None:
    fine = figures(made_report(120), signal(240, height_mv=0.1), truth({0: "(VF"}))["segments"]
    assert fine["fine VF, under 0.2 mV"]["segments"] == 12 and not fine["coarse VF, flutter"]["segments"]
    slow = figures(made_report(120), signal(100), truth({0: "(VT"}))
    assert slow["segments"]["slower VT"]["segments"] == 12
    assert slow["time"]["VT of 120/min and more"]["annotated_s"] == 0


@pytest.mark.parametrize("bpm", [60.0, 110.0, 150.0, 240.0])
def test_the_rate_of_a_signal(bpm: float) -> None:
    part = signal(bpm, 6.0).astype(np.float64) + np.random.default_rng(1).normal(0, 10, 6 * FS_HZ)
    assert rate_bpm(part, FS_HZ) == pytest.approx(bpm, rel=0.04)


def test_noise_and_a_flat_line_have_no_rate() -> None:
    assert np.isnan(rate_bpm(np.zeros(100), FS_HZ)) and np.isnan(rate_bpm(np.zeros(2000), FS_HZ))
