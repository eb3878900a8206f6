"""Prune a trained network: its smallest weights become zero while it is trained a little further."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
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
    if settings.block > 1:
        blocks = BlockPruning(
            [layer.kernel for layer in copy.layers if _is_pruned(layer)], settings.block, schedule
        )
        _fine_tune(copy, recipe, examples, blocks, on_epoch)
        return copy
    masked = keras.models.clone_model(copy, clone_function=lambda layer: _masked(layer, schedule))
    _fine_tune(masked, recipe, examples, tfmot.sparsity.keras.UpdatePruningStep(), on_epoch)
    return tfmot.sparsity.keras.strip_pruning(masked)


def _fine_tune(
    network: Any, recipe: Recipe, examples: train.Examples, pruning: Any, on_epoch: train.OnEpoch | None
) -> None:
    settings = recipe.prune
    train.fit_network(
        network, recipe, examples, settings.epochs, settings.learning_rate, on_epoch, callbacks=(pruning,)
    )


def sparsity(network: Any) -> dict[str, float]:
    """Share of zeros in the kernel of each layer, and under "all" in all kernels together."""
    kernels = {layer.name: layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")}
    zeros = {name: float(np.mean(kernel == 0)) for name, kernel in kernels.items()}
    return {**zeros, "all": float(np.mean(np.concatenate([k.ravel() for k in kernels.values()]) == 0))}


def _is_pruned(layer: Any) -> bool:
    return hasattr(layer, "kernel") and layer.name != KEPT_WHOLE


def _masked(layer: Any, schedule: Any) -> Any:
    if not _is_pruned(layer):
        return layer
    return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)


class BlockPruning(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the smallest blocks of kernels at zero. (tfmot knows no blocks in the kernels of convolutions.)

    Parameters
    ----------
    kernels : list of tf.Variable
        The last dimension is the output channel; the others, flat, are the window that blocks divide.
    block : int
        Weights of a block.
    schedule : tfmot PruningSchedule
        When masks are made anew, and the share of blocks that they make zero.
    """

    def __init__(self, kernels: list[Any], block: int, schedule: Any) -> None:
        super().__init__()
        self._kernels, self._block, self._schedule = kernels, block, schedule
        self._masks = [np.ones(kernel.shape, np.float32) for kernel in kernels]
        self._step = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Mask what the optimizer has changed."""
        self._step += 1
        due, share = (float(value) for value in self._schedule(self._step))
        for number, kernel in enumerate(self._kernels):
            if due:
                self._masks[number] = block_mask(kernel.numpy(), self._block, share)
            kernel.assign(kernel * self._masks[number])


def block_mask(kernel: npt.NDArray[np.float32], block: int, share: float) -> npt.NDArray[np.float32]:
    """Zeros for that share of a kernel's blocks with the smallest sums of magnitudes, ones for the others.

    Parameters
    ----------
    kernel : ndarray of float32, shape (..., channels)
    block : int
        Neighbouring weights of one channel; the last block of a channel may have fewer.
    share : float
        0 to 1.
    """
    windows = np.abs(kernel).reshape(-1, kernel.shape[-1])
    starts = np.arange(0, len(windows), block)
    sizes = np.add.reduceat(windows, starts, axis=0)
    kept = np.ones(sizes.size, np.float32)
    kept[np.argsort(sizes, axis=None, kind="stable")[: round(share * sizes.size)]] = 0
    mask = np.repeat(kept.reshape(sizes.shape), block, axis=0)[: len(windows)]
    return mask.reshape(kernel.shape)
