"""Any WFDB database as training data: the tables [databases.NAME] of a recipe.

[databases.incart]
folder = "incartdb"
lead = "II"
labels = { N = "NBjen", L = "L", R = "R", A = "AaJS", V = "VE" }
test = ["I70", "I71"]
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.errors import RecordError
from ecg_edge.training.beats import Beats, concatenate, load_beats
from ecg_edge.training.progress import OnRecord
from ecg_edge.training.recipes import OwnDatabase

UNLABELLED = "?"
"""Symbol of a beat that no label of the recipe stands for."""


def own_beats(
    name: str,
    database: OwnDatabase,
    root: Path,
    peaks: str,
    on_record: OnRecord | None = None,
    *,
    test: bool = False,
) -> Beats:
    """Load the beats of a database's training records, or of its test records, with the labels of the recipe.

    Parameters
    ----------
    name : str
        The table's name: records are called "incart/I01".
    database : OwnDatabase
        The table.
    root : Path
        Folder of the databases.
    peaks : str
        "annotated" or "detected".
    on_record : callable, optional
        Called before each record is read.
    test : bool
        Load the records that only test.

    Raises
    ------
    RecordError
        When the folder has no annotated records, or not one that the table names.
    """
    folder = folder_of(name, database, root)
    train, tested = names_of(name, database, root)
    beats = load_beats(
        folder.parent,
        folder.name,
        tested if test else train,
        peaks,
        on_record=on_record,
        lead=database.lead,
        annotator=database.annotator,
    )
    return Beats(beats.features, _labelled(beats, database), np.char.add(f"{name}/", beats.records))


def folder_of(name: str, database: OwnDatabase, root: Path) -> Path:
    """Return the folder of the records: below `root`, unless the table names an absolute one."""
    return root / (database.folder or name)


def title(name: str, database: OwnDatabase) -> str:
    """Name the database and its test records, as in the rows of `evaluation.json`."""
    return f"{name} ({len(database.test)} test records)"


def names_of(name: str, database: OwnDatabase, root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the records that train, and those that only test.

    Raises
    ------
    RecordError
        When there are none, or one that the table names is missing.
    """
    folder = folder_of(name, database, root)
    present = [
        record
        for record in records_in(folder.parent, folder.name)
        if (folder / f"{record}.{database.annotator}").is_file()
    ]
    wanted = database.records or tuple(present)
    missing = sorted({*wanted, *database.test} - set(present))
    if missing or not present:
        what = f"record {', '.join(missing[:5])}" if missing else "record"
        raise RecordError(
            f"{folder}: no {what} with annotations {database.annotator!r}, which [databases.{name}] of the "
            "recipe needs. Name another folder, annotator or other records there."
        )
    return tuple(record for record in wanted if record not in database.test), database.test


def _labelled(beats: Beats, database: OwnDatabase) -> np.ndarray:
    """Convert the database's symbols to the recipe's labels; those of other beats to `UNLABELLED`."""
    label_of = {symbol: label for label, symbols in database.labels.items() for symbol in symbols}
    return np.array([label_of.get(s, UNLABELLED if s else "") for s in beats.symbols.tolist()], "U1")


def thinned(beats: Beats, every: int) -> Beats:
    """Keep beats of the five classes, and of the normal ones every n-th."""
    own = beats.five_classes()
    return own[(own.symbols != "N") | (np.arange(len(own)) % every == 0)]


def training_parts(
    databases: dict[str, OwnDatabase], root: Path, peaks: tuple[str, ...], on_record: OnRecord | None = None
) -> list[Beats]:
    """Load the training beats of all own databases that train, one item a database.

    Raises
    ------
    RecordError
        When the training records of a table have no beat that its labels stand for.
    """
    parts = []
    for name, database in databases.items():
        if not names_of(name, database, root)[0]:
            continue  # all of its records only test
        found = concatenate(own_beats(name, database, root, one, on_record) for one in peaks)
        part = thinned(found, database.keep_every_nth_normal)
        if not len(part):
            symbols = "".join(database.labels.values())
            raise RecordError(
                f"{folder_of(name, database, root)}: no training record has a beat of the symbols "
                f"{symbols!r}, which [databases.{name}] of the recipe labels. Name those of its annotations."
            )
        parts.append(part)
    return parts
