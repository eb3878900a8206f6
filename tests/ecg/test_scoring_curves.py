"""Precision-recall curves on labels worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ecg_edge.ecg.scoring.curves import curves
from ecg_edge.ecg.scoring.labelling import Labelling

LABELS = ("N", "L", "R", "A", "V")


def labelling(truth: list[str], answer: list[str], of_v: list[float]) -> Labelling:
    """Beats with this probability of V; the rest is N's."""
    probabilities = np.zeros((len(truth), 5), np.float32)
    probabilities[:, 4] = of_v
    probabilities[:, 0] = 1 - probabilities[:, 4]
    times = np.arange(len(truth), dtype=np.float64)
    return Labelling("r", "p", {}, times, np.array(truth, "U8"), np.array(answer, "U8"), probabilities)


def test_a_curve_of_four_beats() -> None:
    found = labelling(["V", "N", "V", "N"], ["V", "V", "V", "N"], [0.9, 0.8, 0.7, 0.1])
    curve = curves([found], LABELS, each_label=True)["VEB"]
    assert curve.beats == 2
    assert curve.recall.tolist()[:4] == [0, 0.5, 0.5, 1]
    assert curve.precision.tolist()[:4] == pytest.approx([1, 1, 0.5, 2 / 3])
    assert curve.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_missed_and_unclassified_beats_are_never_found() -> None:
    found = labelling(["V", "V", "V", "V"], ["V", "Q", "", "V"], [0.9, 0.9, np.nan, 0.8])
    curve = curves([found], LABELS, each_label=False)["VEB"]
    assert curve.recall[-1] == 0.5 and curve.average_precision == pytest.approx(0.5)


def test_fusion_is_no_false_beat_and_a_false_detection_is() -> None:
    with_fusion = labelling(["V", "F"], ["V", "V"], [0.5, 0.9])
    assert curves([with_fusion], LABELS, each_label=True)["VEB"].average_precision == 1
    with_noise = labelling(["V", ""], ["V", "V"], [0.5, 0.9])
    assert curves([with_noise], LABELS, each_label=True)["V"].average_precision == pytest.approx(0.5)


def test_classes_without_beats_have_no_curve() -> None:
    found = labelling(["N", "V"], ["N", "V"], [0.1, 0.9])
    assert set(curves([found], LABELS, each_label=True)) == {"VEB", "N", "V"}
    assert set(curves([found], LABELS, each_label=False)) == {"VEB"}
