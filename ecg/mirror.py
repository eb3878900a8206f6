"""Download of whole databases from PhysioNet or a mirror, and the check of their files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from ecg_edge.ecg.databases import Database, known_database
from ecg_edge.ecg.download import fetch
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.files import sha256_of

BASE_URL: Final = "https://physionet.org/files"
SUMS_NAME: Final = "SHA256SUMS.txt"
_SUMS_LINE: Final = re.compile(r"([0-9a-f]{64})\s+\*?(\S+)")

OnProgress = Callable[[str, int, int, int], None]
"""Called with the file's name, files complete, files in all, bytes just received."""


@dataclass
class CheckResult:
    """Files of a database compared with its SHA256SUMS.txt: names of files."""

    good: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def download_database(
    database: str, root: Path, base_url: str = BASE_URL, progress: OnProgress | None = None
) -> Path:
    """Fetch a database's records into `root / database`; complete files are not fetched again.

    Parameters
    ----------
    database : str
        One of `databases.DATABASES`.
    root : Path
        Folder of the databases.
    base_url : str
        Address above <database>/<version>/.
    progress : callable, optional
        See `OnProgress`.

    Returns
    -------
    Path
        `root / database`.

    Raises
    ------
    RecordError
        When a file cannot be fetched, stored, or fails its checksum, or the list of files is none.
        Complete files stay.
    """
    known = known_database(database)
    report = progress or (lambda *_: None)
    url, folder = f"{base_url.rstrip('/')}/{known.source}", root / database
    sums = _fetch_sums(f"{url}/{SUMS_NAME}", folder, known)
    for number, (name, (there, sha256)) in enumerate(sums.items()):
        if not _is_whole(folder / name, sha256):
            fetch(f"{url}/{there}", folder / name, sha256, _reporter(report, name, number, len(sums)))
        report(name, number + 1, len(sums), 0)
    return folder


def check_database(database: str, root: Path) -> CheckResult:
    """Compare every file of a database in `root` with its SHA256SUMS.txt."""
    result, folder = CheckResult(), root / known_database(database).name
    for name, (_, sha256) in read_sums(folder).items():
        path = folder / name
        if not path.is_file():
            result.missing.append(name)
        else:
            (result.good if _is_whole(path, sha256) else result.damaged).append(name)
    return result


class RemoteFile(NamedTuple):
    """A record file on the server: its path below the database, and its SHA-256."""

    path: str
    sha256: str


def read_sums(folder: Path) -> dict[str, RemoteFile]:
    """Read a database's SHA256SUMS.txt in its folder: the record files by their path in that folder.

    Raises
    ------
    RecordError
        When the list cannot be read, or has no files of the database.
    """
    path = folder / SUMS_NAME
    advice = f"Get it with `ecg-edge data get {folder.name}`."
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}). {advice}") from None
    return _parse_sums(text, known_database(folder.name), str(path), advice)


def _fetch_sums(url: str, folder: Path, known: Database) -> dict[str, RemoteFile]:
    """Fetch SHA256SUMS.txt; it takes the place of the one in `folder` only when it is such a list."""
    fresh = folder / f"{SUMS_NAME}.new"
    fetch(url, fresh, None, lambda _: None)
    try:
        text = fresh.read_text(encoding="utf-8", errors="replace")
        sums = _parse_sums(text, known, url, "Try again later, or check --url.")
        fresh.replace(folder / SUMS_NAME)
    finally:
        fresh.unlink(missing_ok=True)
    return sums


def _parse_sums(text: str, known: Database, where: str, advice: str) -> dict[str, RemoteFile]:
    pattern = re.compile(known.files)
    matches = [match for line in text.splitlines() if (match := _SUMS_LINE.fullmatch(line.strip()))]
    files = [(match[1], file) for match in matches if (file := pattern.fullmatch(match[2]))]
    sums = {file[file.lastindex or 0]: RemoteFile(file[0], sha256) for sha256, file in files}
    if not sums:
        raise RecordError(f"{where}: lists no record files. {advice}")
    return dict(sorted(sums.items()))


def unlisted_records(database: str, root: Path) -> list[str]:
    """Name the database's records that SHA256SUMS.txt does not list: a part of it, or a list that was cut."""
    listed = {name.rpartition(".")[0] for name in read_sums(root / database)}
    return [record for record in known_database(database).records if record not in listed]


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _reporter(report: OnProgress, name: str, number: int, total: int) -> Callable[[int], None]:
    return lambda size: report(name, number, total, size)
