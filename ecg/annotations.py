"""Annotations of a record, and the MIT annotation files that WFDB's programs read and write.

    annotations = read_annotations(Path("mitdb"), "100", "atr", fs_hz=360)
    write_annotations(Path("out"), "100", "edge", annotations, fs_hz=360)

Codes that WFDB leaves undefined (15, 17, 42 to 58) get the symbol "[code]", as its library prints them,
unless the file defines them: they are notes, never beats.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.files import write_bytes
from ecg_edge.ecg.rates import NUMBER, RATE_LIMITS, Rate, convert_samples, exact_rate

NOISE = "~"
SHUTDOWN_BITS = 0x30
"""A noise annotation with both bits set in its subtype begins a segment in which no lead is readable."""

SYMBOL_OF_CODE: Final = {
    **dict(enumerate(" NLRaVFJASEj/Q~")),
    16: "|",
    **dict(enumerate('sT*D"=pB^t+u?![]en@xf()r', start=18)),
}
"""WFDB's annotation codes (ecgcodes.h), without those that are not defined."""

_CODE_OF_SYMBOL: Final = {symbol: code for code, symbol in SYMBOL_OF_CODE.items()}
_NOT_QRS: Final = 0
_NOTE: Final = 22
_SKIP, _NUM, _SUBTYPE, _CHANNEL, _AUX = range(59, 64)
_LONGEST_STEP: Final = 1023
_LONGEST_SKIP: Final = 2**31 - 1
_UNDEFINED: Final = re.compile(r"\[(\d+)\]")
_RESOLUTION: Final = re.compile(r"## time resolution: *(\S*)")
_DEFINITIONS: Final = "## annotation type definitions", "## end of definitions"


@dataclass(frozen=True, eq=False)
class Annotations:
    """Annotations of one annotator, in the order of time.

    Attributes
    ----------
    samples : ndarray of int64, shape (n,)
        Sample number of each annotation; never descending.
    symbols : ndarray of str, shape (n,)
        WFDB symbol: "N", "V", "+", "~" and so on.
    subtype : ndarray of int64, shape (n,)
        Subtype; 0 where there is none.
    aux : tuple of str, length n
        Auxiliary text, e.g. "(AFIB" of a rhythm annotation; "" where there is none.
    """

    samples: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.str_]
    subtype: npt.NDArray[np.int64]
    aux: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.samples), len(self.symbols), len(self.subtype), len(self.aux)}
        if len(lengths) != 1:
            raise ValueError(f"samples, symbols, subtype and aux differ in length: {sorted(lengths)}")
        if np.any(np.diff(self.samples) < 0):
            raise ValueError("annotations are not in the order of time")

    def __len__(self) -> int:
        return len(self.samples)

    def at_rate(self, from_hz: Rate, to_hz: Rate) -> Annotations:
        """Convert the sample numbers from one rate to another, in Hz."""
        return replace(self, samples=convert_samples(self.samples, from_hz, to_hz))

    def between(self, start: int, end: int) -> Annotations:
        """Select the annotations from sample `start` to before sample `end`."""
        kept = (self.samples >= start) & (self.samples < end)
        aux = tuple(note for note, keep in zip(self.aux, kept, strict=True) if keep)
        return Annotations(self.samples[kept], self.symbols[kept], self.subtype[kept], aux)

    @classmethod
    def of(
        cls,
        samples: npt.ArrayLike,
        symbols: Sequence[str] | npt.NDArray[np.str_],
        subtype: npt.ArrayLike | None = None,
        aux: Sequence[str] | None = None,
    ) -> Annotations:
        """Make annotations from anything array-like; `symbols` may be a string of one-letter symbols.

        Parameters
        ----------
        samples : array_like of int, shape (n,)
            Sample numbers.
        symbols : sequence of str, length n
            Symbols.
        subtype, aux : optional, length n
            Else 0 and "" throughout.
        """
        at = np.asarray(samples, np.int64)
        return cls(
            at,
            np.asarray(list(symbols), np.str_),
            np.zeros(len(at), np.int64) if subtype is None else np.asarray(subtype, np.int64),
            ("",) * len(at) if aux is None else tuple(aux),
        )


