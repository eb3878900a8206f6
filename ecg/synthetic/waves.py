"""Waves of a beat as asymmetric Gaussians, in the orthogonal leads of Frank: each wave is a dipole.

The waves P, Q, R, S and T as Gaussians follow McSharry PE et al., A dynamical model for generating synthetic
electrocardiogram signals, IEEE Trans Biomed Eng 50(3):289-294, 2003. That model integrates a differential
equation; here the Gaussians are evaluated in time (docs/decisions/0012-synthetic-beats-in-closed-form.md).
A dipole per wave follows Sameni R et al., Multichannel ECG and noise modeling, EURASIP J Adv Signal Process
2007:43407. Different widths before and after the peak are an own choice: T waves rise slower than they fall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EDGE: Final = 2.45
"""Onset and end of a wave, in standard deviations from its peak: 5 % of the height (own choice)."""

REACH: Final = 4.0
"""Standard deviations from its peak at which a wave is cut."""


@dataclass(frozen=True)
class Wave:
    """One wave.

    Attributes
    ----------
    vector_mv : ndarray of float64, shape (3,)
        Dipole at the peak in mV: to the left, to the feet, to the back.
    centre_s : float
        Time of the peak, in s from the beat's reference.
    before_s, after_s : float
        Standard deviation in s before and after the peak.
    """

    vector_mv: Floats
    centre_s: float
    before_s: float
    after_s: float


@dataclass(frozen=True, eq=False)
class Waves:
    """Waves that occur together, as arrays.

    Attributes
    ----------
    vectors_mv : ndarray of float64, shape (w, 3)
    centres_s, before_s, after_s : ndarray of float64, shape (w,)
        As in `Wave`.
    """

    vectors_mv: Floats
    centres_s: Floats
    before_s: Floats
    after_s: Floats

    @classmethod
    def of(cls, waves: Sequence[Wave]) -> Waves:
        """Collect waves."""
        return cls(
            np.array([wave.vector_mv for wave in waves]).reshape(-1, 3),
            np.array([wave.centre_s for wave in waves]),
            np.array([wave.before_s for wave in waves]),
            np.array([wave.after_s for wave in waves]),
        )

    @cached_property
    def onset_s(self) -> float:
        """Time at which the first wave begins."""
        return float((self.centres_s - EDGE * self.before_s).min())

    @cached_property
    def end_s(self) -> float:
        """Time at which the last wave ends."""
        return float((self.centres_s + EDGE * self.after_s).max())

    @cached_property
    def reach_s(self) -> tuple[float, float]:
        """Times before and after which the waves are below 0.03 % of their heights."""
        first = self.centres_s - REACH * self.before_s
        last = self.centres_s + REACH * self.after_s
        return float(first.min()), float(last.max())


def heights(waves: Waves, t_s: Floats, stretch: float = 1.0) -> Floats:
    """Evaluate each wave's course, 1 at its peak.

    Parameters
    ----------
    waves : Waves
    t_s : ndarray of float64, shape (n,)
        Times in s from the beat's reference.
    stretch : float
        Factor on all times of the waves.

    Returns
    -------
    ndarray of float64, shape (w, n)
    """
    distance = t_s - stretch * waves.centres_s[:, None]
    width = stretch * np.where(distance < 0, waves.before_s[:, None], waves.after_s[:, None])
    distance /= width
    distance *= distance
    distance *= -0.5
    return np.exp(distance, out=distance)


def direction(frontal_deg: float, back_deg: float) -> Floats:
    """Unit vector by its axis in the frontal plane (0: left, 90: feet) and its angle towards the back.

    Parameters
    ----------
    frontal_deg, back_deg : float
        Angles in degrees; `back_deg` from -90 (to the front) to 90.
    """
    frontal, back = np.radians(frontal_deg), np.radians(back_deg)
    return np.array([np.cos(frontal) * np.cos(back), np.sin(frontal) * np.cos(back), np.sin(back)])
