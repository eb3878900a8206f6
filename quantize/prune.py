"""Prune a trained network: set its smallest weights to zero during fine-tuning.

Pruning costs accuracy, and the generated C is smaller and faster for it only in layers that take the sparse
kernels. A network that runs dense pays the accuracy for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from ecg_edge.ecg.files import locked_folder, write_json
from ecg_edge.training import train
from ecg_edge.training.datasets import training_beats
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.progress import SILENT, OnEpoch, Progress
from ecg_edge.training.recipes import Prune, Recipe
from ecg_edge.training.runs import Run

# A hundred weights: pruning them saves little, and a class may depend on a few of them.
UNPRUNED_LAYER: Final = "logits"


def prune(run: Run, progress: Progress = SILENT) -> dict[str, float]:
    """Prune the trained network of a run folder, and save the pruned one.

    Parameters
    ----------
    run : Run
    progress : Progress, optional

    Returns
    -------
    dict of str to float
        Share of zeros in the kernel of each layer, and under "all" in all kernels together.

    Raises
    ------
    EcgEdgeError
        When there is no trained network.
    """
    trained = run.require("train")
    with locked_folder(run.folder.path):
        beats = training_beats(run.recipe, run.data_root, progress.on_record)
        examples = train.examples(run.recipe, beats)
        pruned = prune_network(train.load(trained), run.recipe, examples, progress.on_epoch)
        train.save(pruned, run.folder.pruned)
        zeros = sparsity(pruned)
        write_json(run.folder.sparsity, zeros)
        return zeros


def prune_network(
    network: KerasModel, recipe: Recipe, examples: train.Examples, on_epoch: OnEpoch | None = None
) -> KerasModel:
    """Prune a copy of a network, fine-tuned on `examples`; a sparsity of 0 leaves it as it is."""
    if recipe.prune.sparsity == 0:
        return network
    settings, steps_per_epoch = recipe.prune, -(-len(examples.labels) // recipe.training.batch_size)

    def fine_tune(copy: KerasModel, pruning: Any) -> None:
        train.fit_network(
            copy, recipe, examples, settings.epochs, settings.learning_rate, on_epoch, callbacks=(pruning,)
        )

    train.make_repeatable(recipe.seed)
    return pruned_copy(network, settings, steps_per_epoch, fine_tune)


FineTune = Callable[[KerasModel, Any], None]
"""Fit a network with the callback that prunes it."""


def pruned_copy(
    network: KerasModel, settings: Prune, steps_per_epoch: int, fine_tune: FineTune
) -> KerasModel:
    """Prune a copy of any network with layers of kernels; the layer `UNPRUNED_LAYER` is left out."""
    schedule = tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=settings.sparsity,
        begin_step=0,
        end_step=max(1, settings.epochs * steps_per_epoch // 2),
        frequency=max(1, min(50, steps_per_epoch // 4)),
    )
    copy = cast(KerasModel, keras.models.clone_model(network))
    copy.set_weights(network.get_weights())
    if settings.block > 1:
        kernels = [layer.kernel for layer in copy.layers if _is_pruned(layer)]
        fine_tune(copy, BlockPruning(kernels, settings.block, schedule))
        return copy
    masked = keras.models.clone_model(copy, clone_function=lambda layer: _masked(layer, schedule))
    fine_tune(masked, tfmot.sparsity.keras.UpdatePruningStep())
    # A running mean of the weights, which the optimizer puts in their place at the end, has no zeros.
    for layer in masked.layers:
        for weight, mask, _ in getattr(layer, "pruning_vars", ()):
            weight.assign(weight * mask)
    return cast(KerasModel, tfmot.sparsity.keras.strip_pruning(masked))


def sparsity(network: KerasModel) -> dict[str, float]:
    """Compute the share of zeros in the kernel of each layer, and under "all" in all kernels together."""
    kernels = {layer.name: layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")}
    zeros = {name: float(np.mean(kernel == 0)) for name, kernel in kernels.items()}
    return {**zeros, "all": float(np.mean(np.concatenate([k.ravel() for k in kernels.values()]) == 0))}


def _is_pruned(layer: Any) -> bool:
    return hasattr(layer, "kernel") and layer.name != UNPRUNED_LAYER


def _masked(layer: Any, schedule: Any) -> Any:
    if not _is_pruned(layer):
        return layer
    return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)


class BlockPruning(keras.callbacks.Callback):  # type: ignore[misc]
    """Keep the smallest blocks of kernels at zero; tfmot has no blocks in the kernels of convolutions.

    Parameters
    ----------
    kernels : list of tf.Variable
        The last dimension is the output channel; blocks divide the others, flattened.
    block : int
        Weights per block.
    schedule : tfmot PruningSchedule
        Steps at which the masks are computed again, and the share of blocks that they set to zero.
    """

    def __init__(self, kernels: list[Any], block: int, schedule: Any) -> None:
        super().__init__()
        self._kernels, self._block, self._schedule = kernels, block, schedule
        self._masks = [np.ones(kernel.shape, np.float32) for kernel in kernels]
        self._step = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Mask the weights that the optimizer has changed."""
        self._step += 1
        due, share = (float(value) for value in self._schedule(self._step))
        if due:
            self._masks = [block_mask(kernel.numpy(), self._block, share) for kernel in self._kernels]
        self._apply()

    def on_train_end(self, logs: Any = None) -> None:
        """Mask the running mean of the weights, which the optimizer has put in their place."""
        self._apply()

    def _apply(self) -> None:
        for kernel, mask in zip(self._kernels, self._masks, strict=True):
            kernel.assign(kernel * mask)


def block_mask(kernel: npt.NDArray[np.float32], block: int, share: float) -> npt.NDArray[np.float32]:
    """Make a mask: zeros for the share of blocks with the smallest sums of magnitudes, ones for the others.

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
