"""Made-up patients: real beats of training patients on the intervals of a rhythm that they did not have.

Few patients in the databases have an irregular rhythm without premature beats, so that a network takes
irregular for premature. Here beats N and V of a record follow each other as in atrial fibrillation (f waves
for P waves) or in sinus arrhythmia, all as they are labelled, and beats N as premature atrial beats and runs
(label A, another P wave or none) with and without pauses. The signal is put together before the signal path,
which then finds peaks and computes tensors as in any other record.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.leads import AUTO
from ecg_edge.ecg.records import FS_HZ, Record, load_record, record_files
from ecg_edge.training.beats import Beats, concatenate, find_beats, keep_beats, no_beats
from ecg_edge.training.progress import OnRecord

Float = npt.NDArray[np.float64]

KINDS: Final = ("fibrillation", "sinus-arrhythmia", "atrial-runs")
BEATS: Final = 120  # of each made-up patient, two minutes

_PRE: Final = 100  # samples from the P wave's start to the R peak
_PRE_SHARE: Final = 0.4  # of the interval between two beats, at most
_SHORTEST_PRE: Final = 40
_REFRACTORY: Final = 90  # samples after an R peak that the next beat leaves as they are
_P_FIRST, _P_LAST = 92, 17  # samples before the R peak between which the P wave lies


def made_up_beats(
    root: Path,
    database: str,
    records: Sequence[str],
    peaks: str,
    on_record: OnRecord | None = None,
    lead: str = AUTO,
) -> list[Beats]:
    """Make up one patient of each kind from each record; his name is "<kind>:<database>/<record>".

    Parameters
    ----------
    root : Path
        Folder of the databases.
    database : str
    records : sequence of str
        Training records: their beats appear again.
    peaks : str
        "annotated" or "detected", see `load_beats`.
    """
    code = Path(__file__).read_text(encoding="utf-8")
    parts = []
    for number, name in enumerate(records, start=1):
        if on_record is not None:
            on_record(f"{name} in other rhythms", number, len(records))
        make = partial(_of_record, root, database, name, peaks, lead)
        depends_on: tuple[Path | str, ...] = (*record_files(root, database, name), lead, code)
        parts.append(keep_beats(f"made-up-{database}-{name}-{peaks}", depends_on, make))
    return parts


def _of_record(root: Path, database: str, name: str, peaks: str, lead: str) -> Beats:
    real = load_record(root, database, name, lead, annotations_required=True)
    parts = []
    for kind in KINDS:
        seed = zlib.crc32(f"{database}/{name}/{kind}".encode())
        record = make_up(real, kind, np.random.default_rng(seed))
        if record is not None:
            features, symbols = find_beats(record, peaks)
            parts.append(Beats(features, symbols, np.full(len(symbols), f"{kind}:{database}/{name}")))
    return concatenate(parts) if parts else no_beats()


def make_up(real: Record, kind: str, random: np.random.Generator, beats: int = BEATS) -> Record | None:
    """Lay beats of a record on the intervals of another rhythm.

    Parameters
    ----------
    real : Record
    kind : str
        One of `KINDS`.
    random : numpy.random.Generator
    beats : int
        At most so many.

    Returns
    -------
    Record or None
        None where the record has fewer than 50 beats to use.
    """
    places, symbols = _usable(real, "NLRejV" if kind == "fibrillation" else "NLRej")
    if len(places) < 50:
        return None
    first = int(random.integers(0, max(1, len(places) - beats)))
    places, symbols = places[first : first + beats], symbols[first : first + beats].copy()
    intervals, early = _RHYTHMS[kind](len(places), random)
    if kind == "fibrillation":
        intervals[symbols == "V"] *= 0.8
    symbols[early] = "A"
    steps = np.maximum(np.rint(intervals * FS_HZ), 110).astype(np.int64)
    flat = early & (random.uniform() < 0.75)  # an ectopic P wave, or none
    if kind == "fibrillation":
        flat = symbols != "V"
    wave = 0.0 if kind == "fibrillation" else random.choice([-1, 0, 1, 1]) * random.uniform(0.03, 0.2)
    signal, at = _lay(real, places, steps, flat, wave, random)
    if kind == "fibrillation":
        signal += random.uniform(0.01, 0.1) * real.adu_per_mv * _f_waves(len(signal), random)
    samples = np.clip(np.rint(signal), -32768, 32767).astype(np.int16)
    return replace(
        real,
        samples=samples,
        annotation_samples=at,
        annotation_symbols=symbols,
        annotation_notes=("",) * len(at),
        invalid_spans=np.zeros((0, 2), np.int64),
    )


def _usable(real: Record, symbols: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Beats of these symbols with a P wave's time before them and a T wave's after them."""
    places, found = np.asarray(real.beat_samples, np.int64), real.beat_symbols.astype("U1")
    gaps = np.diff(places, prepend=-FS_HZ, append=len(real.samples))
    inside = (places > 2 * _PRE) & (places < len(real.samples) - 3 * FS_HZ)
    chosen = np.isin(found, list(symbols)) & (gaps[:-1] > _PRE + 20) & (gaps[1:] > 150) & inside
    return places[chosen], found[chosen]


