"""A classifier's labels on one record beside its annotations: what the figures of a classifier are made of.

The steps are those of the beat-by-beat comparison, so every figure counts the beats that EC57 counts.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.files import replacing
from ecg_edge.ecg.labels import BEAT_SYMBOLS, SCORING_CLASS_OF
from ecg_edge.ecg.scoring.beats import BeatComparison, compare_beats, list_beats

UNCLASSIFIED: Final = "Q"
"""Answer on a beat without a label."""
MISSED: Final = ""
"""Answer where the detector has no beat."""
NO_BEAT: Final = ""
"""Annotation where there is no beat: a false detection."""

Symbols = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Labelling:
    """Labels on one record beside its annotations, in the order of time.

    Attributes
    ----------
    title, patient : str
        Name of the record, and a name that all records of the person share.
    comparisons : dict of float to BeatComparison
        By the start of the comparison in seconds; a record that ends before has none.
    times_s : ndarray of float64, shape (m,)
        Time of each annotated or detected beat.
    truth : ndarray of str, shape (m,)
        Annotated symbol; `NO_BEAT` for a false detection.
    answer : ndarray of str, shape (m,)
        Label; `UNCLASSIFIED`, or `MISSED`.
    probabilities : ndarray of float32, shape (m, k)
        Probability of each label by the network; nan where the beat is missed.
    """

    title: str
    patient: str
    comparisons: dict[float, BeatComparison]
    times_s: npt.NDArray[np.float64]
    truth: Symbols
    answer: Symbols
    probabilities: npt.NDArray[np.float32]

    def since(self, start_s: float) -> Labelling:
        """Select the beats from a time in seconds on."""
        kept = self.times_s >= start_s
        parts = (self.times_s[kept], self.truth[kept], self.answer[kept], self.probabilities[kept])
        return Labelling(self.title, self.patient, self.comparisons, *parts)


@dataclass(frozen=True)
class Limits:
    """Time of a record that is compared.

    Attributes
    ----------
    fs_hz : float
        Rate that the annotations count in.
    start_s, end_s : float
        Time in seconds that is annotated.
    starts_s : tuple of float
        Starts of the comparison, each scored by itself.
    """

    fs_hz: float
    start_s: float
    end_s: float
    starts_s: tuple[float, ...]


def label_record(
    title: str,
    patient: str,
    reference: Annotations,
    test: Annotations,
    probabilities: npt.NDArray[np.float32],
    limits: Limits,
) -> Labelling:
    """Compare a classifier's beats with the annotations of the record.

    Parameters
    ----------
    title, patient : str
        As in `Labelling`.
    reference : Annotations
        All annotations of the record.
    test : Annotations
        The classifier's beats: labels, or "Q" where it left a beat unclassified.
    probabilities : ndarray of float32, shape (n, k)
        Of each of these beats and each label.
    limits : Limits
        Time that is compared.
    """
    comparisons = {
        start_s: compare_beats(
            reference, test, fs_hz=limits.fs_hz, start_s=max(start_s, limits.start_s), end_s=limits.end_s
        )
        for start_s in limits.starts_s
        if start_s < limits.end_s
    }
    steps = list_beats(reference, test, fs_hz=limits.fs_hz, start_s=limits.start_s, end_s=limits.end_s)
    symbol_at = _beats_at(reference)
    number_at = {at: number for number, at in enumerate(test.samples.tolist())}
    counted = [step for step in steps if step.counted]
    numbers = [-1 if s.test_sample is None else number_at[s.test_sample] for s in counted]
    at = [s.test_sample if s.reference_sample is None else s.reference_sample for s in counted]
    rows = np.concatenate([probabilities, np.full((1, probabilities.shape[1]), np.nan, np.float32)])
    symbols = test.symbols.tolist()
    return Labelling(
        title,
        patient,
        comparisons,
        np.array(at, np.float64) / limits.fs_hz,
        np.array([symbol_at.get(s.reference_sample, NO_BEAT) for s in counted], "U8"),
        np.array([MISSED if number < 0 else symbols[number] for number in numbers], "U8"),
        rows[np.array(numbers, np.int64)],
    )


_TABLE: Final = "table"


def save_labellings(path: Path, found: Sequence[Labelling], key: str) -> None:
    """Write labels of records to a file of arrays, under a key that `load_labellings` asks for."""
    lengths = [len(one.truth) for one in found]
    compared = [(n, s, c) for n, one in enumerate(found) for s, c in one.comparisons.items()]
    arrays = {
        "key": np.array(key),
        "titles": np.array([one.title for one in found], "U64"),
        "patients": np.array([one.patient for one in found], "U64"),
        "lengths": np.array(lengths, np.int64),
        **{
            name: np.concatenate([getattr(one, name) for one in found])
            for name in ("times_s", "truth", "answer", "probabilities")
        },
        "places": np.array([(n, s) for n, s, _ in compared], np.float64).reshape(-1, 2),
        _TABLE: np.array([c.table for *_, c in compared], np.int64).reshape(-1, 7, 7),
        "rest": np.array([(c.rr_squares_ms2, c.rr_count, c.shutdown_s) for *_, c in compared]).reshape(-1, 3),
    }
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load_labellings(path: Path, key: str) -> list[Labelling] | None:
    """Read labels of records; None when there are none, they are damaged, or have another key."""
    try:
        with path.open("rb") as file, np.load(file) as stored:
            arrays = dict(stored)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    if str(arrays["key"]) != key:
        return None
    ends = np.cumsum(arrays["lengths"])[:-1]
    parts = [np.split(arrays[name], ends) for name in ("times_s", "truth", "answer", "probabilities")]
    comparisons: list[dict[float, BeatComparison]] = [{} for _ in arrays["titles"]]
    for (number, start_s), table, rest in zip(arrays["places"], arrays[_TABLE], arrays["rest"], strict=True):
        one = BeatComparison(table, float(rest[0]), int(rest[1]), int(rest[2]))
        comparisons[int(number)][float(start_s)] = one
    names = zip(arrays["titles"].tolist(), arrays["patients"].tolist(), comparisons, strict=True)
    return [Labelling(*name, *part) for name, *part in zip(names, *parts, strict=True)]


def _beats_at(reference: Annotations) -> Mapping[int | None, str]:
    pairs = zip(reference.samples.tolist(), reference.symbols.tolist(), strict=True)
    return {at: symbol for at, symbol in pairs if symbol in BEAT_SYMBOLS}


def class_of(symbols: Symbols) -> Symbols:
    """Return the scoring class N, S, V, F or Q of each symbol; "" for no beat."""
    return np.array([SCORING_CLASS_OF.get(symbol, "") for symbol in symbols.tolist()], "U1")


def class_probability(found: Labelling, labels: Sequence[str]) -> npt.NDArray[np.float32]:
    """Sum the probabilities of the labels that share the answer's class, shape (m,); nan without a label."""
    of_label, of_answer = class_of(np.array(labels)), class_of(found.answer)
    same = of_answer[:, None] == of_label[None, :]
    total: npt.NDArray[np.float32] = np.where(same, found.probabilities, 0).sum(1)
    return np.where(np.isin(found.answer, labels), total, np.float32(np.nan))
