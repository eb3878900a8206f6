"""Download of whole databases from PhysioNet or a mirror, and the check of their files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from ecg_edge.ecg.databases import known_database
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
        When a file cannot be fetched, stored, or fails its checksum. Complete files stay.
    """
    known = known_database(database)
    report = progress or (lambda *_: None)
    url, folder = f"{base_url.rstrip('/')}/{known.source}", root / database
    fetch(f"{url}/{SUMS_NAME}", folder / SUMS_NAME, None, lambda _: None)
    sums = read_sums(folder)
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
    """Read a database's SHA256SUMS.txt in its folder: the record files by their path in that folder."""
    path = folder / SUMS_NAME
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise RecordError(
            f"{path}: cannot be read ({error.strerror}). Get it with `ecg-edge data get {folder.name}`."
        ) from None
    known = re.compile(known_database(folder.name).files)
    matches = [match for line in lines if (match := _SUMS_LINE.fullmatch(line.strip()))]
    files = [(match[1], file) for match in matches if (file := known.fullmatch(match[2]))]
    sums = {file[file.lastindex or 0]: RemoteFile(file[0], sha256) for sha256, file in files}
    if not sums:
        raise RecordError(f"{path}: lists no record files. Delete it and get it again, or check --url.")
    return dict(sorted(sums.items()))


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _reporter(report: OnProgress, name: str, number: int, total: int) -> Callable[[int], None]:
    return lambda size: report(name, number, total, size)
