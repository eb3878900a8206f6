"""Three networks for the QRS classifier are averaged; the firmware's learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ecg_edge.training.detector import distil
from ecg_edge.training.detector.average import NETWORKS, IntegerNetwork, average, header_of
from ecg_edge.training.detector.train import TrainingSet

LOGIT = 16384


@pytest.fixture(scope="module")
def teacher() -> IntegerNetwork:
    return average([IntegerNetwork.read(path) for path in NETWORKS])


def made_up(network: IntegerNetwork, count: int) -> npt.NDArray[np.int16]:
    """Features as in training: some spreads about their centre."""
    spread = 64 * 256 / network.gain
    values = np.random.default_rng(1).normal(0, 1.5, (count, len(spread)))
    return np.rint(network.centre + spread * values).astype(np.int16)


def test_the_average_of_a_network_with_itself_is_that_network() -> None:
    network = IntegerNetwork.read(NETWORKS[-1])
    mean = average([network, network])
    features = made_up(network, 200)
    assert len(mean.hidden) == 2 * len(network.hidden)
    difference = mean.scores(features) - network.scores(features)
    assert np.abs(difference).max() <= 0.01 * np.abs(network.scores(features)).max()


def test_the_score_of_the_average_is_the_mean_of_the_scores(teacher: IntegerNetwork) -> None:
    features = made_up(teacher, 500)
    expected = np.mean([IntegerNetwork.read(path).scores(features) for path in NETWORKS], axis=0)
    assert np.abs(teacher.scores(features) - expected).max() < 0.5 * LOGIT
    assert np.abs(expected).max() > 10 * LOGIT


def test_a_header_is_read_as_it_was_written(teacher: IntegerNetwork, tmp_path: Path) -> None:
    path = tmp_path / "weights.h"
    path.write_text(header_of(teacher), encoding="utf-8")
    features = made_up(teacher, 50)
    assert np.array_equal(IntegerNetwork.read(path).scores(features), teacher.scores(features))


def test_targets_are_between_the_teacher_and_the_annotation() -> None:
    labels, scores = np.array([0, 1, 1, 0], np.uint8), np.array([0, 0, 100, -100], np.float32) * LOGIT
    half = distil.TEACHER_SHARE / 2
    expected = [half, half + 1 - distil.TEACHER_SHARE, 1, 0]
    assert distil.targets(labels, scores) == pytest.approx(expected, abs=1e-4)


@pytest.mark.tensorflow
def test_the_student_learns_the_teacher_and_corrections_of_it(
    teacher: IntegerNetwork, tmp_path: Path
) -> None:
    features = made_up(teacher, 20_000)
    scores = teacher.scores(features)
    wrong = features[:, 0] > np.quantile(features[:, 0], 0.9)  # the annotations say noise
    labels = ((scores > 0) & ~wrong).astype(np.uint8)
    path = tmp_path / "weights.h"
    path.write_text(distil.distil(TrainingSet(features, labels, np.full(20_000, "clean")), teacher))
    student = IntegerNetwork.read(path)
    assert student.hidden.shape == (distil.HIDDEN, features.shape[1])
    found = student.scores(features)
    assert np.corrcoef(found[~wrong], scores[~wrong])[0, 1] > 0.8
    sure = np.abs(scores) > 4 * LOGIT
    assert ((found > 0) == (scores > 0))[sure & ~wrong].mean() > 0.95
    beats = sure & (scores > 0)
    assert found[beats & wrong].mean() < 0.5 * found[beats & ~wrong].mean()
