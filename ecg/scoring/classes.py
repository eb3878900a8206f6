"""Figures of a classifier: confusion matrix and macro-F1 of its labels, and the index jk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, TypedDict

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.figures import share
from ecg_edge.ecg.scoring.beats import TABLE_COLUMNS, TABLE_ROWS
from ecg_edge.ecg.scoring.labelling import MISSED, NO_BEAT, UNCLASSIFIED, Symbols

IntArray = npt.NDArray[np.int64]

_COUNTED: Final = [TABLE_ROWS.index(row) for row in "NSVF"]
_NAMED: Final = [TABLE_COLUMNS.index(column) for column in "nsvf"]


class LabelScore(TypedDict):
    """Scores of one label: annotated beats, sensitivity, positive predictivity and F1 as fractions."""

    n: int
    se: float | None
    ppv: float | None
    f1: float | None


class ClassScores(TypedDict):
    """Scores of all labels; rows of the confusion matrix are annotations, columns answers."""

    beats: int
    accuracy: float | None
    macro_f1: float | None
    per_class: dict[str, LabelScore]
    rows: list[str]
    columns: list[str]
    confusion: list[list[int]]


def count_labels(truth: Symbols, answer: Symbols, labels: Sequence[str]) -> IntArray:
    """Count pairs of annotation and answer.

    Beats of another kind than the labels' do not count.

    Returns
    -------
    ndarray of int64, shape (k + 1, k + 2)
        Rows: the labels, and false detections. Columns: the labels, unclassified, missed.
    """
    rows, columns = [*labels, NO_BEAT], [*labels, UNCLASSIFIED, MISSED]
    row, column = _places(truth, rows), _places(answer, columns)
    kept = (row >= 0) & (column >= 0)
    pairs = row[kept] * len(columns) + column[kept]
    return np.bincount(pairs, minlength=len(rows) * len(columns)).reshape(len(rows), len(columns))


def _places(symbols: Symbols, names: Sequence[str]) -> IntArray:
    matches = symbols[:, None] == np.array(names)[None, :]
    return np.where(matches.any(1), matches.argmax(1), -1).astype(np.int64)


def class_scores(confusion: IntArray, labels: Sequence[str]) -> ClassScores:
    """Score the labels.

    A beat that is missed or left unclassified is an error of its class; a false detection is one of the
    label that it gets. Macro-F1 is the mean over the labels that are annotated.

    Parameters
    ----------
    confusion : ndarray of int64, shape (k + 1, k + 2)
        Counts of `count_labels`.
    labels : sequence of str, length k
        The labels.
    """
    per_class = {label: _label_score(confusion, place) for place, label in enumerate(labels)}
    f1 = [one["f1"] for one in per_class.values() if one["f1"] is not None]
    annotated = confusion[: len(labels)]
    return {
        "beats": int(annotated.sum()),
        "accuracy": share(np.trace(annotated), annotated.sum()),
        "macro_f1": float(np.mean(f1)) if f1 else None,
        "per_class": per_class,
        "rows": [*labels, "no beat"],
        "columns": [*labels, "unclassified", "missed"],
        "confusion": confusion.tolist(),
    }


def _label_score(confusion: IntArray, place: int) -> LabelScore:
    hits, n, named = int(confusion[place, place]), int(confusion[place].sum()), int(confusion[:, place].sum())
    return {
        "n": n,
        "se": share(hits, n),
        "ppv": share(hits, named),
        "f1": share(2 * hits, n + named) if n else None,
    }


class IndexJk(TypedDict):
    """Cohen's kappa over N, S, V and F; j: sum of Se and +P of S and V; jk: kappa / 2 + j / 8."""

    kappa: float
    j: float
    jk: float


def index_jk(table: npt.NDArray[Any]) -> IndexJk:
    """Compute the index jk of Mondejar-Guerra et al. (Biomed Signal Process Control 47:41-48, 2019).

    Their program counts annotated beats of N, S, V and F only, and F called V as a false V, unlike EC57. Here
    a beat without a label is in a fifth column, which agrees with no annotation.

    Parameters
    ----------
    table : ndarray of int64, shape (7, 7)
        As of `BeatComparison`.

    Returns
    -------
    IndexJk
        nan where a part is undefined.
    """
    named = table[np.ix_(_COUNTED, _NAMED)].astype(np.float64)
    others = table[_COUNTED].sum(1) - named.sum(1)
    kappa = _kappa(np.vstack([np.column_stack([named, others]), np.zeros(5)]))
    rows, columns = table[_COUNTED].sum(1), named.sum(0)
    parts = [_ratio(named[k, k], total[k]) for k in (1, 2) for total in (rows, columns)]
    return {"kappa": kappa, "j": sum(parts), "jk": kappa / 2 + sum(parts) / 8}


def _kappa(square: npt.NDArray[np.float64]) -> float:
    total = square.sum()
    expected = _ratio(float(square.sum(1) @ square.sum(0)), total**2)
    return _ratio(_ratio(float(np.trace(square)), total) - expected, 1 - expected)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan
