"""The folder of a session: claimed by one replay at a time, and cleared of an earlier session on request."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import OutputError
from ecg_edge.ecg.files import check_writable_folder, locked_folder, read_json, reporting_write_errors

RESULTS_NAME: Final = "results.json"
BEATS_NAME: Final = "beats.csv"
EVENTS_NAME: Final = "events.csv"
STRIPS_NAME: Final = "strips.csv"
FRAMES_NAME: Final = "frames.log.gz"
RESUME_NAME: Final = "resume.json"
REPORT_NAME: Final = "report.html"
ANNOTATIONS_NAME: Final = "annotations"

_NAMES: Final = (
    RESULTS_NAME,
    BEATS_NAME,
    EVENTS_NAME,
    STRIPS_NAME,
    FRAMES_NAME,
    RESUME_NAME,
    REPORT_NAME,
    ANNOTATIONS_NAME,
)


@contextmanager
def claim_folder(path: Path, *, may_hold_session: bool = False) -> Iterator[Path]:
    """Make the folder of a session and keep other replays out of it until the context ends.

    A new folder that is still empty at the end is removed.

    Parameters
    ----------
    path : Path
        The folder.
    may_hold_session : bool
        Take a folder with an earlier session: to replace it or to go on with it.

    Raises
    ------
    OutputError
        When the folder cannot be made or written to, holds a session or something else, or another replay
        writes into it.
    """
    is_new = not path.exists()
    check_writable_folder(path)
    _refuse_other_content(path)
    try:
        with locked_folder(path):
            if not may_hold_session:
                refuse_session(path)
            yield path
    finally:
        if is_new:
            with suppress(OSError):  # not empty: the session is in it
                path.rmdir()


def _refuse_other_content(path: Path) -> None:
    names = {entry.name for entry in path.iterdir() if not entry.name.startswith(".")}
    if RESULTS_NAME not in names and (other := sorted(names - set(_NAMES))):
        raise OutputError(f"{path}: holds no session, but {other[0]!r}. Name a new or an empty folder.")


def refuse_session(path: Path) -> None:
    """Refuse a folder with files of an earlier session, also of one that did not come to its end.

    Raises
    ------
    OutputError
        When there are any.
    """
    if any((path / name).exists() for name in _NAMES):
        go_on = f"go on with it (`ecg-edge replay --resume {path}`), " if _is_interrupted(path) else ""
        raise OutputError(
            f"{path}: holds a session already. Name another folder, {go_on}or replace it with --overwrite."
        )


def _is_interrupted(path: Path) -> bool:
    try:
        return bool(read_json(path / RESULTS_NAME)["interrupted"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def clear_folder(path: Path) -> None:
    """Remove the files of an earlier session; files of other names stay."""
    with reporting_write_errors(path):
        unfinished = [found for name in _NAMES for found in path.glob(f".{Path(name).stem}-*")]
        for entry in [*(path / name for name in _NAMES), *unfinished]:  # of a replay that was killed, too
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
