"""The sparse form of a layer: of its weights, only the blocks of four that are not all zero."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.codegen.ir import Channels, Fields, Kernel, KernelVariant, number
from ecg_edge.quantize.codegen.paired import (
    MAX_SHIFT,
    OUTPUTS,
    is_one_row,
    paired_channels,
    row_fields,
    zero_point_in,
)

BLOCK: Final = 4  # ECG_NN_BLOCK
MAX_TAPS: Final = 508  # ECG_NN_SPARSE_WINDOW
BIAS_LIMIT: Final = 1 << 23  # of the ARM DSP form, where bias and shift share a word
LAST: Final = -128  # added to the place of a channel's last block

CONVOLUTION: Final = "ecg_nn_conv_sparse_s8"
FOUR: Final = "ecg_nn_conv_sparse_four_s8"
FULLY_CONNECTED: Final = "ecg_nn_fully_connected_sparse_s8"

Int8Array = npt.NDArray[np.int8]


def in_blocks(weights: Int8Array) -> Int8Array:
    """Weights (channels, taps) as (channels, blocks, 4), each window filled up with zeros."""
    channels, taps = weights.shape
    return np.pad(weights, ((0, 0), (0, -taps % BLOCK))).reshape(channels, -1, BLOCK)


def kept_blocks(weights: Int8Array) -> npt.NDArray[np.bool_]:
    """Which blocks are stored, (channels, blocks): all with a weight, the first of a channel without any."""
    kept = np.asarray(in_blocks(weights).any(axis=2))
    kept[:, 0] |= ~kept.any(axis=1)
    return kept


def pack(weights: Int8Array) -> tuple[Int8Array, Int8Array]:
    """The blocks that are stored, flat, and their places; weights are (channels, taps)."""
    kept = kept_blocks(weights)
    places = [np.flatnonzero(row) for row in kept]
    for row in places:
        row[-1] += LAST
    return in_blocks(weights)[kept].reshape(-1), np.concatenate(places).astype(np.int8)


def sparse_conv(form: KernelVariant, fields: Fields, weights: Int8Array, channels: Channels) -> Kernel | None:
    """The sparse kernel for a convolution along the width, or None where its shape or range has none.

    Parameters
    ----------
    form : KernelVariant
    fields : Fields
        Of `ecg_nn_conv_t`.
    weights : ndarray of int8, shape (channels, taps)
    channels : Channels
        Requantization.
    """
    if not is_one_row(fields) or weights.shape[1] > MAX_TAPS:
        return None
    blocks, places = pack(weights)
    if form in (KernelVariant.PORTABLE, KernelVariant.UNSIGNED):
        return Kernel(CONVOLUTION, "ecg_nn_conv_sparse_t", fields, blocks, channels.records(), places=places)
    if form is KernelVariant.ARM_DSP and number(fields, "output_width") >= OUTPUTS and _fits(channels):
        records = paired_channels(channels, zero_point_in(fields))
        scratch = in_blocks(weights).shape[1] * BLOCK * 2 * OUTPUTS
        row = row_fields(fields, "kernel_width")
        return Kernel(FOUR, "ecg_nn_conv_sparse_four_t", row, blocks, records, scratch, places)
    return None


def sparse_fully_connected(
    form: KernelVariant, fields: Fields, weights: Int8Array, channels: Channels
) -> Kernel | None:
    """Create the sparse kernel of a fully connected layer, or None; fields of `ecg_nn_fully_connected_t`."""
    if form is KernelVariant.HELIUM or weights.shape[1] > MAX_TAPS or weights.shape[1] % BLOCK:
        return None
    blocks, places = pack(weights)
    records = channels.records()
    return Kernel(FULLY_CONNECTED, "ecg_nn_fully_connected_sparse_t", fields, blocks, records, places=places)


def _fits(channels: Channels) -> bool:
    """Return True if all biases and shifts are in the range of the ARM DSP form."""
    bias, right = np.abs(channels.bias.astype(np.int64)), -channels.shift[channels.multiplier != 0]
    return bool(bias.max() < BIAS_LIMIT and np.all((right >= 1) & (right <= MAX_SHIFT)))
