"""How right a device's beats are, against the record's annotations: detector and classifier together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.records import Record
from ecg_edge.ecg.scoring import BeatComparison, compare_beats, match_beats
from ecg_edge.ecg.splits import DS1, DS2
from ecg_edge.host.link.messages import Beat
from ecg_edge.host.reference.labels import symbol_of

EC57_START_S = 300.0  # EC57 leaves the first five minutes to the detector to learn from
MATCH_WINDOW_S = 0.15

OTHER_BEAT = "other beat"  # rows of the confusion matrix beyond the labels
NO_BEAT = "no beat"
NOT_LABELLED = "not labelled"  # columns beyond the labels
MISSED = "missed"

EC57_PROTOCOL = (
    "EC57 beat by beat (as WFDB's bxb), 150 ms window, from {start:.0f} s; "
    "the device's own detector finds the beats"
)
CLASSES_PROTOCOL = (
    "whole record, annotated beats against the device's labels, 150 ms window, detector in the loop; "
    "a missed beat is an error of its class"
)


@dataclass(frozen=True)
class LabelledRecord:
    """A record and what the device said about its first `samples` samples; beats in the order of time."""

    record: Record
    beats: Sequence[Beat]
    samples: int

    @property
    def start_s(self) -> float:
        """Where EC57's comparison begins; a record too short for the learning period is scored whole."""
        return EC57_START_S if self.samples / self.record.fs_hz >= 2 * EC57_START_S else 0.0


def score_device(items: Sequence[LabelledRecord], labels: tuple[str, ...]) -> dict[str, Any] | None:
    """Detection and classification figures of some records together (gross); None without annotations.

    Parameters
    ----------
    items : sequence of LabelledRecord
        One for each record.
    labels : tuple of str
        The device's labels, which are WFDB symbols.
    """
    items = [item for item in items if item.record.is_beat.any()]
    if not items:
        return None
    comparison = _gross([_compare(item, labels) for item in items])
    matrix = sum((confusion(item, labels) for item in items), np.zeros((len(labels) + 2,) * 2, np.int64))
    return {
        "records": len(items),
        "ec57": {
            "protocol": EC57_PROTOCOL.format(start=max(item.start_s for item in items)),
            # No RR error: that needs the subtypes of annotations, which Record leaves out.
            **{name: _finite(ratio.value) for name, ratio in comparison.ratios.items()},
            "counts": {name: list(ratio) for name, ratio in comparison.ratios.items()},
        },
        "classes": {"protocol": CLASSES_PROTOCOL, **class_figures(matrix, labels)},
    }


def score_groups(items: Sequence[LabelledRecord], labels: tuple[str, ...]) -> dict[str, Any]:
    """`score_device` of all records, and of those of MIT-BIH's DS1 and DS2 apart where there are any."""
    groups = {
        "all": items,
        "DS1": [item for item in items if item.record.database == "mitdb" and item.record.name in DS1],
        "DS2": [item for item in items if item.record.database == "mitdb" and item.record.name in DS2],
    }
    scored = {name: score_device(group, labels) for name, group in groups.items()}
    return {name: figures for name, figures in scored.items() if figures}


def device_annotations(beats: Iterable[Beat], labels: tuple[str, ...]) -> Annotations:
    """Turn the device's beats into annotations, in the order of time."""
    ordered = sorted(beats, key=lambda beat: beat.r_sample)
    symbols = [symbol_of(beat.label, labels) for beat in ordered]
    return Annotations.of([beat.r_sample for beat in ordered], symbols)


def _compare(item: LabelledRecord, labels: tuple[str, ...]) -> BeatComparison:
    record = item.record
    known = record.annotation_samples < item.samples
    notes = [note for note, keep in zip(record.annotation_notes, known, strict=True) if keep]
    reference = Annotations.of(record.annotation_samples[known], record.annotation_symbols[known], aux=notes)
    test = device_annotations(item.beats, labels)
    return compare_beats(
        reference, test, fs_hz=record.fs_hz, start_s=item.start_s, end_s=item.samples / record.fs_hz
    )


def _gross(comparisons: list[BeatComparison]) -> BeatComparison:
    """All records as if they were one."""
    return BeatComparison(
        np.sum([c.table for c in comparisons], axis=0),
        sum(c.rr_squares_ms2 for c in comparisons),
        sum(c.rr_count for c in comparisons),
        sum(c.shutdown_s for c in comparisons),
    )


def pair_beats(item: LabelledRecord) -> NDArray[np.int64]:
    """Indices of the annotated and of the device's beat of each pair, shape (n, 2)."""
    window = round(MATCH_WINDOW_S * item.record.fs_hz)
    annotated = item.record.beat_samples
    return match_beats(annotated[annotated < item.samples], [beat.r_sample for beat in item.beats], window)


def confusion(item: LabelledRecord, labels: tuple[str, ...]) -> NDArray[np.int64]:
    """Annotated beats in rows (labels, other, none), the device's in columns (labels, unlabelled, missed)."""
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


def class_figures(matrix: NDArray[np.int64], labels: tuple[str, ...]) -> dict[str, Any]:
    """Sensitivity and positive predictivity of each label, and accuracy and macro-F1 over all of them."""
    count = len(labels)
    hits, annotated, given = (
        matrix.diagonal()[:count],
        matrix[:count].sum(axis=1),
        matrix[:, :count].sum(axis=0),
    )
    per_label = {
        label: {
            "annotated": int(annotated[k]),
            "device": int(given[k]),
            "se": _ratio(hits[k], annotated[k]),
            "ppv": _ratio(hits[k], given[k]),
            "f1": _ratio(2 * hits[k], annotated[k] + given[k]),
        }
        for k, label in enumerate(labels)
    }
    present = [figures["f1"] or 0.0 for figures in per_label.values() if figures["annotated"]]
    return {
        "accuracy": _ratio(hits.sum(), annotated.sum()),
        "macro_f1": round(sum(present) / len(present), 6) if present else None,
        "labels": per_label,
        "confusion": {
            "rows": [*labels, OTHER_BEAT, NO_BEAT],
            "columns": [*labels, NOT_LABELLED, MISSED],
            "counts": matrix.tolist(),
        },
    }


def _ratio(part: int, whole: int) -> float | None:
    return round(float(part) / float(whole), 6) if whole else None


def _finite(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
