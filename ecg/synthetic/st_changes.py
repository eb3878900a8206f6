"""Changes of the ST segment and the T wave in the recorded lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import erf

from ecg_edge.ecg.errors import SynthesisError

Floats = npt.NDArray[np.float64]

DEPRESSION: Final = ("horizontal", "downsloping", "upsloping")
ELEVATION: Final = ("convex", "concave")
SHAPES: Final = (*DEPRESSION, *ELEVATION)

ST_LIMITS_MV: Final = (-0.5, 1.0)
"""Deviations that are generated. Episodes of the European ST-T Database peak between 0.1 mV and more than 1
mV; the lower limit is an own choice."""
USUAL_ST_MV: Final = (-0.04, 0.08)
"""Levels of narrow beats without a given deviation, before the variation from beat to beat: inside of
the 0.05 mV of depression and the 0.1 mV of elevation of the Fourth universal definition of myocardial
infarction."""
T_LIMITS_MV: Final = (-1.0, 1.0)
SMALLEST_T_MV: Final = 0.08
"""T waves of narrow beats without a given height are no flatter, before the variation from beat to beat (own
choice)."""

POINTS_MS: Final = (60, 80)
"""Where the deviation is measured, in ms after the J point: 80, or 60 at more than 120 beats a minute in the
European ST-T Database."""


@dataclass(frozen=True)
class Change:
    """Change of ST segment and T wave in the first lead, of beats conducted to the ventricles.

    Attributes
    ----------
    st_mv : float or None
        Deviation from the level before the QRS complex, `point_ms` after the J point; None: as the patient
        has it.
    shape : str
        Course of the ST segment: of `DEPRESSION` or `ELEVATION`.
    t_mv : float or None
        Height of the T wave; negative: inverted; None: as the patient has it.
    point_ms : int
        Of `POINTS_MS`.
    """

    st_mv: float | None = None
    shape: str = "horizontal"
    t_mv: float | None = None
    point_ms: int = 60

    def __post_init__(self) -> None:
        _check("ST deviation", self.st_mv, ST_LIMITS_MV)
        _check("height of the T wave", self.t_mv, T_LIMITS_MV)
        if self.shape not in SHAPES:
            raise SynthesisError(f"unknown ST shape {self.shape!r}. Known: {', '.join(SHAPES)}.")
        if self.point_ms not in POINTS_MS:
            raise SynthesisError(
                f"ST point J + {self.point_ms} ms: the deviation is measured at J + 60 or 80 ms."
            )
        if self.st_mv and self.shape not in (DEPRESSION if self.st_mv < 0 else ELEVATION):
            raise SynthesisError(
                f"ST deviation {self.st_mv:g} mV does not go with the shape {self.shape}. Depression is "
                f"{', '.join(DEPRESSION)}; elevation is {', '.join(ELEVATION)}."
            )


def _check(what: str, value_mv: float | None, limits: tuple[float, float]) -> None:
    if value_mv is not None and not limits[0] <= value_mv <= limits[1]:
        raise SynthesisError(f"{what} {value_mv:g} mV: outside {limits[0]:g} to {limits[1]:g} mV.")


# Polynomials of the time between J point (0) and the T wave's peak (1): constant, linear, square.
_POLYNOMIALS: Final = {
    "horizontal": (1.0, 0.0, 0.0),
    "downsloping": (0.5, 1.0, 0.0),
    "upsloping": (1.3, -1.2, 0.0),
    "convex": (0.6, 2.0, -1.6),
    "concave": (1.0, -1.2, 1.6),
}


def st_course(after_j_s: Floats, shape: str, end_s: float) -> Floats:
    """Course of the ST segment's deviation, not scaled.

    It begins within the last 10 ms of the QRS complex and fades out below the T wave. Horizontal and
    downsloping depression count as signs of ischaemia from 0.05 mV on (Thygesen K et al., Fourth universal
    definition of myocardial infarction, Circulation 138:e618, 2018); slopes and curvatures are an own choice.

    Parameters
    ----------
    after_j_s : ndarray of float64, shape (n,)
        Times in s after the J point.
    shape : str
        Of `SHAPES`.
    end_s : float
        Time in s after the J point at which half of it is left: the T wave's peak.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    window = (1 + erf(after_j_s / 0.006)) * (1 - erf((after_j_s - end_s) / (0.3 * end_s)))
    constant, linear, square = _POLYNOMIALS[shape]
    if not (linear or square):
        return np.asarray(constant * window)
    x = np.minimum(np.maximum(after_j_s / end_s, 0.0), 1.0)
    return np.asarray((constant + x * (linear + x * square)) * window)
