"""Lowering of the operators without weights: pooling, mean, add, concatenation, padding, reshapes, tables."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ecg_edge.quantize.codegen import fixedpoint as fp
from ecg_edge.quantize.codegen.flatbuffer import Operator, Tensor
from ecg_edge.quantize.codegen.ir import (
    Call,
    Fields,
    Layer,
    Pointer,
    Program,
    Step,
    Table,
    TableRef,
    activation_tensor,
    constant,
    require,
    same_quantization,
    scale_of,
    zero_point_of,
)
from ecg_edge.quantize.codegen.lower_weights import check_reach, output_fields, padding_before


def _ends(program: Program, operator: Operator) -> tuple[Tensor, Tensor]:
    """First input and output, both int8."""
    network = program.network
    return (
        activation_tensor(network, operator, operator.inputs[0]),
        activation_tensor(network, operator, operator.outputs[0]),
    )


def _step(operator: Operator, kernel: str, fields: Fields, inputs: int = 1) -> Step:
    """A step of one call whose struct is named like the kernel."""
    layer = Layer(f"{kernel.removesuffix('_s8')}_t", f"{operator.name.lower()}_{operator.index}", fields)
    pointers = tuple(Pointer(index) for index in (*operator.inputs[:inputs], operator.outputs[0]))
    return Step(operator, (Call(kernel, layer, pointers),))


def lower_reshape(program: Program, operator: Operator) -> Step:
    """RESHAPE, EXPAND_DIMS, SQUEEZE: the same bytes under another shape."""
    source, output = _ends(program, operator)
    require(source.elements == output.elements, operator, f"{source.shape} cannot become {output.shape}")
    require(same_quantization(source, output), operator, "input and output have different quantization")
    program.alias[output.index] = source.index
    return Step(operator, ())


def lower_pool(program: Program, operator: Operator) -> Step:
    """MAX_POOL_2D and AVERAGE_POOL_2D."""
    source, output = _ends(program, operator)
    require(
        len(source.shape) == len(output.shape) == 4, operator, f"input {source.shape} has not 4 dimensions"
    )
    require(source.shape[0] == 1, operator, f"batch size is {source.shape[0]}, not 1")
    require(same_quantization(source, output), operator, "input and output have different quantization")
    require(source.shape[3] == output.shape[3], operator, f"{source.shape} cannot become {output.shape}")
    options, clamp = operator.options, output_fields(operator, output)
    height, width = options["filter_height"], options["filter_width"]
    kernel = "ecg_nn_max_pool_s8" if operator.name == "MAX_POOL_2D" else "ecg_nn_average_pool_s8"
    fields: Fields = {
        "input_height": source.shape[1],
        "input_width": source.shape[2],
        "channels": source.shape[3],
        "output_height": output.shape[1],
        "output_width": output.shape[2],
        "kernel_height": height,
        "kernel_width": width,
        "stride_height": options["stride_height"],
        "stride_width": options["stride_width"],
        "pad_top": padding_before(operator, source.shape[1], output.shape[1], height, "height"),
        "pad_left": padding_before(operator, source.shape[2], output.shape[2], width, "width"),
        "min": clamp["min"],
        "max": clamp["max"],
    }
    layer = Layer("ecg_nn_pool_t", f"{operator.name.lower()}_{operator.index}", fields)
    return Step(operator, (Call(kernel, layer, (Pointer(source.index), Pointer(output.index))),))


def lower_mean(program: Program, operator: Operator) -> Step:
    """MEAN over neighbouring dimensions (global average pooling)."""
    source, output = _ends(program, operator)
    rank = len(source.shape)
    given = [int(axis) for axis in constant(program.network, operator, operator.inputs[1], "axes")]
    require(all(-rank <= axis < rank for axis in given), operator, f"axes {given} of {rank} dimensions")
    axes = sorted({axis % rank for axis in given})
    require(bool(axes), operator, "it reduces no dimension")
    between = range(axes[0], axes[-1] + 1)
    kept = [source.shape[axis] for axis in between if axis not in axes]
    require(math.prod(kept) == 1, operator, f"axes {axes} of {source.shape} are not neighbours")
    reduced = math.prod(source.shape[axis] for axis in between)
    require(output.elements * reduced == source.elements, operator, f"output has shape {output.shape}")
    multiplier, shift = _mean_factor(source, output, reduced)
    check_reach(operator, 255 * reduced, shift)
    fields: Fields = {
        "outer": math.prod(source.shape[: axes[0]]),
        "reduced": reduced,
        "inner": math.prod(source.shape[axes[-1] + 1 :]),
        "output_zero_point": zero_point_of(output),
        "requant": {"bias": -zero_point_of(source) * reduced, "multiplier": multiplier, "shift": shift},
    }
    return _step(operator, "ecg_nn_mean_s8", fields)


def _mean_factor(source: Tensor, output: Tensor, reduced: int) -> tuple[int, int]:
    """TFLM folds 1 / n into the multiplier, rounding down."""
    multiplier, shift = fp.quantize_multiplier(float(scale_of(source)) / float(scale_of(output)))
    extra = min(reduced.bit_length() - 1, 32, 31 + shift)
    return (multiplier << extra) // reduced, shift - extra


def lower_add(program: Program, operator: Operator) -> Step:
    """ADD of two tensors of the same shape."""
    network = program.network
    a, output = _ends(program, operator)
    b = activation_tensor(network, operator, operator.inputs[1])
    require(
        a.shape == b.shape == output.shape,
        operator,
        f"shapes {a.shape} and {b.shape} differ (no broadcasting)",
    )
    twice_max = 2 * float(max(scale_of(a), scale_of(b)))
    multiplier_a, shift_a = fp.quantize_multiplier(float(scale_of(a)) / twice_max)
    multiplier_b, shift_b = fp.quantize_multiplier(float(scale_of(b)) / twice_max)
    multiplier, shift = fp.quantize_multiplier(twice_max / ((1 << 20) * float(scale_of(output))))
    require(shift <= 0, operator, "its output's scale is too small for its inputs'")
    fields: Fields = {
        "elements": output.elements,
        "zero_point_a": zero_point_of(a),
        "multiplier_a": multiplier_a,
        "shift_a": shift_a,
        "zero_point_b": zero_point_of(b),
        "multiplier_b": multiplier_b,
        "shift_b": shift_b,
        "multiplier": multiplier,
        "shift": shift,
        "output": output_fields(operator, output),
    }
    return _step(operator, "ecg_nn_add_s8", fields, inputs=2)


def lower_concatenation(program: Program, operator: Operator) -> Step:
    """CONCATENATION: each input's rows are copied to their place."""
    network = program.network
    output = activation_tensor(network, operator, operator.outputs[0])
    require(operator.options.get("activation", "NONE") == "NONE", operator, "it has a fused activation")
    rank = len(output.shape)
    require(-rank <= operator.options["axis"] < rank, operator, f"axis of {rank} dimensions")
    axis = operator.options["axis"] % rank
    rows, stride = math.prod(output.shape[:axis]), math.prod(output.shape[axis:])
    calls, offset = [], 0
    for place, index in enumerate(operator.inputs):
        source = activation_tensor(network, operator, index)
        require(same_quantization(source, output), operator, f"its input {place} has another quantization")
        require(source.shape[:axis] == output.shape[:axis], operator, f"its input {place} is {source.shape}")
        row_bytes = math.prod(source.shape[axis:])
        fields: Fields = {"rows": rows, "row_bytes": row_bytes, "output_stride": stride}
        layer = Layer("ecg_nn_copy_rows_t", f"concatenation_{operator.index}_{place}", fields)
        calls.append(Call("ecg_nn_copy_rows_s8", layer, (Pointer(index), Pointer(output.index, offset))))
        offset += row_bytes
    require(offset == stride, operator, f"its inputs do not fill {output.shape}")
    return Step(operator, tuple(calls))


