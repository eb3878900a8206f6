"""Rhythm events of whole records, scored against the records' annotations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecg_edge.ecg.annotations import Annotations, read_annotations
from ecg_edge.ecg.rates import convert_samples
from ecg_edge.ecg.records import FS_HZ, Timing, load_record, read_timing
from ecg_edge.ecg.scoring import (
    EpisodeComparison,
    RunComparison,
    compare_episodes,
    compare_runs,
    summarize_runs,
)
from ecg_edge.ecg.scoring.beats import Ratio
from ecg_edge.firmware import process_signal
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.expected import expect_events
from ecg_edge.host.reference.labels import labels_of, symbols_of
from ecg_edge.host.reference.rhythm_events import count_kinds, episodes
from ecg_edge.quantize.bundle.engines import Engine, beat_inputs

REFERENCE: Final = "atr"

# Kinds of events that mitdb's rhythm annotations have, too, with the note there.
NOTES: Final = {"irregularly irregular": "(AFIB", "bigeminy": "(B", "trigeminy": "(T"}
_OTHER_RHYTHM: Final = "(N"


@dataclass(frozen=True, eq=False)
class RecordRhythm:
    """A record as the device labels it.

    Attributes
    ----------
    timing : Timing
        Rate and length of the record.
    events : list of RhythmEvent
        Rhythm events; samples at 360 Hz.
    beats : Annotations
        The device's beats: the model's labels, or Q in bad signal.
    """

    timing: Timing
    events: list[RhythmEvent]
    beats: Annotations

    @property
    def annotations(self) -> Annotations:
        """Beats, and rhythm annotations of atrial fibrillation, in the order of time."""
        rhythm = self.rhythm("irregularly irregular")
        samples = np.concatenate([rhythm.samples, self.beats.samples])
        order = np.argsort(samples, kind="stable")
        symbols = np.concatenate([rhythm.symbols, self.beats.symbols])
        notes = [*rhythm.aux, *self.beats.aux]
        return Annotations.of(samples[order], symbols[order], aux=[notes[k] for k in order])

    def rhythm(self, name: str) -> Annotations:
        """Convert episodes of one of `NOTES` to rhythm annotations: its note, then "(N" at the end."""
        found = [episode for episode in episodes(self.events) if episode.name == name]
        at = convert_samples([s for e in found for s in (e.onset, e.end)], FS_HZ, self.timing.fs_hz)
        return Annotations.of(at, "+" * len(at), aux=[NOTES[name], _OTHER_RHYTHM] * len(found))


@dataclass(frozen=True, eq=False)
class RhythmScores:
    """Comparison of one record with its annotations.

    Attributes
    ----------
    episodes : dict of str to EpisodeComparison
        For each of `NOTES`.
    veb_runs, sveb_runs : RunComparison
        Runs of ventricular and of supraventricular beats, by the rules of `rxr`.
    counts : dict of str to int
        Episodes of every kind of event.
    """

    episodes: dict[str, EpisodeComparison]
    veb_runs: RunComparison
    sveb_runs: RunComparison
    counts: dict[str, int]


def analyze_record(
    root: Path,
    database: str,
    name: str,
    engine: Engine,
    labels: Sequence[str],
    *,
    lead: str = "auto",
    mains_hz: int = 60,
) -> RecordRhythm:
    """Run one lead of a record through signal path, network and rhythm rules, as the device does.

    Parameters
    ----------
    root : Path
        Folder of the databases.
    database, name : str
        E.g. "mitdb", "100".
    engine : Engine
        Runs the model.
    labels : sequence of str
        The model's labels.
    lead : str
        Name of the lead; "auto" chooses one.
    mains_hz : int
        Mains frequency to suppress, 50 or 60 Hz.
    """
    record = load_record(root, database, name, lead=lead, annotator=None)
    processed = process_signal(record.samples, adu_per_mv=record.adu_per_mv, mains_hz=mains_hz)
    beats = processed.beats
    outputs = engine.run(beat_inputs(beats))
    events = expect_events(processed, outputs, labels, len(record.samples))
    symbols = symbols_of(labels_of(outputs, labels, beats["flags"]), labels)
    timing = read_timing(root / database, name)
    return RecordRhythm(
        timing, events, Annotations.of(convert_samples(beats["r_sample"], FS_HZ, timing.fs_hz), symbols)
    )


def score(watched: RecordRhythm, folder: Path, name: str) -> RhythmScores:
    """Compare with the reference annotations of record `name` in `folder`."""
    timing = watched.timing
    reference = read_annotations(folder, name, REFERENCE, timing.fs_hz)
    limits = {"fs_hz": timing.fs_hz, "end_s": timing.length_s}
    return RhythmScores(
        {
            kind: compare_episodes(reference, watched.rhythm(kind), rhythm=note, **limits)
            for kind, note in NOTES.items()
        },
        compare_runs(reference, watched.annotations, kind="veb", **limits),
        compare_runs(reference, watched.annotations, kind="sveb", **limits),
        count_kinds(watched.events),
    )


def summarize(found: dict[str, RhythmScores]) -> dict[str, Any]:
    """Compute gross figures with counts: each episode, second and run has the same weight."""
    items = list(found.items())
    runs = {
        "veb_runs": summarize_runs([(name, scores.veb_runs) for name, scores in items]).total,
        "sveb_runs": summarize_runs([(name, scores.sveb_runs) for name, scores in items]).total,
    }
    return {
        "records": len(items),
        **{kind: _episode_figures([scores.episodes[kind] for _, scores in items]) for kind in NOTES},
        **{kind: _with_counts(total.figures, total.ratios) for kind, total in runs.items()},
        "episodes": _add_counts(scores.counts for _, scores in items),
    }


def _episode_figures(comparisons: Sequence[EpisodeComparison]) -> dict[str, Any]:
    total = sum(comparisons[1:], comparisons[0])
    return _with_counts(total.figures, total.ratios)


def _with_counts(figures: dict[str, float], ratios: dict[str, Ratio]) -> dict[str, Any]:
    return {**figures, "counts": {name: list(ratio) for name, ratio in ratios.items()}}


def _add_counts(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for kind, count in one.items():
            total[kind] = total.get(kind, 0) + count
    return total
