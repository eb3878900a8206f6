"""Folds by patient: training sets that hold no patient of the test set, to choose between recipes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.ecg.splits import PatientFold, Split, ds1_folds
from ecg_edge.training.beats import Beats, concatenate, load_beats
from ecg_edge.training.datasets import EvaluationSet, extra_beats
from ecg_edge.training.metrics import FLOAT, EvaluationRow, float_engine, score_protocol
from ecg_edge.training.progress import OnEpoch, OnRecord
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


def patient_fold_beats(
    recipe: Recipe, data_root: Path, fold: PatientFold, on_record: OnRecord | None = None
) -> Beats:
    """Load the training set of a fold of several databases, the recipe's other databases included.

    svdb's beats are thinned out as those of an extra database.
    """
    own = concatenate(
        load_beats(data_root, "mitdb", fold.train["mitdb"], peaks, on_record=on_record, lead=recipe.data.lead)
        for peaks in _peaks(recipe, training=True)
    ).five_classes()
    extra = tuple(dict.fromkeys([*recipe.data.extra, *(set(fold.train) - {"mitdb"})]))
    whole = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, extra=extra))
    return concatenate([own, *extra_beats(whole, data_root, fold.train["mitdb"], on_record, fold.train)])


def folds_test(recipe: Recipe, tested: list[Beats]) -> EvaluationSet:
    """Join the test sets of all folds under the name of their protocol."""
    peaks = _peaks(recipe, training=False)[0]
    return EvaluationSet(f"{PROTOCOL}, {peaks} peaks", PROTOCOL, peaks, concatenate(tested))


def _beats(recipe: Recipe, root: Path, records: tuple[str, ...], training: bool) -> Beats:
    return concatenate(
        load_beats(root, "mitdb", records, peaks, lead=recipe.data.lead) for peaks in _peaks(recipe, training)
    )


def _peaks(recipe: Recipe, training: bool) -> tuple[str, ...]:
    if recipe.data.peaks != "both":
        return (recipe.data.peaks,)
    return ("annotated", "detected") if training else ("detected",)
