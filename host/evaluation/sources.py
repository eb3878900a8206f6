"""Leads of records as an evaluation reads them: rate, lead, amplitude, polarity, and the reference.

conditions = Conditions(fs_hz=250, leads=("all",))
for source in list_sources(root, "ludb", ["data/2"], conditions):
    record, reference = read_source(source, conditions), read_reference(source, conditions)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from ecg_edge.ecg.annotations import Annotations, read_annotations
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.header import header_path, read_header
from ecg_edge.ecg.labels import BEAT_SYMBOLS
from ecg_edge.ecg.leads import AUTO, choose_lead, is_ecg
from ecg_edge.ecg.records import FS_HZ, Record, Timing, load_record, read_timing
from ecg_edge.ecg.signal_files import signals_of
from ecg_edge.firmware import BOARD_RATES_HZ

REFERENCE: Final = "atr"
"""Annotator of the reference."""
ALL_LEADS: Final = "all"
_INT16: Final = np.iinfo(np.int16)


@dataclass(frozen=True)
class Conditions:
    """Conditions of an evaluation.

    Attributes
    ----------
    fs_hz : int or None
        Rate of the board, to which records are resampled; None: for each record the board's rate that is
        nearest to its own.
    leads : tuple of str
        Names of leads; "auto" chooses one, "all" stands for every ECG lead.
    mains_hz : int
        Mains frequency to suppress, 50 or 60 Hz.
    reference : str or None
        Annotator to score against; None: "atr", else the annotation file that is named after the lead.
    scale : float
        Factor of the amplitude at the electrodes.
    invert : bool
        Exchange the two electrodes.
    """

    fs_hz: int | None = FS_HZ
    leads: tuple[str, ...] = (AUTO,)
    mains_hz: int = 60
    reference: str | None = None
    scale: float = 1.0
    invert: bool = False


DEFAULT_CONDITIONS: Final = Conditions()


class Source(NamedTuple):
    """One lead of one record.

    Attributes
    ----------
    root : Path
        Folder of the databases.
    database, name : str
        E.g. "mitdb", "100".
    lead : str
        Name or number of the lead; "auto" chooses one.
    title : str
        Key in tables and files: the record's name, with the lead's where there are several.
    """

    root: Path
    database: str
    name: str
    lead: str = AUTO
    title: str = ""

    @property
    def folder(self) -> Path:
        """Folder of the database."""
        return self.root / self.database


class Reference(NamedTuple):
    """Reference annotations of a record.

    Attributes
    ----------
    annotations : Annotations
        In samples of the record.
    start_s, end_s : float
        Time in seconds that is annotated: the whole record for "atr"; for other annotators, which may leave
        out beats at the edges of an excerpt, from the first annotated beat to the last.
    """

    annotations: Annotations
    start_s: float
    end_s: float

    @property
    def has_beats(self) -> bool:
        """The annotations mark beats, and not only rhythms."""
        return bool(np.isin(self.annotations.symbols, BEAT_SYMBOLS).any())


def list_sources(root: Path, database: str, names: Sequence[str], conditions: Conditions) -> list[Source]:
    """List the leads to evaluate, record by record.

    Raises
    ------
    RecordError
        When a record has none of the leads.
    """
    if conditions.leads == (AUTO,):
        return [Source(root, database, name, AUTO, name) for name in names]
    return [source for name in names for source in _leads_of(root, database, name, conditions.leads)]


def _leads_of(root: Path, database: str, name: str, wanted: Sequence[str]) -> list[Source]:
    path = header_path(root / database, name)
    leads = [signal.name for signal in signals_of(read_header(path))]
    if ALL_LEADS in wanted:
        numbers = [number for number, lead in enumerate(leads) if is_ecg(lead)]
    else:
        numbers = _places(path, leads, wanted)
    one = len(wanted) == 1 and ALL_LEADS not in wanted
    return [
        Source(root, database, name, str(number), name if one else f"{name} {_title(leads, number)}")
        for number in numbers
    ]


def _places(path: Path, leads: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Find the wanted leads; those that the record lacks are left out unless it lacks all of them."""
    places, error = [], None
    for lead in wanted:
        try:
            places.append(choose_lead(path, leads, lead))
        except RecordError as reason:
            error = reason
    if error and not places:
        raise error
    return list(dict.fromkeys(places))


