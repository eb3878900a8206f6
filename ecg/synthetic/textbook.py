"""Synthetic ECG with the five classes, as a WFDB database, for computers without records.

A beat is a sum of Gaussian waves; the shapes follow lead II in textbooks. Scores on these records show that
all steps work; they are no evidence about patients.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.ecg.databases import cache_root, records_in
from ecg_edge.ecg.files import make_folder
from ecg_edge.ecg.records import FS_HZ
from ecg_edge.ecg.writers.wfdb import write_record

DATABASE: Final = "synth"
PATIENTS: Final = 45
MINUTES: Final = 2.0
SEED: Final = 1

_ADU_PER_MV: Final = 200
_MAINS_HZ: Final = 60.0


@dataclass(frozen=True)
class Wave:
    """Gaussian wave: height in mV, centre in s from the R peak, width (standard deviation) in s."""

    height_mv: float
    centre_s: float
    width_s: float


_P: Final = Wave(0.15, -0.17, 0.022)
_T: Final = Wave(0.30, 0.27, 0.050)
_EARLY_P: Final = Wave(-0.10, -0.13, 0.018)  # ectopic origin: another shape, nearer to the QRS

# The QRS complex and T wave of each class. An atrial premature beat has its patient's own.
_SHAPES: Final[dict[str, tuple[Wave, ...]]] = {
    "N": (Wave(-0.10, -0.028, 0.009), Wave(1.20, 0.0, 0.011), Wave(-0.22, 0.030, 0.011), _T),
    "L": (Wave(1.20, 0.0, 0.024), Wave(-0.30, 0.065, 0.026), Wave(-0.28, 0.28, 0.060)),
    "R": (Wave(0.95, 0.0, 0.013), Wave(-0.50, 0.052, 0.028), Wave(0.25, 0.29, 0.050)),
    "V": (Wave(1.50, 0.0, 0.042), Wave(-0.55, 0.095, 0.045), Wave(-0.40, 0.30, 0.070)),
}

# Shapes that lead II sees upright in some people and upside down in others.
_EITHER_WAY_UP: Final = ("L", "V")


@dataclass(frozen=True)
class Patient:
    """One synthetic person.

    Attributes
    ----------
    conduction : str
        Symbol of the regular beats: "N", "L" or "R".
    rr_s : float
        Mean interval of regular beats.
    ectopic_share : float
        Share of beats that are A, and again of beats that are V.
    shapes : dict of str to tuple of Wave
        Variation of each shape; "P" and "early P": the P waves.
    """

    conduction: str
    rr_s: float
    ectopic_share: float
    shapes: dict[str, tuple[Wave, ...]]


def make_database(
    root: Path,
    patients: int = PATIENTS,
    minutes: float = MINUTES,
    seed: int = SEED,
    on_record: Callable[[str], None] | None = None,
) -> tuple[str, ...]:
    """Write records `synth/s01`, `synth/s02`, ..., one per patient, with `atr` annotations.

    Parameters
    ----------
    root : Path
        Folder of the databases.
    patients : int
        Number of records; from 9 on, training and test set have every class.
    minutes : float
        Length of each record in minutes.
    seed : int
        Random seed; the same one gives the same files.
    on_record : callable, optional
        Called with each record's name before it is made.

    Returns
    -------
    tuple of str
        Names of the records.
    """
    folder = make_folder(root / DATABASE)
    names = tuple(f"s{number:02d}" for number in range(1, patients + 1))
    for number, name in enumerate(names):
        if on_record is not None:
            on_record(name)
        random = np.random.default_rng([seed, number])
        # The split takes every third patient for testing: three in a row share one kind of conduction.
        patient = make_patient("NLR"[number // 3 % 3], random)
        _write(folder, name, *make_signal(patient, round(60 * minutes * FS_HZ), random))
    return names


def synthetic_root(data: Path | None = None) -> Path:
    """Return the folder of a synthetic database: `data` if it has one, else the user's cache.

    The database is generated where it is missing or incomplete.
    """
    if data is not None and records_in(data, DATABASE):
        return data
    generator = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    root = cache_root().parent / f"synthetic-{generator}"  # another generator, another folder
    if len(records_in(root, DATABASE)) != PATIENTS:
        make_database(root)
    return root


def make_patient(conduction: str, random: np.random.Generator) -> Patient:
    """Vary the textbook's waves in height, place and width."""

    def vary(waves: tuple[Wave, ...]) -> tuple[Wave, ...]:
        factors = 1 + random.normal(0, (0.12, 0.04, 0.08), (len(waves), 3))
        return tuple(
            Wave(w.height_mv * f[0], w.centre_s * f[1], w.width_s * f[2])
            for w, f in zip(waves, factors, strict=True)
        )

    shapes = {**_SHAPES, "P": (_P,), "early P": (_EARLY_P,)}
    varied = {name: vary(waves) for name, waves in shapes.items()}
    for name in _EITHER_WAY_UP:
        if random.uniform() < 0.5:
            varied[name] = tuple(replace(wave, height_mv=-wave.height_mv) for wave in varied[name])
    return Patient(conduction, random.uniform(0.65, 1.05), random.uniform(0.04, 0.08), varied)


