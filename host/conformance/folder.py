"""The folder of a session: claimed by one replay at a time, cleared of an earlier session, written whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import EcgEdgeError

try:
    import fcntl
except ImportError:  # Windows: no lock there
    fcntl = None  # type: ignore[assignment]

RESULTS_NAME: Final = "results.json"
BEATS_NAME: Final = "beats.csv"
EVENTS_NAME: Final = "events.csv"
FRAMES_NAME: Final = "frames.log.gz"
REPORT_NAME: Final = "report.html"
ANNOTATIONS_NAME: Final = "annotations"

_PART: Final = ".part"
_NAMES: Final = (RESULTS_NAME, BEATS_NAME, EVENTS_NAME, FRAMES_NAME, REPORT_NAME, ANNOTATIONS_NAME)


@contextmanager
def claim_folder(path: Path) -> Iterator[Path]:
    """Make the folder of a session and keep other replays out of it until the context ends.

    A new folder that is still empty at the end is removed.

    Raises
    ------
    EcgEdgeError
        When the folder cannot be made or written to, holds something else than a session, or another replay
        writes into it.
    """
    is_new = not path.exists()
    _make_writable(path)
    _refuse_other_content(path)
    with _locked(path):
        try:
            yield path
        finally:
            if is_new:
                with suppress(OSError):  # not empty: the session is in it
                    path.rmdir()


def _make_writable(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise EcgEdgeError(
            f"{path}: cannot hold a session ({reason_of(error)}). Name another folder with --out."
        ) from None


def _refuse_other_content(path: Path) -> None:
    names = {entry.name.removesuffix(_PART) for entry in path.iterdir()}
    if RESULTS_NAME not in names and (other := sorted(names - set(_NAMES))):
        raise EcgEdgeError(
            f"{path}: holds no session, but {other[0]!r}. Name a new or an empty folder with --out."
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)  # a folder can be locked itself: no lock file stays behind
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise EcgEdgeError(
            f"{path}: another replay writes into this folder. Wait for its end, or name another with --out."
        ) from None


def clear_folder(path: Path) -> None:
    """Remove the files of an earlier session; files of other names stay."""
    try:
        for name in _NAMES:
            for entry in (path / name, path / f"{name}{_PART}"):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink(missing_ok=True)
    except OSError as error:
        raise EcgEdgeError(
            f"{path}: the earlier session cannot be removed ({reason_of(error)}). "
            "Name another folder with --out."
        ) from None


def part_of(path: Path) -> Path:
    """Name the file that is written until it is complete and takes the name `path`."""
    return path.with_name(path.name + _PART)


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8 that has its name only when it is complete."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part_of(path).write_text(text, encoding="utf-8", newline="")
        part_of(path).replace(path)
    except OSError as error:
        part_of(path).unlink(missing_ok=True)
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> EcgEdgeError:
    """Make the error of a file that could not be written."""
    return EcgEdgeError(
        f"{path}: cannot be written ({reason_of(error)}). Free space there, or name another folder."
    )


def reason_of(error: OSError) -> str:
    """Name the system's reason."""
    return error.strerror or str(error) or type(error).__name__