def read_annotations(
    folder: Path, record: str, annotator: str, fs_hz: Rate | None = None, to_hz: Rate | None = None
) -> Annotations:
    """Read an annotation file.

    Parameters
    ----------
    folder : Path
        Folder of the file.
    record, annotator : str
        The file is called `<record>.<annotator>`.
    fs_hz : Fraction or float, optional
        Rate in Hz that the file counts in unless it states a time resolution of its own: the frame rate of
        the record. Without it sample numbers are returned as they are in the file.
    to_hz : Fraction or float, optional
        Rate in Hz of the sample numbers returned; `fs_hz` if not given.

    Raises
    ------
    RecordError
        When the file is missing, truncated or damaged.
    """
    path = folder / f"{record}.{annotator}"
    reader = _Reader(path, _read_bytes(path))
    reader.read()
    annotations = reader.annotations()
    if fs_hz is None:
        return annotations
    return annotations.at_rate(reader.resolution_hz or fs_hz, fs_hz if to_hz is None else to_hz)


def write_annotations(
    folder: Path, record: str, annotator: str, annotations: Annotations, fs_hz: Rate
) -> Path:
    """Write an annotation file, `folder / <record>.<annotator>`, complete or not at all.

    Parameters
    ----------
    folder : Path
        Folder of the file; created when missing.
    record, annotator : str
        Name of the record; suffix of the file.
    annotations : Annotations
        Annotations to write, none before sample 0.
    fs_hz : Fraction or float
        Rate in Hz that the sample numbers count in; the file states it.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    path = folder / f"{record}.{annotator}"
    write_bytes(path, _encode(annotations, exact_rate(fs_hz)))
    return path


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise RecordError(
            f"{path}: not found. Name an annotator that the record has, and the folder of its files."
        ) from None
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}).") from None


# ---- reading ----------------------------------------------------------------------------------------


class _Reader:
    """Goes once through the 16-bit words of an annotation file (annot(5)): code in the upper 6 bits."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path, self._content = path, content
        self._next = 0
        self._symbols = dict(SYMBOL_OF_CODE)
        self._defining = False
        self.resolution_hz: Fraction | None = None
        self._rows: list[tuple[int, str, int, str]] = []

    def annotations(self) -> Annotations:
        """Everything that was read, in the order of time: programs that edit files leave them unsorted."""
        rows = sorted(self._rows, key=lambda row: row[0])
        columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) or [(), (), (), ()]
        return Annotations.of(columns[0], columns[1], columns[2], columns[3])

    def read(self) -> None:
        """Read up to the end mark, a word of 0."""
        time = 0
        while word := self._word():
            code, step = word >> 10, word & _LONGEST_STEP
            if code == _SKIP:
                time += self._long()
                continue
            if code > _SKIP:  # belongs to an annotation that is not there
                self._attributes(word)
                continue
            time += step
            subtype, aux = self._attributes(None)
            self._add(time, code, subtype, aux)

    def _add(self, time: int, code: int, subtype: int, aux: str) -> None:
        if code == _NOT_QRS or (code == _NOTE and self._is_of_the_file(aux)):
            return
        self._rows.append((time, self._symbols.get(code, f"[{code}]"), subtype, aux))

    def _is_of_the_file(self, aux: str) -> bool:
        """Take in a note that describes the file: its time resolution, or the meaning of a code."""
        match = _RESOLUTION.match(aux)
        if match is not None and not self._rows:
            self.resolution_hz = self._resolution(match[1])
            return True
        if aux.startswith(_DEFINITIONS):
            self._defining = aux.startswith(_DEFINITIONS[0])
            return True
        if self._defining:
            code, symbol = (*aux.split(maxsplit=2), "", "")[:2]
            if code.isdecimal() and symbol:
                self._symbols[int(code)] = symbol
            return True
        return False

    def _resolution(self, text: str) -> Fraction:
        value = Fraction(text) if re.fullmatch(NUMBER, text) else Fraction(0)
        if not RATE_LIMITS[0] <= value <= RATE_LIMITS[1]:
            raise RecordError(
                f"{self._path}: damaged annotations (time resolution {text[:20]!r}). "
                "Get or write the file again."
            )
        return value

    def _attributes(self, first: int | None) -> tuple[int, str]:
        """Read the words that add to an annotation. Returns its subtype and text."""
        subtype, aux = 0, ""
        while True:
            word = self._peek() if first is None else first
            code, value = word >> 10, word & _LONGEST_STEP
            if code <= _SKIP:
                return subtype, aux
            if first is None:
                self._next += 2
            first = None
            if code == _SUBTYPE:
                subtype = value - 256 if 128 <= value < 256 else value
            elif code == _AUX:
                aux = self._text(value)

    def _text(self, length: int) -> str:
        content = self._take(length + length % 2)[:length].rstrip(b"\0")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return content.decode("latin-1")

    def _long(self) -> int:
        """Read a 32-bit signed number, its upper half first."""
        content = self._take(4)
        return int.from_bytes(content[2:] + content[:2], "little", signed=True)

    def _word(self) -> int:
        return int.from_bytes(self._take(2), "little")

    def _peek(self) -> int:
        word = self._word()
        self._next -= 2
        return word

    def _take(self, count: int) -> bytes:
        taken = self._content[self._next : self._next + count]
        if len(taken) < count:
            raise RecordError(
                f"{self._path}: truncated: the end mark of an annotation file is missing. "
                "Get or write the file again."
            )
        self._next += count
        return taken


