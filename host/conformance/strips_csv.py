"""Results of a device's morphology network as a CSV file."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.conformance.beats_csv import read_label, signed
from ecg_edge.host.link.messages import Morphology
from ecg_edge.host.reference.labels import label_name

STRIP_FIELDS: Final = tuple(field.name for field in fields(Morphology))
STRIP_COLUMNS: Final = ("database", "record", *STRIP_FIELDS)


def strip_rows(database: str, record: str, results: Iterable[Morphology], labels: Sequence[str]) -> str:
    """Write the results of one record as lines of the file."""
    text = io.StringIO()
    csv.writer(text).writerows((database, record, *_cells(result, labels)) for result in results)
    return text.getvalue()


def _cells(result: Morphology, labels: Sequence[str]) -> list[object]:
    values: dict[str, object] = {name: getattr(result, name) for name in STRIP_FIELDS}
    values["label"] = label_name(result.label, labels)
    values["input_crc32"] = f"{result.input_crc32:08x}"
    values["output"] = " ".join(map(str, signed(result.output)))
    return list(values.values())


def read_strips(path: Path, labels: Sequence[str]) -> dict[tuple[str, str], list[Morphology]]:
    """Read the results by database and record.

    Raises
    ------
    EcgEdgeError
        When the file is missing or damaged.
    """
    found: dict[tuple[str, str], list[Morphology]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found[row["database"], row["record"]].append(_read(row, labels))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EcgEdgeError(f"{path}: missing or damaged ({error}). Replay the records again.") from error
    return found


def _read(row: dict[str, str], labels: Sequence[str]) -> Morphology:
    return Morphology(
        strip_index=int(row["strip_index"]),
        sample=int(row["sample"]),
        label=read_label(row["label"], labels),
        confidence=int(row["confidence"]),
        input_crc32=int(row["input_crc32"], 16),
        output=bytes(int(value) % 256 for value in row["output"].split()),
    )
