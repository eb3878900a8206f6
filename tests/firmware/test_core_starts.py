"""R peaks from the first second: starts anywhere in a beat, T waves, P waves, artefacts, no heart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ecg_edge.ecg.synthetic.textbook import make_patient, make_signal
from ecg_edge.firmware import FS_HZ, process
from tests.support.core_signals import ADU_PER_MV, NORMAL_WAVES, beats_at

Samples = npt.NDArray[np.int16]
Peaks = npt.NDArray[np.int64]
NEAR = 54  # samples: 150 ms
EDGE = 40  # samples: a QRS complex that the first sample cuts may or may not be found


def found_in(samples: Samples, adu_per_mv: int = ADU_PER_MV) -> Peaks:
    return process(samples, adu_per_mv=adu_per_mv)["r_sample"].astype(np.int64)


def errors(found: Peaks, r_peaks: Peaks, first: int = EDGE, last: int = 10 * FS_HZ) -> int:
    """Missed beats and false detections between two samples."""
    far = np.abs(found[:, None] - r_peaks[None, :])
    missed = far.min(axis=0, initial=NEAR + 1)[(r_peaks >= first) & (r_peaks < last)] > NEAR
    false = far.min(axis=1, initial=NEAR + 1)[(found >= first) & (found < last)] > NEAR
    return int(missed.sum() + false.sum())


def noise(seed: int, count: int, millivolts: float) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, millivolts * ADU_PER_MV, count)


@pytest.mark.parametrize("conduction", ["N", "L", "R"])
def test_a_start_at_any_phase_of_a_beat(conduction: str) -> None:
    random = np.random.default_rng(4)
    samples, r_peaks, _ = make_signal(make_patient(conduction, random), 60 * FS_HZ, random)
    wrong = [
        errors(found_in(samples[start : start + 14 * FS_HZ].astype(np.int16)), r_peaks - start)
        for start in range(3 * FS_HZ, 4 * FS_HZ, 12)
    ]
    assert sum(wrong) <= 1


@pytest.mark.parametrize("phase", range(0, 300, 30))
def test_a_start_on_a_high_t_wave_is_left_at_once(phase: int) -> None:
    """T waves of two thirds of the QRS complex's height."""
    waves = [*NORMAL_WAVES[:-1], (95, 16, 0.8)]
    r_peaks = np.arange(60, 20 * FS_HZ, 330)
    samples = beats_at(r_peaks, 20 * FS_HZ, waves) + noise(phase, 20 * FS_HZ, 0.01)
    found = found_in(samples[phase:].astype(np.int16))
    assert errors(found, r_peaks - phase, last=16 * FS_HZ) == 0


def test_a_qrs_complex_behind_a_high_p_wave_is_found() -> None:
    """P waves of half the QRS complex's height, 150 ms in front: within the refractory period."""
    waves = [(-54, 8, 0.3), (0, 4, 0.6), (9, 4, -0.2), (95, 22, 0.1)]
    r_peaks = np.arange(200, 20 * FS_HZ, 300)
    samples = beats_at(r_peaks, 20 * FS_HZ, waves) + noise(1, 20 * FS_HZ, 0.01)
    found = found_in(samples.astype(np.int16))
    assert errors(found, r_peaks, last=18 * FS_HZ) == 0
    assert np.abs(found[1:, None] - r_peaks[None, :]).min(axis=1).max() < 10


@pytest.mark.parametrize("millivolts", [0.005, 0.02, 0.05, 0.2, 0.5])
def test_white_noise_has_no_beats(millivolts: float) -> None:
    samples = np.rint(noise(7, 120 * FS_HZ, millivolts)).astype(np.int16)
    assert len(found_in(samples)) <= 1


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_hum_has_no_beats(mains_hz: int) -> None:
    hum = 0.3 * ADU_PER_MV * np.sin(2 * np.pi * mains_hz * np.arange(60 * FS_HZ) / FS_HZ)
    assert len(found_in(np.rint(hum + noise(2, len(hum), 0.005)).astype(np.int16))) <= 1


def test_a_heart_that_stops_leaves_no_beats_in_the_noise() -> None:
    stop = 30 * FS_HZ
    r_peaks = np.arange(200, stop - 100, 290)
    samples = beats_at(r_peaks, 3 * stop) + noise(3, 3 * stop, 0.03)
    found = found_in(np.rint(samples).astype(np.int16))
    assert np.sum(found > stop) <= 1
    assert errors(found, r_peaks, last=stop) == 0


def test_beats_after_a_silent_line_are_found() -> None:
    start = 20 * FS_HZ
    r_peaks = np.arange(start, 2 * start, 290)
    samples = beats_at(r_peaks, 2 * start) + noise(5, 2 * start, 0.01)
    assert errors(found_in(np.rint(samples).astype(np.int16)), r_peaks, last=2 * start - 200) == 0


def test_a_step_at_the_start_does_not_hide_the_beats() -> None:
    r_peaks = np.arange(150, 20 * FS_HZ, 290)
    t = np.arange(20 * FS_HZ) / FS_HZ
    step = 3 * ADU_PER_MV * np.exp(-t / 0.4) * (t > 0.3)
    samples = beats_at(r_peaks, len(t)) + step + noise(6, len(t), 0.01)
    found = found_in(np.rint(samples).astype(np.int16))
    assert errors(found, r_peaks, first=FS_HZ, last=18 * FS_HZ) == 0


@pytest.mark.parametrize("millivolts", [-6, -1, 0.2, 6])
def test_amplitude_and_polarity_do_not_matter(millivolts: float) -> None:
    r_peaks = np.arange(150, 20 * FS_HZ, 290)
    samples = beats_at(r_peaks, 20 * FS_HZ) * (millivolts / 1.2) + noise(8, 20 * FS_HZ, 0.005)
    assert errors(found_in(np.rint(samples).astype(np.int16)), r_peaks, last=18 * FS_HZ) == 0


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_clipped_r_peaks_are_found(share: float) -> None:
    r_peaks = np.arange(150, 20 * FS_HZ, 290)
    samples = beats_at(r_peaks, 20 * FS_HZ) + noise(9, 20 * FS_HZ, 0.01)
    limit = share * 1.2 * ADU_PER_MV
    found = found_in(np.rint(np.clip(samples, -limit, limit)).astype(np.int16))
    assert errors(found, r_peaks, last=18 * FS_HZ) == 0
