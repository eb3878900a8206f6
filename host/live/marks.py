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

from dataclasses import asdict
from typing import Any, Final

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


def to_json(mark: Mark) -> dict[str, Any]:
    """Make the JSON object of a mark."""
    head: dict[str, Any] = {"type": _NAMES[type(mark)]}
    if isinstance(mark, RhythmEvent):
        head["name"] = kind_name(mark.kind)
    return {**head, **asdict(mark)}


def from_json(content: dict[str, Any]) -> Mark | None:
    """Read the JSON object of a mark; None for another type, so that a reader passes over newer ones."""
    kind = _TYPES.get(str(content.get("type")))
    if kind is None:
        return None
    return kind(**{key: content[key] for key in kind.__dataclass_fields__ if key in content})
