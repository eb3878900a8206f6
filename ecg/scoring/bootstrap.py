"""Intervals of figures by drawing patients anew: with what other patients would the figure be another?"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

RESAMPLES: Final = 1000
LEVEL: Final = 0.95
_SEED: Final = 1  # the same intervals in every run

Interval = tuple[float, float]


def intervals(
    counts: Mapping[str, npt.NDArray[Any]],
    figures: Callable[[Mapping[str, npt.NDArray[Any]]], Mapping[str, float]],
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """Compute the interval that holds 95 % of a figure's values over patients drawn with replacement.

    Parameters
    ----------
    counts : mapping of str to ndarray, shapes (patients, ...)
        Counts of each patient.
    figures : callable
        Computes figures from the sums of counts, shapes (...). A value may be nan.
    resamples : int
        Number of draws; 0 for no interval.

    Returns
    -------
    dict of str to (float, float)
        Lowest and highest value; nan where no draw has the figure.
    """
    patients = len(next(iter(counts.values()), ()))
    if not resamples or not patients:
        return {}
    draws = np.random.default_rng(_SEED).multinomial(patients, np.full(patients, 1 / patients), resamples)
    found = [figures({name: np.tensordot(drawn, one, 1) for name, one in counts.items()}) for drawn in draws]
    return {name: _middle(np.array([one[name] for one in found], np.float64)) for name in found[0]}


def mean_intervals(values: Mapping[str, npt.NDArray[Any]], resamples: int = RESAMPLES) -> dict[str, Interval]:
    """Compute the interval of each mean over patients.

    Parameters
    ----------
    values : mapping of str to ndarray of float, shape (patients,)
        Figure of each patient; nan where it is undefined.
    resamples : int
        Number of draws; 0 for no interval.
    """
    counts = {
        **{f"sum {name}": np.nan_to_num(one) for name, one in values.items()},
        **{f"number {name}": (~np.isnan(one)).astype(float) for name, one in values.items()},
    }

    def means(sums: Mapping[str, npt.NDArray[Any]]) -> dict[str, float]:
        numbers = {name: float(sums[f"number {name}"]) for name in values}
        return {
            name: float(sums[f"sum {name}"]) / number if number else np.nan
            for name, number in numbers.items()
        }

    return intervals(counts, means, resamples)


def _middle(values: npt.NDArray[np.float64]) -> Interval:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all nan
        low, high = np.nanpercentile(values, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)
