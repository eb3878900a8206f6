"""Accuracy, flash and instructions against sparsity: networks trained by patient within DS1, never on DS2."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecg_edge.ecg.splits import ds1_folds
from ecg_edge.quantize.bench.sparsity import LEVELS, measure_forms
from ecg_edge.quantize.codegen.sparse import BLOCK
from ecg_edge.quantize.evaluate import int8_engine
from ecg_edge.quantize.int8 import quantize_network
from ecg_edge.quantize.prune import prune_network
from ecg_edge.training import train
from ecg_edge.training.beats import Beats
from ecg_edge.training.cross_validation import fold_beats, folds_test
from ecg_edge.training.metrics import row
from ecg_edge.training.recipes import RECIPE_NAME, Recipe

SWEEP_FOLDER: Final = "sweep"


def sweep(
    recipe: Recipe,
    data_root: Path,
    run_dir: Path,
    folds: int = 4,
    levels: Sequence[float] = LEVELS,
    on_epoch: train.OnEpoch | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Any]]:
    """Train on three folds of DS1, prune to each level, quantize, and test on the fourth fold; fold by fold.

    Weights become zero in the blocks of four that the sparse kernels leave out, whatever the recipe says of
    blocks. The networks are kept in the run folder's `sweep`: what is there, made by the same recipe, is not
    made again.

    Parameters
    ----------
    folds : int
        The first so many of the four.
    on_epoch, say : callable, optional
        Called after each epoch, and before each training.

    Returns
    -------
    list of dict
        One entry a level: sparsity; accuracy, the figures of the int8 networks on all tests together (see
        `evaluate.row`); measured, flash and instructions of the first fold's network (a `Measured`).
    """
    settings = dataclasses.replace(recipe.prune, block=BLOCK)
    recipe = dataclasses.replace(recipe, prune=settings)
    folder = _folder(recipe, run_dir)
    tested: list[Beats] = []
    said: dict[float, list[Any]] = {level: [] for level in levels}
    for number, split in enumerate(ds1_folds()[:folds], start=1):
        own, test = fold_beats(recipe, data_root, split)
        fold = _Fold(recipe, own, folder / f"fold{number}", on_epoch, say)
        tested.append(test)
        for level in levels:
            said[level].append(int8_engine(fold.quantized(level))(test))
    return [
        {
            "sparsity": level,
            "accuracy": row(folds_test(recipe, tested), "int8", np.concatenate(said[level])),
            "measured": measure_forms(folder / "fold1" / _name(level)),
        }
        for level in levels
    ]


@dataclasses.dataclass(frozen=True)
class _Fold:
    """Networks of one fold, made when they are asked for."""

    recipe: Recipe
    beats: Beats
    folder: Path
    on_epoch: train.OnEpoch | None
    say: Callable[[str], None]

    def quantized(self, level: float) -> Path:
        """The int8 network pruned to `level`."""
        path = self.folder / _name(level)
        if not path.is_file():
            settings = dataclasses.replace(self.recipe.prune, sparsity=level)
            recipe = dataclasses.replace(self.recipe, prune=settings)
            network = self._trained()
            self.say(f"{self.folder.name}: prune to {level:.0%}")
            pruned = prune_network(network, recipe, train.examples(recipe, self.beats), self.on_epoch)
            model = quantize_network(pruned, self.beats, recipe.quantize.calibration_beats, recipe.seed)
            path.write_bytes(model)
        return path

    def _trained(self) -> Any:
        path = self.folder / "model.keras"
        if not path.is_file():
            self.say(f"{self.folder.name}: train")
            train.save(train.fit(self.recipe, self.beats, self.on_epoch), path)
        return train.load(path, "prune --sweep")


def _name(level: float) -> str:
    return f"{100 * level:g}.tflite"


def _folder(recipe: Recipe, run_dir: Path) -> Path:
    """The sweep's folder, emptied of what another recipe has left there."""
    folder, text = run_dir / SWEEP_FOLDER, recipe.to_toml()
    stamp = folder / RECIPE_NAME
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != text:
        for path in [*folder.glob("fold*/*.tflite"), *folder.glob("fold*/*.keras")]:
            path.unlink()
        folder.mkdir(parents=True, exist_ok=True)
        stamp.write_text(text, encoding="utf-8")
    return folder
