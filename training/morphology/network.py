"""The morphology network: convolutions, then mean and maximum of each channel over the strip.

The mean sees what every beat shows, such as an ST level; the maximum sees what one beat shows, such as a
premature one. Keras 2 and convolutions of (1, k), as in `training.networks`.
"""

from __future__ import annotations

from typing import Any, Final, cast

import tf_keras as keras

from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.firmware import STRIP_POINTS
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.morphology.recipe import StripModel

STRIP_SHAPE: Final = (1, STRIP_POINTS, 1)


def build(model: StripModel) -> KerasModel:
    """Build an untrained network.

    Returns
    -------
    KerasModel
        Input "strip" (1, 900, 1) in mV; output "logits" (5,), without softmax.
    """
    layers = keras.layers
    strip = keras.Input(STRIP_SHAPE, name="strip")
    x = strip
    for number, shape in enumerate(zip(model.filters, model.kernels, model.strides, strict=True), start=1):
        x = convolution(x, number, *shape)
    mean = layers.GlobalAveragePooling2D(name="mean")(x)
    peak = layers.Flatten(name="peak")(layers.MaxPooling2D((1, x.shape[2]), name="maximum")(x))
    x = layers.Concatenate(name="features")([mean, peak])
    x = layers.Dropout(model.dropout, name="dropout")(x)
    x = layers.Dense(model.head_units, activation="relu", name="head")(x)
    logits = layers.Dense(len(MORPHOLOGY), name="logits")(x)
    return cast(KerasModel, keras.Model(strip, logits, name="morphology"))


def convolution(x: Any, number: int, filters: int, kernel: int, stride: int) -> Any:
    """Add a convolution with normalization and ReLU."""
    layers = keras.layers
    x = layers.Conv2D(
        filters, (1, kernel), (1, stride), padding="same", use_bias=False, name=f"convolution_{number}"
    )(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"normalization_{number}")(x)
    return layers.ReLU(name=f"relu_{number}")(x)
