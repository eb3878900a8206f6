"""Marks as JSON objects: the lines of a recording's journal, and the messages to a browser.

| type | fields |
|---|---|
| beat | sample, symbol, rr_samples, flags, quality, confidence |
| strip | sample, label, confidence |
| quality | sample, bad, reasons |
| leads | sample, flags |
| link | sample, up, text |
| event | name, and the fields of EVENT |
| gap | start, end, reason, exact |
| reference | sample, symbol, note |
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, asdict, fields
from typing import Any, Final

from ecg_edge.ecg.annotations import SYMBOL_OF_CODE
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.rates import RATE_LIMITS
from ecg_edge.firmware.binding.rhythm import kind_name
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import (
    BeatMark,
    Gap,
    LeadChange,
    LinkChange,
    Mark,
    QualityChange,
    Reference,
    StripMark,
)

_TYPES: Final[dict[str, type[Mark]]] = {
    "beat": BeatMark,
    "strip": StripMark,
    "quality": QualityChange,
    "leads": LeadChange,
    "link": LinkChange,
    "event": RhythmEvent,
    "gap": Gap,
    "reference": Reference,
}
_NAMES: Final = {kind: name for name, kind in _TYPES.items()}


_MOST: Final = {"kind": 255, "fs_hz": int(RATE_LIMITS[1])}
_MOST_ELSE: Final = 2**40  # samples of sixty years
_LEAST: Final = {"fs_hz": 1, "adu_per_mv": 1e-6}
_SYMBOLS: Final = frozenset(SYMBOL_OF_CODE.values())


def to_json(mark: Mark) -> dict[str, Any]:
    """Make the JSON object of a mark."""
    head: dict[str, Any] = {"type": _NAMES[type(mark)]}
    if isinstance(mark, RhythmEvent):
        head["name"] = kind_name(mark.kind)
    return {**head, **asdict(mark)}


def from_json(content: dict[str, Any]) -> Mark | None:
    """Read the JSON object of a mark; None for another type, so that a reader passes over newer ones.

    Raises
    ------
    RecordError
        When a field is missing or has no value of its type; the message names the field alone.
    """
    kind = _TYPES.get(str(content.get("type")))
    if kind is None:
        return None
    mark = kind(**checked_fields(kind, content))
    if isinstance(mark, BeatMark) and mark.symbol not in _SYMBOLS:
        raise RecordError(f"the field 'symbol' has the value {mark.symbol[:40]!r}")
    return mark


def checked_fields(kind: type, content: dict[str, Any]) -> dict[str, Any]:
    """Take the fields of a dataclass from a JSON object.

    Parameters
    ----------
    kind : type
        A mark, or `Origin`: a dataclass of numbers, texts and truth values.
    content : dict
        The object; further fields are passed over, and those with a default may be missing.

    Raises
    ------
    RecordError
        When a field is missing or has no value of its type; the message names the field alone.
    """
    wanted = [field for field in fields(kind) if field.default is MISSING or field.name in content]
    checked = {field.name: checked_field(field.name, str(field.type), content) for field in wanted}
    if "labels" in checked:
        checked["labels"] = tuple(checked["labels"])
    return checked


def checked_field(name: str, kind: str, content: dict[str, Any]) -> Any:
    """Take one field from a JSON object; `kind` is its type as annotated. Raises as `checked_fields`."""
    if name not in content:
        raise RecordError(f"the field {name!r} is missing")
    value = content[name]
    if not _IS_OF[kind](value) or (kind in ("int", "float") and not _is_in_range(name, value)):
        raise RecordError(f"the field {name!r} has the value {str(value)[:40]!r}")
    return value


def _is_in_range(name: str, value: float) -> bool:
    return _LEAST.get(name, 0) <= value <= _MOST.get(name, _MOST_ELSE)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _is_text(value: object) -> bool:
    # A lone surrogate, which JSON can spell, cannot be written to any file.
    return isinstance(value, str) and value == value.encode(errors="replace").decode()


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


_IS_OF: Final[dict[str, Callable[[Any], bool]]] = {
    "int": _is_integer,
    "float": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "str": _is_text,
    "tuple[str, ...]": _is_texts,
}
"""Test of a JSON value for each annotation that the fields have."""
