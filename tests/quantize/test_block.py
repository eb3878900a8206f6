"""Block kernels of the portable form and of cores without signed loads: layouts, arithmetic, range."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip(
    "tflite_micro", reason="the tests build networks with the schema in the tflite-micro wheel"
)

from ecg_edge.quantize.codegen import fixedpoint as fp
from ecg_edge.quantize.codegen.block import (
    SATURATING_SHIFT,
    UNSIGNED_LIMIT,
    UNSIGNED_SHIFT,
    block_channels,
    block_conv,
    block_depthwise,
    folded_channels,
    grouped,
    unsigned_channels,
)
from ecg_edge.quantize.codegen.ir import Channels, Fields, KernelVariant
from ecg_edge.quantize.codegen.paired import MAX_SHIFT

COUNT = 4000


def channels_of(rng: np.random.Generator, largest_shift: int) -> Channels:
    """Random requantization, some of it with a multiplier of zero."""
    multiplier = rng.integers(1 << 30, 1 << 31, COUNT)
    multiplier[rng.random(COUNT) < 0.02] = 0
    shift = -rng.integers(1, largest_shift + 1, COUNT)
    return Channels(np.zeros(COUNT, np.int32), multiplier.astype(np.int32), shift.astype(np.int32))


def fields_of(zero_point: int = 3, **other: int) -> Fields:
    """The fields of `ecg_nn_conv_t` that the layouts read."""
    ones = ("input_height", "output_height", "kernel_height", "stride_width", "dilation_width")
    fields: Fields = dict.fromkeys(ones, 1)
    fields |= {"input_width": 9, "input_channels": 4, "output_width": 9, "output_channels": 4}
    fields |= {"kernel_width": 3, "pad_left": 1, "input_zero_point": 0, **other}
    fields["output"] = {"zero_point": zero_point, "min": -128, "max": 127}
    return fields


@pytest.mark.parametrize("zero_point", [-128, 3, 127])
def test_the_high_word_of_one_product_requantizes_as_tflm(zero_point: int) -> None:
    rng = np.random.default_rng(1)
    channels = channels_of(rng, MAX_SHIFT)
    table = block_channels(channels, fields_of(zero_point)).values.tolist()
    for (_, multiplier, offset, shift), right in zip(table, -channels.shift, strict=True):
        value = int(rng.integers(1 - (1 << 29), 1 << 29)) >> int(rng.integers(0, 26))
        short = ((4 * value * multiplier >> 32) + offset - 2 * (value < 0)) >> shift
        expected = fp.multiply_by_quantized_multiplier(value, multiplier, -int(right)) + zero_point
        assert short == expected


@pytest.mark.parametrize("zero_point", [-128, 3, 127])
def test_three_products_in_32_bits_requantize_as_tflm(zero_point: int) -> None:
    rng = np.random.default_rng(2)
    channels = channels_of(rng, UNSIGNED_SHIFT)
    table = unsigned_channels(channels, fields_of(zero_point)).values.tolist()
    for (_, multiplier, offset, shift), right in zip(table, -channels.shift.astype(int), strict=True):
        limit = 1 << 29 if right <= SATURATING_SHIFT and multiplier else UNSIGNED_LIMIT
        value = int(rng.integers(1 - limit, limit)) >> int(rng.integers(0, 20))
        kept = fp.clamp_int8(value, 1 - UNSIGNED_LIMIT, UNSIGNED_LIMIT - 1)
        low = kept * (multiplier & 0x7FF)
        middle = kept * (multiplier >> 11 & 0x3FF) + (low >> 11)
        scaled = kept * (multiplier >> 21) + (middle >> 10) + offset - (kept < 0) * 1024
        assert max(abs(low), abs(middle), abs(scaled)) < 1 << 31
        expected = fp.multiply_by_quantized_multiplier(value, multiplier, -int(right)) + zero_point
        assert fp.clamp_int8(scaled >> shift) == fp.clamp_int8(expected)


def test_one_product_gives_both_positions() -> None:
    rng = np.random.default_rng(3)
    for extreme in (False, True):
        weights = rng.choice([-128, 127], 256) if extreme else rng.integers(-128, 128, 256)
        a, b = rng.choice([-128, 127], (2, 256)) if extreme else rng.integers(-128, 128, (2, 256))
        products = ((a + 128) + ((b + 128) << 16)) * (weights + 128)
        assert products.max() < 1 << 32
        upper = int((products >> 16).sum())
        lower = (int(products.sum()) - (upper << 16)) % (1 << 32)
        folded = 128 * int(weights.sum())
        assert lower - 128 * int((a + 128).sum()) - folded == int(a @ weights)
        assert upper - 128 * int((b + 128).sum()) - folded == int(b @ weights)


def test_two_products_fill_the_halves_of_a_word() -> None:
    rng = np.random.default_rng(4)
    for extreme in (False, True):
        weights = rng.choice([-127, 127], (2, 256)) if extreme else rng.integers(-127, 128, (2, 256))
        a, b = rng.choice([-128, 127], (2, 2, 256)) if extreme else rng.integers(-128, 128, (2, 2, 256))
        taps = a + (b << 16)
        words = (taps * (weights + 128) - 128 * taps).sum(axis=0) + (1 << 15)
        upper = int((words >> 16).sum())  # an arithmetic shift
        lower = int(words.sum()) - (upper << 16) - 256 * (1 << 15)
        assert np.abs(words).max() < 1 << 31
        assert (lower, upper) == (int((a * weights).sum()), int((b * weights).sum()))


def test_excess_of_the_weights_stands_beside_the_shift() -> None:
    weights, channels = narrow(4, 96)
    for sign in (1, -1):
        table = folded_channels(sign * weights, channels, fields_of()).values
        excess = 128 * 96 * 100 * sign
        assert table[:, 0].tolist() == [-excess] * 4
        assert (table[:, 3] >> 8).tolist() == [excess] * 4
        assert (table[:, 3] & 31).tolist() == [18] * 4


@pytest.mark.parametrize("zero_point", [-128, 3])
def test_sums_below_the_floor_give_the_lower_limit(zero_point: int) -> None:
    rng = np.random.default_rng(5)
    channels = channels_of(rng, UNSIGNED_SHIFT)
    for multiplier, right in zip(channels.multiplier.tolist(), -channels.shift.astype(int), strict=True):
        value = -int(rng.integers(0, UNSIGNED_LIMIT)) >> int(rng.integers(0, 20))
        assert fp.multiply_by_quantized_multiplier(value, multiplier, -int(right)) + zero_point <= zero_point
        beyond = fp.multiply_by_quantized_multiplier(-UNSIGNED_LIMIT, multiplier, -SATURATING_SHIFT)
        assert multiplier == 0 or beyond + 127 <= -128


def test_weights_stand_in_groups_of_four_channels() -> None:
    weights = np.arange(10, dtype=np.int8).reshape(5, 2)
    first = [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert grouped(weights).tolist() == [first, [[8, 0, 0, 0], [9, 0, 0, 0]]]


def narrow(count: int, taps: int, shift: int = -8) -> tuple[npt.NDArray[np.int8], Channels]:
    """Weights of 100, and requantization that every form takes."""
    table = (np.full(count, value, np.int32) for value in (0, 1 << 30, shift))
    return np.full((count, taps), 100, np.int8), Channels(*table)


@pytest.mark.parametrize(
    ("form", "taps", "shift", "taken"),
    [
        (KernelVariant.PORTABLE, 12, -8, True),
        (KernelVariant.PORTABLE, 12, 0, False),  # a shift to the left
        (KernelVariant.PORTABLE, 12, -MAX_SHIFT, True),
        (KernelVariant.UNSIGNED, 12, -UNSIGNED_SHIFT, True),
        (KernelVariant.UNSIGNED, 12, -UNSIGNED_SHIFT - 1, False),
        (KernelVariant.UNSIGNED, 96, -SATURATING_SHIFT, True),  # sums beyond 2^20
        (KernelVariant.UNSIGNED, 96, -SATURATING_SHIFT - 1, False),
    ],
)
def test_layers_outside_the_range_take_the_general_kernel(
    form: KernelVariant, taps: int, shift: int, taken: bool
) -> None:
    assert (block_conv(form, fields_of(), *narrow(4, taps, shift)) is not None) == taken


@pytest.mark.parametrize("form", [KernelVariant.PORTABLE, KernelVariant.UNSIGNED])
def test_depthwise_blocks_have_four_channels_and_one_output_each(form: KernelVariant) -> None:
    assert block_depthwise(form, fields_of(), *narrow(4, 3))
    assert block_depthwise(form, fields_of(output_channels=8), *narrow(8, 3)) is None
    assert block_depthwise(form, fields_of(input_channels=6, output_channels=6), *narrow(6, 3)) is None
    assert block_depthwise(form, fields_of(dilation_width=2), *narrow(4, 3)) is None


def test_ranges_of_the_unsigned_form() -> None:
    form, (weights, channels) = KernelVariant.UNSIGNED, narrow(4, 12)
    lowest = np.full_like(weights, -128)
    assert block_conv(form, fields_of(), lowest, channels) is None
    assert block_conv(KernelVariant.PORTABLE, fields_of(), lowest, channels)
    assert block_conv(form, fields_of(), *narrow(4, 700)) is None  # sums beyond 2^23
    large = Channels(np.full(4, UNSIGNED_LIMIT, np.int32), channels.multiplier, channels.shift)
    assert block_conv(form, fields_of(), weights, large)
    assert block_depthwise(form, fields_of(), weights, large) is None
    unused = Channels(large.bias, np.zeros(4, np.int32), channels.shift)
    assert block_conv(form, fields_of(), weights, unused) is None