# ---- writing ----------------------------------------------------------------------------------------


END_MARK: Final = b"\0\0"
"""The last word of an annotation file."""


def file_head(fs_hz: Rate) -> bytes:
    """Encode the begin of an annotation file: the rate that its sample numbers count in, in Hz."""
    return _row(_NOTE, 0, 0, f"## time resolution: {_decimal(exact_rate(fs_hz))}")


def annotation_bytes(symbol: str, step: int, subtype: int = 0, aux: str = "") -> bytes:
    """Encode one annotation, `step` samples after the one before it, for a file that grows."""
    return _row(_code(symbol), step, subtype, aux)


def _encode(annotations: Annotations, rate_hz: Fraction) -> bytes:
    parts = [file_head(rate_hz)]
    time = 0
    for sample, symbol, subtype, aux in zip(
        annotations.samples.tolist(),
        annotations.symbols.tolist(),
        annotations.subtype.tolist(),
        annotations.aux,
        strict=True,
    ):
        parts.append(annotation_bytes(symbol, sample - time, subtype, aux))
        time = sample
    return b"".join((*parts, END_MARK))


def _decimal(rate_hz: Fraction) -> str:
    return str(rate_hz.numerator) if rate_hz.denominator == 1 else repr(float(rate_hz))


def _code(symbol: str) -> int:
    undefined = _UNDEFINED.fullmatch(symbol)
    try:
        return int(undefined[1]) if undefined else _CODE_OF_SYMBOL[symbol]
    except KeyError:
        raise ValueError(f"{symbol!r} is no WFDB annotation symbol") from None


def _row(code: int, step: int, subtype: int, aux: str) -> bytes:
    words = b""
    while not 0 <= step <= _LONGEST_STEP or (not words and (code, step) == (0, 0)):
        skipped = min(step, _LONGEST_SKIP)
        long = skipped.to_bytes(4, "little", signed=True)
        words, step = words + _pack(_SKIP, 0) + long[2:] + long[:2], step - skipped
    words += _pack(code, step)
    if subtype:
        words += _pack(_SUBTYPE, subtype & 0xFF)
    if aux:
        text = aux.encode()[:255].decode("utf-8", "ignore").encode()  # a length of one byte; whole characters
        words += _pack(_AUX, len(text)) + text + bytes(len(text) % 2)
    return words


def _pack(code: int, value: int) -> bytes:
    return (code << 10 | value).to_bytes(2, "little")
