"""Score a recipe by patient within DS1: how to choose between recipes without a look at DS2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.ecg.splits import Split, ds1_folds
from ecg_edge.training.beats import Beats, concatenate, load_beats
from ecg_edge.training.datasets import Test, extra_beats
from ecg_edge.training.metrics import Row, float_engine, row
from ecg_edge.training.recipes import Recipe
from ecg_edge.training.train import OnEpoch, fit

PROTOCOL = "DS1, four folds by patient"


def cross_validate(recipe: Recipe, data_root: Path, on_epoch: OnEpoch | None = None) -> Row:
    """Train on three folds of DS1 and test on the fourth, four times.

    Parameters
    ----------
    recipe : Recipe
        Its peaks train and test; "both" trains on both and tests on detected ones.

    Returns
    -------
    dict
        One row of all four tests' beats together, by the float networks; see `evaluate.row`.
    """
    tested: list[Beats] = []
    predicted: list[Any] = []
    for split in ds1_folds():
        own, test = fold_beats(recipe, data_root, split)
        network = fit(recipe, own, on_epoch)
        tested.append(test)
        predicted.append(float_engine(network)(test))
    return row(folds_test(recipe, tested), "float", np.concatenate(predicted))


def fold_beats(recipe: Recipe, data_root: Path, split: Split) -> tuple[Beats, Beats]:
    """The beats that a fold trains on, the recipe's further databases among them, and those that test it."""
    own = _beats(recipe, data_root, split.train, training=True).five_classes()
    test = _beats(recipe, data_root, split.test, training=False)
    return concatenate([own, *extra_beats(recipe, data_root, split.train)]), test


def folds_test(recipe: Recipe, tested: list[Beats]) -> Test:
    """The tests of all folds as one, under the name of their protocol."""
    peaks = _peaks(recipe, training=False)[0]
    return Test(f"{PROTOCOL}, {peaks} peaks", PROTOCOL, peaks, concatenate(tested))


def _beats(recipe: Recipe, root: Path, records: tuple[str, ...], training: bool) -> Beats:
    return concatenate(load_beats(root, "mitdb", records, peaks) for peaks in _peaks(recipe, training))


def _peaks(recipe: Recipe, training: bool) -> tuple[str, ...]:
    if recipe.data.peaks != "both":
        return (recipe.data.peaks,)
    return ("annotated", "detected") if training else ("detected",)
