"""A simple ECG for tests: P, QRS and T as Gaussian bumps at known places."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ADU_PER_MV = 200
# (centre in samples from the R peak, width in samples, height in mV)
NORMAL_WAVES = [(-64, 9, 0.15), (-9, 3, -0.12), (0, 4, 1.2), (10, 3, -0.3), (95, 22, 0.3)]


def beats_at(
    r_peaks: npt.NDArray[np.int64], count: int, waves: list[tuple[int, int, float]] | None = None
) -> npt.NDArray[np.int16]:
    """int16 (count,): one beat at each R peak, ADC units at 200 a millivolt."""
    signal = np.zeros(count)
    for r in r_peaks:
        for centre, width, height in waves or NORMAL_WAVES:
            at = np.arange(max(0, r + centre - 5 * width), min(count, r + centre + 5 * width + 1))
            signal[at] += height * ADU_PER_MV * np.exp(-0.5 * ((at - r - centre) / width) ** 2)
    return np.round(signal).astype(np.int16)


def ecg(seconds: int, seed: int) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64]]:
    """Samples and R peaks: 75 beats a minute with some variation, noise, slow baseline, 60 Hz hum."""
    random = np.random.default_rng(seed)
    count = seconds * 360
    r_peaks = 150 + np.cumsum(random.integers(270, 306, seconds * 2))
    r_peaks = r_peaks[r_peaks < count - 10].astype(np.int64)
    time = np.arange(count) / 360
    rest = (
        40 * np.sin(2 * np.pi * 0.2 * time) + 6 * np.sin(2 * np.pi * 60 * time) + random.normal(0, 2, count)
    )
    return np.round(beats_at(r_peaks, count) + rest).astype(np.int16), r_peaks


def fibrillation(count: int = 150, fs_hz: int = 360) -> npt.NDArray[np.int16]:
    """Narrow beats without P waves at intervals that follow from nothing, and some noise; ADC units."""
    random = np.random.default_rng(3)
    r_peaks = np.round(fs_hz * (1.0 + np.cumsum(random.lognormal(np.log(0.6), 0.22, count)))).astype(np.int64)
    samples = int(r_peaks[-1]) + 2 * fs_hz
    noise = np.round(random.normal(0, 2, samples)).astype(np.int16)
    return beats_at(r_peaks, samples, NORMAL_WAVES[1:]) + noise


def flutter(seconds: int, per_minute: float = 250, height_mv: float = 1.0) -> npt.NDArray[np.int16]:
    """Ventricular flutter: waves without rest between, slightly unlike each other; ADC units."""
    time = np.arange(seconds * 360) / 360
    phase = 2 * np.pi * per_minute / 60 * time + 0.3 * np.sin(2 * np.pi * 0.31 * time)
    wave = np.sin(phase) + 0.25 * np.sin(2 * phase + 0.6) + 0.05 * np.sin(2 * np.pi * 0.47 * time)
    return np.round(ADU_PER_MV * height_mv / 2 * wave).astype(np.int16)
