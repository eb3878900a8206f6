"""Measure accuracy, flash and instructions against sparsity, trained and tested within DS1, never on DS2."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ecg_edge.ecg.files import locked_folder, replacing
from ecg_edge.ecg.splits import ds1_folds
from ecg_edge.quantize.bench.sparsity import LEVELS, Measured, measure_forms
from ecg_edge.quantize.codegen.sparse import BLOCK
from ecg_edge.quantize.evaluate import int8_engine
from ecg_edge.quantize.int8 import quantize_network
from ecg_edge.quantize.prune import prune_network
from ecg_edge.training import train
from ecg_edge.training.beats import Beats
from ecg_edge.training.cross_validation import fold_beats, folds_test
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.metrics import INT8, EvaluationRow, score_protocol
from ecg_edge.training.progress import SILENT, OnEpoch, Progress
from ecg_edge.training.recipes import Recipe
from ecg_edge.training.runs import Run, RunFolder


class SweepRow(TypedDict):
    """One level of sparsity.

    Attributes
    ----------
    sparsity : float
        Asked share of zero weights, 0 to below 1.
    accuracy : EvaluationRow
        Scores of the int8 networks on the test beats of all folds together.
    measured : Measured
        Flash and instructions of the first fold's network.
    """

    sparsity: float
    accuracy: EvaluationRow
    measured: Measured


def sweep(
    run: Run,
    folds: int = 4,
    levels: Sequence[float] = LEVELS,
    progress: Progress = SILENT,
    report: Callable[[str], None] = lambda text: None,
) -> list[SweepRow]:
    """Train on three folds of DS1, prune to each level, quantize, and test on the fourth fold; fold by fold.

    Weights become zero in the blocks of four that the sparse kernels skip, whatever block the recipe sets.
    The networks are kept in the run folder's `sweep`; networks of the same recipe found there are used again.

    Parameters
    ----------
    run : Run
    folds : int
        Number of folds, 1 to 4.
    levels : sequence of float
        Shares of zero weights, 0 to below 1.
    progress : Progress, optional
    report : callable, optional
        Called with a line before each training and pruning.
    """
    recipe = dataclasses.replace(run.recipe, prune=dataclasses.replace(run.recipe.prune, block=BLOCK))
    with locked_folder(run.folder.path):
        folder = _prepare(recipe, run.folder)
        tested: list[Beats] = []
        predicted: dict[float, list[Any]] = {level: [] for level in levels}
        for number, split in enumerate(ds1_folds()[:folds], start=1):
            own, test = fold_beats(recipe, run.data_root, split)
            fold = _Fold(recipe, own, folder / f"fold{number}", progress.on_epoch, report)
            tested.append(test)
            for level in levels:
                predicted[level].append(int8_engine(fold.quantized(level))(test))
        joined = folds_test(recipe, tested)
        return [
            {
                "sparsity": level,
                "accuracy": score_protocol(joined, INT8, np.concatenate(predicted[level])),
                "measured": measure_forms(folder / "fold1" / _name(level)),
            }
            for level in levels
        ]


@dataclasses.dataclass(frozen=True)
class _Fold:
    """Networks of one fold, trained on demand."""

    recipe: Recipe
    beats: Beats
    folder: Path
    on_epoch: OnEpoch | None
    report: Callable[[str], None]

    def quantized(self, level: float) -> Path:
        """Return the int8 network pruned to `level`."""
        path = self.folder / _name(level)
        if not path.is_file():
            settings = dataclasses.replace(self.recipe.prune, sparsity=level)
            recipe = dataclasses.replace(self.recipe, prune=settings)
            network = self._trained()
            self.report(f"{self.folder.name}: prune to {level:.0%}")
            pruned = prune_network(network, recipe, train.examples(recipe, self.beats), self.on_epoch)
            model = quantize_network(pruned, self.beats, recipe.quantize.calibration_beats, recipe.seed)
            with replacing(path) as partial:
                partial.write_bytes(model)
        return path

    def _trained(self) -> KerasModel:
        path = self.folder / "model.keras"
        if not path.is_file():
            self.report(f"{self.folder.name}: train")
            train.save(train.fit(self.recipe, self.beats, self.on_epoch), path)
        return train.load(path)


def _name(level: float) -> str:
    return f"{100 * level:g}.tflite"


def _prepare(recipe: Recipe, run_folder: RunFolder) -> Path:
    """Return the sweep's folder, without networks of another recipe."""
    folder, text = run_folder.sweep, recipe.to_toml()
    stamp = RunFolder(folder).recipe
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != text:
        for path in [*folder.glob("fold*/*.tflite"), *folder.glob("fold*/*.keras")]:
            path.unlink()
        with replacing(stamp) as partial:
            partial.write_text(text, encoding="utf-8")
    return folder
