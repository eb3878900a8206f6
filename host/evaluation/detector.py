"""Detection of beats in whole records, scored by EC57.

Two ways of reporting are scored: every beat; and silence in bad signal, where the beats are left out and the
time counts as shutdown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.annotations import NOISE, SHUTDOWN_BITS, Annotations
from ecg_edge.ecg.labels import SCORING_CLASS_OF
from ecg_edge.ecg.rates import convert_samples
from ecg_edge.ecg.records import Record, Timing, load_record, read_timing
from ecg_edge.ecg.scoring import BeatComparison, compare_beats, match_beats, summarize
from ecg_edge.ecg.scoring.protocol import LEARNING_S, MATCH_WINDOW_S
from ecg_edge.ecg.splits import DS1, DS2, PARTS, patient_of, select_part
from ecg_edge.firmware import FLAG_UNCLASSIFIABLE, FS_HZ, Beats, Processed, process_signal
from ecg_edge.host.evaluation.restarts import Plan, Restarts, restart
from ecg_edge.host.evaluation.sources import Conditions, Reference, Source, read_reference, read_source
from ecg_edge.host.reference.decisions import Labeller
from ecg_edge.host.reference.labels import SYMBOL_Q

_NOISE_LEVELS: Final = {
    "24": "24 dB",
    "18": "18 dB",
    "12": "12 dB",
    "06": "6 dB",
    "00": "0 dB",
    "_6": "-6 dB",
}
_QRS: Final = ("qrs_se", "qrs_ppv", "rr_error_ms", "shutdown_s")
_VEB: Final = ("veb_se", "veb_ppv")

Symbols = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Scored:
    """Comparison from one start on.

    Attributes
    ----------
    every : BeatComparison
        Against the record's annotations, every beat reported.
    silent : BeatComparison
        The same without the beats in bad signal, whose time is shutdown.
    """

    every: BeatComparison
    silent: BeatComparison


@dataclass(frozen=True, eq=False)
class Detection:
    """Result of the detector on one lead of a record.

    Attributes
    ----------
    source : Source
        The lead.
    scores : dict of float to Scored
        By the start of the comparison in seconds; a record that ends before has none.
    offsets_ms : ndarray of float64, shape (n,)
        Detected less annotated time of each matched beat.
    length_s : float
        Length of the record.
    bad_s : float
        Time of bad signal in it.
    annotations : tuple of Annotations
        Every beat; the beats in good signal.
    labelled : bool
        The beats have a model's labels.
    restarts : Restarts or None
        Counts of fresh streams, when they were asked for.
    has_reference : bool
        The record has annotated beats.
    """

    source: Source
    scores: dict[float, Scored]
    offsets_ms: npt.NDArray[np.float64]
    length_s: float
    bad_s: float
    annotations: tuple[Annotations, Annotations]
    labelled: bool = False
    restarts: Restarts | None = None
    has_reference: bool = True

    @property
    def patient(self) -> str:
        """Name that all records of the person share."""
        return patient_of(self.source.database, self.source.name)


def process_record(
    root: Path, database: str, name: str, fs_hz: int = FS_HZ, *, lead: str = "auto", mains_hz: int = 60
) -> Processed:
    """Run the signal path over one lead of a record, as a board of that rate would.

    Parameters
    ----------
    root : Path
        Folder of the databases.
    database, name : str
        E.g. "mitdb", "100".
    fs_hz : int
        Sampling rate of the board, 250, 360 or 500 Hz.
    lead : str
        Name of the lead; "auto" chooses one.
    mains_hz : int
        Mains frequency to suppress, 50 or 60 Hz.
    """
    record = load_record(root, database, name, lead=lead, annotator=None, fs_hz=fs_hz)
    return process(record, mains_hz)


def process(record: Record, mains_hz: int) -> Processed:
    """Run the signal path over a record that has a board's rate."""
    return process_signal(
        record.samples,
        adu_per_mv=record.adu_per_mv,
        mains_hz=mains_hz,
        fs_hz=record.fs_hz,
        off_spans=record.invalid_spans,
    )


