"""The QRS classifier is trained on the candidates that the signal path classifies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.noise import gates, with_noise
from ecg_edge.ecg.records import load_record
from ecg_edge.firmware import process
from ecg_edge.firmware.binding.qrs_features import QRS_FEATURES
from ecg_edge.training.detector.average import IntegerNetwork, header_of
from ecg_edge.training.detector.signals import Variant, at_speed
from ecg_edge.training.detector.starts import height_of, in_adu, lowered
from ecg_edge.training.detector.train import (
    CORE,
    Decision,
    build,
    c_array,
    classify,
    decisions_of,
    no_weights,
)


@pytest.mark.records
def test_the_harness_accepts_the_beats_of_the_signal_path(data_dir: Path) -> None:
    record = load_record(data_dir, "mitdb", "213")
    variant = Variant("clean", record.samples, record.annotation_samples, record.adu_per_mv)
    rows = classify(build(), variant, Decision.OWN)
    accepted = rows["at"][rows["beat"] == 1].astype(np.int64)
    beats = process(record.samples)["r_sample"].astype(np.int64)
    assert np.array_equal(accepted[: len(beats)], beats)


def test_a_matrix_is_written_one_row_a_line() -> None:
    text = c_array("TABLE", "int16_t", np.array([[1, -2], [3, 4]]))
    assert text == "static const int16_t TABLE[4] = {\n    1, -2,\n    3, 4};\n"


def test_the_shipped_weights_have_the_form_that_training_writes() -> None:
    path = CORE / "src/qrs_classifier_weights.h"
    assert header_of(IntegerNetwork.read(path), "training/detector/distil.py") == path.read_text()


def test_a_classifier_without_weights_accepts_nothing() -> None:
    samples = np.tile(np.repeat([0, 300, -100, 0], [150, 6, 6, 138]), 60).astype(np.int16)
    rows = classify(
        build(no_weights()), Variant("made up", samples, np.zeros(0, np.int64), 200), Decision.OWN
    )
    assert len(rows) >= 55
    assert not rows["beat"].any()


def test_each_feature_has_the_value_of_its_name() -> None:
    """Equal beats 300 samples apart."""
    beat = np.zeros(300, np.int16)
    beat[100:107], beat[107:114] = 200, -60
    rows = classify(build(), Variant("made up", np.tile(beat, 60), np.zeros(0, np.int64), 200), Decision.OWN)
    names = [feature.name for feature in QRS_FEATURES]
    found = dict(zip(names, rows["features"][rows["beat"] == 1][40].tolist(), strict=True))
    assert found["RR_SAMPLES"] == 300
    assert found["MEAN_RR_SAMPLES"] == pytest.approx(300, abs=1)
    assert found["RR_VS_MEAN"] == pytest.approx(64, abs=1)
    assert found["TWO_RR_VS_SLOW_MEAN"] == pytest.approx(2 * 64, abs=2)
    assert found["THREE_RR_VS_SLOW_MEAN"] == pytest.approx(3 * 64, abs=3)
    assert found["LOG_ENERGY_VS_MEAN"] == found["LOG_ENERGY_VS_LAST"] == 0
    assert found["TEMPLATE_GAIN"] == pytest.approx(64, abs=2)
    assert found["TEMPLATE_CORR"] == pytest.approx(128, abs=2)
    assert found["RR_REPETITION"] == found["SLOW_RR_REPETITION"] > 50
    assert found["REPETITION"] >= found["RR_REPETITION"]
    assert found["SHAPE_STEP"] == 0
    assert found["LOG_ENERGY_VS_REST"] > 4 * 64
    assert found["LOG_STEEPEST_VS_MEAN"] > 2 * 64


def test_intervals_longer_than_the_autocorrelation_repeat_least() -> None:
    beat = np.zeros(600, np.int16)
    beat[100:107], beat[107:114] = 200, -60
    rows = classify(build(), Variant("made up", np.tile(beat, 40), np.zeros(0, np.int64), 200), Decision.OWN)
    at = [feature.name for feature in QRS_FEATURES].index("RR_REPETITION")
    assert set(rows["features"][rows["beat"] == 1][5:-1, at].tolist()) == {-128}


def test_the_first_beats_of_a_locked_signal_are_its_t_waves() -> None:
    """Beats at 300, 600, ..., each with a T wave 100 samples after it and a low one 40 samples before it."""
    beats = np.arange(300, 3300, 300)
    at = np.sort(np.concatenate([beats - 40, beats, beats + 100]))
    rows = np.zeros(len(at), [("at", np.uint32), ("energy", np.int32)])
    rows["at"], rows["energy"] = at, 100
    labels = np.isin(at, beats).astype(np.uint8)
    variant = Variant("made up", np.zeros(3400, np.int16), beats, 200, lock="t", locked=3)
    decisions = decisions_of(rows, variant, labels, own=False)
    first = at < beats[3]
    assert at[first][decisions[first] == 1].tolist() == (beats[:3] + 100).tolist()
    assert np.array_equal(decisions[~first], labels[~first])
    assert np.all(decisions_of(rows, variant, labels, own=True)[~first] == Decision.OWN)


def test_noise_has_the_power_that_the_ratio_says_and_pauses() -> None:
    random = np.random.default_rng(0)
    beats = np.arange(200, 36_000, 300)
    clean = np.zeros(36_000, np.int16)
    clean[beats], clean[beats + 1] = 200, -200  # a swing of 400: power 400 ** 2 / 8
    noise = random.integers(-500, 500, 36_000).astype(np.int16)
    noisy = with_noise(clean, beats, noise, 0.0, 1, gates(36_000))
    added = noisy.astype(float) - clean
    assert not added[:14_400].any()
    assert np.std(added[14_400:]) == pytest.approx(400 / np.sqrt(8), rel=0.02)


def test_a_faster_signal_has_its_beats_at_the_same_samples() -> None:
    beats = np.arange(200, 20_000, 250)
    samples = np.zeros(20_100, np.int16)
    samples[beats] = 1000
    faster = at_speed(Variant("made up", samples, beats, 200), 1.25)
    assert len(faster.beats) == len(beats)
    assert (faster.samples[faster.beats] > 0).mean() > 0.95


def test_a_lowered_signal_has_low_and_smooth_beats_at_the_same_places() -> None:
    random = np.random.default_rng(3)
    beats = np.arange(200, 5200, 300)
    values = np.zeros(5400)
    for beat in beats:
        values[beat - 4 : beat + 5] += 2 * np.hanning(9)
    whole = Variant("made up", in_adu(values), beats, 1000)
    noise = [random.integers(-100, 100, 10_000).astype(np.int16)]
    low = [lowered(whole, noise, random) for _ in range(20)]
    heights = [height_of(variant.samples / 1000, variant.beats) for variant in low]
    assert min(heights) > 0.1 and max(heights) < 1.3
    assert min(heights) < 0.3
    steepest = [
        np.abs(np.diff(variant.samples)).max() / 1000 / h for variant, h in zip(low, heights, strict=True)
    ]
    assert sum(slope < 0.31 for slope in steepest) > 8  # the whole signal: 0.35, more with noise
    assert all(np.array_equal(variant.beats, beats) for variant in low)
