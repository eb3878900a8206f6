"""The worst mistakes of a beat classifier, and what its answers there depend on.

Worst: the network was most certain of a label that the annotation contradicts. What the answer depends on
is found by occlusion: a part of the input becomes that of the patient's ordinary beat, and the probability
of the answer falls by what the part was worth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.records import Record
from ecg_edge.ecg.scoring.labelling import MISSED, NO_BEAT, UNCLASSIFIED, Labelling, class_of
from ecg_edge.firmware import BEAT_POINTS, FLAG_LEARNING, Beats
from ecg_edge.host.evaluation.classifier import CONDUCTION, Network, answers, probabilities, process_record
from ecg_edge.host.evaluation.sources import DEFAULT_CONDITIONS, Source, read_annotated

PIECES: Final = 16  # of the window, each replaced by itself
R_POINT: Final = 48  # of the window
_NEAR_S: Final = 0.15  # between a beat's time in a labelling and its R peak
_SEGMENTS: Final = {"P wave": (0, 36), "QRS complex": (36, 66), "ST segment and T wave": (66, 128)}
_FEATURES: Final = {
    "intervals": (*range(5), *range(8, 20)),
    "comparison with the average beat": (5, 6, 7, 22, 23, 24),
    "figures of the P wave": (20, 21, 25),
    "noise": (26,),
}
_SCALE: Final = 64
_SINUS, _CORRELATION, _WIDTH = 8, 22, 24  # features, as ecg_core.h numbers them


class Mistake(NamedTuple):
    """A beat with another label than annotated.

    Attributes
    ----------
    database, title : str
        The record.
    time_s : float
        Time of the beat.
    truth, answer : str
        Annotated symbol ("" for no beat) and label.
    probability : float
        Of the label.
    of_kind : int
        Mistakes of this kind in all records.
    """

    database: str
    title: str
    time_s: float
    truth: str
    answer: str
    probability: float
    of_kind: int


def worst(
    found: Mapping[str, Sequence[Labelling]], labels: Sequence[str], each: int = 3, kinds: int = 12
) -> list[Mistake]:
    """Choose the most certain mistakes of the most frequent kinds, at most one of a record and kind.

    Parameters
    ----------
    found : mapping of str to sequence of Labelling
        Labels of the records of each database, with detected peaks.
    labels : sequence of str
        The network's labels.
    each, kinds : int
        Mistakes of a kind, and kinds: annotated and answered class or, where the annotations tell, label.
    """
    groups: dict[tuple[str, str], list[Mistake]] = defaultdict(list)
    for database, records in found.items():
        told = any(np.isin(one.truth, CONDUCTION).any() for one in records)
        for one in records:
            _collect(groups, database, one, labels, told)
    order = sorted(groups.values(), key=len, reverse=True)[:kinds]
    return [one._replace(of_kind=len(group)) for group in order for one in _of_each_record(group)[:each]]


def _collect(
    groups: dict[tuple[str, str], list[Mistake]],
    database: str,
    one: Labelling,
    labels: Sequence[str],
    told: bool,
) -> None:
    """Sort the mistakes of a record by kind; `told`: its annotations tell N, L and R apart."""
    truth, answer = class_of(one.truth), class_of(one.answer)
    other = truth != answer
    if told:
        other |= np.isin(one.truth, labels) & (one.truth != one.answer)
    labelled = ~np.isin(one.answer, [MISSED, UNCLASSIFIED]) & np.isin(truth, ["N", "S", "V", ""])
    for place in np.flatnonzero(other & labelled).tolist():
        symbol, label = str(one.truth[place]), str(one.answer[place])
        probability = float(one.probabilities[place, labels.index(label)])
        mistake = Mistake(database, one.title, float(one.times_s[place]), symbol, label, probability, 0)
        kind = symbol if told and symbol in labels else str(truth[place])
        groups[kind, label].append(mistake)


def _of_each_record(group: Sequence[Mistake]) -> list[Mistake]:
    first: dict[tuple[str, str], Mistake] = {}
    for one in sorted(group, key=lambda one: -one.probability):
        first.setdefault((one.database, one.title), one)
    return list(first.values())


# ---- occlusion --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Explained:
    """A mistake with its signal and what the answer depends on.

    Attributes
    ----------
    mistake : Mistake
        The beat.
    record : Record
        The lead.
    peaks : ndarray of int64, shape (n,)
        All R peaks of the record.
    symbols : ndarray of str, shape (n,)
        Label of each.
    r_sample : int
        R peak of this beat.
    pieces : ndarray of float64, shape (16,)
        By how much the probability falls without each piece of the window.
    parts : dict of str to float
        The same for the named parts of the input.
    line : str
        One line in words.
    """

    mistake: Mistake
    record: Record
    peaks: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.str_]
    r_sample: int
    pieces: npt.NDArray[np.float64]
    parts: dict[str, float]
    line: str


class ExplainTask(NamedTuple):
    """A record, and its mistakes to explain."""

    source: Source
    network: Network
    mistakes: tuple[Mistake, ...]


def explain(task: ExplainTask) -> list[Explained]:
    """Find what the answers depend on in the mistakes of one record."""
    record = read_annotated(task.source, DEFAULT_CONDITIONS)
    signal = process_record(record)
    beats, symbols = signal.beats, answers(task.network, signal)[0]
    peaks = beats["r_sample"].astype(np.int64)
    ordinary = _ordinary(beats)
    explained = []
    for mistake in task.mistakes:
        place = int(np.abs(peaks - mistake.time_s * record.fs_hz).argmin())
        if abs(peaks[place] - mistake.time_s * record.fs_hz) > _NEAR_S * record.fs_hz:
            continue
        pieces, parts = occlude(beats[place], ordinary, task.network, mistake.answer)
        line = describe(beats[place], mistake, parts)
        at = int(peaks[place])
        explained.append(Explained(mistake, record, peaks, symbols, at, pieces, parts, line))
    return explained


def _ordinary(beats: Beats) -> npt.NDArray[np.int8]:
    """Median of each rhythm feature over the beats whose average beat is known, shape (27,)."""
    known = beats[beats["flags"] & FLAG_LEARNING == 0]
    chosen = known if len(known) else beats
    return np.asarray(np.median(chosen["rhythm"], axis=0).round(), np.int8)


def occlude(
    beat: Any, ordinary: npt.NDArray[np.int8], network: Network, label: str
) -> tuple[npt.NDArray[np.float64], dict[str, float]]:
    """Compute by how much a label's probability falls when a part of the beat becomes ordinary.

    Parameters
    ----------
    beat : one row of firmware.BEAT_DTYPE
        The beat.
    ordinary : ndarray of int8, shape (27,)
        The patient's ordinary rhythm features; the ordinary window is the average beat in the tensor.
    network : Network
        Labels the beats.
    label : str
        The label.

    Returns
    -------
    ndarray of float64, shape (16,), and dict of str to float
        For each piece of the window, and for each named part. Negative where the part spoke against it.
    """
    width = BEAT_POINTS // PIECES
    windows = [(k * width, (k + 1) * width) for k in range(PIECES)] + list(_SEGMENTS.values())
    varied = np.repeat(np.atleast_1d(beat), 1 + len(windows) + len(_FEATURES))
    for row, (first, last) in enumerate(windows, start=1):
        varied["beat"][row, first:last, 0] = beat["beat"][first:last, 1]
    for row, places in enumerate(_FEATURES.values(), start=1 + len(windows)):
        varied["rhythm"][row, list(places)] = ordinary[list(places)]
    found = probabilities(network, varied)[:, network.labels.index(label)].astype(np.float64)
    falls = found[0] - found[1:]
    names = (*_SEGMENTS, *_FEATURES)
    return falls[:PIECES], dict(zip(names, falls[PIECES:].tolist(), strict=True))


def describe(beat: Any, mistake: Mistake, parts: Mapping[str, float]) -> str:
    """Describe a beat, and the two parts that its label depends on most, in one line."""
    rhythm = beat["rhythm"].astype(float) / _SCALE
    facts = [f"probability {100 * mistake.probability:.0f} %"]
    if beat["flags"] & FLAG_LEARNING:
        facts.append("average beat not known yet")
    else:
        facts += [
            f"interval {2 ** rhythm[_SINUS]:.2f} of the sinus interval",
            f"QRS {2 ** rhythm[_WIDTH]:.1f} times as wide as the average beat's, correlation "
            f"{rhythm[_CORRELATION]:.2f}",
            _p_wave(int(beat["p_wave"])),
        ]
    most = [name for name in sorted(parts, key=lambda name: -parts[name])[:2] if parts[name] >= 0.05]
    after = " and ".join(
        f"{name} ({100 * (mistake.probability - parts[name]):.0f} % without)" for name in most
    )
    text = "; ".join(facts)
    text = text[0].upper() + text[1:]
    return f"{text}. " + (f"Depends most on {after}." if most else "No part alone decides it.")


def _p_wave(evidence: int) -> str:
    """Read `p_wave` of a beat: 0 unknown, 1 certainly none, 128 undecided, 255 certainly."""
    if evidence == 0 or 96 <= evidence <= 160:
        return "P wave undecided"
    return "P wave likely" if evidence > 160 else "P wave unlikely"


def expected(mistake: Mistake) -> str:
    """Name the annotation, e.g. "A", or "no beat"."""
    return "no beat" if mistake.truth == NO_BEAT else mistake.truth
