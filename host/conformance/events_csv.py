"""Rhythm events of a device as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.firmware.binding.rhythm import kind_name
from ecg_edge.host.link.messages import RhythmEvent

EVENT_FIELDS: Final = tuple(field.name for field in fields(RhythmEvent))
EVENT_COLUMNS: Final = ("database", "record", *EVENT_FIELDS)

_PHASES: Final = ("begin", "update", "end")


def event_rows(database: str, record: str, events: Iterable[RhythmEvent]) -> str:
    """Write the events of one record as lines of the file."""
    text = io.StringIO()
    csv.writer(text).writerows((database, record, *_cells(event)) for event in events)
    return text.getvalue()


def _cells(event: RhythmEvent) -> list[object]:
    values: dict[str, object] = {name: getattr(event, name) for name in EVENT_FIELDS}
    values["kind"] = kind_name(event.kind)
    values["phase"] = _PHASES[event.phase] if event.phase < len(_PHASES) else event.phase
    return list(values.values())


def read_events(path: Path) -> dict[tuple[str, str], list[RhythmEvent]]:
    """Read the events by database and record.

    Raises
    ------
    EcgEdgeError
        When the file is missing or damaged.
    """
    kinds = {kind_name(kind): kind for kind in range(1, 256)}
    found: dict[tuple[str, str], list[RhythmEvent]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                place = row.pop("database"), row.pop("record")
                row["kind"] = str(kinds[row["kind"]])
                row["phase"] = str(_PHASES.index(row["phase"]))
                found.setdefault(place, []).append(RhythmEvent(**{name: int(row[name]) for name in row}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EcgEdgeError(f"{path}: missing or damaged ({error}). Replay the records again.") from error
    return found