def _fibrillation(n: int, random: np.random.Generator) -> tuple[Float, npt.NDArray[np.bool_]]:
    """Log-normal intervals around a mean that moves slowly."""
    i = np.arange(n)
    mean = random.uniform(0.5, 1.0) * np.exp(0.12 * np.sin(i / random.uniform(10, 50) + random.uniform(0, 6)))
    spread = random.uniform(0.12, 0.28) * random.choice([1.0, 1.5], n, p=[0.9, 0.1])
    return np.maximum(mean * np.exp(spread * random.standard_normal(n)), 0.33), np.zeros(n, bool)


def _sinus_arrhythmia(n: int, random: np.random.Generator) -> tuple[Float, npt.NDArray[np.bool_]]:
    """Intervals modulated by 3 to 18 % with breathing."""
    phase = np.cumsum(2 * np.pi / random.uniform(3, 8) * np.exp(0.15 * random.standard_normal(n)))
    slow = np.exp(0.08 * np.sin(np.arange(n) / random.uniform(6, 32)))
    depth, jitter = random.uniform(0.03, 0.18), np.exp(0.015 * random.standard_normal(n))
    return random.uniform(0.6, 1.1) * (1 + depth * np.sin(phase)) * jitter * slow, np.zeros(n, bool)


def _atrial_runs(n: int, random: np.random.Generator) -> tuple[Float, npt.NDArray[np.bool_]]:
    """Early beats, alone and in runs of any length, with a pause after them or none."""
    sinus, share = random.uniform(0.6, 1.2), random.choice([0.03, 0.1, 0.25, 0.5, 0.8])
    length, coupling = random.choice([1.0, 1.3, 2.0, 4.0, 8.0]), random.uniform(0.45, 0.85)
    within = random.uniform(0.5, 0.95) if random.uniform() < 0.7 else coupling
    pause = random.uniform(1.0, 1.45) if random.uniform() < 0.75 else random.uniform(1.4, 4.0)
    jitter, jitter_early = random.uniform(0.01, 0.06), random.uniform(0.02, 0.08)
    intervals, early, left = np.zeros(n), np.zeros(n, bool), 0
    for i in range(n):
        after = i > 0 and early[i - 1]
        begins = i > 3 and not after and random.uniform() < share
        if left > 0 or begins:
            left = left - 1 if left > 0 else int(random.geometric(1 / length)) - 1
            early[i] = True
            intervals[i] = (
                sinus * (coupling if begins else within) * np.exp(jitter_early * random.standard_normal())
            )
        else:
            rest = pause * np.exp(0.1 * random.standard_normal()) if after else 1.0
            intervals[i] = (
                sinus * rest * (1 + 0.08 * np.sin(i / 90)) * np.exp(jitter * random.standard_normal())
            )
    return np.clip(intervals, 0.33, 5.0), early


