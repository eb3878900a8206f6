"""Measures of the report on realism, on synthetic ECG whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed (the extra train)")

from ecg_edge.ecg.synthetic.generator import Settings, Source
from ecg_edge.training.realism import measures
from ecg_edge.training.realism.separation import normal_beats, separate
from ecg_edge.training.realism.sources import Strip, generator, simple


@pytest.fixture(scope="module")
def strips() -> list[Strip]:
    return list(generator(patients=10))


def test_intervals_are_those_of_the_patients(strips: list[Strip]) -> None:
    for seed in (0, 1):
        found, patient = measures.wave_measures(strips[seed]), Source(Settings(seed=seed)).patient
        assert found["QRS ms"] == pytest.approx(
            1000 * patient.shapes["N"].qrs.end_s - 1000 * patient.shapes["N"].qrs.onset_s, abs=4
        )
        assert found["QTc ms"] == pytest.approx(1000 * patient.qtc_s, abs=12)
        assert found["P ms"] == pytest.approx(1000 * patient.p_s, abs=5)


def test_variability_finds_the_breathing(strips: list[Strip]) -> None:
    found, patient = measures.variability(strips[0]), Source(Settings(seed=0)).patient
    assert found["RR ms"] == pytest.approx(1000 * patient.rr_s, rel=0.05)
    assert found["HF Hz"] == pytest.approx(np.mean(patient.breathing.rates_hz), abs=0.03)


def test_distance_is_small_for_one_distribution_and_large_for_two() -> None:
    random = np.random.default_rng(1)
    real = random.normal(0, 1, 200)
    same, other = (
        measures.distance(real, random.normal(0, 1, 200)),
        measures.distance(real, random.normal(2, 1, 200)),
    )
    assert same is not None and other is not None
    assert same.ks < 0.2 < 0.6 < other.ks and other.shift == pytest.approx(2, abs=0.3)
    assert measures.distance(real[:3], real) is None


def test_the_classifier_tells_a_simpler_generator_apart_and_not_the_same_one(strips: list[Strip]) -> None:
    beats = normal_beats(strips)
    assert separate(beats, normal_beats(simple(patients=10))).regions["QRS complex"] > 0.9
    first, second = normal_beats(strips[:5]), normal_beats(strips[5:])
    assert separate(first, second).noise < 0.8
