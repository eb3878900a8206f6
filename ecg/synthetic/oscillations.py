"""Continuous activity of atria and ventricles without beats: fibrillation and flutter.

Each is a dipole whose parts are harmonics of a wave with a slowly changing rate and height, the sawtooth
model of Stridh M, Sörnmo L, Spatiotemporal QRST cancellation techniques for analysis of atrial fibrillation,
IEEE Trans Biomed Eng 48(1):105-111, 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.synthetic.patients import Patient
from ecg_edge.ecg.synthetic.rhythms import flutter_rate_hz
from ecg_edge.ecg.synthetic.slow import Course, band
from ecg_edge.ecg.synthetic.waves import direction

Floats = npt.NDArray[np.float64]

_RAMP_S: Final = 0.15


@dataclass(frozen=True, eq=False)
class Oscillation:
    """A dipole that oscillates.

    Attributes
    ----------
    rate_hz : float
        Mean rate in Hz.
    drift_hz : Course
        Change of the rate in Hz.
    swell : Course
        Relative change of the height.
    vectors_mv : ndarray of float64, shape (harmonics, 3)
        Dipole of each harmonic in mV.
    wobble : Course
        Change of the second and further harmonics' phase, in turns: the shape varies.
    """

    rate_hz: float
    drift_hz: Course
    swell: Course
    vectors_mv: Floats
    wobble: Course

    def over(self, t_s: Floats, factors: Floats) -> Floats:
        """Compute the course in leads.

        Parameters
        ----------
        t_s : ndarray of float64, shape (n,)
            Times in s.
        factors : ndarray of float64, shape (leads, 3)
            Leads from the dipole.

        Returns
        -------
        ndarray of float64, shape (leads, n)
            mV.
        """
        turns = self.rate_hz * t_s + self.drift_hz.turns(t_s)
        wobble = self.wobble.over(t_s)
        course = np.zeros((len(factors), len(t_s)))
        for number, vector in enumerate(self.vectors_mv):
            phase = 2 * np.pi * ((number + 1) * turns + number * wobble)
            course += (factors @ vector)[:, None] * np.sin(phase)
        course *= np.maximum(1 + self.swell.over(t_s), 0.1)
        return course


def gate(t_s: Floats, begin_s: float, end_s: float) -> Floats:
    """Share of an oscillation that is on: 0 outside, 1 inside, with ramps of 0.15 s, shape (n,)."""
    rise, fall = (t_s - begin_s) / _RAMP_S, (end_s - t_s) / _RAMP_S
    share: Floats = np.clip(np.minimum(rise, fall), 0.0, 1.0)
    return share


def oscillation(name: str, patient: Patient, random: np.random.Generator) -> Oscillation:
    """Draw a patient's oscillation.

    Atrial fibrillation: 6.5 Hz with a standard deviation of 0.8 Hz (Alcaraz R et al., Rev Esp Cardiol
    61(2):154-160, 2008). Ventricular fibrillation: 4.56 Hz with a standard deviation of 0.99 Hz, 1.33 mV with
    0.44 mV from peak to peak (Strohmenger HU et al., Chest 111(3):584-589, 1997). Ventricular flutter: a
    sinusoid of 200 to 300 a minute. Heights without a source, modulation and harmonics are an own choice.

    Parameters
    ----------
    name : str
        Of `OSCILLATIONS`: the rhythm as WFDB names it.
    patient : Patient
    random : Generator
    """
    towards = direction(random.uniform(50, 100), random.uniform(-60, -20))
    if name == "(AFIB":
        vectors = _sawtooth(random.uniform(0.02, 0.07) * towards, 3, random)
        return _drawn(np.clip(random.normal(6.5, 0.8), 4, 9), 0.35, 0.30, vectors, 0.10, random)
    if name == "(AFL":
        vectors = _sawtooth(-random.uniform(0.06, 0.14) * towards, 4, random, spread=0.0)
        return _drawn(flutter_rate_hz(patient), 0.01, 0.04, vectors, 0.0, random)
    towards = direction(random.uniform(20, 110), random.uniform(-45, 45))
    if name == "(VFL":
        vectors = random.uniform(0.8, 1.3) * np.array([towards, 0.15 * _turned(towards, random)])
        return _drawn(random.uniform(200, 300) / 60, 0.06, 0.06, vectors, 0.02, random)
    height = 0.5 * np.clip(random.normal(1.33, 0.44), 0.4, 2.4)
    vectors = height * np.array([towards, 0.30 * _turned(towards, random), 0.12 * _turned(towards, random)])
    return _drawn(np.clip(random.normal(4.56, 0.8), 3, 7), 0.8, 0.40, vectors, 0.5, random)


OSCILLATIONS: Final = ("(AFIB", "(AFL", "(VFL", "(VFIB")


def _drawn(
    rate_hz: float, drift: float, swell: float, vectors: Floats, wobble: float, random: np.random.Generator
) -> Oscillation:
    return Oscillation(
        float(rate_hz),
        band(0.6, 0.3, drift, random),
        band(0.4, 0.2, swell, random),
        vectors,
        band(0.5, 0.25, wobble, random),
    )


def _sawtooth(vector: Floats, count: int, random: np.random.Generator, spread: float = 0.5) -> Floats:
    """Dipoles of a sawtooth's harmonics; the further ones turned a little."""
    factors = [1.0 / number for number in range(1, count + 1)]
    return np.array(
        [factor * (vector if spread == 0 else _turned(vector, random, spread)) for factor in factors]
    )


def _turned(vector: Floats, random: np.random.Generator, spread: float = 0.7) -> Floats:
    """The vector in another direction, with its length."""
    other = vector + spread * np.linalg.norm(vector) * random.normal(0, 1, 3) / np.sqrt(3)
    turned: Floats = other * np.linalg.norm(vector) / np.linalg.norm(other)
    return turned
