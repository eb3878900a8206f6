"""Prune a trained network: its smallest weights become zero while it is trained a little further."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from ecg_edge.training import train
from ecg_edge.training.datasets import training_beats
from ecg_edge.training.recipes import Recipe

MODEL_FILE: Final = Path("prune") / "model.keras"
SPARSITY_FILE: Final = Path("prune") / "sparsity.json"
KEPT_WHOLE: Final = "logits"  # a hundred weights: little to win, and a class may hang on a few of them


def prune(
    recipe: Recipe,
    data_root: Path,
    run_dir: Path,
    on_epoch: train.OnEpoch | None = None,
    on_record: Callable[[str], None] | None = None,
) -> dict[str, float]:
    """Prune `train/model.keras` of the run folder and save it as `prune/model.keras`.

    Returns
    -------
    dict of str to float
        Share of zeros in the kernel of each layer, and under "all" in all kernels together.
    """
    network = train.load(run_dir / train.MODEL_FILE, f"train {recipe.name}")
    examples = train.examples(recipe, training_beats(recipe, data_root, on_record))
    pruned = prune_network(network, recipe, examples, on_epoch)
    train.save(pruned, run_dir / MODEL_FILE)
    zeros = sparsity(pruned)
    (run_dir / SPARSITY_FILE).write_text(json.dumps(zeros, indent=2) + "\n")
    return zeros


def prune_network(
    network: Any, recipe: Recipe, examples: train.Examples, on_epoch: train.OnEpoch | None = None
) -> Any:
    """A pruned copy of a network, fine-tuned on `examples`."""
    train.make_repeatable(recipe.seed)
    settings, steps_an_epoch = recipe.prune, -(-len(examples.labels) // recipe.training.batch_size)
    schedule = tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=settings.sparsity,
        begin_step=0,
        end_step=max(1, settings.epochs * steps_an_epoch // 2),
        frequency=max(1, min(50, steps_an_epoch // 4)),
    )
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    masked = keras.models.clone_model(copy, clone_function=lambda layer: _masked(layer, schedule))
    train.fit_network(
        masked,
        recipe,
        examples,
        settings.epochs,
        settings.learning_rate,
        on_epoch,
        callbacks=(tfmot.sparsity.keras.UpdatePruningStep(),),
    )
    return tfmot.sparsity.keras.strip_pruning(masked)


def sparsity(network: Any) -> dict[str, float]:
    """Share of zeros in the kernel of each layer, and under "all" in all kernels together."""
    kernels = {layer.name: layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")}
    zeros = {name: float(np.mean(kernel == 0)) for name, kernel in kernels.items()}
    return {**zeros, "all": float(np.mean(np.concatenate([k.ravel() for k in kernels.values()]) == 0))}


def _masked(layer: Any, schedule: Any) -> Any:
    if not hasattr(layer, "kernel") or layer.name == KEPT_WHOLE:
        return layer
    return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)
