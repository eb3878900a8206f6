"""Precision-recall curves of a classifier: V, S, or a label against all other beats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.scoring.labelling import UNCLASSIFIED, Labelling, class_of

CLASSES: Final = {"VEB": "V", "SVEB": "S"}
"""Scoring class of each ectopic kind."""
_NOT_FALSE: Final = {"V": "FQ", "S": "Q"}  # annotated beats that EC57 does not count as false


class Curve(NamedTuple):
    """A curve over the threshold on the probability, from the highest threshold on.

    Attributes
    ----------
    beats : int
        Annotated beats of the class.
    average_precision : float
        Mean precision over the recall: sum of precision times step in recall.
    recall, precision : ndarray of float64, shape (n,)
        Shares from 0 to 1.
    """

    beats: int
    average_precision: float
    recall: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]


def curves(found: Sequence[Labelling], labels: Sequence[str], each_label: bool) -> dict[str, Curve]:
    """Compute the curves of VEB and SVEB, and of each label; of the classes that have beats.

    A beat that is missed or left unclassified, which no threshold brings back, is never found: the recall
    then ends below 1. A false detection is a false beat.

    Parameters
    ----------
    found : sequence of Labelling
        Labels of the records.
    labels : sequence of str
        The network's labels.
    each_label : bool
        The annotations tell the labels apart.
    """
    truth = np.concatenate([one.truth for one in found])
    answer = np.concatenate([one.answer for one in found])
    probabilities = np.concatenate([one.probabilities for one in found])
    kinds, of_label = class_of(truth), class_of(np.array(labels))
    scored = (answer != UNCLASSIFIED) & ~np.isnan(probabilities).any(1)
    made = {}
    for name, kind in CLASSES.items():
        counted = ~np.isin(kinds, list(_NOT_FALSE[kind]))
        made[name] = _curve(kinds == kind, probabilities[:, of_label == kind].sum(1), scored & counted)
    for place, label in enumerate(labels if each_label else ()):
        counted = np.isin(truth, [*labels, ""])
        made[label] = _curve(truth == label, probabilities[:, place], scored & counted)
    return {name: one for name, one in made.items() if one.beats}


def _curve(
    own: npt.NDArray[np.bool_], score: npt.NDArray[np.float32], scored: npt.NDArray[np.bool_]
) -> Curve:
    beats, reached = int(own.sum()), int(own[scored].sum())
    if not reached:
        return Curve(beats, 0.0, np.zeros(1), np.ones(1))
    order = np.argsort(-score[scored], kind="stable")
    found, ranked = np.cumsum(own[scored][order]), score[scored][order]
    steps = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # beats of one score have one point
    precision = np.append(1.0, found[steps] / (steps + 1))
    recall = np.append(0.0, found[steps] / reached) * reached / beats
    return Curve(beats, float(np.sum(np.diff(recall) * precision[1:])), recall, precision)
