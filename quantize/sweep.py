"""Accuracy, flash and instructions against sparsity: networks trained by patient within DS1, never on DS2."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecg_edge.quantize.int8 import quantize_network
from ecg_edge.quantize.prune import prune_network
from ecg_edge.training import train
from ecg_edge.training.beats import Beats
from ecg_edge.training.evaluate import Row, int8_engine, row
from ecg_edge.training.folds import fold_beats, folds_test
from ecg_edge.training.recipes import RECIPE_NAME, Recipe
from ecg_edge.training.splits import ds1_folds

SWEEP_FOLDER: Final = "sweep"
LEVELS: Final = (0.0, 0.5, 0.7, 0.8, 0.9)


def sweep(
    recipe: Recipe,
    data_root: Path,
    run_dir: Path,
    levels: Sequence[float] = LEVELS,
    on_epoch: train.OnEpoch | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[float, Row]:
    """Train on three folds of DS1, prune to each level, quantize, and test on the fourth fold, four times.

    The networks are kept in the run folder's `sweep`: what is there, made by the same recipe, is not made
    again.

    Returns
    -------
    dict of float to Row
        By level, the figures of the int8 networks on all four tests together; see `evaluate.row`.
    """
    folder = _folder(recipe, run_dir)
    tested: list[Beats] = []
    said: dict[float, list[Any]] = {level: [] for level in levels}
    for number, split in enumerate(ds1_folds(), start=1):
        say(f"fold {number}: beats")
        own, test = fold_beats(recipe, data_root, split)
        fold = _Fold(
            recipe, own, folder / f"fold{number}", on_epoch, lambda text, n=number: say(f"fold {n}: {text}")
        )
        tested.append(test)
        for level in levels:
            said[level].append(int8_engine(fold.quantized(level))(test))
    test = folds_test(recipe, tested)
    return {level: row(test, "int8", np.concatenate(parts)) for level, parts in said.items()}


def networks(run_dir: Path, level: float) -> list[Path]:
    """The int8 networks of a level that a sweep has left, one a fold."""
    return sorted((run_dir / SWEEP_FOLDER).glob(f"fold*/{_name(level)}"))


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
            self.say(f"prune to {level:.0%}")
            pruned = prune_network(network, recipe, train.examples(recipe, self.beats), self.on_epoch)
            model = quantize_network(pruned, self.beats, recipe.quantize.calibration_beats, recipe.seed)
            path.write_bytes(model)
        return path

    def _trained(self) -> Any:
        path = self.folder / "model.keras"
        if not path.is_file():
            self.say("train")
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
