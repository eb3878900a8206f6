"""Slow random courses as sums of sinusoids: they need no state, so that any segment can be computed alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_GRID_HZ: Final = 25.0  # courses below 1 Hz, interpolated linearly: error below 1 % of the amplitude


@dataclass(frozen=True, eq=False)
class Course:
    """Sum of sinusoids.

    Attributes
    ----------
    rates_hz, amplitudes, phases : ndarray of float64, shape (k,)
        Frequency in Hz, amplitude in the course's unit, and phase in radians.
    """

    rates_hz: Floats
    amplitudes: Floats
    phases: Floats

    def at(self, t_s: float) -> float:
        """Value at one time in s."""
        return float(self.amplitudes @ np.sin(2 * np.pi * self.rates_hz * t_s + self.phases))

    def over(self, t_s: Floats) -> Floats:
        """Values at ascending times, shape (n,), interpolated on a grid of 25 Hz."""
        return self._on_grid(t_s, self.amplitudes, self.phases)

    def turns(self, t_s: Floats) -> Floats:
        """Integral from 0 in the course's unit times s, shape (n,): turns, for a course in Hz."""
        amplitudes = self.amplitudes / (2 * np.pi * self.rates_hz)
        start = float(amplitudes @ np.cos(self.phases))
        return start + self._on_grid(t_s, amplitudes, self.phases - np.pi / 2)

    def _on_grid(self, t_s: Floats, amplitudes: Floats, phases: Floats) -> Floats:
        if not len(t_s):
            return np.zeros(0)
        first, last = np.floor(t_s[0] * _GRID_HZ), np.ceil(t_s[-1] * _GRID_HZ) + 1
        grid = np.arange(first, last + 1) / _GRID_HZ
        values = amplitudes @ np.sin(2 * np.pi * self.rates_hz[:, None] * grid + phases[:, None])
        return np.interp(t_s, grid, values)


def band(
    centre_hz: float, spread_hz: float, deviation: float, random: np.random.Generator, count: int = 8
) -> Course:
    """Course whose spectrum is a Gaussian band.

    Parameters
    ----------
    centre_hz, spread_hz : float
        Centre and standard deviation of the band in Hz.
    deviation : float
        Standard deviation of the course, in its unit.
    random : Generator
    count : int
        Number of sinusoids.
    """
    rates = np.maximum(random.normal(centre_hz, spread_hz, count), centre_hz / 4)
    return Course(rates, np.full(count, deviation * np.sqrt(2 / count)), random.uniform(0, 2 * np.pi, count))


def falling(
    low_hz: float, high_hz: float, deviation: float, random: np.random.Generator, count: int = 8
) -> Course:
    """Course whose power falls with frequency (1/f) from `low_hz` to `high_hz`; parameters as in `band`."""
    rates = np.exp(random.uniform(np.log(low_hz), np.log(high_hz), count))
    return Course(rates, np.full(count, deviation * np.sqrt(2 / count)), random.uniform(0, 2 * np.pi, count))
