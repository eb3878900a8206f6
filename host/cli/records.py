"""Records of a command line, by folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.figures import counted
from ecg_edge.ecg.records import read_timing
from ecg_edge.ecg.selection import RecordName, select_records
from ecg_edge.ecg.splits import Part, select_part
from ecg_edge.host.cli import console
from ecg_edge.host.evaluation.sources import Conditions, Source, list_sources, resampled

LOWEST_HZ: Final = 100
"""Lowest rate of a record in Hz at which QRS complexes keep their shape."""


class RecordFolder(NamedTuple):
    """Selected records of one database.

    Attributes
    ----------
    root : Path
        Folder of the databases.
    database : str
        Name of the database's folder in `root`.
    names : tuple of str
        Names of the records.
    """

    root: Path
    database: str
    names: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Folder of the record files."""
        return self.root / self.database


def select_folders(
    names: Sequence[str], data: Path | None, annotator: str | None = None
) -> list[RecordFolder]:
    """Select records as `select_records` does, and group them by folder in the order of `names`."""
    groups: dict[tuple[Path, str], list[str]] = {}
    for record in select_records(names, data, annotator):
        groups.setdefault((record.root, record.database), []).append(record.name)
    return [RecordFolder(root, database, tuple(found)) for (root, database), found in groups.items()]


def require_one_root(records: Sequence[RecordName]) -> Path:
    """Return the folder of the databases that all records share.

    Raises
    ------
    RecordError
        When the records lie in several folders.
    """
    roots = list(dict.fromkeys(record.root for record in records))
    if len(roots) != 1:
        where = " and ".join(map(str, roots))
        raise RecordError(f"the records lie in {where}. Replay those of one folder at a time.")
    return roots[0]


def select_sources(
    names: Sequence[str], data: Path | None, conditions: Conditions, part: Part = "all"
) -> dict[tuple[Path, str], list[Source]]:
    """Select the leads of records, by root and database; say which rates are converted.

    Raises
    ------
    RecordError
        When nothing is left.
    """
    found: dict[tuple[Path, str], list[Source]] = {}
    for folder in select_folders(names, data, conditions.reference):
        kept = select_part(folder.database, folder.names, part)
        if kept:
            sources = list_sources(folder.root, folder.database, kept, conditions)
            found[folder.root, folder.database] = sources
            note_rates(folder.database, sources, conditions)
    if not found:
        raise RecordError(f"none of these records is in the part `{part}`; --part all takes every record.")
    return found


def note_rates(database: str, sources: Sequence[Source], conditions: Conditions) -> None:
    """Write which records are resampled, and warn of rates that are too low for an ECG."""
    if converted := resampled(sources, conditions):
        console.note(f"{database}: resampled on this computer: {converted}")
    rates = [read_timing(source.folder, source.name).fs_hz for source in sources]
    if low := sum(rate < LOWEST_HZ for rate in rates):
        console.warn(f"{database}: {counted(low, 'record')} below {LOWEST_HZ} Hz, too low for QRS complexes")
