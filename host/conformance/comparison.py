"""Device against reference, beat by beat and strip by strip, byte by byte, and event by event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from itertools import zip_longest

from ecg_edge.host.link.client import Progress
from ecg_edge.host.link.messages import Beat, Morphology, RhythmEvent, SignalQuality
from ecg_edge.host.reference.expected import Expected

_NOT_COMPARED = ("beat_index", "confidence", "output")  # the key; a figure for people; compared byte by byte
FIELDS = tuple(field.name for field in fields(Beat) if field.name not in _NOT_COMPARED)
MAX_SHOWN = 5  # differences kept in full, for the table that a person reads


@dataclass(frozen=True)
class Difference:
    """One beat on which device and reference disagree; `expected` or `device` is None where there is none."""

    beat_index: int
    fields: tuple[str, ...]
    expected: Beat | None
    device: Beat | None


@dataclass(frozen=True)
class EventDifference:
    """One rhythm event on which device and reference disagree; None where there is no such event."""

    event_index: int
    expected: RhythmEvent | None
    device: RhythmEvent | None


@dataclass(frozen=True)
class StripDifference:
    """One strip on whose result device and reference disagree; None where there is no such result."""

    strip_index: int
    expected: Morphology | None
    device: Morphology | None


@dataclass
class Comparison:
    """Counts of differences; all zero when device and reference agree.

    Attributes
    ----------
    beats : int
        Beats that the reference expects.
    compared, agreeing : int
        Beats that arrived and were expected, and those of them that are equal in every field.
    lost_beats, extra_beats : int
        Expected beats that never arrived; beats that arrived twice or were not expected.
    differing_bytes : int
        Bytes of output that differ; a lost or an extra beat counts with all of its bytes.
    differing_fields : dict
        Beats that differ, by field: r_sample, rr_samples, flags, quality, input_crc32, label.
    changes, differing_changes, lost_changes : int
        Changes between good and bad signal; QUALITY frames that are missing, unexpected or different; those
        missing where nothing else is wrong with them.
    differences : list of Difference
        The first few of them, in full.
    events, agreeing_events : int
        Rhythm events that the reference expects, and those that arrived and are equal in every field.
    lost_events, extra_events, differing_events : int
        Expected events that never arrived; events that arrived twice or were not expected; those that differ.
    event_differences : list of EventDifference
        The first few of these, in full.
    strips, agreeing_strips : int
        Results of the morphology network that the reference expects, and those that arrived and are equal.
    lost_strips, extra_strips, differing_strips : int
        As of events.
    differing_strip_bytes : int
        Bytes of its output that differ; a lost or an extra result counts with all of its bytes.
    strip_differences : list of StripDifference
        The first few of these, in full.
    """

    beats: int = 0
    compared: int = 0
    agreeing: int = 0
    lost_beats: int = 0
    extra_beats: int = 0
    differing_bytes: int = 0
    differing_fields: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    changes: int = 0
    differing_changes: int = 0
    lost_changes: int = 0
    differences: list[Difference] = field(default_factory=list)
    events: int = 0
    agreeing_events: int = 0
    lost_events: int = 0
    extra_events: int = 0
    differing_events: int = 0
    event_differences: list[EventDifference] = field(default_factory=list)
    strips: int = 0
    agreeing_strips: int = 0
    lost_strips: int = 0
    extra_strips: int = 0
    differing_strips: int = 0
    differing_strip_bytes: int = 0
    strip_differences: list[StripDifference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Nothing differs."""
        of_beats = self.lost_beats or self.extra_beats or self.differing_bytes
        of_fields = any(self.differing_fields.values())
        of_events = self.lost_events or self.extra_events or self.differing_events
        of_strips = self.lost_strips or self.extra_strips or self.differing_strips
        return not (of_beats or of_fields or of_events or of_strips or self.differing_changes)

    @property
    def is_only_lost(self) -> bool:
        """Something is missing, and nothing else differs."""
        is_wrong = self.compared != self.agreeing or self.extra_beats
        is_wrong_event = self.differing_events or self.extra_events
        is_wrong_strip = self.differing_strips or self.extra_strips
        is_wrong_change = self.differing_changes and not self.lost_changes
        return not (self.agrees or is_wrong or is_wrong_event or is_wrong_strip or is_wrong_change)


