"""What a beat holds: R peak, z-scored window, running average beat, rhythm features, flags."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import lfilter

from ecg_edge.firmware import (
    FLAG_FLAT,
    FLAG_LEADS_OFF,
    FLAG_LEARNING,
    FLAG_SATURATED,
    LEAD_OFF_PLUS,
    SignalPath,
    process,
)
from tests.support.core_signals import ADU_PER_MV, NORMAL_WAVES, beats_at, ecg

Float = npt.NDArray[np.float64]
MEAN_INTERVALS = 16
LONGEST_INTERVAL = 720  # samples, 2 s: a longer one tells nothing of the rate
FIRST_INTERVALS = 8
AVERAGE_SETTLED = 12
KNOWN_BEATS = 3
NORMAL, WIDE = NORMAL_WAVES, [(0, 14, -0.9), (25, 14, 0.5), (110, 25, 0.3)]


def filtered_reference(samples: npt.NDArray[np.int16]) -> Float:
    """The filters of the signal path in floating point, aligned with the samples; in mV * 900."""
    x = (samples.astype(float) - samples[0]) * 800 / ADU_PER_MV
    notched = lfilter(0.91 * np.array([1, -1, 1]), [1, -0.9, 0.81], x)
    low = lfilter(np.array([1, 2, 3, 2, 1]) / 8, [1], notched)
    mean = lfilter(np.ones(241) / 241, [1], low)
    filtered = np.concatenate([np.zeros(120), low[:-120]]) - mean
    return np.concatenate([filtered[122:], np.full(122, np.nan)])


def z_score(window: Float) -> Float:
    return np.clip((window - window.mean()) / window.std() * 20, -128, 127)


def test_window_is_the_z_score_of_the_filtered_signal() -> None:
    samples, r_peaks = ecg(seconds=20, seed=3)
    filtered = filtered_reference(samples)
    beats = [b for b in process(samples, r_peaks=r_peaks) if b["r_sample"] < len(samples) - 300]
    assert len(beats) > 15
    for beat in beats:
        r = int(beat["r_sample"])
        expected = z_score(filtered[r - 96 : r + 160 : 2]) if r >= 96 else None
        if expected is not None:
            assert np.abs(beat["beat"][:, 0] - expected).max() <= 1


@pytest.mark.parametrize("adu_per_mv", [20, 1365, 20000])
def test_the_gain_of_the_board_does_not_matter(adu_per_mv: int) -> None:
    samples = beats_at(np.arange(300, 5000, 290), 5400)
    scaled = np.round(samples * 0.8 * (adu_per_mv / ADU_PER_MV)).astype(np.int16)
    expected = process(samples)["beat"][:, :, 0].astype(int)
    found = process(scaled, adu_per_mv=adu_per_mv)["beat"][:, :, 0].astype(int)
    tolerance = 12 if adu_per_mv == 20 else 1  # 20 a millivolt: one ADC unit is half a standard deviation
    assert np.abs(found - expected).max() <= tolerance


def test_r_peak_of_synthetic_beats_is_exact() -> None:
    r_peaks = np.arange(400, 9000, 290)
    beats = process(beats_at(r_peaks, 9400))
    assert np.abs(beats["r_sample"].astype(int) - r_peaks).max() <= 1


def test_mains_hum_is_removed() -> None:
    r_peaks = np.arange(400, 9000, 290)
    clean = beats_at(r_peaks, 9400)
    for mains_hz in (50, 60):
        hum = 40 * np.sin(2 * np.pi * mains_hz * np.arange(len(clean)) / 360)
        noisy = np.round(clean + hum).astype(np.int16)
        found = process(noisy, mains_hz=mains_hz, r_peaks=r_peaks)["beat"][5:, :, 0].astype(int)
        expected = process(clean, mains_hz=mains_hz, r_peaks=r_peaks)["beat"][5:, :, 0].astype(int)
        assert np.abs(found - expected).max() <= 3


def average_reference(beats: npt.NDArray[np.void]) -> tuple[list[Float], list[bool]]:
    """Channel 1 and the learning flag of beats of one shape, by the rule in the documentation."""
    average, known, first, mean_rr = np.zeros(128), 0, [], 0.0
    channels, learning = [], []
    for beat in beats:
        window, rr = beat["beat"][:, 0].astype(float), float(beat["rr_samples"])
        channels.append(average.copy() if known else window)
        learning.append(known < KNOWN_BEATS)
        if not first or 0.87 * mean_rr <= rr <= 1.5 * mean_rr:
            known = min(known + 1, AVERAGE_SETTLED)
            average += (window - average) * (0.08 if known == AVERAGE_SETTLED else 1 / known)
        if 0 < rr <= LONGEST_INTERVAL and len(first) < FIRST_INTERVALS:
            first.append(rr)
            mean_rr = sorted(first)[len(first) // 2]
        elif 0 < rr <= LONGEST_INTERVAL:
            mean_rr += (rr - mean_rr) / MEAN_INTERVALS
    return channels, learning


def irregular_record() -> npt.NDArray[np.void]:
    random = np.random.default_rng(5)
    r_peaks = 300 + np.cumsum(random.choice([270, 285, 300, 180, 400], 80, p=[0.3, 0.3, 0.2, 0.1, 0.1]))
    samples = beats_at(r_peaks, int(r_peaks[-1]) + 400)
    noise = random.normal(0, 4, len(samples))
    return process(np.round(samples + noise).astype(np.int16), r_peaks=r_peaks)


def test_channel_1_is_the_running_average_of_beats_that_are_not_early() -> None:
    beats = irregular_record()
    channels, learning = average_reference(beats)
    assert learning[0] and not learning[-1]
    for beat, expected, flag in zip(beats, channels, learning, strict=True):
        assert np.abs(beat["beat"][:, 1] - expected).max() <= 1
        assert bool(beat["flags"] & FLAG_LEARNING) == flag


def test_the_first_beat_is_its_own_average() -> None:
    first = irregular_record()[0]
    assert np.array_equal(first["beat"][:, 0], first["beat"][:, 1])
    assert first["rr_samples"] == 0
    assert list(first["rhythm"][:8]) == [0, 0, 0, 0, 0, 64, 0, 0]


def test_rhythm_features_of_the_intervals() -> None:
    beats = irregular_record()
    mean, first, before, irregularity = 0.0, [], 0.0, 0.0
    for beat in beats[1:]:
        rr = float(beat["rr_samples"])
        local = mean if first else rr
        prev = before or rr
        expected = [rr / local - 1, rr / prev - 1, prev / local - 1, local / 288 - 1, irregularity / local]
        if before == 0:
            expected[2] = 0
        assert np.abs(beat["rhythm"][:5] - np.clip(np.array(expected) * 64, -128, 127)).max() <= 1
        if len(first) < FIRST_INTERVALS:
            first.append(rr)
            mean = sorted(first)[len(first) // 2]
        else:
            mean += (rr - mean) / MEAN_INTERVALS
        if before:
            irregularity += (abs(rr - before) - irregularity) / MEAN_INTERVALS
        before = rr


def test_features_that_compare_the_channels() -> None:
    for beat in irregular_record()[1:]:
        a, b = beat["beat"].astype(float).T
        correlation = (a @ b) / np.sqrt((a @ a) * (b @ b))
        assert abs(beat["rhythm"][5] - 64 * correlation) <= 1
        assert abs(beat["rhythm"][7] - 64 * np.mean(np.abs(a - b)) / 20) <= 1


def test_a_beat_of_double_height_shows_in_the_ratio_of_deviations() -> None:
    r_peaks = np.arange(400, 400 + 30 * 290, 290)
    samples = beats_at(r_peaks, 400 + 31 * 290)
    last = slice(int(r_peaks[20]) - 140, int(r_peaks[20]) + 140)
    samples[last] *= 2
    beats = process(samples, r_peaks=r_peaks)
    assert abs(int(beats["rhythm"][20, 6]) - 64) <= 8
    assert np.abs(beats["rhythm"][10:20, 6]).max() <= 4


def sequence(shapes: str, rr: int = 290) -> npt.NDArray[np.void]:
    """Beats of a string: N normal, W wide, w wide and early (with a pause after it)."""
    r_peaks = 200 + rr * np.arange(len(shapes)) - [rr // 3 if shape == "w" else 0 for shape in shapes]
    count = int(r_peaks[-1]) + 600
    normal = [r for r, shape in zip(r_peaks, shapes, strict=True) if shape == "N"]
    wide = [r for r, shape in zip(r_peaks, shapes, strict=True) if shape != "N"]
    samples = beats_at(np.array(normal, np.int64), count, NORMAL)
    return process(samples + beats_at(np.array(wide, np.int64), count, WIDE), r_peaks=r_peaks)


def is_learning(beats: npt.NDArray[np.void]) -> list[bool]:
    return ((beats["flags"] & FLAG_LEARNING) != 0).tolist()


def correlation(beats: npt.NDArray[np.void]) -> npt.NDArray[np.int8]:
    """Rhythm feature 5, percent: of each beat with the average beat."""
    return beats["rhythm"][:, 5].astype(int) * 100 // 64


@pytest.mark.parametrize("start", ["W", "WW", "WNWW", "NWW"])
def test_an_average_learned_from_a_wrong_start_is_replaced(start: str) -> None:
    beats = sequence(start + "N" * 12)
    own = correlation(beats)[len(start) :]
    assert min(own[4:]) > 90
    assert not any(is_learning(beats)[len(start) + 5 :])


def test_nothing_is_known_before_three_beats_agree() -> None:
    assert is_learning(sequence("NNNNN")) == [True] * 3 + [False] * 2
    assert is_learning(sequence("NWNWNNNN")) == [True] * 6 + [False] * 2


@pytest.mark.parametrize("beats_per_minute", [40, 60, 100])
def test_the_average_is_known_within_eight_seconds(beats_per_minute: int) -> None:
    beats = sequence("N" * 20, rr=360 * 60 // beats_per_minute)
    known = beats[~np.array(is_learning(beats))]
    assert known["r_sample"][0] / 360 < 8


@pytest.mark.parametrize("beats", ["NNNN" + "Nw" * 40, "NNNN" + "NNw" * 30])
def test_early_beats_do_not_become_the_average(beats: str) -> None:
    found = correlation(sequence(beats))
    is_early = np.array([shape == "w" for shape in beats])
    assert found[is_early].max() < 40
    assert found[~is_early].min() > 90


def test_a_short_run_of_another_shape_leaves_the_average_and_a_lasting_one_replaces_it() -> None:
    run = correlation(sequence("N" * 50 + "W" * 20 + "N" * 10))
    assert run[50:70].max() < 40
    assert run[70:].min() > 90
    assert correlation(sequence("N" * 50 + "W" * 60))[90:].min() > 90


def test_one_wrong_interval_at_the_start_does_not_move_the_mean() -> None:
    r_peaks = np.concatenate([[400, 500], 500 + 290 * np.arange(1, 12)])
    beats = process(beats_at(r_peaks, 4400), r_peaks=r_peaks)
    assert np.abs(beats["rhythm"][4:, 0]).max() <= 1


def test_every_mark_brings_one_beat_in_order() -> None:
    random = np.random.default_rng(9)
    samples, _ = ecg(seconds=20, seed=2)
    marks = np.sort(random.choice(len(samples), 60, replace=False))
    marks = np.concatenate([[0, 3], marks[marks > 60], [len(samples) - 1]])
    beats = process(samples, r_peaks=marks)
    assert len(beats) == len(marks)
    r_samples = beats["r_sample"].astype(int)
    assert np.all(np.diff(r_samples) >= 0)
    assert np.abs(r_samples - marks).max() <= 28
    assert r_samples.min() >= 0
    assert r_samples.max() < len(samples)


def test_a_mark_beside_the_peak_gives_the_same_bytes() -> None:
    samples, r_peaks = ecg(seconds=20, seed=4)
    exact = process(samples, r_peaks=r_peaks)
    beside = process(samples, r_peaks=r_peaks - 9)
    assert exact.tobytes() == beside.tobytes()


def test_marked_and_detected_peaks_give_the_same_bytes() -> None:
    samples, _ = ecg(seconds=30, seed=6)
    detected = process(samples)
    marked = process(samples, r_peaks=detected["r_sample"])
    assert np.array_equal(detected["crc32"], marked["crc32"])


def test_leads_off_is_flagged_where_the_window_meets_it() -> None:
    samples, _ = ecg(seconds=20, seed=1)
    path = SignalPath()
    parts = [path.push(samples[:3000]), path.push(samples[3000:3100], lead_flags=LEAD_OFF_PLUS)]
    beats = np.concatenate([*parts, path.push(samples[3100:]), path.finish()])
    r = beats["r_sample"].astype(int)
    touched = (r - 96 < 3100) & (r + 160 > 3000)
    assert touched.sum() >= 1
    assert np.array_equal((beats["flags"] & FLAG_LEADS_OFF) != 0, touched)


def with_leads_off(samples: npt.NDArray[np.int16], start: int, end: int) -> npt.NDArray[np.void]:
    """Beats of a signal that a board holds while a lead is off."""
    path = SignalPath()
    held = np.full(end - start, samples[start], np.int16)
    parts = [path.push(samples[:start]), path.push(held, lead_flags=LEAD_OFF_PLUS)]
    return np.concatenate([*parts, path.push(samples[end:]), path.finish()])


def test_time_without_leads_is_no_interval() -> None:
    r_peaks = 200 + 288 * np.arange(50)
    samples = beats_at(r_peaks, int(r_peaks[-1]) + 400)
    steady = process(samples)
    start, end = int(r_peaks[20]) + 150, int(r_peaks[26]) + 150
    beats = with_leads_off(samples, start, end)
    before, after = beats["r_sample"] < start, beats["r_sample"] > end
    assert beats["rr_samples"][after][0] == 0
    assert np.all(beats["rr_samples"][after][1:] == 288)
    assert np.all(beats["rr_samples"][before][1:-1] == 288)  # the last one is decided while the lead is off
    settled, unbroken = beats["rhythm"][after][1:], steady["rhythm"][-1]
    intervals = [0, 1, 2, 3, 4, *range(8, 20)]
    assert np.array_equal(settled[:, intervals], np.tile(unbroken[intervals], (len(settled), 1)))


RATE_FEATURES = [0, 1, 2, 3, 4, *range(8, 20)]


@pytest.mark.parametrize("seconds", [2, 3, 10, 20])
@pytest.mark.parametrize("noise_adu", [0, 3])
def test_time_without_beats_leaves_the_rate(seconds: int, noise_adu: int) -> None:
    """An arrest, or an electrode that was off on a board that does not know its leads."""
    r_peaks = 200 + 288 * np.arange(40)
    r_peaks[21:] += 360 * seconds
    samples = beats_at(r_peaks, int(r_peaks[-1]) + 400)
    samples += np.random.default_rng(1).integers(-noise_adu, noise_adu + 1, len(samples), dtype=np.int16)
    beats = process(samples, r_peaks=r_peaks)
    intervals = np.diff(r_peaks)
    assert np.array_equal(beats["rr_samples"], [0, *intervals])
    rates = beats["rhythm"][:, RATE_FEATURES]
    assert np.all(rates[21, [0, 1, *range(5, 17)]] == 0)
    assert np.array_equal(rates[22:], np.tile(rates[20], (18, 1)))


@pytest.mark.parametrize(("interval", "counts"), [(LONGEST_INTERVAL, True), (LONGEST_INTERVAL + 1, False)])
def test_an_interval_of_more_than_two_seconds_tells_no_rate(interval: int, counts: bool) -> None:
    r_peaks = 200 + np.cumsum([0, *[288] * 12, interval, 288, 288])
    rates = process(beats_at(r_peaks, int(r_peaks[-1]) + 400), r_peaks=r_peaks)["rhythm"]
    ratio = round(64 * interval / 288) - 64
    assert rates[13, 0] == (ratio if counts else 0)
    assert (rates[14, 1] < -32) == counts  # to the interval before
    assert (rates[14, 3] > rates[12, 3]) == counts  # the mean


def test_a_lead_that_flickers_leaves_the_interval() -> None:
    r_peaks = 200 + 288 * np.arange(40)
    samples = beats_at(r_peaks, int(r_peaks[-1]) + 400)
    start = int(r_peaks[20]) + 150
    beats = with_leads_off(samples, start, start + 30)  # 83 ms
    assert np.all(beats["rr_samples"][1:] == 288)


def test_a_rail_is_flagged() -> None:
    samples, r_peaks = ecg(seconds=20, seed=1)
    clipped = samples.copy()
    clipped[3000:3060] = 1023
    beats = process(clipped, r_peaks=r_peaks)
    r = beats["r_sample"].astype(int)
    touched = (r - 96 < 3060) & (r + 160 > 3007)
    assert np.array_equal((beats["flags"] & FLAG_SATURATED) != 0, touched)


def test_a_flat_window_is_flagged_and_quiet() -> None:
    beats = process(np.full(2000, 57, np.int16), r_peaks=[500, 900])
    assert np.all(beats["flags"] & FLAG_FLAT)
    assert not beats["beat"].any()
