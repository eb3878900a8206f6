"""Beats of the tests' own making that a small network learns in seconds."""

from __future__ import annotations

import numpy as np

from ecg_edge import firmware
from ecg_edge.ecg.labels import LABELS
from ecg_edge.training.beats import Beats


def made_beats(count: int, seed: int = 1) -> Beats:
    """Beats of noise around a wave whose frequency tells the class; nowhere near the ends of int8."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(LABELS)
    phase = 2 * np.pi * np.arange(128)[:, None] / 128 * (1 + labels[:, None, None])
    features = np.zeros(count, firmware.BEAT_DTYPE)
    features["beat"] = np.rint(30 * np.sin(phase)) + random.integers(-15, 15, (count, 128, 2))
    features["rhythm"] = random.integers(-30, 30, (count, firmware.RHYTHM_FEATURES))
    return Beats(features, np.array(LABELS)[labels], np.full(count, "100"))
