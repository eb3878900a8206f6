"""Columns of numbers from text (CSV) and from MATLAB files without a header."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.leads import AUTO
from ecg_edge.ecg.memory import require_memory

TABLE_SUFFIXES: Final = (".csv", ".tsv", ".txt")

_TIME: Final = re.compile(
    r"(time|timestamp|date|clock|elapsed|millis|micros|sample|index)(\b|_).*|(t|seconds|sec|s|ms|us|n)\b.*",
    re.IGNORECASE,
)
_HEAD_LINES: Final = 3  # names, units: more is no table of samples
_COMMENTS: Final = ("#", "%")
_LARGEST_BYTES: Final = 4_000_000_000
_VALUE_BYTES: Final = 17  # of memory for each value while it is read: the table, a growing copy and a column
_BLOCK_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 65536  # that tell the encoding
_QUOTED: Final = 60  # characters of a line in a message


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

    def time_step(self) -> tuple[str, float] | None:
        """Name of the first column of times, and its mean step from row to row; None where none ascends."""
        for name, values in zip(self.names, self.values.T, strict=True):
            if _TIME.fullmatch(name) and len(values) > 1 and (np.diff(values) > 0).all():
                return name, float(values[-1] - values[0]) / (len(values) - 1)
        return None

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

    Between semicolons or tabs a comma is a decimal point.

    Raises
    ------
    RecordError
        When it is empty, a line is no row of numbers (the message quotes it), or a comma may either separate
        two columns or be a decimal comma.
    """
    if path.stat().st_size > _LARGEST_BYTES:
        raise RecordError(f"{path}: larger than {_LARGEST_BYTES // 10**9} GB. Divide it.")
    try:
        with path.open("rb") as file:
            encoding = _encoding(file.read(_HEAD_BYTES))
        with path.open(encoding=encoding, errors="replace") as text:
            head, separator, columns = _head(path, text)
            rows = _count_lines(path)
            require_memory(path, f"{rows:,} rows of {columns} numbers", rows * columns * _VALUE_BYTES)
            text.seek(0)
            return _read_rows(path, text, head, separator)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}).") from None


def _encoding(begin: bytes) -> str:
    """Encoding of a text by its first bytes; numbers are the same in all but UTF-16."""
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(begin)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return 1 + sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK_BYTES), b""))


def _head(path: Path, file: TextIO) -> tuple[list[str], str | None, int]:
    """Lines before the first row of numbers, comments among them; that row's separator and its columns."""
    lines: list[str] = []
    others = 0
    for line in file:
        text, separator = line.strip(), _separator(line.strip())
        if _is_numbers(text, separator):
            return lines, separator, len(_fields(_row(text, separator), separator))
        lines.append(text)
        others += bool(text) and not text.startswith(_COMMENTS)
        if others > _HEAD_LINES:
            raise RecordError(f"{path}: has no samples: {_no_row(len(lines), text)}")
    raise RecordError(f"{path}: has no samples. Give one sample a line.")


def _read_rows(path: Path, file: TextIO, head: list[str], separator: str | None) -> Columns:
    rows = _Rows(file, len(head), separator)
    try:
        values: NDArray[np.float64] = np.loadtxt(
            rows, delimiter=separator, ndmin=2, encoding="utf-8", comments=None, quotechar='"'
        )
    except ValueError:
        raise RecordError(f"{path}: {_no_row(rows.number, rows.text)}") from None
    names = _names(head, separator, values.shape[1])
    if names is None and separator == "," and "." not in rows.marks:
        _check_commas(path, head, values)
    return Columns(names or _numbered(values.shape[1]), values)


