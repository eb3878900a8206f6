"""Scores of a recipe's networks: float, pruned float and int8, under each evaluation protocol.

Each score carries the name of its protocol. The five-class scores count annotated beats of N, L, R, A and V;
the scores by AAMI class count every detected beat that is annotated as a beat. A beat that the detector
misses counts in neither: `ecg-edge evaluate annotations` and the replay count it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.figures import share
from ecg_edge.ecg.labels import AAMI_OF_LABEL, LABELS, aami_of
from ecg_edge.training.beats import Beats, dequantize, label_indices
from ecg_edge.training.datasets import EvaluationSet
from ecg_edge.training.keras_model import KerasModel

FLOAT, PRUNED, INT8 = "float", "pruned float", "int8"
AAMI: Final = ("N", "S", "V", "F", "Q")
PREDICTED_AAMI: Final = AAMI[:3]  # the network has no class for F and Q

Predict = Callable[[Beats], npt.NDArray[np.int64]]
"""Return the index in LABELS of each beat."""


class Rates(TypedDict):
    """Sensitivity and positive predictivity, 0 to 1; None without beats to take a share of."""

    se: float | None
    ppv: float | None


class AamiScore(Rates):
    """Scores of one AAMI class; n: annotated beats."""

    n: int


class ClassScore(AamiScore):
    """Scores of one label; n: annotated beats; f1: None without annotated beats."""

    f1: float | None


class RecordAverage(TypedDict):
    """Means over the records, each of the same weight; a record counts where its own score is defined.

    Gross scores, which count all beats together, depend most on the records with most beats of a class.
    """

    accuracy: float | None
    macro_f1: float | None
    per_class: dict[str, Rates]
    aami: dict[str, Rates]


class Scores(TypedDict):
    """Scores of any set of beats; the rows of a confusion matrix are the annotated classes."""

    n_beats: int
    accuracy: float | None
    macro_f1: float | None
    per_class: dict[str, ClassScore]
    confusion: list[list[int]]
    n_beats_aami: int
    aami: dict[str, AamiScore]
    aami_confusion: list[list[int]]


class EvaluationRow(Scores):
    """Scores of one network under one protocol; docs/reference/evaluation.schema.json describes each key."""

    protocol: str
    split: str
    peaks: str
    engine: str
    records: list[str]
    record_average: RecordAverage


def score_protocol(test: EvaluationSet, engine: str, predicted: npt.NDArray[np.int64]) -> EvaluationRow:
    """Score the predictions of one network under one protocol.

    Parameters
    ----------
    test : EvaluationSet
    engine : str
        Name of the network: "float", "pruned float" or "int8".
    predicted : ndarray of int64, shape (n,)
        Index in LABELS of each beat of the evaluation set.
    """
    beats = test.beats
    records = sorted(set(beats.records.tolist()))
    by_record = [_score(beats.symbols[own], predicted[own]) for own in (beats.records == r for r in records)]
    return {
        "protocol": test.protocol,
        "split": test.split,
        "peaks": test.peaks,
        "engine": engine,
        "records": records,
        **_score(beats.symbols, predicted),
        "record_average": _average(by_record),
    }


def _score(symbols: npt.NDArray[np.str_], predicted: npt.NDArray[np.int64]) -> Scores:
    labels = label_indices(symbols)
    confusion = count_pairs(labels[labels >= 0], predicted[labels >= 0], len(LABELS), len(LABELS))
    per_class = {label: _class_score(confusion, i) for i, label in enumerate(LABELS)}
    aami_confusion = _aami_confusion(symbols, predicted)
    return {
        "n_beats": int(confusion.sum()),
        "accuracy": share(np.trace(confusion), confusion.sum()),
        "macro_f1": _mean(score["f1"] for score in per_class.values()),  # over the classes that occur
        "per_class": per_class,
        "confusion": confusion.tolist(),
        "n_beats_aami": int(aami_confusion.sum()),
        "aami": {name: _aami_score(aami_confusion, i) for i, name in enumerate(PREDICTED_AAMI)},
        "aami_confusion": aami_confusion.tolist(),
    }


def count_pairs(
    reference: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], rows: int, columns: int
) -> npt.NDArray[np.int64]:
    """Compute the confusion matrix: a row per reference class, a column per predicted class."""
    return np.bincount(reference * columns + predicted, minlength=rows * columns).reshape(rows, columns)


def _class_score(confusion: npt.NDArray[np.int64], i: int) -> ClassScore:
    hits, annotated, predicted = int(confusion[i, i]), int(confusion[i].sum()), int(confusion[:, i].sum())
    return {
        "n": annotated,
        "se": share(hits, annotated),
        "ppv": share(hits, predicted),
        "f1": share(2 * hits, annotated + predicted) if annotated else None,
    }


def _aami_confusion(symbols: npt.NDArray[np.str_], predicted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    classes = np.array([AAMI.index(AAMI_OF_LABEL[label]) for label in LABELS])[predicted]
    found = symbols != ""
    reference = np.array([AAMI.index(aami_of(symbol)) for symbol in symbols[found].tolist()], dtype=np.int64)
    return count_pairs(reference, classes[found], len(AAMI), len(PREDICTED_AAMI))


def _aami_score(confusion: npt.NDArray[np.int64], i: int) -> AamiScore:
    """Score as EC57 does: an F or Q beat predicted as V, or a Q beat as S, is no false positive."""
    counted = {"N": "NSVFQ", "S": "NSVF", "V": "NSV"}[AAMI[i]]
    predicted = int(sum(confusion[AAMI.index(name), i] for name in counted))
    hits, annotated = int(confusion[i, i]), int(confusion[i].sum())
    return {"n": annotated, "se": share(hits, annotated), "ppv": share(hits, predicted)}


def _average(scores: list[Scores]) -> RecordAverage:
    return {
        "accuracy": _mean(score["accuracy"] for score in scores),
        "macro_f1": _mean(score["macro_f1"] for score in scores),
        "per_class": {label: _mean_rates(score["per_class"][label] for score in scores) for label in LABELS},
        "aami": {name: _mean_rates(score["aami"][name] for score in scores) for name in PREDICTED_AAMI},
    }


def _mean_rates(scores: Iterable[Rates]) -> Rates:
    """Average over the records with annotated beats of the class.

    Without these a single false positive elsewhere would make a record's +P 0.
    """
    with_beats = [score for score in scores if score["se"] is not None]
    return {"se": _mean(s["se"] for s in with_beats), "ppv": _mean(s["ppv"] for s in with_beats)}


def _mean(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def float_engine(network: KerasModel) -> Predict:
    """Make the prediction function of a Keras network."""

    def predict(beats: Beats) -> npt.NDArray[np.int64]:
        logits = network.predict(dequantize(beats.beat, beats.rhythm), batch_size=2048, verbose=0)
        return np.asarray(logits.argmax(1), np.int64)

    return predict
