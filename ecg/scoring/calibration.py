"""Calibration: does a network that answers with probability 0.8 hit eight times of ten?"""

from __future__ import annotations

from typing import Any, Final, TypedDict

import numpy as np
import numpy.typing as npt

BINS: Final = 10


class Bin(TypedDict):
    """Beats whose probability lies from `low` to below `high`: number, mean probability, share of hits."""

    low: float
    high: float
    beats: int
    confidence: float | None
    accuracy: float | None


class Calibration(TypedDict):
    """Reliability diagram, and the expected calibration error (ECE): mean distance weighted by beats."""

    beats: int
    ece: float | None
    bins: list[Bin]


def calibration(
    confidence: npt.NDArray[Any], correct: npt.NDArray[np.bool_], bins: int = BINS
) -> Calibration:
    """Compare the probability of the answers with their share of hits, in bins of equal width.

    Parameters
    ----------
    confidence : ndarray of float, shape (n,)
        Probability of the class that was answered, 0 to 1.
    correct : ndarray of bool, shape (n,)
        The class is the annotated one.
    bins : int
        Number of bins.
    """
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    found = [
        _bin(number, bins, confidence[place == number], correct[place == number]) for number in range(bins)
    ]
    gaps = [
        one["beats"] * abs(one["confidence"] - one["accuracy"])
        for one in found
        if one["confidence"] is not None and one["accuracy"] is not None
    ]
    return {"beats": len(confidence), "ece": sum(gaps) / len(confidence) if gaps else None, "bins": found}


def _bin(number: int, bins: int, confidence: npt.NDArray[Any], correct: npt.NDArray[np.bool_]) -> Bin:
    return {
        "low": number / bins,
        "high": (number + 1) / bins,
        "beats": len(confidence),
        "confidence": float(confidence.mean()) if len(confidence) else None,
        "accuracy": float(correct.mean()) if len(correct) else None,
    }
