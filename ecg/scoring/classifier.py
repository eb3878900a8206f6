"""Figures of a classifier on a set of records, each with what it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.figures import share
from ecg_edge.ecg.scoring.beats import BeatComparison
from ecg_edge.ecg.scoring.bootstrap import RESAMPLES, intervals, mean_intervals
from ecg_edge.ecg.scoring.calibration import calibration
from ecg_edge.ecg.scoring.classes import class_scores, count_labels, index_jk
from ecg_edge.ecg.scoring.labelling import (
    MISSED,
    NO_BEAT,
    UNCLASSIFIED,
    Labelling,
    class_of,
    class_probability,
)
from ecg_edge.ecg.scoring.summary import summarize

RATES: Final = ("qrs_se", "qrs_ppv", "veb_se", "veb_ppv", "sveb_se", "sveb_ppv")
_OF_CLASS: Final = {"veb_se": "veb_se", "veb_ppv": "veb_se", "sveb_se": "sveb_se", "sveb_ppv": "sveb_se"}


def score_classifier(
    found: Sequence[Labelling],
    labels: Sequence[str],
    start_s: float,
    resamples: int = RESAMPLES,
    classes: bool = True,
) -> dict[str, Any] | None:
    """Compute the figures of some records from a start on; None when no record is that long.

    Parameters
    ----------
    found : sequence of Labelling
        Labels of the records.
    labels : sequence of str
        The network's labels.
    start_s : float
        Start in seconds, one of the starts of `found`.
    resamples : int
        Draws of the bootstrap over patients; 0 for no intervals.
    classes : bool
        Also score the labels themselves: where the annotations tell N, L and R apart.
    """
    scored = [one.since(start_s) for one in found if start_s in one.comparisons]
    if not scored:
        return None
    patients = list(dict.fromkeys(one.patient for one in scored))
    tables = _tables(scored, patients, start_s)
    counts = {"table": np.stack([tables[patient].table for patient in patients])}
    if classes:
        counts["labels"] = _label_counts(scored, patients, labels)
    summary = summarize(list(tables.items()))
    total: dict[str, Any] = {
        "patients": len(patients),
        "records": [one.title for one in scored],
        "beats": summary.gross_ratios["qrs_se"].total,
        "gross": {name: summary.gross[name] for name in RATES},
        "average": {name: summary.average[name] for name in RATES},
        "average_with_beats": _average_with_beats(list(tables.values())),
        "counts": {name: list(summary.gross_ratios[name]) for name in RATES},
        "table": summary.total.table.tolist(),
        "jk": index_jk(summary.total.table),
        **_answers(scored),
        "classes": class_scores(counts["labels"].sum(0), labels) if classes else None,
        "calibration": _calibration(scored, labels),
        "by_record": {one.title: _record(one, start_s) for one in scored},
    }
    total["intervals"] = {
        "gross": intervals(counts, lambda sums: _gross(sums, labels), resamples),
        "average": mean_intervals(_by_patient(list(tables.values())), resamples),
    }
    return total


def _tables(
    scored: Sequence[Labelling], patients: Sequence[str], start_s: float
) -> dict[str, BeatComparison]:
    tables: dict[str, BeatComparison] = {}
    for one in scored:
        own, before = one.comparisons[start_s], tables.get(one.patient)
        tables[one.patient] = own if before is None else before + own
    return {patient: tables[patient] for patient in patients}


def _label_counts(
    scored: Sequence[Labelling], patients: Sequence[str], labels: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Count labels of each patient, shape (patients, k + 1, k + 2)."""
    counts = np.zeros((len(patients), len(labels) + 1, len(labels) + 2), np.int64)
    for one in scored:
        counts[patients.index(one.patient)] += count_labels(one.truth, one.answer, labels)
    return counts


