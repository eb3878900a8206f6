"""Detection and classification accuracy of a device's beats against the record's annotations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.figures import share
from ecg_edge.ecg.records import Record
from ecg_edge.ecg.scoring import BeatComparison, compare_beats, match_beats
from ecg_edge.ecg.scoring.protocol import LEARNING_S, MATCH_WINDOW_S
from ecg_edge.ecg.splits import DS1, DS2
from ecg_edge.host.conformance.results import ClassFigures, ClassScores, DeviceScores, Ec57Scores
from ecg_edge.host.link.messages import Beat
from ecg_edge.host.reference.labels import symbol_of

STARTS_S = (0.0, LEARNING_S)
"""Starts of EC57's comparison: the first second, and after the time that a detector may learn from."""

STREAM_MARK = "@"
"""Before the start of a stream in its name, as in "100@60s"."""

OTHER_BEAT = "other beat"  # rows of the confusion matrix beyond the labels
NO_BEAT = "no beat"
COLUMN_NOT_LABELLED = "not labelled"  # columns beyond the labels
MISSED = "missed"

EC57_PROTOCOL = (
    "EC57 beat by beat (as WFDB's bxb), 150 ms window, from {start} s; "
    "the device's own detector finds the beats"
)
CLASSES_PROTOCOL = (
    "whole record, annotated beats against the device's labels, 150 ms window, detector in the loop; "
    "a missed beat is an error of its class; a beat annotated with another label counts in +P and F1 only"
)


@dataclass(frozen=True, eq=False)
class LabelledRecord:
    """A record and the device's beats.

    Attributes
    ----------
    record : Record
    beats : sequence of Beat
        In the order of time.
    samples : int
        Number of the record's samples that the device took.
    starts_s : tuple of float
        Starts of EC57's comparison, each scored by itself where the record is longer.
    whole : bool
        The annotations cover the whole record; else it is scored from the first annotated beat to the last.
    """

    record: Record
    beats: Sequence[Beat]
    samples: int
    starts_s: tuple[float, ...] = STARTS_S
    whole: bool = True

    @property
    def annotated_s(self) -> tuple[float, float]:
        """Time in seconds that is annotated."""
        fs_hz = self.record.fs_hz
        beats = self.record.beat_samples[self.record.beat_samples < self.samples]
        if self.whole or not len(beats):
            return 0.0, self.samples / fs_hz
        return float(beats[0]) / fs_hz, float(beats[-1]) / fs_hz

    @property
    def start_s(self) -> float:
        """The latest start of EC57's comparison; 0 for a record that none is shorter than."""
        reached = [start_s for start_s in self.starts_s if start_s < self.samples / self.record.fs_hz]
        return max(reached, default=0.0)


@dataclass(frozen=True, eq=False)
class RecordScore:
    """Counts of one record, from which figures of any group of records follow.

    Attributes
    ----------
    database, record : str
    comparisons : dict of float to BeatComparison
        By the start of EC57's comparison in seconds.
    matrix : int64 array, shape (labels + 2, labels + 2)
        As by `confusion`.
    """

    database: str
    record: str
    comparisons: dict[float, BeatComparison]
    matrix: NDArray[np.int64]


def score_record(item: LabelledRecord, labels: tuple[str, ...]) -> RecordScore | None:
    """Compare a device's beats with the annotations; None for a record without annotated beats."""
    record = item.record
    if not record.is_beat.any():
        return None
    comparisons = {
        start_s: _compare(item, labels, start_s)
        for start_s in item.starts_s
        if start_s < item.samples / record.fs_hz
    }
    return RecordScore(record.database, record.name, comparisons, confusion(item, labels))


def score_device(items: Sequence[LabelledRecord], labels: tuple[str, ...]) -> DeviceScores | None:
    """Score the device's beats on some records together; None without annotations.

    Parameters
    ----------
    items : sequence of LabelledRecord
        One for each record.
    labels : tuple of str
        The device's labels, which are WFDB symbols.
    """
    scores = [score_record(item, labels) for item in items]
    return summarize_scores([score for score in scores if score], labels)


def summarize_scores(scores: Sequence[RecordScore], labels: tuple[str, ...]) -> DeviceScores | None:
    """Figures of detection and classification of some records, gross; None for no record."""
    if not scores:
        return None
    matrix = np.sum([score.matrix for score in scores], axis=0)
    starts = sorted({start_s for score in scores for start_s in score.comparisons})
    return {
        "records": len(scores),
        "ec57": [_ec57_scores(scores, start_s) for start_s in starts],
        "classes": class_figures(matrix, labels),
    }