_RHYTHMS: Final[dict[str, Any]] = {
    "fibrillation": _fibrillation,
    "sinus-arrhythmia": _sinus_arrhythmia,
    "atrial-runs": _atrial_runs,
}


def _lay(
    real: Record,
    places: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    flat: npt.NDArray[np.bool_],
    wave: float,
    random: np.random.Generator,
) -> tuple[Float, npt.NDArray[np.int64]]:
    """Put the beats one after the other, `steps` samples apart; each reaches to where the next begins.

    Where the time between two beats is longer than the record's, the level before its next P wave is
    held; what does not meet is joined by a ramp. `flat` beats lose their P wave, and get one of `wave`
    millivolts instead.
    """
    at = FS_HZ + np.cumsum(steps)
    before = np.clip(steps - _REFRACTORY, _SHORTEST_PRE, _PRE)
    before[0] = _PRE
    signal = np.zeros(int(at[-1]) + FS_HZ)
    level = float(real.samples[places[0] - _PRE])
    signal[: at[0] - _PRE] = level
    center, width = random.uniform(0.1, 0.24) * FS_HZ, random.uniform(0.012, 0.03) * FS_HZ
    ends = _next_beginnings(real, places)
    for i, place in enumerate(places):
        begin = int(at[i] - before[i])
        end = int(at[i + 1] - before[i + 1]) if i + 1 < len(places) else len(signal)
        piece = _piece(real.samples, int(place), int(before[i]), end - begin, int(ends[i]))
        if flat[i]:
            _remove_p_wave(piece, int(before[i]))
            ticks = np.arange(len(piece)) - (before[i] - center + 3 * random.standard_normal())
            piece += wave * real.adu_per_mv * np.exp(-0.5 * (ticks / width) ** 2)
        piece += np.linspace(1, 0, len(piece)) ** 2 * (level - piece[0])
        signal[begin:end], level = piece, float(piece[-1])
    return signal, at


def _next_beginnings(real: Record, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Find where the beat after each place begins: a copy of it would be a P wave or a beat nobody marked.

    A P wave begins `_PRE` samples before the R peak, in a fast rhythm closer to it.
    """
    later = np.append(np.sort(real.beat_samples), len(real.samples) + _PRE)
    following = later[np.searchsorted(later, places, "right")]
    before = np.minimum(_PRE, _PRE_SHARE * (following - places)).astype(np.int64)
    begins: npt.NDArray[np.int64] = following - before
    return begins


def _piece(samples: npt.NDArray[np.int16], place: int, before: int, length: int, end: int) -> Float:
    """Samples of one beat until the next made-up beat begins, `end` at the latest; then the last level."""
    reach = int(min(length, before + 2 * FS_HZ // 3, end - place + before))
    piece = samples[place - before : place - before + reach].astype(np.float64)
    return np.concatenate([piece, np.full(length - reach, piece[-8:].mean())])


def _remove_p_wave(piece: Float, before: int) -> None:
    first, last = max(before - _P_FIRST, 0), before - _P_LAST
    piece[first:last] = np.linspace(piece[first], piece[last - 2 : last + 3].mean(), last - first)


def _f_waves(n: int, random: np.random.Generator) -> Float:
    """Waves of 4.5 to 9 Hz of an amplitude of about 1, whose rate and height change."""
    rate = random.uniform(4.5, 9) * (
        1 + 0.15 * np.interp(np.arange(n), np.arange(0, n + 180, 180), random.standard_normal(n // 180 + 2))
    )
    height = 1 + 0.3 * np.interp(
        np.arange(n), np.arange(0, n + 240, 240), random.standard_normal(n // 240 + 2)
    )
    phase = 2 * np.pi * np.cumsum(rate) / FS_HZ
    waves: Float = height * (np.sin(phase) + random.uniform(0, 0.5) * np.sin(2 * phase))
    return waves
