"""Signals with annotated rhythms that train the ventricular rhythm detector.

Of each database the development part (`ecg.splits.part_of`), and every lead:

- vfdb: fibrillation, flutter, tachycardia and what lies around them; played slower and faster;
- mitdb: runs of ventricular beats, and all other rhythms; with noise; with the rest between beats cut out;
- svdb, qtdb, ludb, cinc2017: other rhythms; what is annotated as a run of ventricular beats counts as one;
- nstdb: the second channel of the noise records, without ECG.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.header import header_path, read_header
from ecg_edge.ecg.noise import SCORED, Samples, read_noise, to_int16, with_noise
from ecg_edge.ecg.records import FS_HZ, Record, load_record
from ecg_edge.ecg.splits import part_of

OTHER, TACHYCARDIA, FIBRILLATION, LEFT_OUT = 0, 1, 2, 3
STEP: Final = 36  # samples: rhythms are kept in steps of 100 ms

# Notes of PhysioNet's rhythm annotations; all others are other rhythms. High grade ectopic activity has runs
# that are not annotated one by one; slow ventricular rhythms are neither.
NOTES: Final = {
    "(VT": TACHYCARDIA,
    "(VFL": FIBRILLATION,
    "(VFIB": FIBRILLATION,
    "(VF": FIBRILLATION,
    "(HGEA": LEFT_OUT,
    "(VER": LEFT_OUT,
    "(IVR": LEFT_OUT,
}
RUN = 3  # ventricular beats in a row
RUN_PER_MINUTE = 100  # slower runs are left out
SPEEDS = (0.55, 0.8, 1.2)
NOISES = (("em", 12), ("em", 6), ("em", 0), ("em", -6), ("ma", 6), ("ma", 0), ("ma", -6), ("bw", -6))
NOISY_SAMPLES = 240 * FS_HZ
RAPID_SAMPLES = 180 * FS_HZ
NOISE_ADU_PER_MV = 200

Rhythms = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Signal:
    """One lead at 360 Hz.

    Attributes
    ----------
    kind : str
        Database of an unchanged signal; or "speed", "rapid", "noisy".
    patient : str
        Database and record that it comes from.
    lead : int
        Number of the signal in the record.
    samples : int16 array, shape (n,)
        ADC units.
    adu_per_mv : int
    rhythms : uint8 array, shape (n // STEP + 1,)
        OTHER, TACHYCARDIA, FIBRILLATION or LEFT_OUT for every 100 ms.
    speed : float
        Factor that the signal was played faster by.
    """

    kind: str
    patient: str
    lead: int
    samples: Samples
    adu_per_mv: int
    rhythms: Rhythms
    speed: float = 1.0


def rhythms_of(record: Record) -> Rhythms:
    """Return the annotated rhythm of every 100 ms, runs of ventricular beats among them, shape (n,)."""
    result = np.zeros(len(record.samples) // STEP + 1, np.uint8)
    for at in np.flatnonzero(record.annotation_symbols == "+"):
        note = record.annotation_notes[at].rstrip("\0").strip()
        result[int(record.annotation_samples[at]) // STEP :] = NOTES.get(note, OTHER)
    for first, last, beats in _ventricular_runs(record):
        rate = (beats - 1) * 60 * FS_HZ / (last - first)
        where = slice((first - FS_HZ // 10) // STEP, (last + FS_HZ // 5) // STEP)
        kept = result[where]
        result[where] = np.where(
            kept == FIBRILLATION, kept, TACHYCARDIA if rate >= RUN_PER_MINUTE else LEFT_OUT
        )
    return result


def _ventricular_runs(record: Record) -> Iterator[tuple[int, int, int]]:
    """Yield the first and last R peak of each run of ventricular beats, and how many they are."""
    ventricular = np.isin(record.beat_symbols, ("V", "F"))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ventricular, [False]]).astype(np.int8)))
    for first, end in edges.reshape(-1, 2):
        if end - first >= RUN:
            yield int(record.beat_samples[first]), int(record.beat_samples[end - 1]), int(end - first)


def leads_of(data: Path, database: str, name: str) -> int:
    """Count the signals of a record."""
    return len(read_header(header_path(data / database, name)).signals)


def clean(data: Path, database: str, name: str) -> Iterator[Signal]:
    """Yield every lead of a record."""
    folder = "ludb/data" if database == "ludb" else database
    for lead in range(leads_of(data, folder, name)):
        record = load_record(data, folder, name, str(lead))
        yield Signal(
            *(database, f"{database}/{name}", lead, record.samples, record.adu_per_mv, rhythms_of(record))
        )


def at_speed(signal: Signal, speed: float) -> Signal:
    """Play a signal faster or slower."""
    places = np.arange(0, len(signal.samples) - 1, speed)
    played = np.interp(places, np.arange(len(signal.samples)), signal.samples.astype(float))
    steps = (np.arange(len(played) // STEP + 1) * speed).astype(int)
    rhythms = signal.rhythms[np.minimum(steps, len(signal.rhythms) - 1)]
    return replace(signal, kind="speed", samples=to_int16(played), rhythms=rhythms, speed=speed)


def rapid(record: Record, signal: Signal) -> Signal | None:
    """Cut out the rest between normal beats, so that they follow each other at 105 to 165 a minute.

    QRS and T waves keep their width, as in sinus tachycardia. None where a record has few normal beats.
    """
    random = np.random.default_rng(int(record.name))
    beats = record.beat_samples[np.isin(record.beat_symbols, list("NLRSA"))]
    parts: list[npt.NDArray[np.float64]] = []
    at, taken = 5, 0
    while at < len(beats) - 3 and taken < RAPID_SAMPLES:
        rr, count = 60 * FS_HZ / random.uniform(105, 165), int(random.integers(30, 80))
        for beat, following in zip(beats[at : at + count], beats[at + 1 : at + count + 1], strict=False):
            length = min(int(rr * random.uniform(0.98, 1.02)), int(following - beat))
            start = int(beat) - min(int(0.22 * rr) + 10, 60)
            part = signal.samples[start : start + length].astype(float)
            if len(part) > FS_HZ // 5:
                parts.append(part - np.linspace(part[0], part[-1], len(part)))
                taken += length
        at += 3 * count
    if len(parts) < 10:
        return None
    samples = to_int16(np.concatenate(parts))
    return replace(
        signal, kind="rapid", samples=samples, rhythms=np.zeros(len(samples) // STEP + 1, np.uint8)
    )


def noisy(record: Record, signal: Signal, noise: dict[str, Samples]) -> Iterator[Signal]:
    """Yield four minutes of a record with each noise."""
    for number, (kind, snr_db) in enumerate(NOISES):
        seed = int(record.name) * 20 + number
        places = len(signal.samples) - NOISY_SAMPLES
        start = int(np.random.default_rng(seed).integers(0, places)) // STEP * STEP
        part = signal.samples[start : start + NOISY_SAMPLES]
        inside = (record.beat_samples >= start) & (record.beat_samples < start + NOISY_SAMPLES)
        beats = (record.beat_samples[inside] - start).astype(np.int64)
        samples = with_noise(part, beats, noise[kind], snr_db, seed, ((0, NOISY_SAMPLES),))
        rhythms = signal.rhythms[start // STEP : (start + NOISY_SAMPLES) // STEP + 1]
        yield replace(signal, kind="noisy", samples=samples, rhythms=rhythms)


def vfdb_signals(data: Path, names: tuple[str, ...]) -> Iterator[Signal]:
    """Yield records of vfdb as they are, and at other speeds."""
    for name in names:
        for signal in clean(data, "vfdb", name):
            yield signal
            yield from (at_speed(signal, speed) for speed in SPEEDS)


def mitdb_signals(data: Path) -> Iterator[Signal]:
    """Yield DS1 as it is, at a rapid rate, and with noise."""
    noise = {kind: read_noise(data, kind) for kind, _ in NOISES}
    for name in development(data, "mitdb"):
        record = load_record(data, "mitdb", name)
        for signal in clean(data, "mitdb", name):
            yield signal
            yield from filter(None, [rapid(record, signal)])
            if signal.lead == 0 and name not in SCORED:
                yield from noisy(record, signal, noise)


def other_signals(data: Path) -> Iterator[Signal]:
    """Yield what has no fibrillation: strips, records of svdb, which are made rapid as well, and noise."""
    for database in ("svdb", "qtdb", "ludb", "cinc2017"):
        for name in development(data, database):
            for signal in clean(data, database, name):
                yield signal
                if database == "svdb":
                    record = load_record(data, database, name)
                    yield from filter(None, [rapid(record, signal)])
    for kind in ("em", "ma", "bw"):
        samples = read_noise(data, kind)
        rhythms = np.zeros(len(samples) // STEP + 1, np.uint8)
        yield Signal("nstdb", f"nstdb/{kind}", 1, samples, NOISE_ADU_PER_MV, rhythms)


def development(data: Path, database: str) -> tuple[str, ...]:
    """List the records of a database's development part."""
    folder = "ludb/data" if database == "ludb" else database
    return tuple(name for name in records_in(data, folder) if part_of(database, name) == "development")
