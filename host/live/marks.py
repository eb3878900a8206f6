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

from dataclasses import MISSING, asdict, fields
from typing import Any, Final

from ecg_edge.ecg.annotations import SYMBOL_OF_CODE
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.rates import RATE_LIMITS
from ecg_edge.ecg.typed_json import Range, fault_in, must_be, types_of
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

_MOST: Final = 2**40  # samples of sixty years
_LIMITS: Final = {
    "kind": Range(0, 255),
    "fs_hz": Range(1, int(RATE_LIMITS[1])),
    "adu_per_mv": Range(1e-6, _MOST),
}
_LIMITS_ELSE: Final = Range(0, _MOST)
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
        raise RecordError(must_be("the field 'symbol'", "a WFDB symbol", mark.symbol))
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
    types = types_of(kind)
    wanted = [field for field in fields(kind) if field.default is MISSING or field.name in content]
    return {field.name: checked_field(field.name, types[field.name], content) for field in wanted}


def checked_field(name: str, kind: Any, content: dict[str, Any]) -> Any:
    """Take one field of the type `kind` from a JSON object. Raises as `checked_fields`."""
    place, limits = f"the field {name!r}", _LIMITS.get(name, _LIMITS_ELSE)
    if name not in content:
        raise RecordError(f"{place} is missing")
    value = content[name]
    if fault := fault_in(value, kind, place):
        raise RecordError(fault)
    if kind in (int, float) and value not in limits:
        raise RecordError(must_be(place, limits, value))
    if isinstance(value, (str, list)) and not _is_writable("".join(value)):
        raise RecordError(must_be(place, "Unicode without surrogates", value))
    return tuple(value) if isinstance(value, list) else value


def _is_writable(text: str) -> bool:
    # A lone surrogate, which JSON can spell, cannot be written to any file.
    return text == text.encode(errors="replace").decode()
