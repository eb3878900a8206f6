"""Weights in pairs: the arithmetic that the ARM DSP kernels rely on, and which layers take it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip(
    "tflite_micro", reason="the tests build networks with the schema in the tflite-micro wheel"
)

from ecg_edge.quantize.codegen import fixedpoint as fp
from ecg_edge.quantize.codegen.generate import generate
from ecg_edge.quantize.codegen.ir import Channels, KernelVariant
from ecg_edge.quantize.codegen.paired import MAX_SHIFT, REACH_LIMIT, interleaved, paired_channels
from tests.support.random_networks import SAME, Builder, conv_of, depthwise_of, window_of


def wrapped(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """As 32-bit registers hold them."""
    return (values + (1 << 31)) % (1 << 32) - (1 << 31)


@pytest.mark.parametrize("largest", [False, True])
def test_one_sum_and_a_half_give_both_channels(largest: bool) -> None:
    rng = np.random.default_rng(3)
    shape = (8, 504)
    weights = rng.choice([-127, 127], shape) if largest else rng.integers(-127, 128, shape)
    taps = rng.choice([-128, 127], 504) if largest else rng.integers(-128, 128, 504)
    halves = np.frombuffer(interleaved(weights.astype(np.int8)).tobytes(), "<i2").reshape(4, -1, 4)
    halves = halves[:, :, [0, 2, 1, 3]].reshape(4, 504).astype(np.int64)
    low = (halves + 128) % 256 - 128  # what SXTB16 makes of them
    a, both = low @ taps, wrapped(halves @ taps)
    np.testing.assert_array_equal(a, weights[0::2] @ taps)
    np.testing.assert_array_equal(wrapped(both - a) >> 8, weights[1::2] @ taps)


def test_a_window_is_filled_up_with_zeros() -> None:
    weights = np.array([[1, 2, 3, 4, 5], [-1, 0, 1, 2, 3]], np.int8)
    halves = np.frombuffer(interleaved(weights).tobytes(), "<i2")
    assert halves.tolist() == [1 - 256, 3 + 256, 2, 4 + 512, 5 + 768, 0, 0, 0]


def test_the_short_requantization_is_tflms() -> None:
    rng = np.random.default_rng(4)
    count = 4000
    channels = Channels(
        np.zeros(count, np.int32),
        np.where(rng.random(count) < 0.02, 0, rng.integers(1 << 30, 1 << 31, count)).astype(np.int32),
        -rng.integers(1, MAX_SHIFT + 1, count).astype(np.int32),
    )
    for zero_point in (-128, 127, 3):
        table = paired_channels(channels, zero_point).values.tolist()
        for (bias_and_shift, multiplier, offset), shift in zip(table, channels.shift.tolist(), strict=True):
            value = int(rng.integers(-REACH_LIMIT + 1, REACH_LIMIT)) >> int(rng.integers(0, 20))
            high = (2 * value * multiplier + (1 << 31)) >> 32
            short = (high + offset - (value < 0)) >> (bias_and_shift & 255)
            assert short == fp.multiply_by_quantized_multiplier(value, multiplier, shift) + zero_point


def kernel_of(width: int, depth: int, taps: int, channels: int, stride: int = 1, *, low: int = -127) -> str:
    """The ARM DSP form's kernel for a convolution along the width; 0 channels asks for a depthwise one."""
    b = Builder(1)
    source = b.input((1, 1, width, depth), 0.05, 0)
    window = window_of(source, (1, taps), (1, stride), (1, 1), SAME)
    assert window is not None
    output = conv_of(b, source, window, channels) if channels else depthwise_of(b, source, window, 1)
    weights = b.operators[0].inputs[1]
    data = np.full(b.tensors[weights].shape, 5, np.int8)
    data.flat[0] = low
    b.buffers[b.tensors[weights].buffer].data = np.frombuffer(data.tobytes(), np.uint8)
    (call,) = generate(b.finish([output]), policy="never").programs[KernelVariant.ARM_DSP].steps[0].calls
    return call.kernel


@pytest.mark.parametrize(
    ("shape", "kernel"),
    [
        ((4, 8, 3, 6), "ecg_nn_conv_paired_s8"),
        ((4, 8, 3, 5), "ecg_nn_conv_1xn_s8"),  # an odd number of channels
        ((3, 8, 3, 6), "ecg_nn_conv_paired_s8"),
        ((1, 8, 3, 6), "ecg_nn_conv_paired_s8"),
        ((12, 56, 9, 2), "ecg_nn_conv_paired_s8"),
        ((12, 64, 9, 2), "ecg_nn_conv_1xn_s8"),  # sums beyond 2^23
        ((12, 1, 10, 3), "ecg_nn_depthwise_paired_s8"),
        ((12, 1, 11, 2), "ecg_nn_conv_paired_s8"),  # more than ten taps
        ((12, 8, 9, 0), "ecg_nn_depthwise_paired_s8"),
        ((12, 8, 11, 0), "ecg_nn_depthwise_conv_s8"),  # more than ten taps
        ((12, 6, 9, 0), "ecg_nn_depthwise_conv_s8"),  # channels are no multiple of four
        ((7, 8, 9, 0), "ecg_nn_depthwise_conv_s8"),  # fewer than four even positions
        ((8, 8, 9, 0, 2), "ecg_nn_depthwise_paired_s8"),
        ((24, 8, 9, 0, 3), "ecg_nn_depthwise_conv_s8"),  # stride 3
    ],
)
def test_layers_outside_the_block_kernels_take_the_general_ones(shape: tuple[int, ...], kernel: str) -> None:
    assert kernel_of(*shape) == kernel


def test_a_weight_of_minus_128_takes_no_pair() -> None:
    assert kernel_of(4, 8, 3, 6, low=-128) == "ecg_nn_conv_1xn_s8"
