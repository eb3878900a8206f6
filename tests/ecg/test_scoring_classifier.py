"""Figures of a classifier on labels worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.scoring import compare_beats
from ecg_edge.ecg.scoring.bootstrap import intervals, mean_intervals
from ecg_edge.ecg.scoring.calibration import calibration
from ecg_edge.ecg.scoring.classes import class_scores, count_labels, index_jk
from ecg_edge.ecg.scoring.classifier import kinds_of_answers, score_classifier
from ecg_edge.ecg.scoring.labelling import (
    Labelling,
    Limits,
    class_probability,
    label_record,
    load_labellings,
    save_labellings,
)

LABELS = ("N", "L", "R", "A", "V")
FS_HZ = 100.0


def labelled(truth: str, answer: str, patient: str = "p1") -> Labelling:
    """A beat a second from 1 s on: its annotated symbol, its label; "." for no beat there."""
    at = 100 * np.arange(1, len(truth) + 1)
    annotated, found = (np.array([s != "." for s in text]) for text in (truth, answer))
    marks = [s for s in truth if s != "."], [s for s in answer if s != "."]
    probabilities = np.full((int(found.sum()), 5), 0.05, np.float32)
    for row, symbol in enumerate(marks[1]):
        probabilities[row, LABELS.index(symbol) if symbol in LABELS else 0] = 0.8
    return label_record(
        patient,
        patient,
        Annotations.of(at[annotated], marks[0]),
        Annotations.of(at[found], marks[1]),
        probabilities,
        Limits(FS_HZ, 0.0, len(truth) + 2.0, (0.0, 3.0, 1000.0)),
    )


def test_each_beat_is_beside_its_annotation() -> None:
    found = labelled("NNV.A", "NV.VQ")
    assert found.truth.tolist() == ["N", "N", "V", "", "A"]
    assert found.answer.tolist() == ["N", "V", "", "V", "Q"]
    assert np.isnan(found.probabilities).all(1).tolist() == [False, False, True, False, False]
    assert found.times_s.tolist() == [1, 2, 3, 4, 5]
    assert found.since(3.0).truth.tolist() == ["V", "", "A"]
    assert set(found.comparisons) == {0.0, 3.0}, "the record ends before 1000 s"


def test_the_comparison_is_that_of_the_beats() -> None:
    found = labelled("NNVVAALR", "NVVNAN.R")
    at = 100 * np.arange(1, 9)
    test = Annotations.of(np.delete(at, 6), "NVVNANR")
    own = compare_beats(Annotations.of(at, "NNVVAALR"), test, fs_hz=FS_HZ, start_s=0, end_s=10)
    assert (found.comparisons[0.0].table == own.table).all()


def test_labels_are_kept_under_a_key(tmp_path: Path) -> None:
    found = [labelled("NNVA", "NVV."), labelled("N", "N", "p2")]
    save_labellings(tmp_path / "kept.npz", found, "key")
    kept = load_labellings(tmp_path / "kept.npz", "key")
    assert kept is not None
    for before, after in zip(found, kept, strict=True):
        assert (before.title, before.patient) == (after.title, after.patient)
        np.testing.assert_array_equal(before.truth, after.truth)
        np.testing.assert_array_equal(before.answer, after.answer)
        np.testing.assert_array_equal(before.probabilities, after.probabilities)
        assert list(before.comparisons) == list(after.comparisons)
        assert (before.comparisons[0.0].table == after.comparisons[0.0].table).all()
    assert repr(score_classifier(kept, LABELS, 0.0, 10)) == repr(score_classifier(found, LABELS, 0.0, 10))
    assert load_labellings(tmp_path / "kept.npz", "another") is None
    assert load_labellings(tmp_path / "none.npz", "key") is None
    (tmp_path / "kept.npz").write_bytes(b"PK")
    assert load_labellings(tmp_path / "kept.npz", "key") is None


def test_flutter_is_left_out_as_in_the_comparison() -> None:
    at = [100, 200, 210, 300, 400, 410, 500]
    reference = Annotations.of(at, ["N", "N", "[", "!", "!", "]", "N"])
    test = Annotations.of([100, 200, 300, 500], "NNVN")
    limits = Limits(FS_HZ, 0.0, 6.0, (0.0,))
    found = label_record("r", "r", reference, test, np.zeros((4, 5), np.float32), limits)
    assert found.truth.tolist() == ["N", "N", "N"]


def test_confusion_counts_unclassified_missed_and_false_beats() -> None:
    truth, answer = np.array([*"NNNLV", "", "F"]), np.array(["N", "V", "Q", "", "V", "A", "V"])
    counts = count_labels(truth, answer, LABELS)
    assert counts.shape == (6, 7) and counts.sum() == 6, "F is no label"
    scores = class_scores(counts, LABELS)
    assert scores["beats"] == 5 and scores["accuracy"] == pytest.approx(2 / 5)
    assert scores["per_class"]["N"] == {"n": 3, "se": 1 / 3, "ppv": 1.0, "f1": 0.5}
    assert scores["per_class"]["A"] == {"n": 0, "se": None, "ppv": 0.0, "f1": None}
    assert scores["macro_f1"] == pytest.approx((0.5 + 0 + 2 / 3) / 3), "over N, L and V"


def test_jk_of_a_perfect_and_of_a_worked_table() -> None:
    perfect = np.zeros((7, 7), np.int64)
    perfect[0, 0], perfect[1, 1], perfect[2, 2] = 90, 5, 5
    assert index_jk(perfect) == {"kappa": 1.0, "j": 4.0, "jk": 1.0}
    table = np.zeros((7, 7), np.int64)
    table[:4, :5] = [[80, 5, 0, 0, 5], [2, 3, 0, 0, 0], [0, 0, 4, 0, 0], [0, 0, 1, 0, 0]]
    table[4, 1] = 50  # an annotated Q does not count
    found = index_jk(table)
    observed, expected = 87 / 100, (90 * 82 + 5 * 8 + 4 * 5 + 1 * 0) / 100**2
    assert found["kappa"] == pytest.approx((observed - expected) / (1 - expected))
    assert found["j"] == pytest.approx(3 / 5 + 3 / 8 + 1 + 4 / 5)
    assert found["jk"] == pytest.approx(found["kappa"] / 2 + found["j"] / 8)
    assert math.isnan(index_jk(np.zeros((7, 7), np.int64))["jk"])


def test_calibration_of_sure_and_unsure_answers() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55, 1.0])
    found = calibration(confidence, np.array([True, True, True, False, True]))
    assert [one["beats"] for one in found["bins"]] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 3]
    assert found["bins"][5]["accuracy"] == 0.5
    assert found["ece"] == pytest.approx((2 * 0.05 + 3 * abs(2.9 / 3 - 1)) / 5)
    assert calibration(np.zeros(0), np.zeros(0, bool))["ece"] is None


def test_probability_is_that_of_the_class() -> None:
    found = labelled("NV", "RQ")
    assert class_probability(found, LABELS)[0] == pytest.approx(0.8 + 0.05 + 0.05), "N, L and R are one class"
    assert np.isnan(class_probability(found, LABELS)[1])


def test_intervals_come_from_patients() -> None:
    same, other = np.array([[9, 10]] * 20), np.array([[10, 10]] * 10 + [[0, 10]] * 10)
    ratio = lambda sums: {"se": sums["x"][0] / sums["x"][1]}  # noqa: E731
    assert intervals({"x": same}, ratio, 100)["se"] == pytest.approx((0.9, 0.9))
    low, high = intervals({"x": other}, ratio, 400)["se"]
    assert 0.2 < low < 0.4 and 0.6 < high < 0.8
    assert intervals({"x": same}, ratio, 0) == {}
    means = mean_intervals({"se": np.array([1.0, np.nan, 0.0, 1.0])}, 200)
    assert means["se"][0] >= 0 and means["se"][1] == 1


def test_every_figure_of_two_patients() -> None:
    found = [labelled("NNNNVA", "NNNNVA"), labelled("NNNNNV", "NNVQNN", "p2")]
    figures = score_classifier(found, LABELS, 0.0, resamples=50)
    assert figures is not None
    assert (figures["patients"], figures["beats"], figures["detected"]) == (2, 12, 12)
    assert figures["gross"]["veb_se"] == 0.5 and figures["gross"]["veb_ppv"] == 0.5
    assert figures["average"]["veb_se"] == 0.5 and figures["average"]["sveb_se"] == 1
    assert figures["unclassified"] == pytest.approx(1 / 12)
    assert figures["classes"]["confusion"][0] == [7, 0, 0, 0, 1, 1, 0]
    assert figures["by_record"]["p2"]["veb_ppv"] == 0
    assert figures["intervals"]["gross"]["veb_se"] == pytest.approx((0, 1))
    assert score_classifier(found, LABELS, 1000.0) is None
    later = score_classifier(found, LABELS, 3.0, 0)
    assert later is not None and later["beats"] == 8


def test_average_leaves_out_patients_without_beats_of_the_class() -> None:
    found = [labelled("NVV", "NVV"), labelled("NNN", "NNV", "p2")]
    figures = score_classifier(found, LABELS, 0.0, 0)
    assert figures is not None
    assert figures["average"]["veb_ppv"] == 0.5
    assert figures["average_with_beats"]["veb_ppv"] == 1


def test_one_person_with_two_records_counts_once() -> None:
    found = [labelled("NVV", "NVN"), labelled("NVV", "NNN")]
    figures = score_classifier(found, LABELS, 0.0, 0)
    assert figures is not None
    assert figures["patients"] == 1 and figures["average"]["veb_se"] == pytest.approx(0.25)


def test_kinds_that_no_label_stands_for() -> None:
    found = kinds_of_answers(
        [labelled("//FN.", "NQV.V")], {"paced": "/", "fusion": "F", "none": "Q?"}, LABELS
    )
    assert found["paced"]["beats"] == 2 and found["paced"]["unclassified"] == 0.5
    assert found["fusion"]["answers"] == {"N": 0, "L": 0, "R": 0, "A": 0, "V": 1}
    assert found["none"] == {
        "beats": 0,
        "missed": 0,
        "unclassified": None,
        "mislabelled": None,
        "answers": dict.fromkeys(LABELS, 0),
    }
