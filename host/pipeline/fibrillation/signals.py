"""What the search for atrial fibrillation is trained on: beats of strips and of long records, with labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.records import Record, load_record
from ecg_edge.ecg.splits import DS1
from ecg_edge.firmware import FS_HZ, Processed, process_signal
from ecg_edge.firmware.binding.rhythm import (
    IRREGULARITY_FEATURES,
    VENTRICULAR,
    Evidence,
    IntArray,
    Rhythm,
    merge_turns,
)
from ecg_edge.firmware.binding.trace import p_wave_features
from ecg_edge.host.reference.labels import LabelRules
from ecg_edge.host.reference.rhythm_events import classes_of, evidence_of
from ecg_edge.quantize.bundle.engines import Engine, beat_inputs

STRIP_DIVISOR: Final = 4  # of the numbers of cinc2017's strips: the parts to choose on and to test on
SHORTEST_STRIP_S: Final = 10

LEAST_PREMATURE: Final = 50  # beats in half an hour
AAMI_SUPRAVENTRICULAR: Final = ("A", "a", "J", "S")

YES: Final = 1
NO: Final = 0
UNKNOWN: Final = -1


@dataclass(frozen=True, eq=False)
class Signal:
    """Beats of a signal, with labels.

    Attributes
    ----------
    database, name, label : str
        E.g. "cinc2017", "A00008", "O"; no label where the rhythm changes.
    processed : Processed
        Beats and the signal's quality.
    evidence : EVIDENCE_DTYPE array, shape (n,)
        What the rhythm rules take besides positions and classes.
    classes : uint8 array, shape (n,)
        Classes for the rhythm rules.
    fibrillates : int array, shape (n,)
        YES, NO or UNKNOWN for each beat.
    p_waves : int array, shape (n,)
        YES, NO or UNKNOWN for each beat: there is a P wave before it.
    """

    database: str
    name: str
    label: str
    processed: Processed
    evidence: Evidence
    classes: npt.NDArray[np.uint8]
    fibrillates: IntArray
    p_waves: IntArray

    @property
    def p_wave_features(self) -> npt.NDArray[np.int16]:
        """int16 (n, features): figures of the P wave; zeros where the beat cannot be read."""
        found = p_wave_features(self.processed.beats)
        rows = np.zeros((len(self.classes), found.shape[1]), np.int16)
        rows[self.is_readable] = found
        return rows

    @property
    def is_readable(self) -> npt.NDArray[np.bool_]:
        """Mask of the beats with figures of the P wave, shape (n,)."""
        return self.processed.beats["p_wave"] > 0

    def irregularity(self, p_wave: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int16], IntArray]:
        """Compute the figures of irregularity after each beat that has some.

        Parameters
        ----------
        p_wave : uint8 array, shape (n,)
            Evidence of P waves to use.

        Returns
        -------
        figures : int16 array, shape (k, features)
        beats : int array, shape (k,)
            Index of the beat.
        """
        beats, evidence = self.processed.beats, self.evidence.copy()
        evidence["p_wave"] = p_wave
        turns = merge_turns([(int(c["sample"]), bool(c["bad"])) for c in self.processed.changes])
        rhythm, rows, at = Rhythm(), [], []
        for k in range(len(beats)):
            while turns and turns[0].sample <= beats["r_sample"][k]:
                turns.pop(0).apply(rhythm)
            one = slice(k, k + 1)
            rhythm.beats(beats["r_sample"][one], beats["rr_samples"][one], self.classes[one], evidence[one])
            if (found := rhythm.irregularity_features()) is not None:
                rows.append(found)
                at.append(k)
        return np.array(rows, np.int16).reshape(len(rows), len(IRREGULARITY_FEATURES)), np.array(at, np.int64)


def all_signals(root: Path, engine: Engine, labels: Sequence[str]) -> Iterator[Signal]:
    """Read every training signal."""
    for name, label in strips(root):
        record = load_record(root, "cinc2017", name, annotator=None)
        if len(record.samples) >= SHORTEST_STRIP_S * FS_HZ:
            yield _strip(record, label, engine, labels)
    vfdb = [name for name in records_in(root, "vfdb") if int(name) % 2 == 0]
    for database, names in (("mitdb", DS1), ("vfdb", vfdb)):
        for name in names:
            yield _long(load_record(root, database, name), engine, labels)
    for name in records_in(root, "svdb"):
        if int(name) % 2 == 0:
            yield _ectopic(load_record(root, "svdb", name), engine, labels)


def strips(root: Path) -> list[tuple[str, str]]:
    """List the training strips of cinc2017 with their labels."""
    lines = (root / "cinc2017/REFERENCE-v3.csv").read_text(encoding="utf-8").split()
    pairs = [(name, label) for name, label in (line.split(",") for line in lines)]
    return [(name, label) for name, label in pairs if int(name[1:]) % STRIP_DIVISOR == 0]


def _strip(record: Record, label: str, engine: Engine, labels: Sequence[str]) -> Signal:
    """Make the signal of a strip: A is fibrillation, N has P waves; whether the rest has, is not known."""
    found = _analyze(record, engine, labels)
    count = len(found.processed.beats)
    fibrillates = np.full(count, YES if label == "A" else NO)
    p_waves = np.full(count, {"A": NO, "N": YES}.get(label, UNKNOWN))
    return replace(found, label=label, fibrillates=fibrillates, p_waves=p_waves)


def _long(record: Record, engine: Engine, labels: Sequence[str]) -> Signal:
    """Make the signal of a record with rhythm annotations; ventricular beats have no P wave of their own."""
    found = _analyze(record, engine, labels)
    notes = notes_at(record, found.processed.beats["r_sample"].astype(np.int64))
    is_fibrillation, is_sinus = notes == "(AFIB", (notes == "(N") & (found.classes != VENTRICULAR)
    fibrillates = np.where(is_fibrillation, YES, NO)
    return replace(
        found,
        fibrillates=fibrillates,
        p_waves=np.where(is_fibrillation, NO, np.where(is_sinus, YES, UNKNOWN)),
    )


def _ectopic(record: Record, engine: Engine, labels: Sequence[str]) -> Signal:
    """Make the signal of a record of svdb, which has no rhythm annotations. Where people marked many beats as
    premature there was a rhythm to be premature in, so it is not fibrillation; of the rest nothing is known.
    """
    found = _analyze(record, engine, labels)
    premature = int(np.sum(np.isin(record.beat_symbols, AAMI_SUPRAVENTRICULAR)))
    if premature >= LEAST_PREMATURE:
        found = replace(found, fibrillates=np.full(len(found.classes), NO))
    return found


def _analyze(record: Record, engine: Engine, labels: Sequence[str]) -> Signal:
    processed = process_signal(record.samples, adu_per_mv=record.adu_per_mv)
    outputs = engine.run(beat_inputs(processed.beats))
    found = LabelRules(labels).take(processed.beats, outputs).labels
    classes = classes_of(found, labels, processed.beats["flags"])
    unknown = np.full(len(classes), UNKNOWN)
    return Signal(
        record.database,
        record.name,
        "",
        processed,
        evidence_of(processed.beats, outputs, found, labels),
        classes,
        unknown,
        unknown,
    )


def notes_at(record: Record, samples: IntArray) -> npt.NDArray[np.str_]:
    """Find the rhythm annotation that holds at each sample, e.g. "(AFIB"; "" before the first."""
    rhythm = [
        (sample, note)
        for sample, note in zip(record.annotation_samples, record.annotation_notes, strict=True)
        if note.startswith("(")
    ]
    notes = np.array(["", *(note for _, note in rhythm)])
    return notes[np.searchsorted([sample for sample, _ in rhythm], samples, side="right")]
