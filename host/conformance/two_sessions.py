"""Two sessions of the same records, of two boards, firmwares or models: what differs between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.scoring import match_beats
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.host.conformance.beats_csv import read_beats
from ecg_edge.host.conformance.events_csv import read_events
from ecg_edge.host.conformance.folder import BEATS_NAME, EVENTS_NAME
from ecg_edge.host.conformance.results import SessionResults
from ecg_edge.host.link.messages import Beat, RhythmEvent
from ecg_edge.host.reference.labels import label_name

SHOWN = 10
"""Differences of a record that are kept in full."""


@dataclass(frozen=True)
class BeatPair:
    """A beat of both sessions whose label differs, or that only one has (None)."""

    time_s: float
    first: str | None
    second: str | None


@dataclass
class RecordComparison:
    """Counts of one record.

    Attributes
    ----------
    database, record : str
    beats : int
        Beats that both sessions have.
    equal : int
        Of these, equal in every byte.
    labels : int
        Of these, with another label.
    only_first, only_second : int
        Beats that one session alone has, within 150 ms.
    events, events_only_first, events_only_second : int
        Rhythm events that both have, and those that one alone has.
    confusion : Counter
        Number of beats by the two labels, where they differ.
    first_differences : list of BeatPair
        The first few.
    """

    database: str
    record: str
    beats: int = 0
    equal: int = 0
    labels: int = 0
    only_first: int = 0
    only_second: int = 0
    events: int = 0
    events_only_first: int = 0
    events_only_second: int = 0
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    first_differences: list[BeatPair] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Nothing differs."""
        return not (
            self.beats - self.equal
            or self.only_first
            or self.only_second
            or self.events_only_first
            or self.events_only_second
        )


@dataclass(frozen=True)
class SessionSide:
    """One of the two sessions: its folder and its results."""

    folder: Path
    results: SessionResults

    @property
    def labels(self) -> Sequence[str]:
        """Labels of the device."""
        labels: Sequence[str] = self.results["device"]["labels"]
        return labels


def compare_sessions(first: SessionSide, second: SessionSide) -> list[RecordComparison]:
    """Compare the records that both sessions have.

    Raises
    ------
    EcgEdgeError
        When they have none in common, or a record was sampled or cut in another way.
    """
    entries = [{(e["database"], e["record"]): e for e in side.results["records"]} for side in (first, second)]
    common = [key for key in entries[0] if key in entries[1]]
    if not common:
        raise EcgEdgeError(f"{first.folder} and {second.folder} have no record in common.")
    for key in common:
        one, other = entries[0][key], entries[1][key]
        if (one["fs_hz"], one["samples"]) != (other["fs_hz"], other["samples"]):
            raise EcgEdgeError(f"{'/'.join(key)}: has another rate or length in the two sessions.")
    beats = [read_beats(side.folder / BEATS_NAME, side.labels) for side in (first, second)]
    events = [read_events(side.folder / EVENTS_NAME) for side in (first, second)]
    found = []
    for key in common:
        result = RecordComparison(*key)
        fs_hz = entries[0][key]["fs_hz"]
        pair = beats[0].get(key, []), beats[1].get(key, [])
        _compare_beats(result, pair, (first.labels, second.labels), fs_hz)
        _compare_events(result, events[0].get(key, []), events[1].get(key, []))
        found.append(result)
    return found


def _compare_beats(
    result: RecordComparison,
    beats: tuple[Sequence[Beat], Sequence[Beat]],
    labels: tuple[Sequence[str], Sequence[str]],
    fs_hz: int,
) -> None:
    peaks = [[beat.r_sample for beat in one] for one in beats]
    pairs = match_beats(peaks[0], peaks[1], round(MATCH_WINDOW_S * fs_hz)).tolist()
    differing: list[BeatPair] = []
    for i, j in pairs:
        one, other = beats[0][i], beats[1][j]
        names = label_name(one.label, labels[0]), label_name(other.label, labels[1])
        result.equal += _content(one, names[0]) == _content(other, names[1])
        if names[0] != names[1]:
            result.confusion[names] += 1
            differing.append(BeatPair(one.r_sample / fs_hz, *names))
    alone = [set(range(len(peaks[side]))) - {pair[side] for pair in pairs} for side in (0, 1)]
    differing += [
        BeatPair(peaks[0][i] / fs_hz, label_name(beats[0][i].label, labels[0]), None) for i in alone[0]
    ]
    differing += [
        BeatPair(peaks[1][j] / fs_hz, None, label_name(beats[1][j].label, labels[1])) for j in alone[1]
    ]
    result.beats, result.labels = len(pairs), sum(result.confusion.values())
    result.only_first, result.only_second = len(alone[0]), len(alone[1])
    result.first_differences = sorted(differing, key=lambda pair: pair.time_s)[:SHOWN]


def _content(beat: Beat, label: str) -> tuple[object, ...]:
    place = (beat.r_sample, beat.rr_samples, beat.flags, beat.quality, beat.p_wave)
    return (*place, label, beat.input_crc32, beat.output)


def _compare_events(
    result: RecordComparison, first: Sequence[RhythmEvent], second: Sequence[RhythmEvent]
) -> None:
    counts = [Counter(_event_content(event) for event in one) for one in (first, second)]
    result.events = (counts[0] & counts[1]).total()
    result.events_only_first = (counts[0] - counts[1]).total()
    result.events_only_second = (counts[1] - counts[0]).total()


def _event_content(event: RhythmEvent) -> tuple[int, ...]:
    """Everything but the number of the event, which one more event before it changes."""
    return (
        *(event.kind, event.phase, event.flags, event.onset, event.end, event.beats, event.rate_x10),
        *(event.mean_rr, event.shortest_rr, event.longest_rr, event.irregularity_permille, event.confidence),
    )
