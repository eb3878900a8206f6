"""Round weights to the steps of int8 so that the differences of a network's outputs change least.

Plain rounding takes each weight to the nearest step. Its errors add up where inputs move together, as the
samples of a beat do: the logits of one patient's beats all shift one way. Here the weights of all layers are
rounded one after the other, and those that are left make up for the error of each, over training beats whose
label is decided narrowly: what counts is the logit of the label, less that of the next. (GPTQ: Frantar et
al., "Accurate post-training quantization for generative pre-trained transformers", ICLR 2023, which does so
within a layer; here layers make up for each other, too.) Biases are not rounded, and make up for what is
left. The largest weight of a channel, which sets its step, stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras as keras
from scipy.linalg import cholesky

from ecg_edge.training.keras_model import KerasModel

Float = npt.NDArray[np.float64]

_LARGEST: Final = 127  # of a weight, in steps: the converter's grid is symmetric
_DAMPING: Final = 0.01  # added to the weights' second moments, by their mean: keeps them invertible
_BATCH: Final = 2048


def round_weights(network: KerasModel, inputs: Sequence[npt.NDArray[np.float32]]) -> KerasModel:
    """Copy a network with the kernels of its convolutions and dense layers on the grid of int8.

    The converter finds the same grid and changes them no further. Weights of zero stay zero.

    Parameters
    ----------
    network : KerasModel
        Dense layers are linear or rectified; what follows a convolution is a layer of its own.
    inputs : sequence of ndarray of float32
        Some thousand training beats near the border of two labels.
    """
    rounded = cast(KerasModel, keras.models.clone_model(network))
    rounded.set_weights(network.get_weights())
    kernels, free = _parameters(rounded)
    values = [kernel.numpy().astype(np.float64) for kernel in kernels]
    steps = [np.broadcast_to(_steps(kernel), kernel.shape) for kernel in values]
    in_steps = _flat([kernel / step for kernel, step in zip(values, steps, strict=True)])
    unit = np.concatenate([_flat(steps), np.ones(sum(one.shape.num_elements() for one in free))])
    moments = _second_moments(rounded, inputs)
    moments *= unit[:, None]
    moments *= unit
    found, moved = round_to_grid(in_steps, moments)
    for variables, flat in (
        (kernels, found * _flat(steps)),
        (free, _flat([b.numpy() for b in free]) + moved),
    ):
        for variable in variables:
            count = variable.shape.num_elements()
            variable.assign(flat[:count].reshape(variable.shape))
            flat = flat[count:]
    return rounded


class Rounded(NamedTuple):
    """Weights on their grid.

    Attributes
    ----------
    weights : ndarray of float64, shape (n,)
        Whole numbers from -127 to 127.
    moved : ndarray of float64, shape (m,)
        What is added to the parameters without a grid.
    """

    weights: Float
    moved: Float


def round_to_grid(weights: Float, moments: Float) -> Rounded:
    """Round weights to whole numbers so that outputs change least.

    Weights of zero stay zero, and those of 127 steps stay, too. The others are rounded from the one that
    moves the outputs most to the one that moves them least, each to what makes up best for those before.

    Parameters
    ----------
    weights : ndarray of float64, shape (n,)
        In steps, from -127 to 127.
    moments : ndarray of float64, shape (n + m, n + m)
        Mean products of what the outputs change by with each weight (by one step) and with each of m
        parameters without a grid, two by two. Is used up.
    """
    count = len(weights)
    found = np.rint(weights)
    at = np.flatnonzero((weights != 0) & (np.abs(weights) < _LARGEST - 1e-4))
    at = at[np.argsort(moments[at, at], kind="stable")]  # the last is rounded first
    order = np.concatenate([np.arange(count, len(moments)), at])
    free = len(moments) - count
    ordered = moments[np.ix_(order, order)]
    mean = float(np.trace(ordered[free:, free:])) / max(len(at), 1)
    ordered[np.diag_indices(len(order))] += _DAMPING * max(mean, 1e-12)
    root = cholesky(ordered, lower=True, overwrite_a=True, check_finite=False)
    errors = np.zeros(len(order))
    asked = np.zeros(len(order))  # of each parameter, by the errors of those that are rounded
    for i in range(len(order) - 1, -1, -1):
        wanted = -asked[i] / root[i, i]
        if i >= free:
            place = order[i]
            found[place] = np.clip(np.rint(weights[place] + wanted), -_LARGEST, _LARGEST)
            errors[i] = found[place] - weights[place]
        else:
            errors[i] = wanted
        asked[:i] += root[i, :i] * errors[i]
    return Rounded(found, errors[:free])


def _parameters(network: Any) -> tuple[list[Any], list[Any]]:
    """List the kernels, and what is added after them, in the order of `_gradients`."""
    kernels = [layer.kernel for layer in _layers(network) if hasattr(layer, "kernel")]
    return kernels, [one for one in map(_added_by, _layers(network)) if one is not None]


def _layers(network: Any) -> list[Any]:
    kinds = (keras.layers.Conv2D, keras.layers.Dense, keras.layers.BatchNormalization)
    return [layer for layer in network.layers if isinstance(layer, kinds)]


def _added_by(layer: Any) -> Any:
    """Return what a layer adds to each of its channels; None where it adds nothing."""
    return layer.beta if isinstance(layer, keras.layers.BatchNormalization) else layer.bias


def _steps(kernel: Float) -> Float:
    """Return the step of each output channel, shape (channels,); a channel of zeros has some step."""
    largest = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0)
    return np.where(largest > 0, largest, 1.0) / _LARGEST


def _flat(arrays: Sequence[npt.NDArray[Any]]) -> Float:
    return np.concatenate([np.zeros(0), *(array.reshape(-1) for array in arrays)])


def _second_moments(network: Any, inputs: Sequence[npt.NDArray[np.float32]]) -> Float:
    """Compute the mean products of all parameters' gradients, two by two."""
    total: Any = 0.0
    for rows in _gradients(network, inputs):
        exact = rows.astype(np.float64)  # in float32 the damping would drown in errors of the biases' moments
        total = total + exact.T @ exact
    return cast(Float, total / len(inputs[0]))