def lower_pad(program: Program, operator: Operator) -> Step:
    """PAD with the zero point."""
    source, output = _ends(program, operator)
    require(len(source.shape) <= 4, operator, f"input {source.shape} has more than 4 dimensions")
    require(same_quantization(source, output), operator, "input and output have different quantization")
    paddings = constant(program.network, operator, operator.inputs[1], "paddings")
    fits = paddings.size == 2 * len(source.shape) and bool(np.all(paddings >= 0))
    require(fits, operator, f"paddings {paddings.tolist()} of {len(source.shape)} dimensions")
    pads = paddings.reshape(-1, 2)
    padded = tuple(size + int(pad.sum()) for size, pad in zip(source.shape, pads, strict=True))
    require(padded == output.shape, operator, f"{source.shape} padded is {padded}, not {output.shape}")
    fill = 4 - len(source.shape)
    fields: Fields = {
        "input": [1] * fill + list(source.shape),
        "before": [0] * fill + [int(before) for before, _ in pads],
        "output": [1] * fill + list(output.shape),
        "value": zero_point_of(output),
    }
    return _step(operator, "ecg_nn_pad_s8", fields)


def lower_softmax(program: Program, operator: Operator) -> Step:
    """SOFTMAX along the last dimension, with the exponentials of all differences as a table."""
    source, output = _ends(program, operator)
    right = float(scale_of(output)) == 1 / 256 and zero_point_of(output) == -128
    require(right, operator, "its output is not quantized with scale 1/256 and zero point -128")
    require(source.shape == output.shape != (), operator, f"{source.shape} cannot become {output.shape}")
    depth = source.shape[-1]
    require(depth <= 4096, operator, f"{depth} classes are more than 4096")
    real = min(operator.options["beta"] * float(scale_of(source)) * (1 << 26), (1 << 31) - 1.0)
    require(real > 1, operator, f"its input scale {float(scale_of(source))} is too small")
    multiplier, shift = fp.quantize_multiplier(real)
    differences = range(min(fp.input_radius(5, shift), 255) + 1)
    raw = [fp.multiply_by_quantized_multiplier(-d, multiplier, shift) for d in differences]
    table = Table(
        f"softmax_{operator.index}_exp", np.array([fp.exp_on_negative_values(r, 5) for r in raw], np.int32)
    )
    program.tables.append(table)
    fields: Fields = {
        "rows": source.elements // depth,
        "depth": depth,
        "table_size": len(raw),
        "exp_q31": TableRef(table.name),
    }
    return _step(operator, "ecg_nn_softmax_s8", fields)


