"""Strips of a replay: of every kind of beat, and of every kind of rhythm event, errors first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, TypeVar

import numpy as np

from ecg_edge.host.conformance.accuracy import MISSED, NO_BEAT, LabelledRecord, reference_annotations
from ecg_edge.host.evaluation.alarms import Truth, is_confirmed
from ecg_edge.host.evaluation.stream import alarms_of
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.labels import symbol_of
from ecg_edge.host.reference.rhythm_events import Episode, describe, episodes
from ecg_edge.host.report.charts import LANES, Place
from ecg_edge.host.report.page import Example
from ecg_edge.host.report.paper import Letter, PaperStrip, Shade, paper_svg
from ecg_edge.host.report.strips import beat_kinds, clock

OnProgress = Callable[[str, int, int], None]  # part of the work, steps done, steps in all
Key = tuple[str, str]  # database and record

STRIP_S: Final = 6.0
_LEAD_IN_S: Final = 1.2
_HALF_S: Final = 0.12  # half of the shade over a beat

T = TypeVar("T")


def tracked(part: str, steps: Sequence[T], on_progress: OnProgress) -> Iterator[T]:
    """Go through `steps` and report each."""
    for done, step in enumerate(steps):
        on_progress(part, done, len(steps))
        yield step
    on_progress(part, len(steps), len(steps))


@dataclass(frozen=True, eq=False)
class Replayed:
    """A record of a session as the report shows it; what several parts need is computed once.

    Attributes
    ----------
    item : LabelledRecord
    labels : tuple of str
        The device's labels.
    events : sequence of RhythmEvent
        The device's rhythm events.
    """

    item: LabelledRecord
    labels: Sequence[str]
    events: Sequence[RhythmEvent] = ()

    @property
    def name(self) -> str:
        """E.g. "mitdb 100"."""
        return f"{self.item.record.database} {self.item.record.name}"

    @cached_property
    def kinds(self) -> list[tuple[str, str, int]]:
        """Annotated symbol, device label and sample of every beat, by `beat_kinds`."""
        return beat_kinds(self.item, self.labels)

    @cached_property
    def errors(self) -> list[int]:
        """Samples of the beats whose annotation and label differ, or that have only one of the two."""
        return [sample for annotated, reported, sample in self.kinds if annotated != reported]

    @cached_property
    def false_episodes(self) -> frozenset[Place]:
        """Episodes that the annotations do not confirm; empty without annotations."""
        item, fs_hz = self.item, self.item.record.fs_hz
        if not len(item.record.annotation_samples):
            return frozenset()
        truth = Truth.of(reference_annotations(item), fs_hz, item.samples / fs_hz)
        alarms = alarms_of(self.events, fs_hz)
        return frozenset(
            (alarm.name, round(alarm.onset_s * fs_hz))
            for alarm in alarms
            if is_confirmed(alarm, truth) is False
        )

    def strip(self, title: str, start_s: float, shade: Shade | None) -> str:
        """Draw a strip: labels above, annotations below, a dot at each R peak that the device reported."""
        item, record = self.item, self.item.record
        latest_s = max(item.samples / record.fs_hz - STRIP_S, 0.0)
        start_s = min(max(start_s, 0.0), latest_s)
        first, last = round(start_s * record.fs_hz), round((start_s + STRIP_S) * record.fs_hz)
        half = round(_HALF_S * record.fs_hz)
        low, high = np.searchsorted(self._peaks, [first, last])
        beats = item.beats[int(low) : int(high)]
        begin, end = np.searchsorted(record.beat_samples, [first, last])
        annotated = zip(record.beat_samples[begin:end], record.beat_symbols[begin:end], strict=True)
        wrong = [Shade(at - half, at + half, "wrong-mark") for at in self.errors if first <= at < last]
        return paper_svg(
            PaperStrip(
                *(record.samples[: item.samples], record.fs_hz, record.adu_per_mv, start_s, STRIP_S, title),
                above=[Letter(beat.r_sample, symbol_of(beat.label, self.labels, "?")) for beat in beats],
                below=[Letter(int(at), str(symbol)) for at, symbol in annotated],
                dots=[beat.r_sample for beat in beats],
                shades=[*([shade] if shade else []), *wrong],
                below_name="annotated",
            )
        )

    @cached_property
    def _peaks(self) -> list[int]:
        return [beat.r_sample for beat in self.item.beats]


# ---- beats ------------------------------------------------------------------------------------------


class BeatExamples(NamedTuple):
    """Strips of beats: errors by their number, then beats outside the labels, then those as annotated."""

    wrong: list[Example]
    outside: list[Example]
    right: list[Example]


def beat_examples(
    replayed: Sequence[Replayed], labels: Sequence[str], on_progress: OnProgress
) -> BeatExamples:
    """Draw one strip of every kind of beat.

    Of each kind the middle one of all is shown, so that nothing is picked by eye; the most frequent first.
    """
    kinds: dict[tuple[str, str], list[tuple[Replayed, int]]] = defaultdict(list)
    for one in tracked("matching beats", replayed, on_progress):
        for annotated, reported, sample in one.kinds:
            kinds[annotated, reported].append((one, sample))
    known = {*labels, NO_BEAT}
    found = BeatExamples([], [], [])
    order = sorted(kinds, key=lambda kind: (-len(kinds[kind]), kind))
    for kind in tracked("drawing strips", order, on_progress):
        group = found.right if kind[0] == kind[1] else found.wrong if kind[0] in known else found.outside
        group.append(_beat_example(kind, kinds[kind]))
    return found


def _beat_example(kind: tuple[str, str], places: list[tuple[Replayed, int]]) -> Example:
    one, sample = places[len(places) // 2]
    fs_hz = one.item.record.fs_hz
    at_s, half = sample / fs_hz, round(2 * _HALF_S * fs_hz)
    title = f"{_annotated(kind[0])}, {_reported(kind[1])}"
    caption = f"{one.name} at {clock(at_s)}; {len(places):,} of this kind"
    shade = Shade(sample - half, sample + half)
    return Example(title, caption, one.strip(f"{title}: {caption}", at_s - STRIP_S / 2, shade))


def _annotated(name: str) -> str:
    return "no beat annotated" if name == NO_BEAT else f"annotated {name}"


def _reported(name: str) -> str:
    if name == MISSED:
        return "missed by the device"
    return "not labelled by the device" if name == "?" else f"device label {name}"


# ---- rhythm -----------------------------------------------------------------------------------------


def rhythm_examples(replayed: Sequence[Replayed], on_progress: OnProgress) -> list[Example]:
    """Draw a strip of each kind of event: a false one where there is any, and one that is not.

    Of each the middle one of all is shown, so that nothing is picked by eye.
    """
    groups: dict[tuple[bool, str], list[tuple[Replayed, Episode]]] = defaultdict(list)
    for one in tracked("checking events", replayed, on_progress):
        for episode in episodes(one.events):
            is_false = (episode.name, episode.onset) in one.false_episodes
            groups[is_false, episode.name].append((one, episode))
    order = [key for is_false in (True, False) for name in LANES if (key := (is_false, name)) in groups]
    found = []
    for is_false, name in tracked("drawing events", order, on_progress):
        places, other = groups[is_false, name], len(groups.get((not is_false, name), ()))
        found.append(_rhythm_example(is_false, places, other))
    return found


def _rhythm_example(is_false: bool, places: list[tuple[Replayed, Episode]], others: int) -> Example:
    one, episode = places[len(places) // 2]
    fs_hz, count = one.item.record.fs_hz, len(places)
    title = f"{'False: ' if is_false else ''}{episode.name} ({count:,} of {count + others:,})"
    caption = f"{one.name}: {describe(episode, fs_hz).strip()}, {episode.priority} priority"
    caption += ". The annotations do not confirm it" if is_false else ""
    shade = Shade(episode.onset, episode.end)
    return Example(
        title, caption, one.strip(f"{title}: {caption}", episode.onset / fs_hz - _LEAD_IN_S, shade)
    )


def by_record(replayed: Sequence[Replayed]) -> dict[Key, Replayed]:
    """Find a record by database and name."""
    return {(one.item.record.database, one.item.record.name): one for one in replayed}