def make_signal(
    patient: Patient, length: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[str]]:
    """Generate one lead of a patient.

    Returns
    -------
    ndarray of int64, shape (length,)
        ADC units around 0, 200 per millivolt.
    ndarray of int64, shape (m,)
        Index of each R peak.
    list of str, length m
        Symbol of each beat.
    """
    times_s, symbols = _rhythm(patient, length / FS_HZ, random)
    peaks = np.rint(times_s * FS_HZ).astype(np.int64)
    signal_mv = _noise(length, random)
    for number, (peak, symbol) in enumerate(zip(peaks, symbols, strict=True)):
        rr_s = times_s[number] - times_s[number - 1] if number else patient.rr_s
        _add_beat(signal_mv, int(peak), _waves(patient, symbol, rr_s), 1 + random.normal(0, 0.03))
    return np.rint(signal_mv * _ADU_PER_MV).astype(np.int64).clip(-2047, 2047), peaks, symbols


def _rhythm(
    patient: Patient, duration_s: float, random: np.random.Generator
) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Generate times and symbols of beats. A resets the rhythm; a compensatory pause follows V."""
    times, symbols, pause = [0.5], [patient.conduction], 1.0
    while True:
        symbol = _next_symbol(patient, symbols, random)
        early = random.uniform(0.58, 0.74) if symbol in "AV" else pause
        breathing = 1 + 0.03 * np.sin(2 * np.pi * 0.25 * times[-1]) + random.normal(0, 0.015)
        at = times[-1] + patient.rr_s * early * breathing
        if at > duration_s - 0.6:  # space for the last T wave
            return np.array(times), symbols
        times.append(at)
        symbols.append(symbol)
        pause = {"A": 1.05, "V": 2.0 - early}.get(symbol, 1.0)


def _next_symbol(patient: Patient, before: list[str], random: np.random.Generator) -> str:
    """Choose the next beat: regular, or premature if the last five were regular."""
    if len(before) < 5 or set(before[-5:]) & {"A", "V"}:
        return patient.conduction
    share, chance = 2 * patient.ectopic_share, random.uniform()  # about every second beat comes here
    return "A" if chance < share else "V" if chance < 2 * share else patient.conduction


def _waves(patient: Patient, symbol: str, rr_s: float) -> tuple[Wave, ...]:
    """Compose the waves of a beat; the T wave is earlier at higher heart rates."""
    shapes = patient.shapes
    ventricular = shapes["V"] if symbol == "V" else shapes[patient.conduction]
    atrial = {"V": (), "A": shapes["early P"]}.get(symbol, shapes["P"])
    factor = float(np.clip(np.sqrt(rr_s / 0.85), 0.8, 1.2))
    t_wave = replace(ventricular[-1], centre_s=ventricular[-1].centre_s * factor)
    return (*atrial, *ventricular[:-1], t_wave)


def _add_beat(signal_mv: npt.NDArray[np.float64], peak: int, waves: tuple[Wave, ...], gain: float) -> None:
    start, end = max(0, peak - FS_HZ // 2), min(len(signal_mv), peak + FS_HZ)
    t = (np.arange(start, end) - peak) / FS_HZ
    for wave in waves:
        distance = (t - wave.centre_s) / wave.width_s
        signal_mv[start:end] += gain * wave.height_mv * np.exp(-0.5 * distance**2)


def _noise(length: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Generate baseline wander at the rate of breathing, mains hum and muscle noise, in mV."""
    t = np.arange(length) / FS_HZ
    wander = random.uniform(0.05, 0.20) * np.sin(2 * np.pi * random.uniform(0.15, 0.35) * t)
    hum = random.uniform(0.0, 0.03) * np.sin(2 * np.pi * _MAINS_HZ * t + random.uniform(0, 2 * np.pi))
    muscle: npt.NDArray[np.float64] = random.normal(0, random.uniform(0.010, 0.030), length)
    return wander + hum + muscle


def _write(
    folder: Path,
    name: str,
    samples: npt.NDArray[np.int64],
    peaks: npt.NDArray[np.int64],
    symbols: list[str],
) -> None:
    comment = "Synthetic ECG made by ecg-edge; not a recording"
    write_annotations(folder, name, "atr", Annotations.of(peaks, symbols), FS_HZ)
    write_record(folder, name, samples, fs_hz=FS_HZ, adu_per_mv=_ADU_PER_MV, lead="MLII", comments=[comment])
