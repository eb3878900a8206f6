"""The network: convolutions on the beat, a dense layer on the rhythm, one head on both.

Keras 2 (`tf_keras`) is imported by its own name everywhere: tensorflow-model-optimization supports nothing
else. Convolutions are two-dimensional with a kernel of (1, k), so that the flatbuffer has no reshapes around
them.
"""

from __future__ import annotations

from typing import Any, Final, cast

import tf_keras as keras

from ecg_edge import firmware
from ecg_edge.ecg.errors import RecipeError
from ecg_edge.ecg.labels import LABELS
from ecg_edge.training.architectures import READERS
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.recipes import MAX_PARAMETERS, TREES, Model

BEAT_SHAPE: Final = (1, 128, 2)
LIMIT: Final = 6.0
"""Upper limit of a convolution's output: a rare large value would widen the steps of int8 for all others."""

RHYTHM_SHAPE: Final = (firmware.RHYTHM_FEATURES,)


def build(model: Model) -> KerasModel:
    """Build an untrained network.

    Returns
    -------
    KerasModel
        Inputs "beat" (1, 128, 2) and "rhythm" (27,); output "logits" (5,), without softmax.

    Raises
    ------
    RecipeError
        When it has more than `MAX_PARAMETERS` parameters, or the recipe trains no network.
    """
    if model.architecture == TREES:
        raise RecipeError("model.architecture: trees are no network; only `ablate` and `--folds` train them.")
    if model.parameters > MAX_PARAMETERS:
        raise RecipeError(f"[model] has {model.parameters} parameters; at most {MAX_PARAMETERS} are allowed.")
    layers = keras.layers
    beat = keras.Input(BEAT_SHAPE, name="beat")
    rhythm = keras.Input(RHYTHM_SHAPE, name="rhythm")
    x = beat
    shapes = list(zip(model.filters, model.kernels, model.strides, strict=True))
    reader = READERS.get(model.architecture, layers.GlobalAveragePooling2D(name="pool"))
    for number, shape in enumerate(shapes[:-1] if model.architecture in READERS else shapes, start=1):
        x = _convolution(x, number, *shape)
    x = reader(x)
    y = layers.Dense(model.rhythm_units, activation="relu", name="rhythm_dense")(rhythm)
    z = layers.Concatenate(name="features")([x, y])
    z = layers.Dropout(model.dropout, name="dropout")(z)
    z = layers.Dense(model.head_units, activation="relu", name="head")(z)
    logits = layers.Dense(len(LABELS), name="logits")(z)
    return cast(KerasModel, keras.Model([beat, rhythm], logits, name="beat_classifier"))


def _convolution(x: Any, number: int, filters: int, kernel: int, stride: int) -> Any:
    layers = keras.layers
    x = layers.Conv2D(
        filters, (1, kernel), (1, stride), padding="same", use_bias=False, name=f"convolution_{number}"
    )(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"normalization_{number}")(x)
    return layers.ReLU(LIMIT, name=f"relu_{number}")(x)


def multiply_accumulates(network: KerasModel) -> int:
    """Count the multiply-accumulate operations per beat."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += layer.output_shape[2] * int(layer.kernel.shape.num_elements())
        elif isinstance(layer, keras.layers.Dense):
            total += int(layer.kernel.shape.num_elements())
    return total
