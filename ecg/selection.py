"""One way to name records, for every command.

A name is a record ("100"), a record of one database ("mitdb/100"), a database ("mitdb"), "all", or the path
of a header or EDF file ("./visit/r1.hea", "visit/r1.edf"), of any file beside such a header, or of a folder
of such files. A record may be named with a suffix ("mitdb/100.hea"). One that several databases have is that
of mitdb, nstdb or svdb where one of these has it. The database "synth" is made where it is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ecg_edge.ecg.databases import (
    DATABASES,
    NOISE_RECORDS,
    PLAIN_SUFFIXES,
    find_data_root,
    records_in,
    require_data_root,
)
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.header import FORMATS_READ
from ecg_edge.ecg.synthetic.textbook import DATABASE as SYNTHETIC
from ecg_edge.ecg.synthetic.textbook import synthetic_root

ALL: Final = "all"
_SUFFIXES: Final = (".hea", ".dat", ".mat", ".jsonl", ".dev", ".rhy", ".atr")
"""Of the files of a record, whose names stand for the record."""


class RecordName(NamedTuple):
    """Place of one record: the arguments of `load_record`, in its order.

    Attributes
    ----------
    root : Path
        Folder of the databases.
    database, name : str
        E.g. "mitdb", "100".
    """

    root: Path
    database: str
    name: str

    def __str__(self) -> str:
        return f"{self.database}/{self.name}"


def select_records(
    names: Sequence[str], data: Path | None = None, annotator: str | None = None
) -> list[RecordName]:
    """Find the records that `names` stand for, each once, in the order of `names`.

    Parameters
    ----------
    names : sequence of str
        Records, databases, "all" or paths; see above.
    data : Path, optional
        Folder of the databases; else ECG_EDGE_DATA, else the user's cache. Paths need none.
    annotator : str, optional
        Of a database, take only the records with this annotation file.

    Raises
    ------
    RecordError
        When a name fits no record, or records of several databases.
    """
    found: list[RecordName] = [record for name in names for record in _resolve(name, data, annotator)]
    return list(dict.fromkeys(found))


def _resolve(name: str, data: Path | None, annotator: str | None) -> list[RecordName]:
    path = Path(name)
    if path.suffix and path.is_file():
        return [_of_file(path)]
    if path.name and path.parent != Path() and path.with_name(f"{path.name}.hea").is_file():
        return [_of_file(path.with_name(f"{path.name}.hea"))]
    if ("/" in name or name in (".", "..")) and path.is_dir():
        return _of_folder(path, annotator)
    root, given, name = _root_of(name, data), name, str(without_suffix(path)) if name else name
    if name == ALL:
        return [r for database in _folders(root) for r in _annotated(root, database, annotator)]
    if name in _folders(root):
        return _of_database(root, name, annotator)
    found = _of_pair(root, name) if "/" in name else _of_bare_name(root, name)
    if found is None:
        raise _unknown(root, given)
    return [found]


def without_suffix(path: Path) -> Path:
    """Return the path of a record that is named by one of its files: "night" for "night.hea"."""
    return path.with_suffix("") if path.suffix.lower() in _SUFFIXES else path


def _root_of(name: str, data: Path | None) -> Path:
    """Find the folder of the databases in which `name` is to be looked up."""
    path = Path(name)
    if path.is_absolute() or path.parts[:1] == ("..",) or (path.suffix and find_data_root(data) is None):
        raise RecordError(f"{name}: no such file or folder. Name another one.")
    if path.parts[:1] == (SYNTHETIC,):
        return synthetic_root(find_data_root(data))
    return require_data_root(data)


def _of_folder(path: Path, annotator: str | None) -> list[RecordName]:
    folder = path.resolve()
    if not records_in(folder.parent, folder.name):
        raise RecordError(
            f"{path}: this folder holds no records (.hea, .edf). Name one that does; the folder of the "
            "databases is for --data."
        )
    return _of_database(folder.parent, folder.name, annotator)


def _of_file(path: Path) -> RecordName:
    """Name the record of a header, an EDF file, or any file beside a header of the same name."""
    folder = path.resolve().parent
    if path.suffix.lower() in PLAIN_SUFFIXES:
        return RecordName(folder.parent, folder.name, path.name)
    if path.with_suffix(".hea").is_file():
        return RecordName(folder.parent, folder.name, path.stem)
    raise RecordError(f"{path}: a format that is not read. Formats that are read: {FORMATS_READ}.")


def _of_database(root: Path, database: str, annotator: str | None) -> list[RecordName]:
    found = _annotated(root, database, annotator)
    if not found:
        lacking = f" with annotator {annotator!r}" if annotator else ""
        raise RecordError(
            f"{root / database}: no records{lacking}. Name another database "
            "(`ecg-edge data list` shows them) or another annotator."
        )
    return found


def _annotated(root: Path, database: str, annotator: str | None) -> list[RecordName]:
    noise = NOISE_RECORDS.get(database, ())
    names = tuple(name for name in records_in(root, database) if name not in noise)
    if annotator is not None:
        names = tuple(name for name in names if (root / database / f"{name}.{annotator}").is_file())
    return [RecordName(root, database, name) for name in names]


def _of_pair(root: Path, name: str) -> RecordName | None:
    for place in range(name.count("/")):  # "ludb/data/2" is record data/2 of ludb
        parts = name.split("/")
        database, record = "/".join(parts[: place + 1]), "/".join(parts[place + 1 :])
        if record in records_in(root, database):
            return RecordName(root, database, record)
        if f"data/{record}" in records_in(root, database):
            return RecordName(root, database, f"data/{record}")
    return None


def _of_bare_name(root: Path, name: str) -> RecordName | None:
    holders = [database for database in _folders(root) if name in records_in(root, database)]
    if len(holders) == 1 or (holders and holders[0] in DATABASES):  # "100" is mitdb's, whoever else has it
        return RecordName(root, holders[0], name)
    if not holders:
        return None
    choices = " or ".join(f"{database}/{name}" for database in holders)
    raise RecordError(f"{name}: several databases have this record. Name {choices}.")


def _unknown(root: Path, name: str) -> RecordError:
    known, no_file = ", ".join(_folders(root)), "no such file, and " if Path(name).suffix else ""
    return RecordError(
        f"{name}: {no_file}not found in {root}, which has the databases {known}. Name a record (100), a "
        "record of a database (mitdb/100), a database (mitdb), `all`, or the path of a .hea or .edf file; "
        "`ecg-edge data list` shows the records."
    )


def _folders(root: Path) -> list[str]:
    """List the databases in `root`: first the known ones, then others by name."""
    present = sorted(folder.name for folder in root.iterdir() if records_in(root, folder.name))
    return [name for name in DATABASES if name in present] + [n for n in present if n not in DATABASES]
