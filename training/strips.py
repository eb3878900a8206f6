"""Training beats from strips that people recorded of themselves: cinc2017's of one rhythm.

Each strip has a rhythm and no annotated beats. In normal rhythm and in atrial fibrillation every beat counts
as N.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np

from ecg_edge import firmware
from ecg_edge.ecg import splits
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.records import load_record, record_files
from ecg_edge.training.beats import Beats, concatenate, keep_beats
from ecg_edge.training.progress import OnRecord

DATABASE: Final = "cinc2017"
REFERENCE: Final = "REFERENCE-v3.csv"
RHYTHMS: Final = {DATABASE: "N", f"{DATABASE}-fibrillation": "A"}
"""Name in a recipe, and the rhythm's name in the file of the strips' rhythms."""

# An early beat of another shape: in normal rhythm a T wave or noise that was detected, and rarely an ectopic
# beat; in fibrillation it may be one.
_EARLY: Final = -0.25  # RR / mean - 1
_UNLIKE: Final = 0.7  # correlation with the average beat


def strip_beats(root: Path, on_record: OnRecord | None = None, name: str = DATABASE) -> Beats:
    """Find the beats of the strips for development of one of `RHYTHMS`, with the symbol N.

    Beats in bad signal are left out. Early beats of another shape than the average beat's are left out in
    fibrillation, and have no symbol in normal rhythm. The beats are kept, those of all strips together.

    Raises
    ------
    RecordError
        When the file of the strips' rhythms is missing.
    """
    names = _names(root, RHYTHMS[name])

    def make() -> Beats:
        parts = []
        for number, strip in enumerate(names, start=1):
            if on_record is not None:
                on_record(strip, number, len(names))
            parts.append(_beats(root, strip))
        beats = concatenate(parts)
        return beats if name == DATABASE else beats[beats.symbols == "N"]

    files = (path for strip in names for path in record_files(root, DATABASE, strip, None))
    return keep_beats(name, (*files, Path(__file__).read_text(encoding="utf-8")), make)


def _names(root: Path, rhythm: str) -> tuple[str, ...]:
    path = root / DATABASE / REFERENCE
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}). It holds the rhythms.") from error
    names = sorted(row[0] for row in rows if len(row) > 1 and row[1] == rhythm)
    return splits.select_part(DATABASE, names, "development")


def _beats(root: Path, name: str) -> Beats:
    record = load_record(root, DATABASE, name, annotator=None)
    features = firmware.process(record.samples, adu_per_mv=record.adu_per_mv)
    figures = features["rhythm"].astype(float) * firmware.RHYTHM_SCALE
    is_doubtful = (figures[:, 0] < _EARLY) & (figures[:, 5] < _UNLIKE)
    is_bad = (features["flags"] & firmware.FLAG_UNCLASSIFIABLE) != 0
    symbols = np.where(is_doubtful, "", "N")
    return Beats(features, symbols, np.full(len(features), f"{DATABASE}/{name}"))[~is_bad]
