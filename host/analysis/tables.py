"""Columns of numbers from text (CSV) and from MATLAB files without a header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.leads import AUTO

TABLE_SUFFIXES: Final = (".csv", ".tsv", ".txt")

_TIME: Final = re.compile(r"(time|t|seconds|sec|s|ms|timestamp|date|clock|sample|index|n)\b.*", re.IGNORECASE)
_HEAD_LINES: Final = 3  # names, units: more is no table of samples
_COMMENTS: Final = ("#", "%")
_LARGEST_BYTES: Final = 4_000_000_000


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of a table.

    Attributes
    ----------
    names : tuple of str
        One for each column.
    values : ndarray of float64, shape (n, columns)
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]

    def choose(self, path: Path, lead: str) -> tuple[str, NDArray[np.float64]]:
        """Choose a column by its name or number, or the only one that is no time.

        Raises
        ------
        RecordError
            When none fits or several do, or its values are not all finite.
        """
        place = self._place(path, lead)
        values = np.ascontiguousarray(self.values[:, place])
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise RecordError(
                f"{path}: value {bad[0] + 1} of {self.names[place]} is {values[bad[0]]}; {len(bad)} in all. "
                "Replace them, or divide the file there."
            )
        return self.names[place], values

    def _place(self, path: Path, lead: str) -> int:
        leads = [number for number, name in enumerate(self.names) if not _TIME.fullmatch(name)]
        listing = ", ".join(self.names)
        if lead == AUTO:
            if len(leads) == 1:
                return leads[0]
            how = "several columns" if leads else "no column but the time"
            raise RecordError(f"{path}: has {how} ({listing}). Name one with --lead.")
        plain = [name.casefold() for name in self.names]
        if lead.casefold() in plain:
            return plain.index(lead.casefold())
        if lead.isdecimal() and int(lead) < len(self.names):
            return int(lead)
        raise RecordError(f"{path}: no column {lead!r}; it has {listing}. Columns count from 0.")


def read_table(path: Path) -> Columns:
    """Read a text file: one sample a line, columns separated by commas, semicolons, tabs or spaces.

    Raises
    ------
    RecordError
        When it is empty, or a line is no row of numbers; the message names the line.
    """
    if path.stat().st_size > _LARGEST_BYTES:
        raise RecordError(f"{path}: larger than {_LARGEST_BYTES // 10**9} GB. Divide it.")
    lines = _first_lines(path)
    head = next((number for number, line in enumerate(lines) if _is_numbers(line)), None)
    if head is None:
        raise RecordError(f"{path}: has no samples: the first lines hold no numbers. Give one sample a line.")
    separator = _separator(lines[head])
    values = _load(path, separator, head)
    return Columns(_names(lines[:head], separator, values.shape[1]), values)


def _first_lines(path: Path) -> list[str]:
    """Lines up to the first one that cannot belong to the head any more, comments among them."""
    lines: list[str] = []
    others = 0
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file:
            lines.append(line.strip())
            others += bool(lines[-1]) and not lines[-1].startswith(_COMMENTS)
            if others > _HEAD_LINES:
                break
    return lines


def _load(path: Path, separator: str | None, head: int) -> NDArray[np.float64]:
    try:
        values: NDArray[np.float64] = np.loadtxt(
            path, delimiter=separator, skiprows=head, ndmin=2, encoding="utf-8-sig", comments=_COMMENTS
        )
    except ValueError as error:
        row, from_1 = re.search(r"at row (\d+)", str(error)), "columns changed" in str(error)
        where = f"line {int(row[1]) + head + (not from_1)}" if row else "a line"
        raise RecordError(f"{path}: {where} is no row of numbers ({error}). Correct or remove it.") from None
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}).") from None
    return values


def _separator(line: str) -> str | None:
    return next((mark for mark in (";", "\t", ",") if mark in line), None)


def _is_numbers(line: str) -> bool:
    fields = line.split(_separator(line))
    return bool(fields) and all(_is_number(field.strip()) for field in fields)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _names(head: list[str], separator: str | None, count: int) -> tuple[str, ...]:
    """Names from the first line of the head that has one for each column; else numbers."""
    for line in head:
        names = [name.strip().strip("\"'") for name in line.split(separator)]
        if len(names) == count and len(set(names)) == count:
            return tuple(names)
    return _numbered(count)


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"column {number}" for number in range(count)) if count > 1 else ("ECG",)


def read_matrix(path: Path) -> Columns:
    """Read the array `val` of a MATLAB file, of shape (leads, n), as PhysioNet's challenges have it.

    Raises
    ------
    RecordError
        When it is damaged or has no such array.
    """
    from scipy.io import loadmat  # takes a while: only for these files

    try:
        content = loadmat(path, variable_names=["val"])
    except Exception as error:  # scipy raises any type of exception for a damaged file
        raise RecordError(f"{path}: damaged MATLAB file ({error}). Get it again.") from None
    values = content.get("val")
    if values is None or values.ndim != 2 or not values.size or not np.issubdtype(values.dtype, np.number):
        raise RecordError(f"{path}: has no array `val` of leads and samples. Write it as CSV instead.")
    return Columns(_numbered(len(values)), values.T.astype(np.float64))
