"""A curve in Braille characters: two by four dots each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)  # row, column of a dot


def draw(values: NDArray[np.float64], low: float, high: float, columns: int, rows: int) -> list[str]:
    """Draw values as a curve.

    Parameters
    ----------
    values : float array, shape (n,)
        Values at equal distances; nan where there is none.
    low, high : float
        Values at the lower and upper edge.
    columns, rows : int
        Size in characters.

    Returns
    -------
    list of str
        `rows` lines of `columns` characters.
    """
    dots = np.zeros((4 * rows, 2 * columns), bool)
    edges = np.linspace(0, len(values), 2 * columns + 1).astype(int)
    before: int | None = None
    for column, (start, end) in enumerate(pairwise(edges)):
        part = values[start : max(end, start + 1)]
        part = part[~np.isnan(part)]
        if not len(part):
            before = None
            continue
        top, bottom = (_row(value, low, high, 4 * rows) for value in (part.max(), part.min()))
        last = _row(part[-1], low, high, 4 * rows)
        if before is not None:
            top, bottom = min(top, before), max(bottom, before)
        dots[top : bottom + 1, column] = True
        before = last
    return _characters(dots)


def _row(value: float, low: float, high: float, height: int) -> int:
    return int(np.clip(round((high - value) / (high - low) * (height - 1)), 0, height - 1))


def _characters(dots: NDArray[np.bool_]) -> list[str]:
    cells = dots.reshape(dots.shape[0] // 4, 4, dots.shape[1] // 2, 2)
    codes = (cells * _BITS[np.newaxis, :, np.newaxis, :]).sum(axis=(1, 3))
    return ["".join(chr(0x2800 + int(code)) for code in line) for line in codes]
