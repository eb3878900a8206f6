"""Known databases, the folder that holds their records, and their download.

The folder of records ("data root") has a subfolder per database, as PhysioNet's mirror has it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ecg_edge.ecg.download import fetch
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.files import cache_folder, sha256_of

PLAIN_SUFFIXES: Final = (".edf",)
"""Files that are a record by themselves, without a WFDB header."""

BASE_URL = "https://physionet.org/files"
SUMS_NAME = "SHA256SUMS.txt"
RECORD_FILE = re.compile(r"\w+\.(dat|hea|atr)")
SUMS_LINE = re.compile(r"([0-9a-f]{64})\s+\*?(\S+)")

OnProgress = Callable[[str, int, int, int], None]
"""Called with the file's name, files complete, files in all, bytes just received."""


_MITDB: Final = (
    *(*range(100, 110), *range(111, 120), *range(121, 125), *range(200, 204), 205, *range(207, 211)),
    *(*range(212, 216), 217, *range(219, 224), 228, *range(230, 235)),
)
_SVDB: Final = (*range(800, 813), *range(820, 830), *range(840, 895))
_NSTDB_SNR: Final = ("24", "18", "12", "06", "00", "_6")


@dataclass(frozen=True)
class Database:
    """A PhysioNet database that this project knows.

    Attributes
    ----------
    name, version : str
        As in PhysioNet's addresses.
    title : str
        Full name.
    doi : str
        Identifier for citations.
    megabytes : int
        Approximate size of the records in MB.
    records : tuple of str
        Names of all records.
    """

    name: str
    version: str
    title: str
    doi: str
    megabytes: int
    records: tuple[str, ...]


DATABASES: Final = {
    database.name: database
    for database in (
        Database(
            *("mitdb", "1.0.0", "MIT-BIH Arrhythmia Database", "10.13026/C2F305", 91),
            records=tuple(map(str, _MITDB)),
        ),
        Database(
            *("nstdb", "1.0.0", "MIT-BIH Noise Stress Test Database", "10.13026/C2HS3T", 31),
            records=(*(f"{base}e{snr}" for base in ("118", "119") for snr in _NSTDB_SNR), "bw", "em", "ma"),
        ),
        Database(
            *("svdb", "1.0.0", "MIT-BIH Supraventricular Arrhythmia Database", "10.13026/C2V30W", 53),
            records=tuple(map(str, _SVDB)),
        ),
    )
}


@dataclass
class CheckResult:
    """Files of a database compared with its SHA256SUMS.txt: names of files."""

    good: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def cache_root() -> Path:
    """Return the user's own folder of records, where `ecg-edge data get` puts them."""
    return cache_folder() / "data"


def find_data_root(explicit: Path | None = None) -> Path | None:
    """Find the folder of records: `explicit`, else ECG_EDGE_DATA, else the user's cache; None without any.

    Raises
    ------
    RecordError
        When a folder was named, by option or environment, that holds no database.
    """
    named = explicit or os.environ.get("ECG_EDGE_DATA")
    if named:
        origin = "--data" if explicit else "ECG_EDGE_DATA"
        return _checked_root(Path(named), origin)
    return cache_root() if databases_in(cache_root()) else None


def require_data_root(explicit: Path | None = None) -> Path:
    """Find the folder of records as `find_data_root` does.

    Raises
    ------
    RecordError
        When there is none; the message names the ways to get one.
    """
    root = find_data_root(explicit)
    if root is None:
        raise RecordError(
            "no records found. Get them with `ecg-edge data get mitdb`, or name their folder with --data "
            "or ECG_EDGE_DATA."
        )
    return root


def databases_in(root: Path) -> list[str]:
    """List the known databases of which `root` holds at least one record."""
    return [name for name in DATABASES if any((root / name).glob("*.hea"))]


def records_in(root: Path, database: str) -> tuple[str, ...]:
    """List the records of a database in `root`, sorted; files without a header carry their suffix."""
    folder = root / database
    headers = [path.stem for path in folder.glob("*.hea")]
    others = [path.name for suffix in PLAIN_SUFFIXES for path in folder.glob(f"*{suffix}")]
    return tuple(sorted(headers + others))


def known_database(name: str) -> Database:
    """Return the database called `name`.

    Raises
    ------
    RecordError
        When it is not known; the message lists those that are.
    """
    try:
        return DATABASES[name]
    except KeyError:
        raise RecordError(f"unknown database {name!r}. Known: {', '.join(DATABASES)}.") from None


def download(database: str, root: Path, base_url: str = BASE_URL, progress: OnProgress | None = None) -> Path:
    """Fetch a database's records into `root / database`; complete files are not fetched again.

    Parameters
    ----------
    database : str
        "mitdb", "nstdb" or "svdb".
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
    url, folder = f"{base_url.rstrip('/')}/{database}/{known.version}", root / database
    fetch(f"{url}/{SUMS_NAME}", folder / SUMS_NAME, None, lambda _: None)
    sums = read_sums(folder)
    for number, (name, sha256) in enumerate(sums.items()):
        if not _is_whole(folder / name, sha256):
            fetch(f"{url}/{name}", folder / name, sha256, _reporter(report, name, number, len(sums)))
        report(name, number + 1, len(sums), 0)
    return folder


def check(database: str, root: Path) -> CheckResult:
    """Compare every file of a database in `root` with its SHA256SUMS.txt."""
    result, folder = CheckResult(), root / known_database(database).name
    for name, sha256 in read_sums(folder).items():
        path = folder / name
        if not path.is_file():
            result.missing.append(name)
        else:
            (result.good if _is_whole(path, sha256) else result.damaged).append(name)
    return result


def read_sums(folder: Path) -> dict[str, str]:
    """Read the SHA-256 of each record file of a database from the SHA256SUMS.txt in its folder."""
    path = folder / SUMS_NAME
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise RecordError(
            f"{path}: cannot be read ({error.strerror}). Get it with `ecg-edge data get {folder.name}`."
        ) from None
    matches = (SUMS_LINE.fullmatch(line.strip()) for line in lines)
    sums = {match[2]: match[1] for match in matches if match and RECORD_FILE.fullmatch(match[2])}
    if not sums:
        raise RecordError(f"{path}: lists no record files. Delete it and get it again, or check --url.")
    return dict(sorted(sums.items()))


def _checked_root(root: Path, origin: str) -> Path:
    if any(root.glob("*/*.hea")):
        return root
    raise RecordError(
        f"{root} (from {origin}): holds no records. It must have a folder mitdb with 100.hea, 100.dat, "
        "100.atr and so on, laid out as on PhysioNet; `ecg-edge data get mitdb` makes one."
    )


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _reporter(report: OnProgress, name: str, number: int, total: int) -> Callable[[int], None]:
    return lambda size: report(name, number, total, size)
