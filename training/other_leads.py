"""Other leads of training records, as further patients with the same beats.

The same heart looks different from elsewhere: bundle branch block, premature beats and what the annotators
called them stay the same, the shapes do not. Besides the lead that the device does not read there are the sum
and the difference of both, leads that lie between them (a bipolar lead is a projection of the heart's vector,
so that sums of leads are leads; Malmivuo and Plonsey, Bioelectromagnetism, 1995, chapter 11).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ecg_edge.ecg.header import header_path, read_header
from ecg_edge.ecg.leads import AUTO, choose_lead, is_ecg
from ecg_edge.ecg.records import Record, load_record, record_files
from ecg_edge.training.beats import Beats, find_beats, keep_beats, load_beats, no_beats
from ecg_edge.training.progress import OnRecord


def second_lead_beats(
    root: Path,
    database: str,
    records: Sequence[str],
    peaks: str,
    on_record: OnRecord | None = None,
    lead: str = AUTO,
) -> list[Beats]:
    """Load the leads that the device does not read; the names are "second-lead:<database>/<record>"."""
    parts = []
    for name in records:
        for _, other in _pairs(root, database, name, lead):
            beats = load_beats(root, database, [name], peaks, on_record=on_record, lead=str(other))
            parts.append(_named("second-lead", database, name, beats))
    return parts or [no_beats()]


def mixed_lead_beats(
    root: Path,
    database: str,
    records: Sequence[str],
    peaks: str,
    on_record: OnRecord | None = None,
    lead: str = AUTO,
) -> list[Beats]:
    """Load sum and difference of the lead that the device reads and each other one.

    Both have the name "mixed-lead:<database>/<record>".
    """
    code = Path(__file__).read_text(encoding="utf-8")
    parts = []
    for number, name in enumerate(records, start=1):
        if on_record is not None:
            on_record(f"{name}, mixed leads", number, len(records))
        for read, other in _pairs(root, database, name, lead):
            make = partial(_mixed_beats, root, database, name, peaks, read, other)
            depends_on: tuple[Path | str, ...] = (
                *record_files(root, database, name),
                str((read, other)),
                code,
            )
            beats = keep_beats(f"mixed-lead-{database}-{name}-{peaks}", depends_on, make)
            parts.append(_named("mixed-lead", database, name, beats))
    return parts or [no_beats()]


def mix(one: Record, other: Record, sign: int) -> Record:
    """Add two leads of a record in millivolts, or subtract them, and divide by the square root of 2.

    Parameters
    ----------
    one, other : Record
        Leads of the same record.
    sign : int
        1 for the sum, -1 for the difference.

    Returns
    -------
    Record
        With the gain, the level and the annotations of the first lead, limited to 16 bits.
    """
    level = np.median(one.samples)
    gain = one.adu_per_mv / other.adu_per_mv
    added = gain * (other.samples - np.median(other.samples))
    mixed = level + ((one.samples - level) + sign * added) / math.sqrt(2)
    return replace(one, samples=np.clip(np.rint(mixed), -32768, 32767).astype(np.int16))


def _mixed_beats(root: Path, database: str, name: str, peaks: str, read: int, other: int) -> Beats:
    one, two = (
        load_record(root, database, name, str(number), annotations_required=True) for number in (read, other)
    )
    found = [find_beats(mix(one, two, sign), peaks) for sign in (1, -1)]
    features, symbols = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Beats(features, symbols, np.full(len(symbols), name))


def _pairs(root: Path, database: str, name: str, lead: str) -> Iterator[tuple[int, int]]:
    """Yield the number of the lead that the device reads with that of each other ECG lead."""
    header = read_header(header_path(root / database, name))
    leads = [signal.name for signal in header.signals]
    read = choose_lead(header.path, leads, lead)
    for number, other in enumerate(leads):
        if number != read and is_ecg(other):
            yield read, number


def _named(kind: str, database: str, name: str, beats: Beats) -> Beats:
    """Name a further patient; svdb's S is A."""
    symbols = np.where(beats.symbols == "S", "A", beats.symbols)
    return Beats(beats.features, symbols, np.full(len(beats), f"{kind}:{database}/{name}"))