def detect(
    source: Source,
    conditions: Conditions,
    starts_s: Sequence[float] = (LEARNING_S,),
    labeller: Labeller | None = None,
    plan: Plan | None = None,
) -> Detection:
    """Process one lead of a record and score it against its annotations; with a labeller, also its labels.

    Parameters
    ----------
    source : Source
        The lead.
    conditions : Conditions
        Rate, mains frequency, amplitude and reference.
    starts_s : sequence of float
        Starts of the comparison in seconds, each scored by itself.
    labeller : Labeller, optional
        Labels the beats.
    plan : Plan, optional
        Also score fresh streams.
    """
    timing = read_timing(source.folder, source.name)
    reference = read_reference(source, conditions)
    if reference and not reference.has_beats:
        reference = None
    record = read_source(source, conditions)
    processed = process(record, conditions.mains_hz)
    symbols = labeller.symbols(processed, len(record.samples), record.fs_hz) if labeller else None
    every = to_annotations(processed.beats, timing.fs_hz, record.fs_hz, symbols)
    silent = without_bad_signal(every, processed, timing, record.fs_hz)
    return Detection(
        source,
        scores=_scores(reference, every, silent, starts_s, timing.fs_hz) if reference else {},
        offsets_ms=_offsets_ms(reference, every, timing.fs_hz) if reference else np.zeros(0),
        length_s=timing.length_s,
        bad_s=float(np.diff(processed.bad_spans, axis=1).sum()) / record.fs_hz,
        annotations=(every, silent),
        labelled=labeller is not None,
        restarts=_restart(record, reference, timing, plan, conditions, labeller),
        has_reference=reference is not None,
    )


def _scores(
    reference: Reference, every: Annotations, silent: Annotations, starts_s: Sequence[float], fs_hz: float
) -> dict[float, Scored]:
    scores = {}
    for start_s in starts_s:
        if start_s < reference.end_s:
            compare = partial(
                compare_beats,
                reference.annotations,
                fs_hz=fs_hz,
                start_s=max(start_s, reference.start_s),
                end_s=reference.end_s,
            )
            scores[start_s] = Scored(compare(every), compare(silent))
    return scores


def _restart(
    record: Record,
    reference: Reference | None,
    timing: Timing,
    plan: Plan | None,
    conditions: Conditions,
    labeller: Labeller | None,
) -> Restarts | None:
    if plan is None or reference is None:
        return None
    return restart(
        record, reference, timing, plan, conditions.mains_hz, labeller.symbols if labeller else None
    )


def to_annotations(
    beats: Beats, fs_hz: float, board_hz: int = FS_HZ, symbols: Symbols | None = None
) -> Annotations:
    """Convert beats of a board to annotations of a record sampled at `fs_hz`.

    Without `symbols`: N, or Q where the signal was bad.
    """
    if symbols is None:
        symbols = np.where(beats["flags"] & FLAG_UNCLASSIFIABLE, SYMBOL_Q, "N")
    return Annotations.of(convert_samples(beats["r_sample"], board_hz, fs_hz), symbols)


def without_bad_signal(
    every: Annotations, processed: Processed, timing: Timing, board_hz: int = FS_HZ
) -> Annotations:
    """Remove the beats in bad signal, and mark its start and end as WFDB's shutdown.

    The beats must go, not only become Q: any beat ends a shutdown, and Q counts as a QRS complex. An end is
    always written, because `bxb` counts no beat as missed in a shutdown that never ends.
    """
    spans = np.minimum(
        convert_samples(processed.bad_spans, board_hz, timing.fs_hz), timing.length_samples - 1
    )
    marks = spans.reshape(-1)
    kept = (processed.beats["flags"] & FLAG_UNCLASSIFIABLE) == 0
    samples = np.concatenate([every.samples[kept], marks])
    symbols = np.concatenate([every.symbols[kept], np.full(len(marks), NOISE)])
    subtype = np.concatenate([np.zeros(kept.sum(), np.int64), np.tile([SHUTDOWN_BITS, 0], len(spans))])
    order = np.argsort(samples, kind="stable")
    return Annotations.of(samples[order], symbols[order], subtype[order])


def _offsets_ms(reference: Reference, test: Annotations, fs_hz: float) -> npt.NDArray[np.float64]:
    marks = reference.annotations
    peaks = marks.samples[np.isin(marks.symbols, list(SCORING_CLASS_OF))]
    pairs = match_beats(peaks, test.samples, round(MATCH_WINDOW_S * fs_hz))
    late: npt.NDArray[np.float64] = (test.samples[pairs[:, 1]] - peaks[pairs[:, 0]]).astype(np.float64)
    return late * (1000 / fs_hz)


