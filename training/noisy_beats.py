"""Training beats from records with electrode-motion noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from ecg_edge.ecg.leads import AUTO
from ecg_edge.ecg.noise import SCORED, Samples, gates, read_noise, with_noise
from ecg_edge.ecg.records import Record, load_record
from ecg_edge.training.beats import Beats, find_beats
from ecg_edge.training.progress import OnRecord

LEVELS_DB: Final = (18.0, 12.0, 6.0, 0.0)
EVERY: Final = 4  # a fourth of the beats: neighbours are alike, and each record has four copies


def noisy_beats(
    root: Path,
    records: Sequence[str],
    peaks: str,
    on_record: OnRecord | None = None,
    lead: str = AUTO,
) -> list[Beats]:
    """Add electrode-motion noise to mitdb's `records`, each at all of `LEVELS_DB`, and find their beats.

    All levels of a record have the name "nstdb/<record>". Every fourth beat is kept.
    """
    noise = read_noise(root, "em")
    wanted = [(name, level) for name in records if name not in SCORED for level in LEVELS_DB]
    parts = []
    for number, (name, level) in enumerate(wanted, start=1):
        if on_record is not None:
            on_record(f"{name} with noise at {level:.0f} dB", number, len(wanted))
        parts.append(_noisy(load_record(root, "mitdb", name, lead), peaks, noise, level))
    return parts


def _noisy(clean: Record, peaks: str, noise: Samples, snr_db: float) -> Beats:
    places = np.asarray(clean.beat_samples, np.int64)
    seed = int(clean.name) * 100 + int(snr_db)
    samples = with_noise(clean.samples, places, noise, snr_db, seed, gates(len(clean.samples)))
    features, symbols = find_beats(replace(clean, samples=samples), peaks)
    beats = Beats(features, symbols, np.full(len(symbols), f"nstdb/{clean.name}"))
    return beats[np.arange(len(beats)) % EVERY == 0]
