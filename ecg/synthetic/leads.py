"""Leads of the body surface from the heart's dipole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import SynthesisError

TWELVE: Final = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

# Dower GE, Machado HB, Osborne JA, On deriving the electrocardiogram from vectorcardiographic leads, Clin
# Cardiol 3(2):87-95, 1980: factors of Frank's X (left), Y (feet), Z (back). III and the augmented leads are
# computed.
_DOWER: Final = {
    "I": (0.632, -0.235, 0.059),
    "II": (0.235, 1.066, -0.132),
    "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387),
    "V3": (0.882, 0.098, -1.277),
    "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086),
    "V6": (0.831, 0.076, 0.230),
}
_OF_LIMBS: Final = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}


def lead_matrix(names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the factors of each lead, shape (leads, 3): lead in mV = factors @ dipole in mV.

    Parameters
    ----------
    names : sequence of str
        Leads of `TWELVE`.

    Raises
    ------
    SynthesisError
        For a name that is no lead, a lead named twice, or no name.
    """
    unknown = [name for name in names if name not in TWELVE]
    if unknown or not names:
        raise SynthesisError(f"unknown lead {', '.join(unknown) or '(none)'}. Known: {', '.join(TWELVE)}.")
    if len(set(names)) < len(names):
        raise SynthesisError(f"leads {', '.join(names)}: name each once.")
    return np.array([_factors(name) for name in names])


def _factors(name: str) -> npt.NDArray[np.float64]:
    if name in _DOWER:
        return np.array(_DOWER[name])
    of_i, of_ii = _OF_LIMBS[name]
    return of_i * np.array(_DOWER["I"]) + of_ii * np.array(_DOWER["II"])
