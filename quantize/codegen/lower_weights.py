"""Lowering of the operators with weights: convolution, depthwise convolution, fully connected."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.codegen.block import block_conv, block_depthwise
from ecg_edge.quantize.codegen.fixedpoint import (
    activation_range,
    float32_product,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from ecg_edge.quantize.codegen.flatbuffer import LEFT_OUT, Network, Operator, Tensor
from ecg_edge.quantize.codegen.ir import (
    Call,
    Channels,
    Fields,
    Kernel,
    KernelVariant,
    Layer,
    Pointer,
    Program,
    Step,
    Table,
    TableRef,
    activation_tensor,
    require,
    scale_of,
    zero_point_of,
)
from ecg_edge.quantize.codegen.paired import is_one_row, paired_conv, paired_depthwise
from ecg_edge.quantize.codegen.sparse import sparse_conv, sparse_fully_connected

REACH_LIMIT = 1 << 30
ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


def output_fields(operator: Operator, output: Tensor) -> dict[str, int]:
    """Fields of `ecg_nn_output_t`."""
    activation = operator.options.get("activation", "NONE")
    require(activation in ACTIVATIONS, operator, f"fused activation {activation} is not one of {ACTIVATIONS}")
    low, high = activation_range(activation, scale_of(output), zero_point_of(output))
    return {"zero_point": zero_point_of(output), "min": low, "max": high}


def check_reach(operator: Operator, reach: int, shift: int) -> None:
    """Check that an accumulator of at most `reach`, shifted left, stays below 2^30, as the kernels ask."""
    reach <<= max(shift, 0)
    require(reach < REACH_LIMIT, operator, f"its accumulator can reach {reach}, more than {REACH_LIMIT}")


def padding_before(operator: Operator, size: int, out_size: int, kernel: int, axis: str) -> int:
    """Padding before the first input along "width" or "height"; checks the output's size."""
    stride = int(operator.options[f"stride_{axis}"])
    reach = (kernel - 1) * int(operator.options.get(f"dilation_{axis}", 1)) + 1
    same = operator.options["padding"] == "SAME"
    expected = -(-size // stride) if same else (size - reach) // stride + 1
    require(
        expected == out_size, operator, f"output {axis} is {out_size}, its padding and stride give {expected}"
    )
    return max((out_size - 1) * stride + reach - size, 0) // 2


def lower_conv(program: Program, operator: Operator) -> Step:
    """CONV_2D: weights [out][kernel height][kernel width][in]."""
    network = program.network
    source, output, weights = _tensors(network, operator)
    depth, channels = source.shape[3], output.shape[3]
    require(
        weights.shape[3] == depth,
        operator,
        f"{depth // max(weights.shape[3], 1)} groups, only one is supported",
    )
    require(weights.shape[0] == channels, operator, f"weights {weights.shape} for {channels} channels")
    values = _weight_values(operator, weights).reshape(channels, -1)
    fields = _conv_fields(operator, source, output, weights.shape[1], weights.shape[2])
    table = _channels(network, operator, source, weights, output, values)
    kernel = _conv_kernel(program.form, fields, values, table)
    if operator.index in program.sparse:
        kernel = sparse_conv(program.form, fields, values, table) or kernel
    return _step(program, operator, kernel, output.elements * values.shape[1])


def _conv_kernel(
    form: KernelVariant, fields: Fields, weights: npt.NDArray[np.int8], channels: Channels
) -> Kernel:
    if not is_one_row(fields):
        return Kernel("ecg_nn_conv_s8", "ecg_nn_conv_t", fields, weights, channels.records())
    blocked = None
    if form is KernelVariant.ARM_DSP:
        blocked = paired_conv(fields, weights, channels)
    elif form is not KernelVariant.HELIUM:
        blocked = block_conv(form, fields, weights, channels)
    return blocked or Kernel("ecg_nn_conv_1xn_s8", "ecg_nn_conv_t", fields, weights, channels.records())


def lower_depthwise(program: Program, operator: Operator) -> Step:
    """DEPTHWISE_CONV_2D: weights [1][kernel height][kernel width][channel]."""
    network = program.network
    source, output, weights = _tensors(network, operator)
    channels = output.shape[3]
    require(channels % source.shape[3] == 0, operator, f"{source.shape[3]} channels cannot become {channels}")
    fits = weights.shape[0] == 1 and weights.shape[3] == channels
    require(fits, operator, f"weights {weights.shape} for {channels} channels")
    values = _weight_values(operator, weights).reshape(-1, channels)
    fields = _conv_fields(operator, source, output, weights.shape[1], weights.shape[2])
    table = _channels(network, operator, source, weights, output, values.T)
    blocked = None
    if program.form is KernelVariant.ARM_DSP:
        blocked = paired_depthwise(fields, values.T, table)
    elif program.form is not KernelVariant.HELIUM:
        blocked = block_depthwise(program.form, fields, values.T, table)
    plain = Kernel("ecg_nn_depthwise_conv_s8", "ecg_nn_conv_t", fields, values, table.records())
    return _step(program, operator, blocked or plain, output.elements * values.shape[0])


def lower_fully_connected(program: Program, operator: Operator) -> Step:
    """FULLY_CONNECTED: weights [out][in]; every vector of `in` elements gives one of `out`."""
    network = program.network
    source, output, weights = _tensors(network, operator, dimensions=None)
    require(len(weights.shape) == 2, operator, f"weights have shape {weights.shape}, not [outputs, inputs]")
    outputs, inputs = weights.shape
    require(operator.options.get("weights_format", 0) == 0, operator, "its weights are in a shuffled format")
    require(
        source.elements % inputs == 0, operator, f"input {source.shape} is no multiple of {inputs} elements"
    )
    rows = source.elements // inputs
    require(output.elements == rows * outputs, operator, f"output {output.shape} is not {rows} x {outputs}")
    values = _weight_values(operator, weights)
    table = _channels(network, operator, source, weights, output, values)
    fields: Fields = {
        "rows": rows,
        "inputs": inputs,
        "outputs": outputs,
        "output": output_fields(operator, output),
    }
    kernel = Kernel("ecg_nn_fully_connected_s8", "ecg_nn_fully_connected_t", fields, values, table.records())
    if operator.index in program.sparse:
        kernel = sparse_fully_connected(program.form, fields, values, table) or kernel
    return _step(program, operator, kernel, output.elements * inputs)


def _tensors(
    network: Network, operator: Operator, dimensions: int | None = 4
) -> tuple[Tensor, Tensor, Tensor]:
    require(len(operator.inputs) in (2, 3), operator, f"it has {len(operator.inputs)} inputs, not 2 or 3")
    source = activation_tensor(network, operator, operator.inputs[0])
    output = activation_tensor(network, operator, operator.outputs[0])
    require(operator.inputs[1] != LEFT_OUT, operator, "its weights are left out")
    weights = network.tensors[operator.inputs[1]]
    if dimensions is not None:
        for tensor in (source, output, weights):
            require(
                len(tensor.shape) == dimensions,
                operator,
                f"shape {tensor.shape} has not {dimensions} dimensions",
            )
        require(source.shape[0] == output.shape[0] == 1, operator, f"batch size is {source.shape[0]}, not 1")
    return source, output, weights


def _conv_fields(
    operator: Operator, source: Tensor, output: Tensor, kernel_height: int, kernel_width: int
) -> Fields:
    options = operator.options
    return {
        "input_height": source.shape[1],
        "input_width": source.shape[2],
        "input_channels": source.shape[3],
        "output_height": output.shape[1],
        "output_width": output.shape[2],
        "output_channels": output.shape[3],
        "kernel_height": kernel_height,
        "kernel_width": kernel_width,
        "stride_height": options["stride_height"],
        "stride_width": options["stride_width"],
        "dilation_height": options["dilation_height"],
        "dilation_width": options["dilation_width"],
        "pad_top": padding_before(operator, source.shape[1], output.shape[1], kernel_height, "height"),
        "pad_left": padding_before(operator, source.shape[2], output.shape[2], kernel_width, "width"),
        "input_zero_point": zero_point_of(source),
        "output": output_fields(operator, output),
    }


def _weight_values(operator: Operator, weights: Tensor) -> npt.NDArray[np.int8]:
    require(weights.data is not None, operator, "its weights are computed, not constant")
    require(weights.dtype == "int8", operator, f"its weights are {weights.dtype}, not int8")
    quantization = weights.quantization
    require(quantization is not None, operator, "its weights have no quantization")
    assert quantization is not None and weights.data is not None
    require(not np.any(quantization.zero_points), operator, "its weights have a zero point other than 0")
    return np.asarray(weights.data, np.int8)


def _channels(
    network: Network,
    operator: Operator,
    source: Tensor,
    weights: Tensor,
    output: Tensor,
    by_channel: npt.NDArray[np.int8],
) -> Channels:
    """Bias (the input's zero point folded in), multiplier, shift; `by_channel` is (channels, weights)."""
    count = by_channel.shape[0]
    factors = _factors(operator, source, weights, output, count)
    bias = _bias(network, operator, count) - zero_point_of(source) * by_channel.sum(axis=1, dtype=np.int64)
    reach = np.abs(bias) + 128 * np.abs(by_channel.astype(np.int64)).sum(axis=1)
    pairs = [quantize_multiplier(factor) for factor in factors]
    for channel, (multiplier, shift) in enumerate(pairs):
        if by_channel[channel].any():
            check_reach(operator, int(reach[channel]), shift)
        else:
            bias[channel], pairs[channel] = _constant(int(bias[channel]), multiplier, shift)
    return Channels(
        bias.astype(np.int32),
        np.array([multiplier for multiplier, _ in pairs], np.int32),
        np.array([shift for _, shift in pairs], np.int32),
    )


def _constant(bias: int, multiplier: int, shift: int) -> tuple[int, tuple[int, int]]:
    """Bias, and multiplier with shift, that give the output of a channel without weights.

    Converters give such a channel a scale without a meaning: 1, which asks for a shift to the left, or one at
    which its bias is 2^30.
    """
    output = min(max(multiply_by_quantized_multiplier(bias, multiplier, shift), -512), 512)
    return 4 * output, (1 << 30, -1)


def _factors(operator: Operator, source: Tensor, weights: Tensor, output: Tensor, count: int) -> list[float]:
    """Input scale * weight scale / output scale of each channel, in TFLM's own precision."""
    assert weights.quantization is not None
    scales = weights.quantization.scales
    require(scales.size in (1, count), operator, f"{scales.size} weight scales for {count} output channels")
    if operator.name == "FULLY_CONNECTED" and scales.size == 1:
        with np.errstate(over="ignore"):
            product = float32_product(scale_of(source), scales[0])
        require(bool(np.isfinite(product)), operator, "its scales are too large")
        return [float32_product(scale_of(source), scales[0]) / float(scale_of(output))] * count
    per_channel = np.broadcast_to(scales, count)
    return [float(scale_of(source)) * float(scale) / float(scale_of(output)) for scale in per_channel]


def _bias(network: Network, operator: Operator, count: int) -> npt.NDArray[np.int64]:
    index = operator.inputs[2] if len(operator.inputs) == 3 else -1
    if index < 0:
        return np.zeros(count, np.int64)
    bias = network.tensors[index]
    require(bias.data is not None and bias.dtype == "int32", operator, "its bias is no constant int32 tensor")
    require(bias.elements == count, operator, f"its bias has {bias.elements} elements, not {count}")
    return np.asarray(bias.data, np.int64).reshape(-1)


def _step(program: Program, operator: Operator, kernel: Kernel, macs: int) -> Step:
    name = f"{operator.name.lower()}_{operator.index}"
    program.tables.append(Table(f"{name}_channels", kernel.channels))
    program.tables.append(Table(f"{name}_weights", kernel.weights.reshape(-1)))
    tables = {"weights": TableRef(f"{name}_weights"), "channels": TableRef(f"{name}_channels")}
    fields: Fields = {**kernel.fields, **tables}
    if kernel.places is not None:
        program.tables.append(Table(f"{name}_places", kernel.places))
        fields = {f"dense.{key}": value for key, value in fields.items()}
        fields["places"] = TableRef(f"{name}_places")
    layer = Layer(kernel.struct, name, fields)
    pointers = (Pointer(operator.inputs[0]), Pointer(operator.outputs[0]))
    return Step(operator, (Call(kernel.function, layer, pointers, kernel.scratch_bytes),), macs)
