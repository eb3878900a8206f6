"""Training beats from records with electrode-motion noise; they are kept, as those of other records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from ecg_edge.ecg import noise
from ecg_edge.ecg.leads import AUTO
from ecg_edge.ecg.noise import SCORED
from ecg_edge.ecg.records import Record, load_record, record_files
from ecg_edge.training.beats import Beats, concatenate, find_beats, keep_beats
from ecg_edge.training.progress import OnRecord

NOISE: Final = "em"
LEVELS_DB: Final = (18.0, 12.0, 6.0, 0.0)
EVERY: Final = 4  # a fourth of the beats: neighbours are alike, and each record has four copies


def noisy_beats(
    root: Path,
    records: Sequence[str],
    peaks: str,
    on_record: OnRecord | None = None,
    lead: str = AUTO,
    database: str = "mitdb",
) -> list[Beats]:
    """Add electrode-motion noise to `records`, each at all of `LEVELS_DB`, and find their beats.

    All levels of a record have one name: "nstdb/<record>" for mitdb, else "noise:<database>/<record>".
    Every fourth beat is kept.
    """
    wanted = [name for name in records if database != "mitdb" or name not in SCORED]
    code = [Path(module).read_text(encoding="utf-8") for module in (__file__, noise.__file__)]
    noise_files = record_files(root, "nstdb", NOISE, None)
    parts = []
    for number, name in enumerate(wanted, start=1):
        if on_record is not None:
            on_record(f"{name} with noise", number, len(wanted))
        depends_on: tuple[Path | str, ...] = (*record_files(root, database, name), *noise_files, lead, *code)
        make = partial(_all_levels, root, database, name, peaks, lead)
        parts.append(keep_beats(f"noise-{database}-{name}-{peaks}", depends_on, make))
    return parts


def _all_levels(root: Path, database: str, name: str, peaks: str, lead: str) -> Beats:
    motion, clean = noise.read_noise(root, NOISE), load_record(root, database, name, lead)
    title = f"nstdb/{name}" if database == "mitdb" else f"noise:{database}/{name}"
    return concatenate(_noisy(clean, title, peaks, motion, level) for level in LEVELS_DB)


def _noisy(clean: Record, title: str, peaks: str, motion: noise.Samples, snr_db: float) -> Beats:
    places = np.asarray(clean.beat_samples, np.int64)
    seed = int(clean.name) * 100 + int(snr_db)
    samples = noise.with_noise(clean.samples, places, motion, snr_db, seed, noise.gates(len(clean.samples)))
    features, symbols = find_beats(replace(clean, samples=samples), peaks)
    beats = Beats(features, symbols, np.full(len(symbols), title))
    return beats[np.arange(len(beats)) % EVERY == 0]