class Comparator:
    """Compare beats as they arrive, so that agreement can be shown while a record streams."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected.beat_messages()
        self._seen: set[int] = set()
        self._changes = expected.quality_messages()
        self._changes_seen: list[SignalQuality] = []
        self._events = expected.events
        self._seen_events: set[int] = set()
        self._strips = expected.strips or []
        self._seen_strips: set[int] = set()
        self.comparison = Comparison(
            beats=len(self._expected),
            changes=len(self._changes),
            events=len(self._events),
            strips=len(self._strips),
        )

    def take(self, beats: Iterable[Beat]) -> None:
        """Compare beats that have just arrived."""
        for beat in beats:
            if beat.beat_index in self._seen or beat.beat_index >= len(self._expected):
                self._take_extra(beat)
            else:
                self._seen.add(beat.beat_index)
                self._take_expected(self._expected[beat.beat_index], beat)

    def take_changes(self, changes: Iterable[SignalQuality]) -> None:
        """Note QUALITY frames that have just arrived; their order is compared at the end."""
        self._changes_seen.extend(changes)

    def take_events(self, events: Iterable[RhythmEvent]) -> None:
        """Compare rhythm events that have just arrived."""
        result = self.comparison
        for event in events:
            index = event.event_index
            known = index < len(self._events) and index not in self._seen_events
            expected = self._events[index] if known else None
            self._seen_events.add(index)
            result.agreeing_events += event == expected
            result.extra_events += not known
            result.differing_events += known and event != expected
            if event != expected:
                result.event_differences.append(EventDifference(index, expected, event))

    def take_strips(self, results: Iterable[Morphology]) -> None:
        """Compare results of the morphology network that have just arrived."""
        for result in results:
            index = result.strip_index
            known = index < len(self._strips) and index not in self._seen_strips
            self._seen_strips.add(index)
            self._take_strip(self._strips[index] if known else None, result)

    def _take_strip(self, expected: Morphology | None, result: Morphology) -> None:
        counts = self.comparison
        if expected == replace(result, confidence=0):
            counts.agreeing_strips += 1
            return
        counts.extra_strips += expected is None
        counts.differing_strips += expected is not None
        counts.differing_strip_bytes += count_differing_bytes(
            expected.output if expected else b"", result.output
        )
        counts.strip_differences.append(StripDifference(result.strip_index, expected, result))

    def finish(self, complete: bool = True) -> Comparison:
        """Return the result, with the beats, events and strips that never arrived. Call it once.

        Parameters
        ----------
        complete : bool
            False: the stream ended early, so that only what comes before the last that arrived is lost.
        """
        changes = self._changes if complete else self._changes[: len(self._changes_seen)]
        pairs = zip_longest(changes, self._changes_seen)
        self.comparison.differing_changes = sum(expected != change for expected, change in pairs)
        in_order = iter(changes)
        if all(change in in_order for change in self._changes_seen):
            self.comparison.lost_changes = len(changes) - len(self._changes_seen)
        self._finish_events(complete)
        self._finish_strips(complete)
        end = len(self._expected) if complete else max(self._seen, default=0)
        for expected in self._expected[:end]:
            if expected.beat_index not in self._seen:
                self.comparison.lost_beats += 1
                self.comparison.differing_bytes += len(expected.output)
                self.comparison.differences.append(Difference(expected.beat_index, ("lost",), expected, None))
        self.comparison.differences.sort(key=lambda difference: difference.beat_index)
        del self.comparison.differences[MAX_SHOWN:]
        return self.comparison

    def _finish_events(self, complete: bool) -> None:
        result = self.comparison
        end = len(self._events) if complete else max(self._seen_events, default=0)
        for expected in self._events[:end]:
            if expected.event_index not in self._seen_events:
                result.lost_events += 1
                result.event_differences.append(EventDifference(expected.event_index, expected, None))
        result.event_differences.sort(key=lambda difference: difference.event_index)
        del result.event_differences[MAX_SHOWN:]

    def _finish_strips(self, complete: bool) -> None:
        result = self.comparison
        end = len(self._strips) if complete else max(self._seen_strips, default=0)
        for expected in self._strips[:end]:
            if expected.strip_index not in self._seen_strips:
                result.lost_strips += 1
                result.differing_strip_bytes += len(expected.output)
                result.strip_differences.append(StripDifference(expected.strip_index, expected, None))
        result.strip_differences.sort(key=lambda difference: difference.strip_index)
        del result.strip_differences[MAX_SHOWN:]

    def _take_extra(self, beat: Beat) -> None:
        self.comparison.extra_beats += 1
        self.comparison.differing_bytes += len(beat.output)
        self.comparison.differences.append(Difference(beat.beat_index, ("extra",), None, beat))

    def _take_expected(self, expected: Beat, beat: Beat) -> None:
        differing = [name for name in FIELDS if getattr(expected, name) != getattr(beat, name)]
        for name in differing:
            self.comparison.differing_fields[name] += 1
        if wrong_bytes := count_differing_bytes(expected.output, beat.output):
            self.comparison.differing_bytes += wrong_bytes
            differing.append("output")
        self.comparison.compared += 1
        self.comparison.agreeing += not differing
        if differing:
            self.comparison.differences.append(Difference(beat.beat_index, tuple(differing), expected, beat))


def compare(expected: Expected, progress: Progress) -> Comparison:
    """Compare all that arrived of a record; it may have ended early."""
    comparator = Comparator(expected)
    comparator.take(progress.beats)
    comparator.take_events(progress.events)
    comparator.take_changes(progress.changes)
    if expected.strips is not None:
        comparator.take_strips(progress.strips)
    return comparator.finish(progress.done is not None)


def count_differing_bytes(first: bytes, second: bytes) -> int:
    """Count the bytes that differ; where one is longer, every byte beyond the other's end differs."""
    return sum(a != b for a, b in zip(first, second, strict=False)) + abs(len(first) - len(second))
