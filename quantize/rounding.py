"""Round weights to the steps of int8 so that each layer's output changes least.

Plain rounding takes each weight to the nearest step. Its errors add up where inputs move together, as the
samples of a beat do: the logits of one patient's beats all shift one way. Here the weights of a channel are
rounded one after the other, and those that are left make up for the error of each, over training beats
(GPTQ: Frantar et al., "Accurate post-training quantization for generative pre-trained transformers", ICLR
2023). The largest weight of a channel, which sets its step, comes first and stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras as keras

from ecg_edge.training.keras_model import KerasModel

Float = npt.NDArray[np.float64]

_LARGEST: Final = 127  # of a weight, in steps: the converter's grid is symmetric
_DAMPING: Final = 0.01  # added to the inputs' second moments, by their mean: keeps them invertible


def round_weights(network: KerasModel, inputs: Sequence[npt.NDArray[np.float32]]) -> KerasModel:
    """Copy a network with the kernels of its convolutions and dense layers on the grid of int8.

    The converter finds the same grid and changes them no further.

    Parameters
    ----------
    network : KerasModel
        Layers of one input each but for those without weights.
    inputs : sequence of ndarray of float32
        Some thousand training beats.
    """
    rounded = cast(KerasModel, keras.models.clone_model(network))
    rounded.set_weights(network.get_weights())
    for layer in rounded.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
            seen = keras.Model(rounded.inputs, layer.input).predict(list(inputs), batch_size=1024, verbose=0)
            kernel, *rest = layer.get_weights()
            columns = kernel.reshape(-1, kernel.shape[-1]).astype(np.float64)
            moments = _second_moments(layer, seen)
            on_grid = np.stack([round_channel(column, moments) for column in columns.T], axis=1)
            layer.set_weights([on_grid.reshape(kernel.shape).astype(np.float32), *rest])
    return rounded


def round_channel(weights: Float, moments: Float) -> Float:
    """Round the weights of one output channel to multiples of their largest by 127.

    Weights of zero stay zero.

    Parameters
    ----------
    weights : ndarray of float64, shape (n,)
    moments : ndarray of float64, shape (n, n)
        Mean of the products of the inputs, two by two.
    """
    found = np.zeros_like(weights)
    order = np.argsort(-np.abs(weights), kind="stable")
    order = order[weights[order] != 0]
    if not len(order):
        return found
    step = abs(weights[order[0]]) / _LARGEST
    left, own = weights[order], moments[np.ix_(order, order)]
    own = own + _DAMPING * max(float(np.trace(own)) / len(own), 1e-12) * np.eye(len(own))
    making_up = np.linalg.cholesky(np.linalg.inv(own)).T  # row i: what its error asks of the later weights
    for i, place in enumerate(order):
        found[place] = step * np.clip(np.rint(left[i] / step), -_LARGEST, _LARGEST)
        left[i:] -= (left[i] - found[place]) / making_up[i, i] * making_up[i, i:]
    return found


def _second_moments(layer: Any, seen: npt.NDArray[np.float32]) -> Float:
    """Compute the mean products of what a layer's kernel is multiplied with, shape (n, n)."""
    if isinstance(layer, keras.layers.Conv2D):
        sizes, strides = (1, *layer.kernel_size, 1), (1, *layer.strides, 1)
        seen = tf.image.extract_patches(seen, sizes, strides, (1, 1, 1, 1), layer.padding.upper()).numpy()
    rows = seen.reshape(-1, seen.shape[-1]).astype(np.float64)
    return cast(Float, rows.T @ rows / len(rows))