def _title(leads: Sequence[str], number: int) -> str:
    """Name a lead, by its number where the name occurs twice."""
    return leads[number] if leads.count(leads[number]) == 1 else f"{leads[number]}/{number}"


def board_rate(source: Source, conditions: Conditions) -> int:
    """Return the rate of the board in Hz: the given one, else the nearest to the record's own."""
    if conditions.fs_hz is not None:
        return conditions.fs_hz
    own_hz = read_timing(source.folder, source.name).fs_hz
    return min(BOARD_RATES_HZ, key=lambda rate_hz: (abs(rate_hz - own_hz), -rate_hz))


def resampled(sources: Sequence[Source], conditions: Conditions) -> str:
    """Name the records whose rate is not the board's; empty when there are none."""
    rates: dict[tuple[float, int], int] = {}
    for source in sources:
        own_hz, board_hz = read_timing(source.folder, source.name).fs_hz, board_rate(source, conditions)
        if own_hz != board_hz:
            rates[own_hz, board_hz] = rates.get((own_hz, board_hz), 0) + 1
    return ", ".join(f"{n} from {own:g} to {board} Hz" for (own, board), n in rates.items())


def read_source(source: Source, conditions: Conditions) -> Record:
    """Read one lead at the board's rate, with the amplitude and polarity of `conditions`.

    Annotations are left out: `read_reference` reads them at the record's own rate.
    """
    record = load_record(
        *(source.root, source.database, source.name),
        lead=source.lead,
        annotator=None,
        fs_hz=board_rate(source, conditions),
    )
    factor = -conditions.scale if conditions.invert else conditions.scale
    if factor == 1:
        return record
    scaled = np.rint(record.samples * factor).clip(_INT16.min, _INT16.max).astype(np.int16)
    return replace(record, samples=scaled)


def read_annotated(source: Source, conditions: Conditions) -> Record:
    """Read one lead as `read_source` does, with its reference annotations at the board's rate."""
    record, reference = read_source(source, conditions), read_reference(source, conditions)
    if reference is None:
        return record
    own_hz = read_timing(source.folder, source.name).fs_hz
    found = reference.annotations.at_rate(own_hz, record.fs_hz).between(0, len(record.samples))
    return replace(
        record,
        annotation_samples=found.samples,
        annotation_symbols=found.symbols,
        annotation_notes=found.aux,
    )


def read_reference(source: Source, conditions: Conditions) -> Reference | None:
    """Read the reference annotations; None when the record has none.

    Raises
    ------
    RecordError
        When an annotator was named and its file is missing, or the file is damaged.
    """
    timing = read_timing(source.folder, source.name)
    annotator = conditions.reference or _annotator_of(source)
    if annotator is None:
        return None
    annotations = read_annotations(source.folder, source.name, annotator, timing.fs_hz)
    return Reference(annotations, *_annotated_time(annotations, annotator, timing))


def covers_whole(source: Source, conditions: Conditions) -> bool:
    """Check if the reference annotations cover the whole record: those of "atr" do."""
    return (conditions.reference or _annotator_of(source)) in (None, REFERENCE)


def _annotator_of(source: Source) -> str | None:
    """Choose "atr", else the file that is named after the lead, as in ludb."""
    if (source.folder / f"{source.name}.{REFERENCE}").is_file():
        return REFERENCE
    path = header_path(source.folder, source.name)
    leads = [signal.name for signal in signals_of(read_header(path))]
    lead = leads[choose_lead(path, leads, source.lead)].casefold()
    return lead if lead and (source.folder / f"{source.name}.{lead}").is_file() else None


def _annotated_time(annotations: Annotations, annotator: str, timing: Timing) -> tuple[float, float]:
    beats = annotations.samples[np.isin(annotations.symbols, BEAT_SYMBOLS)]
    if annotator == REFERENCE or not len(beats):
        return 0.0, timing.length_s
    return float(beats[0]) / timing.fs_hz, float(beats[-1]) / timing.fs_hz
