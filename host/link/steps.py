"""Differences between samples as DELTAS carries them, in 4, 12 or 28 bits.

A difference of -7 to 7 has 4 bits. The number -8 in 4 bits announces 8 bits, for differences of -127 to 127,
and -128 in these announces 16 bits. Differences are taken modulo 65536. The first of two groups of 4 bits is
a byte's upper half; a group that is left over is 0.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

_GROUPS = np.array([1, 3, 7])  # groups of 4 bits in a difference, by how many announcements it has
_SMALL, _MEDIUM = 7, 127


class PackedSteps:
    """The differences of a whole signal, packed once.

    Parameters
    ----------
    samples : int16 array, shape (n,)
        ADC units.
    """

    def __init__(self, samples: NDArray[np.int16]) -> None:
        steps = np.diff(samples, prepend=samples[:1]).astype(np.int32)  # int16: modulo 65536
        size = np.abs(steps)
        length = _GROUPS[(size > _SMALL).astype(np.intp) + (size > _MEDIUM)]
        self._ends = np.concatenate([[0], np.cumsum(length)])
        self._groups = np.zeros(self._ends[-1], np.uint8)
        for bits, chosen in (
            (4, size <= _SMALL),
            (8, (size > _SMALL) & (size <= _MEDIUM)),
            (16, size > _MEDIUM),
        ):
            self._put(steps[chosen], self._ends[1:][chosen], bits)

    def _put(self, steps: NDArray[np.int32], ends: NDArray[np.int_], bits: int) -> None:
        """Write differences of `bits` bits before `ends`, and what announces them."""
        announced = {4: 0, 8: 0x8 << 8, 16: 0x880 << 16}[bits]
        number = announced | (steps & ((1 << bits) - 1))
        for back in range({4: 1, 8: 3, 16: 7}[bits]):
            self._groups[ends - 1 - back] = (number >> 4 * back) & 0xF

    def between(self, start: int, end: int) -> bytes:
        """Pack the differences between the samples `start` to `end` - 1."""
        groups = self._groups[self._ends[start + 1] : self._ends[end]]
        if len(groups) % 2:
            groups = np.append(groups, np.uint8(0))
        return ((groups[::2] << 4) | groups[1::2]).tobytes()


def unpack_steps(data: bytes, count: int) -> NDArray[np.int64]:
    """Differences, shape (count,), that were packed into `data`.

    Raises
    ------
    ValueError
        When `data` holds fewer or more than `count`.
    """
    groups = [group for byte in data for group in (byte >> 4, byte & 0xF)]
    steps, at = np.empty(count, np.int64), 0
    for i in range(count):
        steps[i], at = _unpack(groups, at)
    if groups[at:] not in ([], [0]):
        raise ValueError(f"more than {count} differences")
    return steps


def _unpack(groups: list[int], at: int) -> tuple[int, int]:
    """Return the difference that begins at group `at`, and the place after it."""
    for length in (1, 2, 4):
        taken = groups[at : at + length]
        if len(taken) < length:
            raise ValueError("a difference runs past the end")
        at += length
        number, half = (
            functools.reduce(lambda upper, group: 16 * upper + group, taken),
            8 * 16 ** (length - 1),
        )
        if number != half:
            break
    return number - 2 * half * (number >= half), at
