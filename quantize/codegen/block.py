"""Layouts of the block kernels in portable C: four channels of several positions at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.codegen.ir import Channels, Fields, Kernel, Records, number
from ecg_edge.quantize.codegen.paired import MAX_SHIFT, is_one_row, row_fields, zero_point_in

GROUP: Final = 4  # ECG_NN_BLOCK_CHANNELS
TAPS: Final = 4  # ECG_NN_BLOCK_TAPS
POSITIONS: Final = 4  # ECG_NN_BLOCK_POSITIONS
REACH_LIMIT: Final = 1 << 29  # of an accumulator
STRUCT: Final = "ecg_nn_conv_block_t"

Int8Array = npt.NDArray[np.int8]


def block_conv(fields: Fields, weights: Int8Array, channels: Channels) -> Kernel | None:
    """The kernel for a convolution along the width, or None where its shape or range has none.

    Parameters
    ----------
    fields : Fields
        Of `ecg_nn_conv_t`.
    weights : ndarray of int8, shape (channels, taps)
        Taps are the elements of a window.
    channels : Channels
        Requantization.
    """
    if not is_one_row(fields) or not _fits(weights, channels):
        return None
    padded = np.pad(weights, ((0, 0), (0, -weights.shape[1] % TAPS)))
    return _kernel("ecg_nn_conv_block_s8", fields, padded, channels, padded.shape[1])


def block_depthwise(fields: Fields, weights: Int8Array, channels: Channels) -> Kernel | None:
    """The kernel for a depthwise convolution along the width, or None; `weights` are (channels, taps)."""
    same = fields["input_channels"] == fields["output_channels"]
    if not is_one_row(fields) or not same or len(weights) % GROUP or not _fits(weights, channels):
        return None
    return _kernel("ecg_nn_depthwise_block_s8", fields, weights, channels, weights.size)


def _kernel(name: str, fields: Fields, weights: Int8Array, channels: Channels, window: int) -> Kernel:
    kept = row_fields(fields, "kernel_width") | {"taps": weights.shape[1]}
    records = block_channels(channels, zero_point_in(fields))
    scratch = -(-window // 4) * 4 * POSITIONS
    return Kernel(name, STRUCT, kept, grouped(weights), records, scratch)


def _fits(weights: Int8Array, channels: Channels) -> bool:
    """Return True if all accumulators and shifts are in the range of the kernels."""
    reach = np.abs(channels.bias.astype(np.int64)) + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    right = -channels.shift[channels.multiplier != 0]
    return int(reach.max()) < REACH_LIMIT and bool(np.all((right >= 1) & (right <= MAX_SHIFT)))


def grouped(weights: Int8Array) -> Int8Array:
    """Weights (channels, taps) as [group of four channels][tap][channel of the group]."""
    padded = np.pad(weights, ((0, -len(weights) % GROUP), (0, 0)))
    return np.ascontiguousarray(padded.reshape(-1, GROUP, weights.shape[1]).transpose(0, 2, 1))


def block_channels(channels: Channels, zero_point: int) -> Records:
    """Requantization, with the output's zero point, as a table of `ecg_nn_block_channel_t`."""
    shift = np.where(channels.multiplier == 0, 1, -channels.shift).astype(np.int64)
    offset = 2 * ((zero_point << shift) + (1 << (shift - 1))) + 1
    values = np.stack([channels.bias, channels.multiplier, offset, shift + 1], axis=1).astype(np.int32)
    return Records("ecg_nn_block_channel_t", np.pad(values, ((0, -len(values) % GROUP), (0, 0))))