class _Rows:
    """Rows of numbers of a file as `numpy.loadtxt` takes them.

    Attributes
    ----------
    number : int
        Of the last line that was read, from 1.
    text : str
        That line.
    marks : set of str
        Decimal points and commas found so far.
    """

    def __init__(self, file: TextIO, skipped: int, separator: str | None) -> None:
        self._file, self._skipped, self._separator = file, skipped, separator
        self.number, self.text = 0, ""
        self.marks: set[str] = set()

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._file, 1):
            if number > self._skipped:
                self.number, self.text = number, line.strip()
                yield self._row()

    def _row(self) -> str:
        row = _row(self.text, self._separator)
        if "." in row:
            self.marks.add(".")
        if self._separator != "," and "," in row:
            self.marks.add(",")
            row = row.replace(",", ".")
        if len(self.marks) > 1:
            raise ValueError("both decimal points and decimal commas")
        return row


def _row(text: str, separator: str | None) -> str:
    """Leave out what follows a line's numbers: comments, and separators without a column."""
    for mark in _COMMENTS:
        if mark in text:
            text = text.partition(mark)[0]
    return _trimmed(text, separator)


def _trimmed(text: str, separator: str | None) -> str:
    return (text.rstrip(f" {separator}") or text) if separator else text


def _no_row(number: int, text: str) -> str:
    quoted = repr(text) if len(repr(text)) <= _QUOTED else f"{repr(text)[:_QUOTED]}..."
    return (
        f"line {number} is no row of numbers: {quoted}. Expected: up to {_HEAD_LINES} lines of names, then "
        "equally many numbers in each line, separated by commas, semicolons, tabs or spaces; no dates; "
        "decimal commas only between semicolons or tabs, and then no decimal points. Correct or remove it."
    )


def _check_commas(path: Path, head: list[str], values: NDArray[np.float64]) -> None:
    """Refuse 0,123: two columns of whole numbers or a decimal comma, if no line of names tells.

    A first column that always increases is a time or an index.
    """
    count = values.shape[1]
    if len(values) > 2 and (np.diff(values[:, 0]) > 0).all():
        return
    if (count == 2 or (count % 2 == 0 and _names(head, ",", count // 2))) and (values[:, 1::2] >= 0).all():
        raise RecordError(
            f"{path}: its commas may be decimal commas. Write decimal points; if they separate columns of "
            "whole numbers, begin with a line of one name for each column."
        )


def _separator(line: str) -> str | None:
    return next((mark for mark in (";", "\t", ",") if mark in line), None)


def _is_numbers(line: str, separator: str | None) -> bool:
    row = _row(line, separator)
    fields = _fields(row if separator == "," else row.replace(",", "."), separator)
    return bool(fields) and all(_is_number(field) for field in fields)


def _fields(line: str, separator: str | None) -> list[str]:
    """Split a line; a field may be quoted."""
    try:
        fields = line.split() if separator is None else next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a field of more than 100,000 characters
        return []
    return [field.strip().strip("\"'") for field in fields]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _names(head: list[str], separator: str | None, count: int) -> tuple[str, ...] | None:
    """Names from the first line of the head that has one for each column, if there is one."""
    for line in head:
        names = _fields(_trimmed(line, separator), separator)
        if len(names) == count and len(set(names)) == count:
            return tuple(names)
    return None


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"column {number}" for number in range(count)) if count > 1 else ("ECG",)


def read_matrix(path: Path) -> Columns:
    """Read the array `val` of a MATLAB file, of shape (leads, n), as PhysioNet's challenges have it.

    Raises
    ------
    RecordError
        When it is damaged or has no such array.
    """
    from scipy.io import loadmat, whosmat  # takes a while: only for these files

    try:
        shapes = [shape for name, shape, _ in whosmat(path) if name == "val"]
        count = math.prod(shapes[0]) if shapes else 0
        require_memory(path, f"the array `val` has {count:,} values", 24 * count)
        content = loadmat(path, variable_names=["val"])
    except (RecordError, MemoryError):
        raise
    except Exception as error:  # scipy raises any type of exception for a damaged file
        raise RecordError(f"{path}: damaged MATLAB file ({error}). Get it again.") from None
    values = content.get("val")
    if values is None or values.ndim != 2 or not values.size or not np.issubdtype(values.dtype, np.number):
        raise RecordError(f"{path}: has no array `val` of leads and samples. Write it as CSV instead.")
    return Columns(_numbered(len(values)), values.T.astype(np.float64))
