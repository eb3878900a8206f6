"""Quantization-aware training: a network learns with the rounding of int8 in its weights and layers.

tensorflow-model-optimization puts the rounding into a copy of the network, which is trained on; the weights
then go back into the network, and the usual quantization follows. So the inputs keep the scales of the signal
path. Weights that pruning has set to zero stay zero.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import tensorflow_model_optimization as tfmot
import tf_keras as keras

from ecg_edge.training import train
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.progress import OnEpoch
from ecg_edge.training.recipes import Recipe


def train_aware(
    network: KerasModel, recipe: Recipe, examples: train.Examples, on_epoch: OnEpoch | None = None
) -> KerasModel:
    """Train a copy of a network with int8's rounding, by `[quantize]` of the recipe.

    Parameters
    ----------
    network : KerasModel
        As trained, or pruned.
    recipe : Recipe
        Without `aware_epochs` the network stays as it is.
    examples : Examples
        Beats to fit.
    on_epoch : callable, optional
        Called after each epoch.
    """
    settings = recipe.quantize
    if settings.aware_epochs == 0:
        return network
    train.make_repeatable(recipe.seed)
    aware = tfmot.quantization.keras.quantize_model(network)
    weights = {weight.name: weight for weight in aware.weights}
    zeros = KeepZeros([(weights[kernel.name], kernel.numpy() != 0) for kernel in _kernels(network)])
    train.fit_network(
        aware,
        recipe,
        examples,
        settings.aware_epochs,
        settings.aware_learning_rate,
        on_epoch,
        callbacks=(zeros,),
    )
    copy = cast(KerasModel, keras.models.clone_model(network))
    copy.set_weights([weights[weight.name].numpy() for weight in cast(Any, network).weights])
    return copy


def _kernels(network: KerasModel) -> list[Any]:
    return [layer.kernel for layer in network.layers if hasattr(layer, "kernel")]


class KeepZeros(keras.callbacks.Callback):  # type: ignore[misc]
    """Set weights to zero again that were zero before.

    Parameters
    ----------
    masks : list of (tf.Variable, ndarray of bool)
        Kernels, and where they are not zero.
    """

    def __init__(self, masks: list[tuple[Any, npt.NDArray[np.bool_]]]) -> None:
        super().__init__()
        self._masks = [(kernel, mask) for kernel, mask in masks if not mask.all()]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Mask the weights that the optimizer has changed."""
        self._apply()

    def on_train_end(self, logs: Any = None) -> None:
        """Mask the running mean of the weights, which the optimizer has put in their place."""
        self._apply()

    def _apply(self) -> None:
        for kernel, mask in self._masks:
            kernel.assign(kernel * mask.astype(np.float32))
