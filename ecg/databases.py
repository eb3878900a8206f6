"""Known databases, and the folder that holds their records.

The folder of records ("data root") has a subfolder per database, as PhysioNet's mirror has it. cinc2017 is
the training set of PhysioNet's challenge-2017, all records in one folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.files import cache_folder

PLAIN_SUFFIXES: Final = (".edf",)
"""Files that are a record by themselves, without a WFDB header."""

_INNER: Final = "data"
"""Folder inside a database that may hold its records."""

_MITDB: Final = (
    *(*range(100, 110), *range(111, 120), *range(121, 125), *range(200, 204), 205, *range(207, 211)),
    *(*range(212, 216), 217, *range(219, 224), 228, *range(230, 235)),
)
_SVDB: Final = (*range(800, 813), *range(820, 830), *range(840, 895))
_NSTDB_SNR: Final = ("24", "18", "12", "06", "00", "_6")
_VFDB: Final = (*range(418, 431), 602, 605, 607, *range(609, 613), 614, 615)
_LUDB_COUNT: Final = 200
_CINC2017_COUNT: Final = 8528


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
        Names of all records; empty: they are not listed here.
    files : str
        Pattern of the record files' paths in SHA256SUMS.txt. With a group: the part of the path that is the
        file's path here, too.
    address : str
        Name in PhysioNet's addresses where it is another one.
    cite : str
        Source to cite.
    """

    name: str
    version: str
    title: str
    doi: str
    megabytes: int
    records: tuple[str, ...] = ()
    files: str = r"\w+\.(?:dat|hea|atr)"
    address: str = ""
    cite: str = ""

    @property
    def source(self) -> str:
        """Folder below the address of the server, such as "mitdb/1.0.0"."""
        return f"{self.address or self.name}/{self.version}"


NOISE_RECORDS: Final = {"nstdb": ("bw", "em", "ma")}
"""Records without ECG: they are read by name, but a database does not stand for them."""

DATABASES: Final = {
    database.name: database
    for database in (
        Database(
            *("mitdb", "1.0.0", "MIT-BIH Arrhythmia Database", "10.13026/C2F305", 91),
            records=tuple(map(str, _MITDB)),
            cite="Moody GB, Mark RG. IEEE Eng Med Biol 20(3):45-50, 2001",
        ),
        Database(
            *("nstdb", "1.0.0", "MIT-BIH Noise Stress Test Database", "10.13026/C2HS3T", 31),
            records=(*(f"{base}e{snr}" for base in ("118", "119") for snr in _NSTDB_SNR), "bw", "em", "ma"),
            cite="Moody GB, Muldrow WE, Mark RG. Computers in Cardiology 11:381-384, 1984",
        ),
        Database(
            *("svdb", "1.0.0", "MIT-BIH Supraventricular Arrhythmia Database", "10.13026/C2V30W", 53),
            records=tuple(map(str, _SVDB)),
            cite="Greenwald SD. PhD thesis, Harvard-MIT HST, 1990",
        ),
        Database(
            *("vfdb", "1.0.0", "MIT-BIH Malignant Ventricular Ectopy Database", "10.13026/C22P44", 34),
            records=tuple(map(str, _VFDB)),
            cite="Greenwald SD. MS thesis, MIT, 1986",
        ),
        Database(
            *("qtdb", "1.0.0", "QT Database", "10.13026/C24K53", 70),
            files=r"sel\w+\.(?:dat|hea|atr|man|q1c|q2c)",
            cite="Laguna P, Mark RG, Goldberger AL, Moody GB. Computers in Cardiology 24:673-676, 1997",
        ),
        Database(
            *(
                "ludb",
                "1.0.1",
                "Lobachevsky University Electrocardiography Database",
                "10.13026/eegm-h675",
                34,
            ),
            records=tuple(f"data/{number}" for number in range(1, _LUDB_COUNT + 1)),
            files=r"data/\d+\.\w+|ludb\.csv",
            cite="Kalyakulina AI et al. IEEE Access 8:186181-186190, 2020",
        ),
        Database(
            *("cinc2017", "1.0.0", "PhysioNet/CinC Challenge 2017, training set", "10.13026/d3hm-sf11", 212),
            records=tuple(f"A{number:05d}" for number in range(1, _CINC2017_COUNT + 1)),
            files=r"(?:training/A\d+/)?(A\d+\.(?:hea|mat)|REFERENCE-v3\.csv)",
            address="challenge-2017",
            cite="Clifford GD et al. Computing in Cardiology 44, 2017",
        ),
    )
}
"""All are under the Open Data Commons Attribution License 1.0 (ODC-By)."""


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
    return [name for name in DATABASES if records_in(root, name)]


def records_in(root: Path, database: str) -> tuple[str, ...]:
    """List the records of a database in `root`, sorted by name and number.

    Files without a header carry their suffix; records in the folder `data` of a database, as ludb's, that
    folder's name: "data/2".
    """
    folder = root / database
    headers = [path.stem for path in folder.glob("*.hea")]
    others = [path.name for suffix in PLAIN_SUFFIXES for path in folder.glob(f"*{suffix}")]
    inner = [f"{_INNER}/{path.stem}" for path in (folder / _INNER).glob("*.hea")]
    return tuple(sorted(headers + others)) + tuple(sorted(inner, key=lambda name: (len(name), name)))


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


def _checked_root(root: Path, origin: str) -> Path:
    kinds = ("*.hea", f"{_INNER}/*.hea", *(f"*{suffix}" for suffix in PLAIN_SUFFIXES))
    if any(any(root.glob(f"*/{kind}")) for kind in kinds):
        return root
    raise RecordError(
        f"{root} (from {origin}): holds no records. It must have a folder mitdb with 100.hea, 100.dat, "
        "100.atr and so on, laid out as on PhysioNet; `ecg-edge data get mitdb` makes one."
    )
