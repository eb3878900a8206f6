"""Score a recipe by patient within DS1, to choose between recipes without using DS2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.ecg.splits import Split, ds1_folds
from ecg_edge.training.beats import Beats, concatenate, load_beats
from ecg_edge.training.datasets import EvaluationSet, extra_beats
from ecg_edge.training.metrics import FLOAT, EvaluationRow, float_engine, score_protocol
from ecg_edge.training.progress import OnEpoch
from ecg_edge.training.recipes import Recipe
from ecg_edge.training.train import fit

PROTOCOL = "DS1, four folds by patient"


def cross_validate(recipe: Recipe, data_root: Path, on_epoch: OnEpoch | None = None) -> EvaluationRow:
    """Train on three folds of DS1 and test on the fourth, four times.

    Parameters
    ----------
    recipe : Recipe
        Its peaks are used for training and test; "both" trains on both and tests on detected ones.

    Returns
    -------
    EvaluationRow
        Scores of the float networks on the beats of all four test folds together.
    """
    tested: list[Beats] = []
    predicted: list[Any] = []
    for split in ds1_folds():
        own, test = fold_beats(recipe, data_root, split)
        network = fit(recipe, own, on_epoch)
        tested.append(test)
        predicted.append(float_engine(network)(test))
    return score_protocol(folds_test(recipe, tested), FLOAT, np.concatenate(predicted))


def fold_beats(recipe: Recipe, data_root: Path, split: Split) -> tuple[Beats, Beats]:
    """Load training set, the recipe's extra databases included, and test set of a fold."""
    own = _beats(recipe, data_root, split.train, training=True).five_classes()
    test = _beats(recipe, data_root, split.test, training=False)
    return concatenate([own, *extra_beats(recipe, data_root, split.train)]), test


def folds_test(recipe: Recipe, tested: list[Beats]) -> EvaluationSet:
    """Join the test sets of all folds under the name of their protocol."""
    peaks = _peaks(recipe, training=False)[0]
    return EvaluationSet(f"{PROTOCOL}, {peaks} peaks", PROTOCOL, peaks, concatenate(tested))


def _beats(recipe: Recipe, root: Path, records: tuple[str, ...], training: bool) -> Beats:
    return concatenate(load_beats(root, "mitdb", records, peaks) for peaks in _peaks(recipe, training))


def _peaks(recipe: Recipe, training: bool) -> tuple[str, ...]:
    if recipe.data.peaks != "both":
        return (recipe.data.peaks,)
    return ("annotated", "detected") if training else ("detected",)