def lower_lookup(program: Program, operator: Operator) -> Step:
    """QUANTIZE, RELU, RELU6, LOGISTIC: a table of all 256 inputs."""
    source, output = _ends(program, operator)
    require(source.elements == output.elements, operator, f"{source.shape} cannot become {output.shape}")
    function = _FUNCTIONS[operator.name](operator, source, output)
    values = np.array([function(q) for q in range(fp.INT8_MIN, fp.INT8_MAX + 1)], np.int8)
    table = Table(f"{operator.name.lower()}_{operator.index}_table", values)
    program.tables.append(table)
    return _step(operator, "ecg_nn_lookup_s8", {"elements": source.elements, "table": TableRef(table.name)})


def _requantize(operator: Operator, source: Tensor, output: Tensor) -> Callable[[int], int]:
    multiplier, shift = fp.quantize_multiplier(float(scale_of(source)) / float(scale_of(output)))
    zero_in, zero_out = zero_point_of(source), zero_point_of(output)

    def function(q: int) -> int:
        return fp.clamp_int8(fp.multiply_by_quantized_multiplier(q - zero_in, multiplier, shift) + zero_out)

    return function


def _relu(operator: Operator, source: Tensor, output: Tensor) -> Callable[[int], int]:
    # TFLM divides the two scales in single precision here, and in double precision for QUANTIZE.
    with np.errstate(over="ignore"):
        ratio = float(scale_of(source) / scale_of(output))
    require(math.isfinite(ratio), operator, "its output's scale is too small for its input's")
    multiplier, shift = fp.quantize_multiplier(ratio)
    zero_in, zero_out = zero_point_of(source), zero_point_of(output)

    def function(q: int) -> int:
        scaled = fp.multiply_by_quantized_multiplier(q - zero_in, multiplier, shift)
        return fp.clamp_int8(zero_out + scaled, low=max(fp.INT8_MIN, zero_out))

    return function


def _relu6(operator: Operator, source: Tensor, output: Tensor) -> Callable[[int], int]:
    require(same_quantization(source, output), operator, "input and output have different quantization")
    low, high = fp.activation_range("RELU6", scale_of(source), zero_point_of(source))
    return lambda q: fp.clamp_int8(q, low, high)


def _logistic(operator: Operator, source: Tensor, output: Tensor) -> Callable[[int], int]:
    right = float(scale_of(output)) == 1 / 256 and zero_point_of(output) == -128
    require(right, operator, "its output is not quantized with scale 1/256 and zero point -128")
    multiplier, shift = fp.quantize_multiplier(float(scale_of(source)) * (1 << 27))
    require(shift >= 0, operator, f"its input scale {float(scale_of(source))} is too small")
    radius, zero_point = fp.input_radius(4, shift), zero_point_of(source)

    def function(q: int) -> int:
        value = q - zero_point
        if abs(value) >= radius:
            return fp.INT8_MAX if value > 0 else fp.INT8_MIN
        raw = fp.logistic(fp.multiply_by_quantized_multiplier(value, multiplier, shift), 4)
        return fp.clamp_int8(fp.rounding_divide_by_pot(raw, 23) - 128)

    return function


_FUNCTIONS: dict[str, Callable[[Operator, Tensor, Tensor], Callable[[int], int]]] = {
    "QUANTIZE": _requantize,
    "RELU": _relu,
    "RELU6": _relu6,
    "LOGISTIC": _logistic,
}
