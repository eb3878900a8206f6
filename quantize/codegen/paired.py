"""Paired weights: the layout in which the ARM DSP form reads the weights of a convolution.

Two neighbouring output channels a and b share 16-bit halves 256 b + a. With such a half in each half of a
word, one SMLAD sums x (256 b + a) as the word stands, a second one x a after SXTB16, and the sum of b is what
is left: two channels for one widening. Sums of b count modulo 2^24, which `REACH_LIMIT` makes exact.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.codegen.program import Channels, Records

GROUP = 4  # taps that the kernel reads at a time; the rest of the last group is filled with zeros
POSITIONS = 4  # that it computes at a time
BYTES_PER_TAP = 2 * POSITIONS  # of scratch: the windows of the positions, widened
MAX_SCRATCH = 2048  # bytes
REACH_LIMIT = 1 << 23
MAX_SHIFT = 22  # the offset below stays below 2^30


def scratch_bytes(taps: int) -> int:
    """Memory that the kernel needs for windows of so many taps."""
    return -(-taps // GROUP) * GROUP * BYTES_PER_TAP


def can_be_paired(weights: npt.NDArray[np.int8], channels: Channels) -> bool:
    """Whether the paired form gives the right bits for weights (channels, taps)."""
    count, taps = weights.shape
    reach = int(np.abs(channels.bias.astype(np.int64)).max(initial=0)) + 128 * 128 * taps
    right = -channels.shift[channels.multiplier != 0]
    return bool(
        count % 2 == 0
        and scratch_bytes(taps) <= MAX_SCRATCH
        and reach < REACH_LIMIT
        and weights.min() > -128
        and np.all((right >= 1) & (right <= MAX_SHIFT))
    )


def paired_weights(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Bytes of the weights (channels, taps): [pair][group of four taps][taps 0, 2, 1, 3][256 b + a]."""
    count, taps = weights.shape
    padded = np.pad(weights.astype(np.int16), ((0, 0), (0, -taps % GROUP)))
    halves = padded[0::2] + 256 * padded[1::2]
    ordered = halves.reshape(count // 2, -1, GROUP)[:, :, [0, 2, 1, 3]]
    return np.frombuffer(ordered.astype("<i2").tobytes(), np.int8)


def paired_channels(channels: Channels, zero_point: int) -> Records:
    """Requantization as a table of `ecg_nn_paired_channel_t`."""
    shift = np.where(channels.multiplier == 0, 1, -channels.shift)
    bias_and_shift = channels.bias * 256 + shift
    offset = (zero_point << shift) + (1 << (shift - 1))
    return Records("ecg_nn_paired_channel_t", np.stack([bias_and_shift, channels.multiplier, offset], axis=1))
