"""Other ways to read the beat than the recipe's convolutions, to compare with: `model.architecture`.

The layers on the rhythm features and the head stay the same. The firmware has kernels for convolutions only:
these networks are compared as float networks, and cannot be exported.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import tf_keras as keras

layers = keras.layers

_HEADS: Final = 2
_BLOCKS: Final = 2


def lstm(x: Any) -> Any:
    """Read the steps of a convolution's output, shape (1, steps, channels), by an LSTM as wide."""
    steps, width = x.shape[2], x.shape[3]
    return layers.LSTM(width, name="lstm")(layers.Reshape((steps, width), name="steps")(x))


def transformer(x: Any) -> Any:
    """Read the steps of a convolution's output by two blocks of attention with two heads; then their mean."""
    steps, width = x.shape[2], x.shape[3]
    x = layers.Reshape((steps, width), name="steps")(x)
    x = x + layers.Embedding(steps, width, name="places")(np.arange(steps)[None])
    for _ in range(_BLOCKS):
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(_HEADS, width // _HEADS)(x, x))
        inner = layers.Dense(2 * width, activation="relu")(x)
        x = layers.LayerNormalization()(x + layers.Dense(width)(inner))
    return layers.GlobalAveragePooling1D(name="pool")(x)


READERS: Final = {"cnn-lstm": lstm, "transformer": transformer}
"""By name; each takes the place of the last convolution and of the mean over time."""