def _ec57_scores(scores: Sequence[RecordScore], start_s: float) -> Ec57Scores:
    """No RR error: it needs the subtypes of annotations, which Record leaves out."""
    comparisons = [score.comparisons[start_s] for score in scores if start_s in score.comparisons]
    comparison = sum(comparisons[1:], comparisons[0])
    values = {name: _finite(ratio.value) for name, ratio in comparison.ratios.items()}
    return {
        "protocol": EC57_PROTOCOL.format(start=f"{start_s:g}"),
        "start_s": start_s,
        "records": len(comparisons),
        "qrs_se": values["qrs_se"],
        "qrs_ppv": values["qrs_ppv"],
        "veb_se": values["veb_se"],
        "veb_ppv": values["veb_ppv"],
        "veb_fpr": values["veb_fpr"],
        "sveb_se": values["sveb_se"],
        "sveb_ppv": values["sveb_ppv"],
        "counts": {name: list(ratio) for name, ratio in comparison.ratios.items()},
    }


def score_groups(scores: Sequence[RecordScore], labels: tuple[str, ...]) -> dict[str, DeviceScores]:
    """Score all records, and those of MIT-BIH's DS1 and DS2 apart where there are any."""
    groups = {
        "all": scores,
        "DS1": [score for score in scores if _is_in(score, DS1)],
        "DS2": [score for score in scores if _is_in(score, DS2)],
    }
    summaries = {name: summarize_scores(group, labels) for name, group in groups.items()}
    return {name: figures for name, figures in summaries.items() if figures}


def _is_in(score: RecordScore, names: Sequence[str]) -> bool:
    """Check if a stream is of one of some records of mitdb."""
    return score.database == "mitdb" and score.record.partition(STREAM_MARK)[0].partition(" ")[0] in names


def device_annotations(beats: Iterable[Beat], labels: tuple[str, ...]) -> Annotations:
    """Turn the device's beats into annotations, in the order of time."""
    ordered = sorted(beats, key=lambda beat: beat.r_sample)
    symbols = [symbol_of(beat.label, labels) for beat in ordered]
    return Annotations.of([beat.r_sample for beat in ordered], symbols)


def reference_annotations(item: LabelledRecord) -> Annotations:
    """Return the record's annotations up to where the device took it."""
    record = item.record
    known = record.annotation_samples < item.samples
    notes = [note for note, keep in zip(record.annotation_notes, known, strict=True) if keep]
    return Annotations.of(record.annotation_samples[known], record.annotation_symbols[known], aux=notes)


def _compare(item: LabelledRecord, labels: tuple[str, ...], start_s: float) -> BeatComparison:
    record, reference = item.record, reference_annotations(item)
    test = device_annotations(item.beats, labels)
    first_s, last_s = item.annotated_s
    return compare_beats(reference, test, fs_hz=record.fs_hz, start_s=max(start_s, first_s), end_s=last_s)


def pair_beats(item: LabelledRecord) -> NDArray[np.int64]:
    """Match annotated and device beats; their indices in pairs, shape (n, 2)."""
    window = round(MATCH_WINDOW_S * item.record.fs_hz)
    annotated = item.record.beat_samples
    return match_beats(annotated[annotated < item.samples], [beat.r_sample for beat in item.beats], window)


def confusion(item: LabelledRecord, labels: tuple[str, ...]) -> NDArray[np.int64]:
    """Count annotated beats (rows: labels, other, none) by device label (labels, not labelled, missed)."""
    count = len(labels)
    annotated = item.record.beat_symbols[item.record.beat_samples < item.samples]
    rows = [labels.index(symbol) if symbol in labels else count for symbol in annotated]
    columns = [min(beat.label, count) for beat in item.beats]
    matrix = np.zeros((count + 2, count + 2), np.int64)
    pairs = pair_beats(item)
    for i, j in pairs:
        matrix[rows[i], columns[j]] += 1
    for i in set(range(len(rows))) - set(pairs[:, 0].tolist()):
        matrix[rows[i], count + 1] += 1
    for j in set(range(len(columns))) - set(pairs[:, 1].tolist()):
        matrix[count + 1, columns[j]] += 1
    return matrix


def class_figures(matrix: NDArray[np.int64], labels: tuple[str, ...]) -> ClassScores:
    """Compute sensitivity and positive predictivity of each label, accuracy and macro-F1."""
    count = len(labels)
    hits, annotated, reported = (
        matrix.diagonal()[:count],
        matrix[:count].sum(axis=1),
        matrix[:, :count].sum(axis=0),
    )
    per_label: dict[str, ClassFigures] = {
        label: {
            "annotated": int(annotated[k]),
            "device": int(reported[k]),
            "se": share(hits[k], annotated[k], 6),
            "ppv": share(hits[k], reported[k], 6),
            "f1": share(2 * hits[k], annotated[k] + reported[k], 6),
        }
        for k, label in enumerate(labels)
    }
    present = [figures["f1"] or 0.0 for figures in per_label.values() if figures["annotated"]]
    return {
        "protocol": CLASSES_PROTOCOL,
        "accuracy": share(hits.sum(), annotated.sum(), 6),
        "macro_f1": round(sum(present) / len(present), 6) if present else None,
        "labels": per_label,
        "confusion": {
            "rows": [*labels, OTHER_BEAT, NO_BEAT],
            "columns": [*labels, COLUMN_NOT_LABELLED, MISSED],
            "counts": matrix.tolist(),
        },
    }


def _finite(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
