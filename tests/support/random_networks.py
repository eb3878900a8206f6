"""Random small int8 networks, built directly as TFLite flatbuffers with the TFLM wheel's schema."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

SAME, VALID = 0, 1
ACTIVATIONS = (0, 0, 1, 3, 2)  # none twice, relu, relu6, relu of -1 to 1


@dataclass(frozen=True)
class T:
    """A tensor under construction."""

    index: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int


class Builder:
    """Builds one network, operator after operator."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.codes: list[str] = []
        self.buffers = [schema.BufferT()]
        self.inputs: list[int] = []

    def scale(self) -> float:
        return float(np.float32(math.exp(self.rng.uniform(math.log(1e-3), math.log(0.3)))))

    def zero_point(self) -> int:
        return int(self.rng.choice([-128, 127, 0, *self.rng.integers(-128, 128, 5)]))

    def tensor(
        self,
        shape: tuple[int, ...],
        scales: Any = None,
        zero_points: Any = None,
        dtype: int = schema.TensorType.INT8,
        data: Any = None,
        axis: int = 0,
    ) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = f"t{len(self.tensors)}", list(shape), dtype
        tensor.buffer = 0
        if data is not None:
            tensor.buffer = len(self.buffers)
            self.buffers.append(schema.BufferT())
            self.buffers[-1].data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        if scales is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [float(s) for s in np.atleast_1d(scales)]
            tensor.quantization.zeroPoint = [int(z) for z in np.atleast_1d(zero_points)]
            tensor.quantization.quantizedDimension = axis
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def activation(
        self, shape: tuple[int, ...], scale: float | None = None, zero_point: int | None = None
    ) -> T:
        scale = self.scale() if scale is None else float(np.float32(scale))
        zero_point = self.zero_point() if zero_point is None else zero_point
        return T(self.tensor(shape, scale, zero_point), tuple(shape), scale, zero_point)

    def like(self, source: T, shape: tuple[int, ...] | None = None) -> T:
        return self.activation(shape or source.shape, source.scale, source.zero_point)

    def input(self, shape: tuple[int, ...], scale: float | None = None, zero_point: int | None = None) -> T:
        tensor = self.activation(shape, scale, zero_point)
        self.inputs.append(tensor.index)
        return tensor

    def ints(self, values: Any, shape: tuple[int, ...] | None = None) -> int:
        values = np.asarray(values, np.int32)
        return self.tensor(shape or values.shape, dtype=schema.TensorType.INT32, data=values)

    def operator(self, name: str, inputs: list[int], output: T, options: Any = None) -> T:
        if name not in self.codes:
            self.codes.append(name)
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.index(name)
        operator.inputs, operator.outputs = inputs, [output.index]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = options
        self.operators.append(operator)
        return output

    def finish(self, outputs: list[T]) -> bytes:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = self.inputs, [output.index for output in outputs]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [graph], self.buffers
        model.operatorCodes = [self._code(name) for name in self.codes]
        packer = flatbuffers.Builder(4096)
        packer.Finish(model.Pack(packer), file_identifier=b"TFL3")
        return bytes(packer.Output())

    def _code(self, name: str) -> Any:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        return code


def options(kind: str, **values: Any) -> Any:
    """An options object of the schema."""
    made = getattr(schema, f"{kind}T")()
    for key, value in values.items():
        setattr(made, key, value)
    return made


