"""Training beats from records with electrode-motion noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from ecg_edge.ecg.noise import SCORED, Samples, gates, read_noise, with_noise
from ecg_edge.ecg.records import load_record
from ecg_edge.training.beats import Beats, OnRecord, find_beats

LEVELS_DB: Final = (18.0, 12.0, 6.0, 0.0)


def noisy_beats(
    root: Path, records: Sequence[str], peaks: str, on_record: OnRecord | None = None
) -> list[Beats]:
    """Beats of mitdb's `records` with electrode-motion noise, each record once at each of `LEVELS_DB`.

    All levels of a record bear its name, "nstdb/<record>".
    """
    noise = read_noise(root, "em")
    return [
        _noisy(root, name, peaks, noise, level, on_record)
        for name in records
        if name not in SCORED
        for level in LEVELS_DB
    ]


def _noisy(
    root: Path, name: str, peaks: str, noise: Samples, snr_db: float, on_record: OnRecord | None
) -> Beats:
    if on_record is not None:
        on_record(f"{name}, {snr_db:.0f} dB")
    clean = load_record(root, "mitdb", name)
    places = np.asarray(clean.beat_samples, np.int64)
    seed = int(name) * 100 + int(snr_db)
    samples = with_noise(clean.samples, places, noise, snr_db, seed, gates(len(clean.samples)))
    features, symbols = find_beats(replace(clean, samples=samples), peaks)
    return Beats(features, symbols, np.full(len(symbols), f"nstdb/{name}"))
