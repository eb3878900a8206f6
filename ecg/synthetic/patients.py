"""Virtual patients: intervals, axes and heights, and the beats that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.synthetic.slow import Course, band, falling
from ecg_edge.ecg.synthetic.waves import EDGE, Wave, Waves, direction

Floats = npt.NDArray[np.float64]

VENTRICULAR: Final = ("V", "V2")
"""Shapes of beats from the ventricles: of the patient's first and second focus."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Ventricular part of one kind of beat: QRS complex, ST segment and T wave.

    Attributes
    ----------
    qrs : Waves
        From the R peak; times do not change with the heart rate.
    t : Waves
        T wave, and U wave where the patient has one: times from the QRS onset at an RR interval of 1 s.
    st_mv : ndarray of float64, shape (3,)
        Dipole of the ST segment at J + 60 ms, in mV.
    """

    qrs: Waves
    t: Waves
    st_mv: Floats


@dataclass(frozen=True, eq=False)
class Patient:
    """One virtual patient.

    Attributes
    ----------
    rr_s : float
        Mean RR interval of sinus rhythm, in s.
    pr_s, p_s, qrs_s, qtc_s : float
        PR interval, durations of P wave and QRS complex, and QT interval at an RR interval of 1 s, in s.
    breathing : Course
        Breathing, standard deviation 1.
    variability : Course
        Relative change of the RR interval apart from breathing.
    sinus_arrhythmia : float
        Standard deviation of the relative change of the RR interval with breathing.
    p_waves : dict of str to Waves
        P wave of sinus ("P") and of an atrial focus ("early P"), from the P wave's centre.
    shapes : dict of str to Shape
        Ventricular part by kind of beat: "N", "L", "R" and those of `VENTRICULAR`.
    """

    rr_s: float
    pr_s: float
    p_s: float
    qrs_s: float
    qtc_s: float
    breathing: Course
    variability: Course
    sinus_arrhythmia: float
    p_waves: dict[str, Waves]
    shapes: dict[str, Shape]


def draw_patient(random: np.random.Generator, rate_bpm: tuple[float, float] = (60.0, 100.0)) -> Patient:
    """Draw a patient.

    Means, standard deviations and limits (2nd to 98th percentile) of PR (158, 22, 118 to 212 ms), QRS (85, 8,
    70 to 104 ms) and rate-corrected QT (413, 14, 388 to 449 ms) are those of women in Rautaharju PM et al., J
    Electrocardiol 46(6):707-716, 2013, table 2. For PR the deviation is smaller than published (34 ms), so
    that the limits fit. For QRS the values of men in Surawicz B et al., J Am Coll Cardiol 53(11):976-981,
    2009 (mean 95 ms, 74 to 114 ms) are mixed in: 90, 9, 72 to 112 ms. P waves last 107 ms, deviation 12 ms
    (own choice).

    Variability in 5 minutes: SDNN 50 ms with a standard deviation of 16 ms (Nunan D et al., Pacing Clin
    Electrophysiol 33(11):1407-1417, 2010), shared out to a band at 0.1 Hz, one at the breathing rate
    (McSharry et al. 2003) and a slow part below 0.04 Hz; the shares are an own choice.

    Parameters
    ----------
    random : Generator
    rate_bpm : (float, float)
        Limits of the mean heart rate, in beats per minute.
    """
    rate = (
        _limited(random, 72, 10, *rate_bpm) if rate_bpm[0] < 72 < rate_bpm[1] else random.uniform(*rate_bpm)
    )
    rr_s = 60 / rate
    pr_s, p_s = _limited(random, 158, 22, 118, 212) / 1000, _limited(random, 107, 12, 80, 130) / 1000
    qrs_s, qtc_s = _limited(random, 90, 9, 72, 112) / 1000, _limited(random, 413, 14, 388, 449) / 1000
    sdnn = _limited(random, 0.050, 0.016, 0.015, 0.110) * min(rr_s / 0.83, 1.2) ** 1.5
    high, low, slow = np.sqrt(random.dirichlet((3.0, 3.0, 2.0))) * sdnn / rr_s
    breathing = band(random.uniform(0.2, 0.33), 0.012, 1.0, random)  # 12 to 20 breaths a minute
    return Patient(
        *(rr_s, pr_s, p_s, qrs_s, qtc_s),
        breathing,
        _joined(band(0.1, 0.01, low, random), falling(0.004, 0.04, slow, random)),  # 0.1 Hz: McSharry 2003
        float(high),
        p_waves={"P": _p_wave(p_s, random), "early P": _early_p_wave(p_s, random)},
        shapes=_shapes(qrs_s, qtc_s, random),
    )


def _limited(random: np.random.Generator, mean: float, deviation: float, low: float, high: float) -> float:
    """Draw from a normal distribution between two limits."""
    return float(np.clip(random.normal(mean, deviation), low, high))


def _joined(*courses: Course) -> Course:
    return Course(
        np.concatenate([course.rates_hz for course in courses]),
        np.concatenate([course.amplitudes for course in courses]),
        np.concatenate([course.phases for course in courses]),
    )


# ---- P waves ----------------------------------------------------------------------------------------


def _p_wave(duration_s: float, random: np.random.Generator) -> Waves:
    """P wave of the right atrium (feet, front), then of the left one (left, back).

    In lead II below 0.25 mV, as normal P waves are; median 0.09 mV and spread: between lead II of ludb
    (development part) and textbooks (own choice).
    """
    height = float(np.clip(random.lognormal(np.log(0.085), 0.40), 0.03, 0.16))
    axis = _limited(random, 58, 14, 10, 80)
    apart, width = 0.15 * duration_s, 0.35 * duration_s / EDGE
    right = Wave(height * direction(axis + 10, -25), -apart, width, width)
    left = Wave(height * random.uniform(0.6, 1.0) * direction(axis - 20, 30), apart, width, width)
    return Waves.of([right, left])


def _early_p_wave(duration_s: float, random: np.random.Generator) -> Waves:
    """P wave of an atrial focus: any axis, and a little shorter (own choice)."""
    height = random.uniform(0.06, 0.14)
    width = 0.40 * duration_s / EDGE
    vector = height * direction(random.uniform(-120, 100), random.uniform(-40, 40))
    return Waves.of([Wave(vector, 0.0, width, width * random.uniform(0.8, 1.2))])


# ---- QRS complexes ----------------------------------------------------------------------------------


def _shapes(qrs_s: float, qtc_s: float, random: np.random.Generator) -> dict[str, Shape]:
    # Normal axes are -30 to 90 degrees (Surawicz et al. 2009); below 5 degrees lead II shows hardly a QRS
    # complex, and such patients are left out (own choice).
    axis = _limited(random, 54, 20, 5, 90)
    height = float(np.clip(random.lognormal(np.log(0.90), 0.32), 0.4, 2.2))  # in mV; lead II of ludb
    normal = _normal_qrs(qrs_s, height, axis, random)
    t_wave = _normal_t(qtc_s, axis, height, random)
    foci = [_ventricular(qtc_s, height, random) for _ in VENTRICULAR]
    return {
        "N": Shape(Waves.of(normal), Waves.of(t_wave), random.normal(0, 0.025, 3)),
        "L": _left_block(qtc_s, height, random),
        "R": _right_block(normal, t_wave, qrs_s, height, random),
        **dict(zip(VENTRICULAR, foci, strict=True)),
    }


def _normal_qrs(qrs_s: float, height: float, axis: float, random: np.random.Generator) -> list[Wave]:
    """Septal, main and basal vector, a shoulder of the main one, and three notches.

    Directions, shares and widths are an own choice; their spread was compared with DS1 of mitdb and with
    ludb.
    """

    def wave(share: float, towards: Floats, at: float, before: float, after: float) -> Wave:
        """A wave by its share of the height, and its times as shares of the duration."""
        return Wave(height * share * towards, at * qrs_s, before * qrs_s / EDGE, after * qrs_s / EDGE)

    back = random.normal(15, 12)
    septal = direction(axis + 180 + random.normal(0, 35), -50)
    basal = direction(axis + 180 + random.normal(-20, 35), random.normal(50, 12))
    shoulder = direction(axis + random.normal(0, 30), back + random.normal(0, 20))
    s_at, s_width = random.uniform(0.20, 0.34), random.uniform(0.12, 0.24)
    r = wave(1.0, direction(axis, back), 0.0, *random.uniform(0.20, 0.38, 2))
    q = wave(max(0.0, random.uniform(-0.08, 0.22)), septal, -0.29, 0.20, random.uniform(0.14, 0.22))
    s = wave(random.uniform(0.0, 0.6), basal, s_at, s_width, 0.5 - s_at)
    beside = wave(
        random.uniform(0.0, 0.4), shoulder, random.uniform(-0.2, 0.2), *random.uniform(0.16, 0.28, 2)
    )
    notches = [
        wave(random.normal(0, 0.06), _any_direction(random), random.uniform(-0.3, 0.35), 0.12, 0.12)
        for _ in range(3)
    ]
    return [r, q, s, beside, *notches]


def _any_direction(random: np.random.Generator) -> Floats:
    vector = random.normal(0, 1, 3)
    unit: Floats = vector / np.linalg.norm(vector)
    return unit


def _normal_t(qtc_s: float, axis: float, height: float, random: np.random.Generator) -> list[Wave]:
    """T wave, and in three of ten patients a U wave.

    From its peak to its end 85 ms with a standard deviation of 11 ms, 63 to 112 ms, and 43 degrees from the
    QRS vector with a deviation of 22 degrees (Rautaharju et al. 2013, tables 2 and 3). Its height in lead II
    lies around 0.2 mV (ludb, development part) and grows with the R wave (own choice).
    """
    after = _limited(random, 85, 11, 63, 112) / 1000 / EDGE
    size = float(np.clip(random.lognormal(np.log(0.25), 0.50), 0.07, 0.8)) * (height / 0.9) ** 0.4
    towards = direction(0.5 * axis + 22 + random.normal(0, 14), random.normal(-30, 15))
    t = Wave(size * towards, qtc_s - EDGE * after, after * random.uniform(1.2, 2.1), after)
    u = Wave(random.uniform(0.02, 0.05) * towards, qtc_s + 0.10, 0.030, 0.035)
    return [t, u] if random.uniform() < 0.3 else [t]


def _left_block(qtc_s: float, height: float, random: np.random.Generator) -> Shape:
    """Left bundle branch block: at least 120 ms (Surawicz et al. 2009), notched, to the left and back.

    ST segment and T wave point the other way; heights and directions are an own choice.
    """
    length = _limited(random, 142, 14, 122, 180) / 1000
    axis = _limited(random, 20, 30, -60, 80)
    size = height * random.uniform(1.0, 1.4)
    parts = [(-0.26, 0.75, axis + 25, 20), (0.0, 0.60, axis - 5, 45), (0.26, 0.85, axis - 10, 35)]
    width = 0.24 * length / EDGE
    qrs = [
        Wave(size * share * direction(to, back), at * length, width, width) for at, share, to, back in parts
    ]
    opposite = direction(axis + 180 + random.normal(0, 10), -25)
    share = random.uniform(0.18, 0.35)
    return Shape(
        Waves.of(qrs),
        Waves.of([_wide_t(qtc_s + 0.03, size * share * opposite)]),
        size * random.uniform(0.05, 0.12) * opposite,
    )


def _right_block(
    normal: Sequence[Wave], t_wave: Sequence[Wave], qrs_s: float, height: float, random: np.random.Generator
) -> Shape:
    """Right bundle branch block: the normal start, then a slow wave to the right and front.

    At least 120 ms (Surawicz et al. 2009); height and directions of the slow wave are an own choice.
    """
    length = _limited(random, 136, 10, 122, 170) / 1000
    onset = -0.49 * qrs_s
    width = random.uniform(0.20, 0.26) * length / EDGE
    towards = direction(180 + random.normal(10, 30), random.uniform(-65, -35))
    size = height * random.uniform(0.35, 0.7)
    late = Wave(size * towards, onset + length - EDGE * width, width, width)
    opposed = Wave(-0.15 * size * towards, t_wave[0].centre_s, t_wave[0].before_s, t_wave[0].after_s)
    return Shape(Waves.of([*normal, late]), Waves.of([*t_wave, opposed]), -0.03 * size * towards)


def _ventricular(qtc_s: float, height: float, random: np.random.Generator) -> Shape:
    """Beat of a ventricular focus: 120 to 190 ms, tall, ST segment and T wave the other way (own choice)."""
    length = random.uniform(0.134, 0.190)
    towards = _any_direction(random)
    size = height * random.uniform(1.2, 2.2)
    turn = _any_direction(random)
    parts = [(-0.20, 0.35, towards + 0.8 * turn), (-0.02, 1.0, towards), (0.22, 0.45, 0.4 * towards - turn)]
    qrs = [
        Wave(size * share * vector / np.linalg.norm(vector), at * length, wide, wide)
        for (at, share, vector), wide in zip(
            parts, length * random.uniform(0.24, 0.30, 3) / EDGE, strict=True
        )
    ]
    return Shape(
        Waves.of(qrs),
        Waves.of([_wide_t(qtc_s + 0.04, -size * random.uniform(0.25, 0.45) * towards)]),
        -size * random.uniform(0.05, 0.15) * towards,
    )


def _wide_t(qtc_s: float, vector_mv: Floats) -> Wave:
    """T wave after a wide QRS complex: 100 ms from its peak to its end, and later (own choice)."""
    after = 0.100 / EDGE
    return Wave(vector_mv, qtc_s - EDGE * after, 1.5 * after, after)