def out_size(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    """Output positions along one dimension."""
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else (size - reach) // stride + 1


def _weights(b: Builder, shape: tuple[int, ...], channels: int, axis: int) -> tuple[int, Any, Any]:
    """Weights with their scales: index, values, scales; sometimes extreme, sparse, or with one scale."""
    low = -127 if b.rng.random() < 0.8 else -128
    values = b.rng.integers(low, 128, shape).astype(np.int8)
    kind = b.rng.random()
    if kind < 0.15:
        values = b.rng.choice(np.array([-127, 127], np.int8), shape)
    elif kind < 0.3:
        values[b.rng.random(shape) < 0.7] = 0
    elif kind < 0.55:
        values = zero_blocks(b.rng, values, float(b.rng.choice([0.0, 0.05, 0.2, 0.5, 0.9])))
    count = channels if b.rng.random() < 0.8 else 1
    scales = np.exp(b.rng.uniform(math.log(3e-4), math.log(3e-2), count)).astype(np.float32)
    return b.tensor(shape, scales, np.zeros(count), data=values, axis=axis), values, scales


def zero_blocks(rng: np.random.Generator, weights: Any, density: float) -> Any:
    """Weights of which about that share of the blocks of four are left, and none in some channels."""
    windows = weights.reshape(len(weights), -1)
    kept = rng.random((len(windows), -(-windows.shape[1] // 4))) < density
    kept[rng.random(len(windows)) < 0.1] = False
    mask = np.repeat(kept, 4, axis=1)[:, : windows.shape[1]]
    return np.where(mask, windows, 0).astype(np.int8).reshape(weights.shape)


def _weighted(
    b: Builder, source: T, shape: tuple[int, ...], weights: tuple[int, Any, Any], depth: int, channels: int
) -> tuple[list[int], T]:
    """Inputs and output of a layer whose accumulators have about the output's range."""
    index, _, scales = weights
    spread = 70 * 70 * math.sqrt(depth) * source.scale * float(np.exp(np.log(scales).mean()))
    output = b.activation(shape, spread / math.exp(b.rng.uniform(math.log(8), math.log(400))))
    inputs = [source.index, index]
    if b.rng.random() < 0.8:
        limit = max(int(70 * 70 * math.sqrt(depth)), 2)
        bias = b.rng.integers(-limit, limit, channels).astype(np.int32)
        bias_scales = np.broadcast_to(np.float32(source.scale) * scales, scales.shape)
        inputs.append(
            b.tensor(
                (channels,), bias_scales, np.zeros(scales.size), dtype=schema.TensorType.INT32, data=bias
            )
        )
    elif b.rng.random() < 0.5:
        inputs.append(-1)
    return inputs, output


Pair = tuple[int, int]  # height, width
Window = tuple[Pair, Pair, Pair, int, Pair]  # kernel, stride, dilation, padding, output


def _window(b: Builder, source: T, dilate: bool) -> Window | None:
    """A window that fits the source."""
    height = source.shape[1]
    kernel = (int(b.rng.integers(1, min(height, 4) + 1)), int(b.rng.integers(1, 10)))
    stride = (int(b.rng.integers(1, 4)), int(b.rng.integers(1, 4)))
    dilation = (1, 1)
    if dilate and b.rng.random() < 0.3:
        dilation = (int(b.rng.integers(1, 3)), int(b.rng.integers(1, 4)))
    return window_of(source, kernel, stride, dilation, int(b.rng.choice([SAME, VALID])))


def window_of(source: T, kernel: Pair, stride: Pair, dilation: Pair, padding: int) -> Window | None:
    """The window with its output's size, or None where that is empty."""
    height, width = (
        out_size(source.shape[axis + 1], kernel[axis], stride[axis], dilation[axis], padding)
        for axis in (0, 1)
    )
    return (kernel, stride, dilation, padding, (height, width)) if min(height, width) > 0 else None


def conv(b: Builder, source: T) -> T | None:
    window = _window(b, source, dilate=True)
    return None if window is None else conv_of(b, source, window, int(b.rng.integers(1, 20)))


def conv_of(b: Builder, source: T, window: Window, channels: int) -> T:
    """A convolution with a given window and number of output channels."""
    kernel, stride, dilation, padding, sizes = window
    depth = source.shape[3]
    weights = _weights(b, (channels, *kernel, depth), channels, 0)
    inputs, output = _weighted(b, source, (1, *sizes, channels), weights, math.prod(kernel) * depth, channels)
    settings = options(
        "Conv2DOptions",
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        fusedActivationFunction=int(b.rng.choice(ACTIVATIONS)),
    )
    return b.operator("CONV_2D", inputs, output, settings)


def depthwise(b: Builder, source: T) -> T | None:
    window = _window(b, source, dilate=True)
    return None if window is None else depthwise_of(b, source, window, int(b.rng.choice([1, 1, 2, 3])))


def depthwise_of(b: Builder, source: T, window: Window, multiplier: int) -> T:
    """A depthwise convolution with a given window and depth multiplier."""
    kernel, stride, dilation, padding, sizes = window
    channels = source.shape[3] * multiplier
    weights = _weights(b, (1, *kernel, channels), channels, 3)
    inputs, output = _weighted(b, source, (1, *sizes, channels), weights, math.prod(kernel), channels)
    if len(inputs) == 3 and inputs[2] == -1:
        inputs.pop()
    settings = options(
        "DepthwiseConv2DOptions",
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        depthMultiplier=multiplier,
        fusedActivationFunction=int(b.rng.choice(ACTIVATIONS)),
    )
    return b.operator("DEPTHWISE_CONV_2D", inputs, output, settings)


def fully_connected(b: Builder, source: T) -> T | None:
    depth = source.shape[-1] if b.rng.random() < 0.5 else math.prod(source.shape)
    return fully_connected_of(b, source, depth, int(b.rng.integers(1, 24)))


def fully_connected_of(b: Builder, source: T, depth: int, outputs: int) -> T:
    """A fully connected layer with a given number of inputs and outputs."""
    rows = math.prod(source.shape) // depth
    weights = _weights(b, (outputs, depth), outputs, 0)
    inputs, output = _weighted(b, source, (rows, outputs), weights, depth, outputs)
    settings = options("FullyConnectedOptions", fusedActivationFunction=int(b.rng.choice(ACTIVATIONS)))
    return b.operator("FULLY_CONNECTED", inputs, output, settings)


def pool(b: Builder, source: T) -> T | None:
    window = _window(b, source, dilate=False)
    if window is None:
        return None
    kernel, stride, _, padding, sizes = window
    settings = options(
        "Pool2DOptions",
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        filterHeight=kernel[0],
        filterWidth=kernel[1],
        fusedActivationFunction=int(b.rng.choice(ACTIVATIONS)),
    )
    name = str(b.rng.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"]))
    return b.operator(name, [source.index], b.like(source, (1, *sizes, source.shape[3])), settings)


def mean(b: Builder, source: T) -> T:
    rank = len(source.shape)
    choices = {2: [[1]], 3: [[1], [2], [1, 2]], 4: [[1, 2], [2], [3], [1, 2, 3], [2, 3], [-3, -2]]}[rank]
    axes = choices[int(b.rng.integers(len(choices)))]
    keep = bool(b.rng.random() < 0.5)
    reduced = {axis % rank for axis in axes}
    shape = [1 if axis in reduced else size for axis, size in enumerate(source.shape)]
    if not keep:
        shape = [size for axis, size in enumerate(source.shape) if axis not in reduced]
    output = b.activation(tuple(shape), source.scale * math.exp(b.rng.uniform(-2, 1.5)))
    return b.operator("MEAN", [source.index, b.ints(axes)], output, options("ReducerOptions", keepDims=keep))


def add(b: Builder, source: T) -> T:
    other = quantize(b, source) if b.rng.random() < 0.7 else b.input(source.shape)
    output = b.activation(source.shape, max(source.scale, other.scale) * math.exp(b.rng.uniform(-1.5, 1.5)))
    settings = options("AddOptions", fusedActivationFunction=int(b.rng.choice(ACTIVATIONS)))
    pair = [source.index, other.index]
    b.rng.shuffle(pair)
    return b.operator("ADD", [int(i) for i in pair], output, settings)


def concatenation(b: Builder, source: T) -> T:
    axis = int(b.rng.integers(1, len(source.shape)))
    shape = list(source.shape)
    shape[axis] = int(b.rng.integers(1, 6))
    parts = [source, b.input(tuple(shape), source.scale, source.zero_point)]
    if b.rng.random() < 0.3:
        parts.append(source)
    order = [int(i) for i in b.rng.permutation(len(parts))]
    total = list(source.shape)
    total[axis] = sum(part.shape[axis] for part in parts)
    written = axis if b.rng.random() < 0.5 else axis - len(shape)
    settings = options("ConcatenationOptions", axis=written, fusedActivationFunction=0)
    return b.operator(
        "CONCATENATION", [parts[i].index for i in order], b.like(source, tuple(total)), settings
    )


def reshape(b: Builder, source: T) -> T:
    total = math.prod(source.shape)
    if len(source.shape) == 4 and b.rng.random() < 0.6:
        shape: tuple[int, ...] = (1, 1, source.shape[1] * source.shape[2], source.shape[3])
    else:
        divisors = [n for n in range(1, total + 1) if total % n == 0]
        channels = int(b.rng.choice(divisors))
        shape = (1, 1, total // channels, channels)
    output = b.like(source, shape)
    return b.operator(
        "RESHAPE", [source.index, b.ints(shape)], output, options("ReshapeOptions", newShape=shape)
    )


def expand_dims(b: Builder, source: T) -> T | None:
    if len(source.shape) != 3:
        return None
    return b.operator("EXPAND_DIMS", [source.index, b.ints([1])], b.like(source, (1, 1, *source.shape[1:])))


def squeeze(b: Builder, source: T) -> T | None:
    if len(source.shape) != 4 or source.shape[1] != 1:
        return None
    output = b.like(source, (1, *source.shape[2:]))
    return b.operator("SQUEEZE", [source.index], output, options("SqueezeOptions", squeezeDims=[1]))


def quantize(b: Builder, source: T) -> T:
    output = b.activation(source.shape, source.scale * math.exp(b.rng.uniform(-2.5, 2.5)))
    return b.operator("QUANTIZE", [source.index], output, options("QuantizeOptions"))


def pad(b: Builder, source: T) -> T:
    pads = b.rng.integers(0, 3, (len(source.shape), 2))
    pads[0] = 0
    shape = tuple(int(size + sum(p)) for size, p in zip(source.shape, pads, strict=True))
    return b.operator("PAD", [source.index, b.ints(pads)], b.like(source, shape), options("PadOptions"))


def relu(b: Builder, source: T) -> T:
    output = b.activation(source.shape, source.scale * math.exp(b.rng.uniform(-2, 1)))
    return b.operator("RELU", [source.index], output)


def relu6(b: Builder, source: T) -> T:
    return b.operator("RELU6", [source.index], b.like(source))


def logistic(b: Builder, source: T) -> T:
    return b.operator("LOGISTIC", [source.index], b.activation(source.shape, 1 / 256, -128))


def softmax(b: Builder, source: T) -> T:
    beta = float(b.rng.choice([1.0, 0.5, 2.0]))
    output = b.activation(source.shape, 1 / 256, -128)
    return b.operator("SOFTMAX", [source.index], output, options("SoftmaxOptions", beta=beta))


Maker = Callable[[Builder, T], "T | None"]
ANY: tuple[Maker, ...] = (
    fully_connected,
    mean,
    add,
    concatenation,
    reshape,
    expand_dims,
    squeeze,
    quantize,
    pad,
    relu,
    relu6,
    logistic,
    softmax,
)
IMAGES: tuple[Maker, ...] = (conv, depthwise, pool, conv, depthwise, pool, conv, depthwise, *ANY)
LARGEST = 3000  # elements of a tensor


def random_network(seed: int, operators: int = 5) -> bytes:
    """A network of about so many operators; the same seed gives the same bytes."""
    b = Builder(seed)
    height = 1 if b.rng.random() < 0.7 else int(b.rng.integers(2, 7))
    tensor = b.input((1, height, int(b.rng.integers(1, 40)), int(b.rng.integers(1, 12))))
    while len(b.operators) < operators:
        makers = IMAGES if len(tensor.shape) == 4 else ANY
        made = makers[int(b.rng.integers(len(makers)))](b, tensor) if len(tensor.shape) > 1 else None
        if made is None and len(tensor.shape) == 1:
            made = reshape(b, tensor)
        if made is not None:
            tensor = made
        if math.prod(tensor.shape) > LARGEST:
            break
    return b.finish([tensor])
