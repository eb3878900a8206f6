"""Layouts of the ARM DSP form: weights in pairs, for convolutions along the width.

A convolution. Two neighbouring output channels a and b share 16-bit halves 256 b + a. With such a half in
each half of a word, one SMLAD sums x (256 b + a) as the word stands, a second one x a after SXTB16, and the
sum of b is what is left: two channels for one widening. Sums of b count modulo 2^24, which `REACH_LIMIT`
makes exact.

A depthwise convolution. Pairs of neighbouring taps of one channel, which SXTB16 makes the halves of a word.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.codegen.ir import Channels, Fields, Kernel, Records, number

GROUP = 4  # taps that SXTB16 widens at a time, in the order 0, 2, 1, 3
OUTPUTS = 4  # positions that both kernels compute at a time
FEW = 2  # positions that the convolution computes at a time where fewer are left
REACH_LIMIT = 1 << 23  # of an accumulator
MAX_SHIFT = 22  # to the right: keeps the requantization's offset below 2^30
DEPTHWISE_TAPS = 10
DEPTHWISE_SCRATCH = 144  # bytes for each input channel that is packed at a time


def is_one_row(fields: Fields) -> bool:
    """Return True if a convolution is one along the width only, without dilation."""
    ones = ("input_height", "kernel_height", "output_height", "dilation_width")
    return all(fields[name] == 1 for name in ones)


def paired_conv(fields: Fields, weights: npt.NDArray[np.int8], channels: Channels) -> Kernel | None:
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
    count, taps = weights.shape
    if fields["input_channels"] == 1 and (kernel := paired_depthwise(fields, weights, channels)):
        return kernel
    if count % 2 or weights.min() == -128 or not _fits(channels, taps):
        return None
    records = paired_channels(channels, zero_point_in(fields))
    kept = row_fields(fields, "kernel_width")
    together = OUTPUTS if number(fields, "output_width") >= OUTPUTS else FEW
    scratch = -(-taps // GROUP) * GROUP * 2 * together
    return Kernel(
        "ecg_nn_conv_paired_s8", "ecg_nn_conv_paired_t", kept, interleaved(weights), records, scratch
    )


def paired_depthwise(fields: Fields, weights: npt.NDArray[np.int8], channels: Channels) -> Kernel | None:
    """The kernel for a depthwise convolution along the width, or None; `weights` are (channels, taps)."""
    taps, stride, depth = weights.shape[1], number(fields, "stride_width"), number(fields, "input_channels")
    if not (is_one_row(fields) and taps <= DEPTHWISE_TAPS and stride in (1, 2)):
        return None
    if (
        number(fields, "output_width") * stride < 2 * OUTPUTS
        or (depth != 1 and depth % 4)
        or not _fits(channels, taps)
    ):
        return None
    records = paired_channels(channels, zero_point_in(fields))
    scratch = DEPTHWISE_SCRATCH * min(depth, 4)
    return Kernel(
        "ecg_nn_depthwise_paired_s8",
        "ecg_nn_depthwise_paired_t",
        row_fields(fields),
        _in_groups(weights, 3 * GROUP),
        records,
        scratch,
    )


def _fits(channels: Channels, taps: int) -> bool:
    """Return True if all accumulators and shifts are in the range of the kernels."""
    reach = int(np.abs(channels.bias.astype(np.int64)).max()) + 128 * 128 * taps
    right = -channels.shift[channels.multiplier != 0]
    return reach < REACH_LIMIT and bool(np.all((right >= 1) & (right <= MAX_SHIFT)))


def interleaved(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Bytes of [pair of channels][group of taps][256 b + a], from (channels, taps)."""
    wide = weights.astype(np.int16)
    return _in_groups(wide[0::2] + 256 * wide[1::2], GROUP)


def _in_groups(rows: npt.NDArray[np.int8] | npt.NDArray[np.int16], multiple: int) -> npt.NDArray[np.int8]:
    """Bytes of rows of taps, each filled with zeros to a multiple, groups in SXTB16's order."""
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % multiple)))
    # SXTB16 widens bytes 0 and 2 of a word to its halves, and after a rotation bytes 1 and 3. The inputs are
    # widened so; weights in the same order need no shuffle in the inner loop.
    ordered = padded.reshape(-1, GROUP)[:, [0, 2, 1, 3]]
    return np.frombuffer(ordered.astype(ordered.dtype.newbyteorder("<")).tobytes(), np.int8)


def paired_channels(channels: Channels, zero_point: int) -> Records:
    """Requantization, with the output's zero point, as a table of `ecg_nn_paired_channel_t`."""
    shift = np.where(channels.multiplier == 0, 1, -channels.shift)
    offset = (zero_point << shift) + (1 << (shift - 1))
    values = np.stack([channels.bias * 256 + shift, channels.multiplier, offset], axis=1)
    return Records("ecg_nn_paired_channel_t", values.astype(np.int32))


def zero_point_in(fields: Fields) -> int:
    """The output's zero point."""
    output = fields["output"]
    assert isinstance(output, dict)
    return output["zero_point"]


def row_fields(fields: Fields, *more: str) -> Fields:
    """The fields of `ecg_nn_conv_t` that a kernel along the width only reads."""
    names = ("input_width", "input_channels", "output_width", "output_channels", "stride_width", "pad_left")
    return {name: fields[name] for name in (*names, *more, "input_zero_point", "output")}
