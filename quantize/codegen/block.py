"""Layouts of the block kernels in portable C: four channels of several positions at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.codegen.ir import Channels, Fields, Kernel, KernelVariant, Records
from ecg_edge.quantize.codegen.paired import MAX_SHIFT, is_one_row, row_fields, zero_point_in

GROUP: Final = 4  # ECG_NN_BLOCK_CHANNELS
TAPS: Final = 4  # ECG_NN_BLOCK_TAPS
POSITIONS: Final = 4  # ECG_NN_BLOCK_POSITIONS
REACH_LIMIT: Final = 1 << 29  # of an accumulator
UNSIGNED_LIMIT: Final = 1 << 20  # the same where bytes are loaded without their sign
UNSIGNED_REACH: Final = 1 << 23  # at most; then 128 times a sum of weights fits beside a shift
SATURATING_SHIFT: Final = 10  # up to here any larger accumulator gives an output at its limit
UNSIGNED_SHIFT: Final = 13
SPAN: Final = 32  # outputs of a depthwise channel whose inputs are widened at a time
STRUCT: Final = "ecg_nn_conv_block_t"

Int8Array = npt.NDArray[np.int8]


def block_conv(form: KernelVariant, fields: Fields, weights: Int8Array, channels: Channels) -> Kernel | None:
    """The kernel for a convolution along the width, or None where its shape or range has none.

    Parameters
    ----------
    form : KernelVariant
    fields : Fields
        Of `ecg_nn_conv_t`.
    weights : ndarray of int8, shape (channels, taps)
        Taps are the elements of a window.
    channels : Channels
        Requantization.
    """
    if not is_one_row(fields) or not _fits(form, weights, channels):
        return None
    padded = np.pad(weights, ((0, 0), (0, -weights.shape[1] % TAPS)))
    if form is not KernelVariant.UNSIGNED:
        return _kernel(
            "ecg_nn_conv_block_s8", fields, padded, block_channels(channels, fields), padded.shape[1]
        )
    records = folded_channels(weights, channels, fields)
    kernel = _kernel("ecg_nn_conv_block_s8", fields, padded, records, padded.shape[1] * 2)
    return replace(kernel, weights=kernel.weights ^ np.int8(-128))


def block_depthwise(
    form: KernelVariant, fields: Fields, weights: Int8Array, channels: Channels
) -> Kernel | None:
    """The kernel for a depthwise convolution along the width, or None; `weights` are (channels, taps)."""
    same = fields["input_channels"] == fields["output_channels"]
    if not is_one_row(fields) or not same or len(weights) % GROUP or not _fits(form, weights, channels):
        return None
    name = "ecg_nn_depthwise_block_s8"
    if form is KernelVariant.UNSIGNED:
        if _reach(weights, channels).max() >= UNSIGNED_LIMIT:
            return None
        window = 2 * (weights.shape[1] + SPAN)
        return _kernel(name, fields, weights, unsigned_channels(channels, fields), window)
    return _kernel(name, fields, weights, block_channels(channels, fields), weights.size)


def _kernel(name: str, fields: Fields, weights: Int8Array, records: Records, window: int) -> Kernel:
    kept = row_fields(fields, "kernel_width") | {"taps": weights.shape[1]}
    scratch = -(-window // 4) * 4 * POSITIONS
    return Kernel(name, STRUCT, kept, grouped(weights), records, scratch)


def _reach(weights: Int8Array, channels: Channels) -> npt.NDArray[np.int64]:
    """The largest accumulator of each channel."""
    reach: npt.NDArray[np.int64] = np.abs(channels.bias.astype(np.int64))
    reach += 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    return reach


def _fits(form: KernelVariant, weights: Int8Array, channels: Channels) -> bool:
    """Return True if all weights, accumulators and shifts are in the range of the kernels."""
    reach, used = _reach(weights, channels), channels.multiplier != 0
    right = -channels.shift[used]
    if form is KernelVariant.UNSIGNED:
        limit = np.where(reach[used] < UNSIGNED_LIMIT, UNSIGNED_SHIFT, SATURATING_SHIFT)
        in_range = int(weights.min()) > -128 and int(reach.max()) < UNSIGNED_REACH
        unused_in_range = bool(np.all(reach[~used] < UNSIGNED_LIMIT))
        return in_range and unused_in_range and bool(np.all((right >= 1) & (right <= limit)))
    return int(reach.max()) < REACH_LIMIT and bool(np.all((right >= 1) & (right <= MAX_SHIFT)))


def grouped(weights: Int8Array) -> Int8Array:
    """Weights (channels, taps) as [group of four channels][tap][channel of the group]."""
    padded = np.pad(weights, ((0, -len(weights) % GROUP), (0, 0)))
    return np.ascontiguousarray(padded.reshape(-1, GROUP, weights.shape[1]).transpose(0, 2, 1))


def block_channels(channels: Channels, fields: Fields) -> Records:
    """Requantization, with the output's zero point, as a table of `ecg_nn_block_channel_t`."""
    shift, offset = _shift_and_offset(channels, fields)
    return _records(channels, offset, shift + 1)


def unsigned_channels(channels: Channels, fields: Fields) -> Records:
    """The same for the kernels that multiply in parts."""
    shift, offset = _shift_and_offset(channels, fields)
    return _records(channels, offset << 9, shift + 10)


def folded_channels(weights: Int8Array, channels: Channels, fields: Fields) -> Records:
    """The same for a convolution whose taps are 128 too large: what that adds is in the bias, and beside the
    shift for kernels with signed taps."""
    excess = 128 * weights.sum(axis=1, dtype=np.int64)
    folded = replace(channels, bias=(channels.bias - excess).astype(np.int32))
    records = unsigned_channels(folded, fields)
    records.values[: len(weights), 3] += (excess << 8).astype(np.int32)
    return records


def _shift_and_offset(
    channels: Channels, fields: Fields
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The shift to the right, and in halves of its unit what the zero point and both roundings add."""
    shift = np.where(channels.multiplier == 0, 1, -channels.shift).astype(np.int64)
    return shift, 2 * ((zero_point_in(fields) << shift) + (1 << (shift - 1))) + 1


def _records(channels: Channels, offset: npt.NDArray[np.int64], shift: npt.NDArray[np.int64]) -> Records:
    values = np.stack([channels.bias, channels.multiplier, offset, shift], axis=1).astype(np.int32)
    return Records("ecg_nn_block_channel_t", np.pad(values, ((0, -len(values) % GROUP), (0, 0))))
