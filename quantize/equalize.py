"""Scale the channels of a network so that each uses the whole range of int8 that its layer has.

A tensor has one step for all its channels: the largest channel sets it, and the others are rounded coarsely.
A channel's output times a factor, and the weights that read it divided by that factor, is the same network
in floating point (Nagel et al., "Data-free quantization through weight equalization and bias correction",
ICCV 2019), and its steps are finer by the factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import tf_keras as keras

from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.networks import LIMIT

Float = npt.NDArray[np.float64]

_MOST: Final = 16.0  # factor of a channel that is nearly silent in the training beats


def equalize_channels(network: KerasModel, inputs: Sequence[npt.NDArray[np.float32]]) -> KerasModel:
    """Copy a network of `networks.build` with its channels scaled: each reaches the largest of its layer.

    Convolutions are limited to `LIMIT`, which each of their channels reaches then: what is larger in other
    beats than in these is cut off. Networks with other layers are copied as they are.

    Parameters
    ----------
    network : KerasModel
    inputs : sequence of ndarray of float32, shapes (n, 1, 128, 2) and (n, 27)
        Some thousand training beats.

    Returns
    -------
    KerasModel
        The same outputs for these beats. No channel is scaled by more than 16.
    """
    scaled = cast(Any, keras.models.clone_model(network))
    scaled.set_weights(network.get_weights())
    convolutions = [layer for layer in scaled.layers if isinstance(layer, keras.layers.Conv2D)]
    names = {layer.name for layer in scaled.layers}
    of_convolutions = {
        f"{kind}_{number + 1}" for number in range(len(convolutions)) for kind in ("normalization", "relu")
    }
    if not names >= of_convolutions | {"pool", "rhythm_dense", "head", "logits"}:
        return cast(KerasModel, scaled)
    factors = np.ones(1)
    for number, convolution in enumerate(convolutions, start=1):
        _divide_inputs(convolution, factors)
        factors = _factors(_largest(scaled, f"relu_{number}", inputs), LIMIT)
        normalization = scaled.get_layer(f"normalization_{number}")
        gamma, beta, mean, variance = normalization.get_weights()
        normalization.set_weights([gamma * factors, beta * factors, mean, variance])
    rhythm, pooled = (_largest(scaled, name, inputs) for name in ("rhythm_dense", "pool"))
    of_rhythm = _factors(rhythm, max(rhythm.max(), pooled.max()))  # one tensor holds both
    _multiply_outputs(scaled.get_layer("rhythm_dense"), of_rhythm)
    _divide_inputs(scaled.get_layer("head"), np.concatenate([factors, of_rhythm]))
    head = _largest(scaled, "head", inputs)
    of_head = _factors(head, head.max())
    _multiply_outputs(scaled.get_layer("head"), of_head)
    _divide_inputs(scaled.get_layer("logits"), of_head)
    return cast(KerasModel, scaled)


def _largest(network: Any, layer: str, inputs: Sequence[npt.NDArray[np.float32]]) -> Float:
    """Return the largest output of each channel of a layer."""
    part = keras.Model(network.inputs, network.get_layer(layer).output)
    found = part.predict(list(inputs), batch_size=1024, verbose=0)
    return cast(Float, found.reshape(-1, found.shape[-1]).max(axis=0).astype(np.float64))


def _factors(largest: Float, wanted: float) -> Float:
    """Return what brings each channel to `wanted`; a silent one stays."""
    silent = largest <= 0
    return np.where(silent, 1.0, np.clip(wanted / np.where(silent, 1.0, largest), 1.0, _MOST))


def _divide_inputs(layer: Any, factors: Float) -> None:
    kernel, *rest = layer.get_weights()
    layer.set_weights([kernel / factors[:, None], *rest])


def _multiply_outputs(layer: Any, factors: Float) -> None:
    layer.set_weights([weights * factors for weights in layer.get_weights()])
