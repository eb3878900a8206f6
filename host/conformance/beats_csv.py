"""Beats of a device as a CSV file."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.link.messages import LABEL_UNCLASSIFIABLE, NOT_LABELLED, Beat
from ecg_edge.host.reference.labels import UNCLASSIFIABLE_NAME, label_name

BEAT_FIELDS: Final = tuple(field.name for field in fields(Beat))
BEAT_COLUMNS: Final = ("database", "record", *BEAT_FIELDS)


def signed(output: bytes) -> list[int]:
    """Read a model's output bytes as int8 values."""
    return [value - 256 if value > 127 else value for value in output]


def beat_rows(database: str, record: str, beats: Iterable[Beat], labels: Sequence[str]) -> str:
    """Write the beats of one record as lines of the file."""
    text = io.StringIO()
    csv.writer(text).writerows((database, record, *_cells(beat, labels)) for beat in beats)
    return text.getvalue()


def _cells(beat: Beat, labels: Sequence[str]) -> list[Any]:
    values = {name: getattr(beat, name) for name in BEAT_FIELDS}
    values["label"] = label_name(beat.label, labels)
    values["input_crc32"] = f"{beat.input_crc32:08x}"
    values["output"] = " ".join(map(str, signed(beat.output)))
    return list(values.values())


def read_beats(path: Path, labels: Sequence[str]) -> dict[tuple[str, str], list[Beat]]:
    """Read the beats by database and record, each record's in the order of time.

    Raises
    ------
    EcgEdgeError
        When the file is missing or damaged.
    """
    beats: dict[tuple[str, str], list[Beat]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                beats[row["database"], row["record"]].append(_read_beat(row, labels))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EcgEdgeError(f"{path}: missing or damaged ({error}). Replay the records again.") from error
    for found in beats.values():
        found.sort(key=lambda beat: beat.r_sample)
    return beats


def read_label(text: str, labels: Sequence[str]) -> int:
    """Read a label that `label_name` wrote."""
    numbers = {UNCLASSIFIABLE_NAME: LABEL_UNCLASSIFIABLE, "": NOT_LABELLED}
    return numbers[text] if text in numbers else labels.index(text)


def _read_beat(row: dict[str, str], labels: Sequence[str]) -> Beat:
    special: dict[str, Any] = {
        "label": read_label(row["label"], labels),
        "input_crc32": int(row["input_crc32"], 16),
        "output": bytes(int(value) % 256 for value in row["output"].split()),
    }
    plain: dict[str, Any] = {name: int(row[name]) for name in BEAT_FIELDS if name not in special}
    return Beat(**plain, **special)