def _gross(sums: Mapping[str, npt.NDArray[Any]], labels: Sequence[str]) -> dict[str, float]:
    table = sums["table"]
    gross = summarize([("", BeatComparison(table, 0.0, 0, 0))]).gross
    figures = {name: gross[name] for name in RATES} | {"jk": index_jk(table)["jk"]}
    if "labels" in sums:
        macro_f1 = class_scores(sums["labels"], labels)["macro_f1"]
        figures["macro_f1"] = math.nan if macro_f1 is None else macro_f1
    return figures


def _by_patient(tables: Sequence[BeatComparison]) -> dict[str, npt.NDArray[np.float64]]:
    figures = [summarize([("", one)]).gross for one in tables]
    return {name: np.array([one[name] for one in figures], np.float64) for name in RATES}


def _average_with_beats(tables: Sequence[BeatComparison]) -> dict[str, float | None]:
    """Average over the patients who have beats of the class: of the others one false beat makes +P zero."""
    values = _by_patient(tables)
    averages: dict[str, float | None] = {}
    for name, needed in _OF_CLASS.items():
        chosen = values[name][~np.isnan(values[needed])]
        defined = chosen[~np.isnan(chosen)]
        averages[name] = float(defined.mean()) if len(defined) else None
    return averages


def _answers(scored: Sequence[Labelling]) -> dict[str, Any]:
    """Count detected beats, and those of them that are left unclassified."""
    answers = np.concatenate([one.answer for one in scored])
    detected = int((answers != MISSED).sum())
    return {
        "detected": detected,
        "unclassified": share(int((answers == UNCLASSIFIED).sum()), detected),
    }


def _calibration(scored: Sequence[Labelling], labels: Sequence[str]) -> Any:
    """Calibration of the classes N, S and V, over the beats that have a label."""
    confidence = np.concatenate([class_probability(one, labels) for one in scored])
    truth = class_of(np.concatenate([one.truth for one in scored]))
    answer = class_of(np.concatenate([one.answer for one in scored]))
    judged = ~np.isnan(confidence) & np.isin(truth, ("N", "S", "V"))
    return calibration(confidence[judged], (truth == answer)[judged])


def _record(one: Labelling, start_s: float) -> dict[str, Any]:
    comparison = one.comparisons[start_s]
    return {
        **{name: comparison.figures[name] for name in RATES},
        "counts": {name: list(comparison.ratios[name]) for name in RATES},
        **_answers([one]),
    }


def latest(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Select for each group of records and R peaks the row with the latest start that it has."""
    chosen: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        before = chosen.setdefault((row["group"], row["peaks"]), row)
        if row["start_s"] > before["start_s"]:
            chosen[row["group"], row["peaks"]] = row
    return list(chosen.values())


def kinds_of_answers(
    found: Sequence[Labelling], kinds: Mapping[str, str], labels: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Count the answers on beats of kinds that no label stands for.

    Parameters
    ----------
    found : sequence of Labelling
        Labels of the records.
    kinds : mapping of str to str
        Name of a kind, and its symbols.
    labels : sequence of str
        The network's labels.

    Returns
    -------
    dict of str to dict
        For each kind `beats`, `missed`, `unclassified` (its share of the beats), and `answers` by label.
    """
    truth = np.concatenate([one.truth for one in found]) if found else np.zeros(0, "U1")
    answer = np.concatenate([one.answer for one in found]) if found else np.zeros(0, "U1")
    return {kind: _answers_on(answer[_is_of(truth, symbols)], labels) for kind, symbols in kinds.items()}


def _is_of(truth: npt.NDArray[np.str_], symbols: str) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.isin(truth, list(symbols)) & (truth != NO_BEAT)
    return found


def _answers_on(answer: npt.NDArray[np.str_], labels: Sequence[str]) -> dict[str, Any]:
    beats = len(answer)
    return {
        "beats": beats,
        "missed": int((answer == MISSED).sum()),
        "unclassified": share(int((answer == UNCLASSIFIED).sum()), beats),
        "mislabelled": share(int(np.isin(answer, labels).sum()), beats),
        "answers": {label: int((answer == label).sum()) for label in labels},
    }
