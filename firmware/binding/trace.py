"""Trace of the signal path: filtered signal, QRS energy, and the decision on each candidate.

    found = trace(record.samples)
    found.candidates["score"]        # above 0: taken for a beat

For pictures and for finding out why a beat was missed; the beats themselves come from `process`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np
import numpy.typing as npt

from ecg_edge.firmware.binding._ecg_core import ffi, lib
from ecg_edge.firmware.binding.signal_path import (
    LEADS_OFF,
    NO_SPANS,
    Beats,
    Samples,
    SignalPath,
    Spans,
    checked_samples,
)

# A candidate: a peak of the QRS energy. at: R peak; energy_at, energy: position and height of the energy's
# peak; beat_energy: mean energy of the last eight beats; noise: running energy of rejected candidates, both
# at its classification; score: above 0 is a beat, 16384 is one logit; accepted: 1 for a beat.
CANDIDATE_DTYPE = np.dtype(
    [
        ("at", np.uint32),
        ("energy_at", np.uint32),
        ("energy", np.int32),
        ("beat_energy", np.int32),
        ("noise", np.int32),
        ("score", np.int32),
        ("accepted", np.uint8),
    ],
    align=True,
)
if CANDIDATE_DTYPE.itemsize != lib.candidate_bytes():
    raise ImportError(
        "ecg_edge.firmware.binding._ecg_core is older than its Python code: run pip install -e . again"
    )

LOGIT: int = 16384
REFUSED: int = lib.TRACE_REFUSED  # score of a candidate that is too near to a beat, or too low, to be one
UNITS_PER_MV: int = lib.TRACE_UNITS_PER_MV
_HELD = 1800  # samples: by then the start is over, the last candidate classified, and every delay over


@dataclass(frozen=True, eq=False)
class Trace:
    """Intermediate signals and decisions of the signal path; n samples at 360 Hz.

    Attributes
    ----------
    filtered : float32 (n,)
        The filtered signal in mV, delays compensated.
    energy : int32 (n,)
        The QRS energy, delays compensated.
    candidates : CANDIDATE_DTYPE (k,)
        All candidates, in the order of their classification. The last sample counts as held at the end.
    """

    filtered: npt.NDArray[np.float32]
    energy: npt.NDArray[np.int32]
    candidates: np.ndarray[tuple[int], np.dtype[np.void]]


def trace(
    samples: Samples,
    *,
    adu_per_mv: SupportsFloat = 200,
    mains_hz: int = 60,
    off_spans: Spans = NO_SPANS,
) -> Trace:
    """Run a record through the signal path and keep its intermediate signals and decisions.

    Parameters
    ----------
    samples
        int16 (n,), ADC units, 360 Hz.
    adu_per_mv, mains_hz
        As for `process`.
    off_spans
        As for `process_signal`.
    """
    count = len(checked_samples(samples))
    held = np.concatenate([samples, np.full(_HELD, samples[-1] if count else 0, np.int16)])
    filtered, energy = np.empty(len(held), np.int16), np.empty(len(held), np.int32)
    rows = np.empty(len(held), CANDIDATE_DTYPE)
    flags = np.zeros(len(held), np.uint8)
    for start, end in off_spans.tolist():
        flags[start:end] = LEADS_OFF
    path = SignalPath(adu_per_mv, mains_hz)
    found = lib.trace_block(
        path.state,
        ffi.from_buffer("int16_t[]", held),
        ffi.from_buffer("uint8_t[]", flags),
        len(held),
        ffi.from_buffer("int16_t[]", filtered),
        ffi.from_buffer("int32_t[]", energy),
        ffi.from_buffer(rows),
    )
    candidates = rows[:found][rows["at"][:found] < count]
    return Trace(
        filtered[lib.TRACE_FILTER_DELAY :][:count].astype(np.float32) / np.float32(UNITS_PER_MV),
        energy[lib.TRACE_ENERGY_DELAY :][:count].copy(),
        candidates.copy(),
    )


def p_wave_features(beats: Beats) -> npt.NDArray[np.int16]:
    """Compute the figures from which the signal path decides on P waves, for training.

    Parameters
    ----------
    beats : BEAT_DTYPE (n,)
        Beats of a signal from its start, in their order.

    Returns
    -------
    int16 (k, features)
        One row for each beat with a `p_wave` other than 0.
    """
    tensors, flags = np.ascontiguousarray(beats["beat"]), np.ascontiguousarray(beats["flags"])
    rows = np.empty((len(beats), lib.TRACE_P_WAVE_FEATURES), np.int16)
    found = lib.p_wave_features(
        ffi.from_buffer("int8_t[]", tensors),
        ffi.from_buffer("uint16_t[]", flags),
        len(beats),
        ffi.from_buffer("int16_t[]", rows),
    )
    return rows[:found]
