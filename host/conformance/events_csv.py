"""Rhythm events as a CSV file."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.firmware.binding.rhythm import kind_name
from ecg_edge.host.link.messages import RhythmEvent

EVENTS_NAME: Final = "events.csv"


EVENT_COLUMNS: Final = ("database", "record", *(field.name for field in fields(RhythmEvent)))


_PHASES: Final = ("begin", "update", "end")


def event_row(database: str, record: str, event: RhythmEvent) -> tuple[object, ...]:
    """An event as a row of events.csv."""
    values = {field.name: getattr(event, field.name) for field in fields(RhythmEvent)}
    values |= {
        "kind": kind_name(event.kind),
        "phase": _PHASES[event.phase] if event.phase < 3 else event.phase,
    }
    return (database, record, *values.values())


def read_events(path: Path) -> dict[tuple[str, str], list[RhythmEvent]]:
    """Events by database and record, from events.csv.

    Raises
    ------
    EcgEdgeError
        When the file is missing or damaged.
    """
    kinds = {kind_name(kind): kind for kind in range(1, 256)}
    found: dict[tuple[str, str], list[RhythmEvent]] = {}
    try:
        with path.open(newline="", encoding="ascii") as file:
            for row in csv.DictReader(file):
                place = row.pop("database"), row.pop("record")
                row["kind"] = str(kinds[row["kind"]])
                row["phase"] = str(_PHASES.index(row["phase"]))
                found.setdefault(place, []).append(RhythmEvent(**{name: int(row[name]) for name in row}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EcgEdgeError(f"{path}: missing or damaged ({error}). Replay the records again.") from error
    return found
