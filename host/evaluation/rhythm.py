"""Rhythm events of whole records, scored against the records' annotations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.rates import convert_samples
from ecg_edge.ecg.records import Record, Timing, read_timing
from ecg_edge.ecg.scoring import (
    EpisodeComparison,
    RunComparison,
    compare_episodes,
    compare_runs,
    summarize_runs,
)
from ecg_edge.ecg.scoring.beats import Ratio
from ecg_edge.firmware.binding.rhythm import all_kinds
from ecg_edge.host.evaluation.alarms import FIBRILLATION, Burden, Truth, burden_of, burden_sum
from ecg_edge.host.evaluation.restarts import TAIL_S, Plan
from ecg_edge.host.evaluation.sources import Conditions, Reference, Source, read_reference, read_source
from ecg_edge.host.evaluation.stream import Alarm, Heard, Report, listen, report_all
from ecg_edge.host.evaluation.ventricular import VentricularScores, score_ventricular, ventricular_figures
from ecg_edge.host.reference.rhythm_events import count_kinds
from ecg_edge.quantize.bundle.engines import Engine

_OTHER_RHYTHM: Final = "(N"
_FLUTTER: Final = ", in flutter"


def episode_rows() -> dict[str, tuple[str, str]]:
    """List the kinds of events that are scored by episode, each with its rhythm annotation.

    Returns
    -------
    dict of str to (str, str)
        By the name of the row: kind of event, beginning of the note. Events of fibrillation are compared with
        annotated atrial flutter, too.
    """
    fibrillation = [kind for kind in FIBRILLATION if kind in all_kinds()]
    return {
        **{kind: (kind, "(AFIB") for kind in fibrillation},
        **{f"{kind}{_FLUTTER}": (kind, "(AFL") for kind in fibrillation},
        "bigeminy": ("bigeminy", "(B"),
        "trigeminy": ("trigeminy", "(T"),
    }


@dataclass(frozen=True, eq=False)
class RecordRhythm:
    """One lead of a record as the device reports on it.

    Attributes
    ----------
    source : Source
        The lead.
    record : Record
        Its signal.
    timing : Timing
        Rate that the annotations count in, and length of the record.
    reference : Reference or None
        Its annotations.
    report : Report
        The device's report.
    """

    source: Source
    record: Record
    timing: Timing
    reference: Reference | None
    report: Report

    @property
    def truth(self) -> Truth | None:
        """What the annotations say; None without any."""
        if self.reference is None:
            return None
        return Truth.of(self.reference.annotations, self.timing.fs_hz, self.timing.length_s)

    @property
    def beats(self) -> Annotations:
        """The device's beats: the model's labels, or Q in bad signal."""
        at = convert_samples(self.report.heard.beats["r_sample"], self.record.fs_hz, self.timing.fs_hz)
        return Annotations.of(at, self.report.symbols)

    @property
    def annotations(self) -> Annotations:
        """Beats, and rhythm annotations of atrial fibrillation, in the order of time."""
        rhythm, beats = self.rhythm(*_fibrillation_row()), self.beats
        samples = np.concatenate([rhythm.samples, beats.samples])
        order = np.argsort(samples, kind="stable")
        symbols = np.concatenate([rhythm.symbols, beats.symbols])
        notes = [*rhythm.aux, *beats.aux]
        return Annotations.of(samples[order], symbols[order], aux=[notes[k] for k in order])

    def rhythm(self, kind: str, note: str) -> Annotations:
        """Convert episodes of one kind to rhythm annotations: the note, then "(N" at the end."""
        found = [alarm for alarm in self.report.alarms() if alarm.name == kind]
        at = [round(s * self.timing.fs_hz) for alarm in found for s in (alarm.onset_s, alarm.end_s)]
        return Annotations.of(at, "+" * len(at), aux=[note, _OTHER_RHYTHM] * len(found))


def _fibrillation_row() -> tuple[str, str]:
    """Return the most specific kind that stands for atrial fibrillation, and its note."""
    return [row for row in episode_rows().values() if row[1] == "(AFIB"][-1]


def analyze(
    sources: Sequence[Source], conditions: Conditions, engine: Engine, labels: Sequence[str]
) -> list[RecordRhythm]:
    """Run leads of records through signal path, network and rhythm rules, as the device does.

    Parameters
    ----------
    sources : sequence of Source
        The leads; the network runs once for all of their beats.
    conditions : Conditions
        Rate, mains frequency, amplitude and reference.
    engine : Engine
        Runs the model.
    labels : sequence of str
        The model's labels.
    """
    records = [read_source(source, conditions) for source in sources]
    heard = [listen(record, conditions.mains_hz) for record in records]
    return [
        RecordRhythm(
            source,
            record,
            read_timing(source.folder, source.name),
            read_reference(source, conditions),
            report,
        )
        for source, record, report in zip(sources, records, report_all(engine, labels, heard), strict=True)
    ]


# ---- comparison -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Scored:
    """Comparison from one start on.

    Attributes
    ----------
    episodes : dict of str to EpisodeComparison
        For each of `episode_rows`.
    veb_runs, sveb_runs : RunComparison
        Runs of ventricular and of supraventricular beats, by the rules of `rxr`.
    """

    episodes: dict[str, EpisodeComparison]
    veb_runs: RunComparison
    sveb_runs: RunComparison


@dataclass(frozen=True, eq=False)
class RhythmScores:
    """Comparison of one lead of a record with its annotations.

    Attributes
    ----------
    source : Source
        The lead.
    scores : dict of float to Scored
        By the start of the comparison in seconds; empty without annotations.
    ventricular : VentricularScores or None
        Alarms in annotated rhythms, and the alarms an hour in others; None without annotations.
    counts : dict of str to int
        Episodes of every kind of event.
    hours : float
        Length of the record.
    has_beats, has_rhythms : bool
        Kinds of annotations that there are.
    restarts : dict of float to Burden
        Alarms that begin in the first seconds of fresh streams, by the number of seconds.
    """

    source: Source
    scores: dict[float, Scored]
    ventricular: VentricularScores | None
    counts: dict[str, int]
    hours: float
    has_beats: bool
    has_rhythms: bool
    restarts: dict[float, Burden] = field(default_factory=dict)


def score(watched: RecordRhythm, starts_s: Sequence[float]) -> RhythmScores:
    """Compare with the reference annotations, from each start by itself."""
    truth = watched.truth
    return RhythmScores(
        watched.source,
        {start_s: _scored(watched, start_s) for start_s in starts_s if _reaches(watched, start_s)},
        score_ventricular(watched.report, watched.record, truth) if truth else None,
        count_kinds(watched.report.events),
        watched.report.duration_s / 3600,
        truth is not None and truth.has_beats,
        truth is not None and truth.has_rhythms,
    )


def _reaches(watched: RecordRhythm, start_s: float) -> bool:
    return watched.reference is not None and start_s < watched.reference.end_s


def _scored(watched: RecordRhythm, start_s: float) -> Scored:
    assert watched.reference is not None
    reference, test = watched.reference.annotations, watched.annotations
    first_s, end_s = max(start_s, watched.reference.start_s), watched.reference.end_s
    limits = {"fs_hz": watched.timing.fs_hz, "start_s": first_s, "end_s": end_s}
    return Scored(
        {
            row: compare_episodes(reference, watched.rhythm(kind, note), rhythm=note, **limits)
            for row, (kind, note) in episode_rows().items()
        },
        compare_runs(reference, test, kind="veb", **limits),
        compare_runs(reference, test, kind="sveb", **limits),
    )


# ---- fresh streams ----------------------------------------------------------------------------------


def restart_alarms(
    watched: RecordRhythm, plan: Plan, mains_hz: int, engine: Engine, labels: Sequence[str]
) -> dict[float, Burden]:
    """Start a stream every `plan.every_s` seconds, and count the alarms that begin in its first seconds."""
    record, truth = watched.record, watched.truth
    starts = plan.starts_s(watched.reference.end_s if watched.reference else record.duration_s)
    length_s = max(plan.first_s) + TAIL_S
    streams = [_listen_from(record, start_s, length_s, mains_hz) for start_s in starts]
    result = {first_s: Burden(0.0, {}, {}) for first_s in plan.first_s}
    for start_s, report in zip(starts, report_all(engine, labels, streams), strict=True):
        for first_s in plan.first_s:
            begun = [_later(alarm, start_s) for alarm in report.alarms() if alarm.onset_s < first_s]
            result[first_s] += burden_of(begun, truth, first_s / 3600)
    return result


def _listen_from(record: Record, start_s: float, length_s: float, mains_hz: int) -> Heard:
    first = round(start_s * record.fs_hz)
    return listen(record, mains_hz, first, first + round(length_s * record.fs_hz))


def _later(alarm: Alarm, by_s: float) -> Alarm:
    return alarm._replace(
        onset_s=alarm.onset_s + by_s,
        end_s=alarm.end_s + by_s,
        told_s=alarm.told_s + by_s,
        over_s=alarm.over_s + by_s,
    )


# ---- figures ----------------------------------------------------------------------------------------


def summarize(found: Sequence[RhythmScores], starts_s: Sequence[float]) -> dict[str, Any]:
    """Compute gross figures with counts: each episode, second and run has the same weight.

    Figures from a start are None when no record with annotations is that long.
    """
    figures: dict[str, Any] = {
        "records": len(found),
        **{f"from_{start_s:g}_s": _from_start(found, start_s) for start_s in starts_s},
        "episodes": _add_counts(one.counts for one in found),
        "hours": sum(one.hours for one in found),
    }
    if judged := [one.ventricular for one in found if one.ventricular]:
        figures["alarms"] = ventricular_figures(judged)
    if lengths := sorted({first_s for one in found for first_s in one.restarts}):
        figures["restart"] = {
            f"{first_s:g}_s": burden_sum(one.restarts[first_s] for one in found if first_s in one.restarts)
            for first_s in lengths
        }
    return figures


def _from_start(found: Sequence[RhythmScores], start_s: float) -> dict[str, Any] | None:
    scored = [(one.source.title, one.scores[start_s]) for one in found if start_s in one.scores]
    if not scored:
        return None
    runs = {
        "veb_runs": summarize_runs([(title, one.veb_runs) for title, one in scored]).total,
        "sveb_runs": summarize_runs([(title, one.sveb_runs) for title, one in scored]).total,
    }
    return {
        **{row: _episode_figures([one.episodes[row] for _, one in scored]) for row in episode_rows()},
        **{kind: _with_counts(total.figures, total.ratios) for kind, total in runs.items()},
    }


def _episode_figures(comparisons: Sequence[EpisodeComparison]) -> dict[str, Any]:
    total = comparisons[0]
    for one in comparisons[1:]:
        total += one.at_rate(total.fs_hz)
    return _with_counts(total.figures, total.ratios)


def _with_counts(figures: dict[str, float], ratios: dict[str, Ratio]) -> dict[str, Any]:
    return {**figures, "counts": {name: list(ratio) for name, ratio in ratios.items()}}


def _add_counts(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for kind, count in one.items():
            total[kind] = total.get(kind, 0) + count
    return total
