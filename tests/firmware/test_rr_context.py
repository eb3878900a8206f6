"""Rhythm features from the eighth on: the interval among the last 32, and the beat in pieces."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_edge.firmware import process
from tests.support.core_signals import NORMAL_WAVES, beats_at

Float = npt.NDArray[np.float64]
Waves = list[tuple[float, float, float]]
SINUS, PREV, MEDIAN, MEAN_TO_MEDIAN, LONGEST, QUARTILES = 8, 9, 11, 12, 13, 14
CORE, EARLY, IRREGULAR, REPEAT, TO_EARLY = 15, 16, 17, 18, 19
P_CORRELATION, P_DISTANCE, QRS_CORRELATION, WIDTH, WIDTH_RATIO, P_WAVE, NOISE = 20, 21, 22, 23, 24, 25, 26
WIDE = [(0, 14, -0.9), (25, 14, 0.5), (110, 25, 0.3)]


def rhythm_of(intervals: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Features of beats at these intervals in samples; the first beat has none."""
    r_peaks = 400 + np.concatenate([[0], np.cumsum(intervals)]).astype(np.int64)
    beats = process(beats_at(r_peaks, int(r_peaks[-1]) + 400), r_peaks=r_peaks)
    assert np.array_equal(np.diff(beats["r_sample"].astype(int)), intervals)
    return beats["rhythm"].astype(np.int64)


def log2_q6(ratio: float) -> int:
    return round(64 * float(np.log2(ratio)))


def test_the_first_beat_has_no_context() -> None:
    assert not rhythm_of([300, 300])[0, SINUS:P_CORRELATION].any()


def test_steady_intervals_are_what_they_are_compared_with() -> None:
    last = rhythm_of([300] * 40)[-1]
    assert not last[[SINUS, PREV, MEDIAN, MEAN_TO_MEDIAN, LONGEST, QUARTILES, EARLY, IRREGULAR, REPEAT]].any()
    assert last[CORE] == 64


def test_an_early_beat_against_sinus_interval_and_median() -> None:
    features = rhythm_of([300] * 20 + [200, 300, 300])
    assert np.abs(features[21, [SINUS, MEDIAN, LONGEST]] - log2_q6(200 / 300)).max() <= 2
    assert abs(features[22, PREV] - log2_q6(200 / 300)) <= 2
    assert features[22, EARLY] == 64 // 21


def test_a_run_of_early_beats_moves_the_median_before_the_sinus_interval() -> None:
    last = rhythm_of([300] * 32 + [200] * 20)[-1]
    assert last[MEDIAN] == 0
    assert last[SINUS] < log2_q6(0.8)


def test_pauses_move_mean_and_longest_but_not_the_sinus_interval() -> None:
    last = rhythm_of(([260] * 3 + [600]) * 10 + [260])[-1]
    assert abs(last[SINUS]) <= 2
    assert last[MEAN_TO_MEDIAN] > 10
    assert abs(last[LONGEST] - log2_q6(260 / 600)) <= 2


def test_bigeminy_repeats_its_intervals_and_fibrillation_does_not() -> None:
    bigeminy = rhythm_of([200, 380] * 20)[-8:]
    random = np.random.default_rng(1)
    irregular = rhythm_of(np.round(280 * np.exp(0.25 * random.standard_normal(40))).clip(150, 600))[-8:]
    assert bigeminy[:, REPEAT].max() <= 1
    assert np.median(irregular[:, REPEAT]) > 5
    assert bigeminy[:, IRREGULAR].min() > 50
    assert irregular[:, CORE].max() < 30


def test_context_by_numpy() -> None:
    random = np.random.default_rng(4)
    intervals = random.choice([240, 270, 300, 330, 190, 500], 90)
    features = rhythm_of(intervals)
    for i in range(33, 90):
        rr, past = np.log2(intervals[i]) * 64, np.sort(np.log2(intervals[i - 32 : i]) * 64)
        assert abs(features[i + 1, MEDIAN] - (rr - past[16])) <= 2
        assert abs(features[i + 1, QUARTILES] - (past[24] - past[8])) <= 2
        assert abs(features[i + 1, LONGEST] - (rr - np.log2(intervals[i - 16 : i].max()) * 64)) <= 2
        assert features[i + 1, CORE] == 2 * np.sum(np.abs(past - past[16]) <= 5.5)


def beats_of(normal: Waves, last: Waves, count: int = 20) -> npt.NDArray[np.void]:
    """Beats of one shape, the last one of another."""
    r_peaks = 400 + 290 * np.arange(count)
    length = int(r_peaks[-1]) + 600
    samples = beats_at(r_peaks[:-1], length, normal) + beats_at(r_peaks[-1:], length, last)
    return process(samples, r_peaks=r_peaks)


def test_the_width_of_the_average_beat_and_of_a_wide_one() -> None:
    narrow = beats_of(NORMAL_WAVES, WIDE)["rhythm"].astype(int)
    wide = beats_of(WIDE, WIDE)["rhythm"].astype(int)
    assert wide[-1, WIDTH] > narrow[-1, WIDTH] + 20
    assert narrow[-1, WIDTH_RATIO] > 20
    assert abs(wide[-1, WIDTH_RATIO]) <= 4
    assert narrow[-1, QRS_CORRELATION] < 40 < narrow[-2, QRS_CORRELATION]


def test_a_missing_p_wave_shows_in_the_p_waves_alone() -> None:
    without = [wave for wave in NORMAL_WAVES if wave[0] > -30]
    assert len(without) < len(NORMAL_WAVES)
    features = beats_of(NORMAL_WAVES, without)["rhythm"].astype(int)
    assert features[-1, P_CORRELATION] < features[-2, P_CORRELATION] - 8
    assert features[-1, P_DISTANCE] > features[-2, P_DISTANCE] + 5
    assert features[-1, QRS_CORRELATION] > 60


def test_noise_raises_the_mean_residual() -> None:
    r_peaks = 400 + 290 * np.arange(80)
    samples = beats_at(r_peaks, int(r_peaks[-1]) + 600)
    noise = np.random.default_rng(1).normal(0, 25, len(samples)) * (np.arange(len(samples)) > r_peaks[40])
    features = process(np.round(samples + noise).astype(np.int16), r_peaks=r_peaks)["rhythm"].astype(int)
    assert features[-1, NOISE] > 2 * features[38, NOISE] + 4
