"""Random convolutions along the width: shapes at and around the edges of the kernels that work in blocks."""

from __future__ import annotations

import math

import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from tests.support.random_networks import (
    SAME,
    VALID,
    Builder,
    T,
    Window,
    conv_of,
    depthwise_of,
    options,
    window_of,
)

LARGEST = 1000  # elements of a tensor


def random_row_network(seed: int) -> bytes:
    """A network of up to three convolutions along the width; the same seed gives the same bytes."""
    b = Builder(seed)
    depth = int(b.rng.choice([1, 1, 2, 3, 4, 4, 5, 8, 8, 12]))
    tensor = b.input((1, 1, int(b.rng.integers(4, 84)), depth))
    for _ in range(3):
        tensor = _row(b, tensor)
        if math.prod(tensor.shape) > LARGEST:
            break
    return b.finish([tensor])


def _row(b: Builder, source: T) -> T:
    if b.rng.random() < 0.5:
        return depthwise_of(b, source, _row_window(b, source, 12), int(b.rng.choice([1, 1, 1, 2, 3])))
    return conv_of(b, source, _row_window(b, source, 9), int(b.rng.choice([1, 2, 2, 4, 4, 5, 6, 8, 12])))


def _row_window(b: Builder, source: T, widest: int) -> Window:
    kernel, stride = (1, int(b.rng.integers(1, widest + 1))), (1, int(b.rng.choice([1, 1, 2, 2, 3])))
    dilation = (1, 2) if b.rng.random() < 0.1 else (1, 1)
    valid = window_of(source, kernel, stride, dilation, VALID) if b.rng.random() < 0.5 else None
    window = valid or window_of(source, kernel, stride, dilation, SAME)
    assert window is not None  # SAME leaves at least one position
    return window


def few_positions_network(positions: int, channels: int) -> bytes:
    """A convolution with so many output positions, whose windows lie within the input."""
    b = Builder(positions)
    source = b.input((1, 1, 8 + 3 * (positions - 1), 5))
    window = window_of(source, (1, 8), (1, 3), (1, 1), VALID)
    assert window is not None
    return b.finish([conv_of(b, source, window, channels)])


def widest_row_network(sign: int) -> bytes:
    """The longest window that the ARM DSP form takes in pairs, with weights of one sign."""
    b = Builder(0)
    source = b.input((1, 1, 20, 56), 0.1, 0)
    data = np.full((2, 1, 9, 56), sign * 127, np.int8)
    weights = b.tensor(data.shape, [0.01, 0.02], [0, 0], data=data)
    output = b.activation((1, 1, 20, 2), 800.0, 0)
    bias = b.ints([sign, -sign])
    b.tensors[bias].quantization = schema.QuantizationParametersT()
    b.tensors[bias].quantization.scale, b.tensors[bias].quantization.zeroPoint = [0.001, 0.002], [0, 0]
    settings = options(
        "Conv2DOptions", padding=SAME, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1
    )
    return b.finish([b.operator("CONV_2D", [source.index, weights, bias], output, settings)])