def _gradients(network: Any, inputs: Sequence[npt.NDArray[np.float32]]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield, some beats at a time, the gradient of the largest logit less the next by each parameter."""
    layers = _layers(network)
    taps = keras.Model(
        network.inputs, [[one.input for one in layers], [one.output for one in layers], network.output]
    )
    for start in range(0, len(inputs[0]), _BATCH):
        with tf.GradientTape() as tape:
            some = [values[start : start + _BATCH] for values in inputs]
            seen, outputs, logits = taps(some, training=False)
            two = tf.math.top_k(logits, 2).values
            margin = tf.reduce_sum(two[:, 0] - two[:, 1])
        slopes = tape.gradient(margin, outputs)
        of_kernels, of_added = [], []
        for layer, values, output, slope in zip(layers, seen, outputs, slopes, strict=True):
            if getattr(layer, "activation", None) is keras.activations.relu:
                slope = slope * tf.cast(output > 0, slope.dtype)
            places = tf.reshape(slope, (len(slope), -1, slope.shape[-1]))
            if hasattr(layer, "kernel"):
                read = tf.reshape(_read_by(layer, values), (len(slope), places.shape[1], -1))
                of_kernels.append(tf.reshape(tf.einsum("nip,nic->npc", read, places), (len(slope), -1)))
            if _added_by(layer) is not None:
                of_added.append(tf.reduce_sum(places, axis=1))
        yield tf.concat(of_kernels + of_added, axis=1).numpy()


def _read_by(layer: Any, values: Any) -> Any:
    """Return what each output of a layer multiplies its kernel with."""
    if not isinstance(layer, keras.layers.Conv2D):
        return values
    sizes, strides = (1, *layer.kernel_size, 1), (1, *layer.strides, 1)
    return tf.image.extract_patches(values, sizes, strides, (1, 1, 1, 1), layer.padding.upper())
