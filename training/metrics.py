"""What a recipe's networks score: float, pruned and int8, under each protocol that tests the recipe.

Every figure stands under the name of its protocol. The five-class figures count annotated beats of N, L, R,
A and V; those by AAMI classes count every beat that the signal path found and that is annotated as a beat. A
beat that the detector misses counts in neither: `ecg-edge evaluate annotations` and the replay count it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.labels import AAMI_OF_LABEL, LABELS, aami_of
from ecg_edge.training.beats import Beats, real_values
from ecg_edge.training.datasets import Test

EVALUATION_NAME: Final = "evaluation.json"
AAMI: Final = ("N", "S", "V", "F", "Q")

Predict = Callable[[Beats], npt.NDArray[np.int64]]
"""Index in LABELS of each beat."""

Row = dict[str, Any]


def row(test: Test, engine: str, predicted: npt.NDArray[np.int64]) -> Row:
    """Figures of one engine under one protocol.

    Parameters
    ----------
    test : Test
    engine : str
    predicted : ndarray of int64, shape (n,)
        Index in LABELS of each beat of the test.

    Returns
    -------
    dict
        protocol, split, peaks, engine, records, n_beats, accuracy, macro_f1 (mean over the classes that
        occur), per_class {label: {n, se, ppv, f1}}, confusion (row: annotated, column: said), n_beats_aami,
        aami {N, S, V: {n, se, ppv}}, aami_confusion (rows N, S, V, F, Q, columns N, S, V). Shares are from 0
        to 1, and None where there is nothing to take a share of.
    """
    labels = test.beats.labels
    confusion = count_pairs(labels[labels >= 0], predicted[labels >= 0], len(LABELS), len(LABELS))
    per_class = {label: _class_figures(confusion, i) for i, label in enumerate(LABELS)}
    f1 = [figures["f1"] for figures in per_class.values() if figures["f1"] is not None]
    aami_confusion = _aami_confusion(test.beats.symbols, predicted)
    return {
        "protocol": test.protocol,
        "split": test.split,
        "peaks": test.peaks,
        "engine": engine,
        "records": sorted(set(test.beats.records.tolist())),
        "n_beats": int(confusion.sum()),
        "accuracy": _share(np.trace(confusion), confusion.sum()),
        "macro_f1": float(np.mean(f1)) if f1 else None,
        "per_class": per_class,
        "confusion": confusion.tolist(),
        "n_beats_aami": int(aami_confusion.sum()),
        "aami": {name: _aami_figures(aami_confusion, i) for i, name in enumerate(AAMI[:3])},
        "aami_confusion": aami_confusion.tolist(),
    }


def count_pairs(
    reference: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], rows: int, columns: int
) -> npt.NDArray[np.int64]:
    """Confusion matrix: row is the reference, column the prediction."""
    return np.bincount(reference * columns + predicted, minlength=rows * columns).reshape(rows, columns)


def _class_figures(confusion: npt.NDArray[np.int64], i: int) -> dict[str, Any]:
    hits, annotated, said = int(confusion[i, i]), int(confusion[i].sum()), int(confusion[:, i].sum())
    return {
        "n": annotated,
        "se": _share(hits, annotated),
        "ppv": _share(hits, said),
        "f1": _share(2 * hits, annotated + said) if annotated else None,
    }


def _aami_confusion(symbols: npt.NDArray[np.str_], predicted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    said = np.array([AAMI.index(AAMI_OF_LABEL[label]) for label in LABELS])[predicted]
    found = symbols != ""
    reference = np.array([AAMI.index(aami_of(symbol)) for symbol in symbols[found].tolist()], dtype=np.int64)
    return count_pairs(reference, said[found], len(AAMI), 3)


def _aami_figures(confusion: npt.NDArray[np.int64], i: int) -> dict[str, Any]:
    """As EC57 counts: an F or Q beat called V, and a Q beat called S, is no false V or S."""
    judged = {"N": "NSVFQ", "S": "NSVF", "V": "NSV"}[AAMI[i]]
    said = int(sum(confusion[AAMI.index(name), i] for name in judged))
    hits, annotated = int(confusion[i, i]), int(confusion[i].sum())
    return {"n": annotated, "se": _share(hits, annotated), "ppv": _share(hits, said)}


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def float_engine(network: Any) -> Predict:
    """Labels by a Keras network."""

    def predict(beats: Beats) -> npt.NDArray[np.int64]:
        logits = network.predict(real_values(beats.beat, beats.rhythm), batch_size=2048, verbose=0)
        return np.asarray(logits.argmax(1), np.int64)

    return predict
