"""Strips of real and synthetic ECG in one form: lead II in mV at 360 Hz, with beats and bounds of waves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.records import FS_HZ, Record, load_record
from ecg_edge.ecg.splits import ds1_ds2
from ecg_edge.ecg.synthetic import textbook
from ecg_edge.ecg.synthetic.generator import Settings, generate

SYNTHETIC_SECONDS: Final = 300.0
PATIENTS: Final = 60
DEVELOPMENT, TEST = PARTS = "development", "test"

_NO_WAVES: Final = Annotations.of([], [])


@dataclass(frozen=True, eq=False)
class Strip:
    """One lead of one patient.

    Attributes
    ----------
    patient : str
    signal_mv : ndarray of float64, shape (n,)
        mV at 360 Hz.
    beats : ndarray of int64, shape (m,)
        R peaks.
    symbols : ndarray of str, shape (m,)
    waves : Annotations
        Onset "(", peak "p", "N" or "t", and end ")" of the waves, as ludb has them; empty where not known.
    """

    patient: str
    signal_mv: npt.NDArray[np.float64]
    beats: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.str_]
    waves: Annotations


def mitdb(root: Path, part: str = DEVELOPMENT) -> Iterator[Strip]:
    """The records of DS1 (development) or DS2 (test), lead MLII."""
    split = ds1_ds2()
    for name in split.train if part == DEVELOPMENT else split.test:
        record = load_record(root, "mitdb", name)
        yield _of_record(record, record.beat_samples, record.beat_symbols, _NO_WAVES)


def ludb(root: Path, part: str = DEVELOPMENT) -> Iterator[Strip]:
    """Every second of ludb's even numbers (4, 8, ... for development), lead II, with bounds by hand."""
    for name in sorted(records_in(root, "ludb/data"), key=int):
        if int(name) % 4 == (0 if part == DEVELOPMENT else 2):
            record = load_record(root, "ludb/data", name, lead="ii", annotator="ii")
            waves = _annotations(record)
            beats = waves.samples[waves.symbols == "N"]
            yield _of_record(record, beats, np.full(len(beats), "N"), waves)


def qtdb(root: Path, part: str = DEVELOPMENT) -> Iterator[Strip]:
    """Every second record of qtdb (first, third, ... for development), with bounds by hand (`q1c`)."""
    for name in records_in(root, "qtdb")[0 if part == DEVELOPMENT else 1 :: 2]:
        record = load_record(root, "qtdb", name, annotator="q1c")
        waves = _annotations(record)
        beats = waves.samples[waves.symbols == "N"]
        yield _of_record(record, beats, np.full(len(beats), "N"), waves)


def generator(kind: str = "normal", patients: int = PATIENTS, first_seed: int = 0) -> Iterator[Strip]:
    """Patients of the generator, recorded as MIT-BIH's were."""
    for seed in range(first_seed, first_seed + patients):
        record = generate(Settings(kind, seed=seed), SYNTHETIC_SECONDS)
        beats = record.truth.beats
        yield Strip(
            f"{kind} {seed}",
            record.samples[:, 0] / record.adu_per_mv,
            np.array([beat.sample for beat in beats]),
            np.array([beat.symbol for beat in beats]),
            record.truth.wave_annotations(len(record.samples)),
        )


def simple(patients: int = PATIENTS) -> Iterator[Strip]:
    """Patients of the simple generator that trains (`ecg.synthetic.textbook`) with normal conduction."""
    for seed in range(patients):
        random = np.random.default_rng([seed, 1])
        patient = textbook.make_patient("N", random)
        samples, beats, symbols = textbook.make_signal(patient, round(SYNTHETIC_SECONDS * FS_HZ), random)
        yield Strip(f"simple {seed}", samples / 200.0, beats, np.array(symbols), _NO_WAVES)


def neurokit(patients: int = PATIENTS) -> Iterator[Strip]:
    """Patients of neurokit2's `ecg_simulate` (method ecgsyn): its defaults, rates of 60 to 100 a minute.

    R peaks are the largest values near the peaks that its own detector finds.
    """
    import neurokit2  # not among the project's packages

    for seed in range(patients):
        rate = 60 + 40 * (seed + 0.5) / patients
        signal = np.asarray(
            neurokit2.ecg_simulate(
                duration=60, sampling_rate=FS_HZ, heart_rate=rate, method="ecgsyn", random_state=seed
            )
        )
        beats = np.asarray(neurokit2.ecg_peaks(signal, sampling_rate=FS_HZ)[1]["ECG_R_Peaks"])
        yield Strip(f"neurokit2 {seed}", signal, beats, np.full(len(beats), "N"), _NO_WAVES)


def _of_record(
    record: Record, beats: npt.NDArray[np.int64], symbols: npt.NDArray[np.str_], waves: Annotations
) -> Strip:
    return Strip(record.name, record.samples / record.adu_per_mv, beats, symbols, waves)


def _annotations(record: Record) -> Annotations:
    return Annotations.of(record.annotation_samples, record.annotation_symbols)