# ---- figures of groups ------------------------------------------------------------------------------


def group_records(database: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Group the records that are scored together; groups without records are left out.

    mitdb: DS1, on which thresholds are chosen, DS2, and all. nstdb: each signal-to-noise ratio, and all.
    Others: the parts to choose on and to test on (`ecg.splits`), and all.
    """
    groups: dict[str, list[str]] = {}
    if database == "mitdb":
        groups = {"DS1": [n for n in names if n in DS1], "DS2": [n for n in names if n in DS2]}
    elif database == "nstdb":
        groups = {level: [n for n in names if n.endswith(end)] for end, level in _NOISE_LEVELS.items()}
    else:
        groups = {part: list(select_part(database, names, part)) for part in PARTS if part != "all"}
    groups["all"] = list(names)
    return {group: members for group, members in groups.items() if members}


def group_sources(database: str, sources: Sequence[Source]) -> dict[str, list[Source]]:
    """Group leads as `group_records` does their records; where there are several leads, also by lead."""
    names = list(dict.fromkeys(source.name for source in sources))
    groups = {
        group: [source for source in sources if source.name in set(members)]
        for group, members in group_records(database, names).items()
    }
    leads = {source: source.title.removeprefix(source.name).strip() for source in sources}
    if len(names) > 1:
        for lead in dict.fromkeys(lead for lead in leads.values() if lead):
            groups[f"lead {lead}"] = [source for source in sources if leads[source] == lead]
    return groups


class GroupFigures(TypedDict):
    """Figures of some records: fractions, milliseconds and seconds by name."""

    gross: dict[str, float]
    average: dict[str, float]
    records: dict[str, dict[str, float]]


class DetectorFigures(GroupFigures):
    """Figures of the detector that reports every beat, and of the one that is silent in bad signal."""

    beats: int
    silent_in_bad_signal: GroupFigures


def group_figures(found: Sequence[Detection], start_s: float) -> DetectorFigures | None:
    """Compute gross, average and per-record figures of a group, with fractions for Se, +P and F1.

    Those of the detector that reports every beat; `silent_in_bad_signal`: of the one that does not. In an
    average every person has the same weight: leads and records of one person are taken together.

    Parameters
    ----------
    found : sequence of Detection
        Results of the group's leads.
    start_s : float
        Start of the comparison. None is returned when no record is that long.
    """
    scored = [one for one in found if start_s in one.scores]
    if not scored:
        return None
    names = (*_QRS, *_VEB) if all(one.labelled for one in scored) else _QRS
    every = _summary(scored, lambda one: one.scores[start_s].every, names)
    silent = _summary(scored, lambda one: one.scores[start_s].silent, names)
    offsets = np.concatenate([one.offsets_ms for one in scored])
    length_s = sum(one.length_s for one in scored)
    for one in scored:
        every["records"][one.source.title]["offset_ms"] = _median(one.offsets_ms)
    every["gross"]["offset_ms"] = _median(offsets)
    silent["gross"]["shutdown_share"] = silent["gross"]["shutdown_s"] / length_s if length_s else math.nan
    beats = sum(one.scores[start_s].every.ratios["qrs_se"].total for one in scored)
    return {**every, "beats": beats, "silent_in_bad_signal": silent}


def _summary(
    scored: Sequence[Detection], choose: Callable[[Detection], BeatComparison], names: Sequence[str]
) -> GroupFigures:
    by_person: dict[str, BeatComparison] = {}
    for one in scored:
        before = by_person.get(one.patient)
        by_person[one.patient] = choose(one) if before is None else before + choose(one)
    people = summarize(list(by_person.items())).as_dict()
    records = summarize([(one.source.title, choose(one)) for one in scored]).as_dict()["records"]
    return {
        "gross": _figures(people["gross"], names),
        "average": _figures(people["average"], names),
        "records": {title: _figures(record, names) for title, record in records.items()},
    }


def _figures(figures: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    """Choose figures by name, and add F1 of the QRS complexes."""
    both = figures["qrs_se"] + figures["qrs_ppv"]
    f1 = 2 * figures["qrs_se"] * figures["qrs_ppv"] / both if both > 0 else math.nan
    return {name: figures[name] for name in names} | {"qrs_f1": f1}


def _median(offsets_ms: npt.NDArray[np.float64]) -> float:
    return float(np.median(np.abs(offsets_ms))) if len(offsets_ms) else math.nan
