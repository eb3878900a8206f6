"""Records for the pipeline: installed ones, else PhysioNet's, else synthetic ones with a warning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ecg_edge.ecg import databases as data
from ecg_edge.ecg import mirror
from ecg_edge.ecg.errors import RecordError
from ecg_edge.host.pipeline.stages import hash_together

DATABASE = "mitdb"
SYNTHETIC = "synth"

Report = Callable[[str], None]


@dataclass(frozen=True)
class Records:
    """Place of the records.

    Attributes
    ----------
    root : Path
        Folder of the databases.
    database : str
        "mitdb", or "synth" where there is nothing else.
    """

    root: Path
    database: str

    @property
    def synthetic(self) -> bool:
        """True for synthetic records."""
        return self.database == SYNTHETIC

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all record files of the database."""
        return hash_together(
            path for path in (self.root / self.database).glob("*.*") if path.suffix in RECORD_SUFFIXES
        )


RECORD_SUFFIXES = (".hea", ".dat", ".atr")


def find_records(
    explicit: Path | None, warn: Report, progress: Report, base_url: str = mirror.BASE_URL
) -> Records:
    """Find the MIT-BIH records on this computer, else download them, else make synthetic ECG.

    Parameters
    ----------
    explicit : Path or None
        Folder named on the command line.
    warn : callable
        Called with a warning when the ECG is synthetic: it names the reason.
    progress : callable
        Called with the state of the download.
    base_url : str
        See `ecg_edge.ecg.mirror.download_database`.

    Raises
    ------
    RecordError
        When a folder was named that does not hold the MIT-BIH records.
    """
    root = data.find_data_root(explicit)
    if root is not None and root != data.cache_root():
        return _named(root)
    try:
        return Records(_cached(progress, base_url), DATABASE)
    except RecordError as error:
        warn(_warning(error))
        return Records(_synthetic(), SYNTHETIC)


def _named(root: Path) -> Records:
    if data.records_in(root, DATABASE):
        return Records(root, DATABASE)
    raise RecordError(
        f"{root / DATABASE}: no records. The pipeline trains on mitdb; get it with "
        f"`ecg-edge data get mitdb --to {root}`, or leave out --data and ECG_EDGE_DATA."
    )


def _cached(progress: Report, base_url: str) -> Path:
    """Return the user's own folder, after downloading mitdb where it is incomplete."""
    root = data.cache_root()
    if not _is_complete(root):
        mirror.download_database(
            DATABASE, root, base_url, lambda file, done, total, _: progress(f"{file}, {done} of {total}")
        )
    return root


def _is_complete(root: Path) -> bool:
    try:
        names = mirror.read_sums(root / DATABASE)
    except RecordError:
        return False
    return all((root / DATABASE / name).is_file() for name in names)


def _synthetic() -> Path:
    from ecg_edge.ecg.synthetic.population import make_classes  # late: imports scipy and wfdb
    from ecg_edge.ecg.synthetic.textbook import synthetic_root

    root = synthetic_root(None)
    make_classes(root)
    return root


def _warning(error: RecordError) -> str:
    return (
        "NO ECG RECORDS. The pipeline continues with SYNTHETIC ECG made by this program: it tests the "
        "chain from training to the device; its figures do not hold for patients.\n"
        f"Reason: {error}\n"
        "To use real records: ecg-edge data get mitdb, or name a folder of them with --data or ECG_EDGE_DATA."
    )
