"""The device's report on a signal as it comes: beats, quality, and rhythm events with the time of telling.

    heard = listen(record, mains_hz=60)                 # signal path, in blocks
    [report] = report_all(engine, labels, [heard])      # network over all beats at once, then rhythm rules

The onset of an event is the time at which a rhythm began; `told` is the time at which the device reported it,
by which the delay of an alarm is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.records import Record
from ecg_edge.firmware import Beats, Processed, SignalPath
from ecg_edge.firmware.binding.rhythm import (
    BEGIN,
    END,
    FLAG_TRUNCATED,
    HEART_RATE,
    Evidence,
    Rhythm,
    kind_name,
    merge_turns,
    settled,
)
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.labels import LabelRules, Symbols, symbols_of
from ecg_edge.host.reference.rhythm_events import classes_of, evidence_of, to_messages
from ecg_edge.quantize.bundle.engines import Engine, beat_inputs

BLOCK_S: Final = 0.25
"""Length of a block in seconds: times of telling are rounded up to it."""

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Heard:
    """What the signal path makes of a signal that comes in blocks.

    Attributes
    ----------
    fs_hz : int
        Rate of the board.
    samples : int
        Length of the signal.
    processed : Processed
        Beats, and the state of the signal.
    taken : int64 (b,)
        Number of samples at the end of each block.
    beat_counts : int64 (b,)
        Number of beats by then.
    """

    fs_hz: int
    samples: int
    processed: Processed
    taken: IntArray
    beat_counts: IntArray

    @property
    def beats(self) -> Beats:
        """Beats, shape (n,)."""
        return self.processed.beats


class Alarm(NamedTuple):
    """A rhythm event from its onset to its end; all times in seconds of the signal.

    Attributes
    ----------
    name : str
        Kind, e.g. "asystole".
    onset_s, end_s : float
        Time that the rhythm lasted.
    told_s, over_s : float
        Time at which the device reported the onset, and the end.
    cut : bool
        Bad signal or the end of the record ended the episode, and not the rhythm.
    rate_bpm : float
        Mean rate; 0 when it is not known.
    beats : int
        Number of beats.
    """

    name: str
    onset_s: float
    end_s: float
    told_s: float
    over_s: float
    cut: bool
    rate_bpm: float
    beats: int


@dataclass(frozen=True, eq=False)
class Report:
    """The device's report on a signal.

    Attributes
    ----------
    heard : Heard
        Result of the signal path.
    symbols : str (n,)
        Label of each beat, as a WFDB symbol; "Q" in bad signal.
    events : list of RhythmEvent
        Events in the order of telling.
    told : int64 (e,)
        Number of samples that the device had taken when it told each event.
    """

    heard: Heard
    symbols: Symbols
    events: list[RhythmEvent]
    told: IntArray

    @property
    def duration_s(self) -> float:
        """Length of the signal in seconds."""
        return self.heard.samples / self.heard.fs_hz

    @property
    def beat_times_s(self) -> npt.NDArray[np.float64]:
        """Time of each beat's R peak, shape (n,)."""
        return self.heard.beats["r_sample"] / self.heard.fs_hz

    def alarms(self) -> list[Alarm]:
        """List the episodes in the order of onset; heart rates are not among them."""
        return alarms_of(self.events, self.heard.fs_hz, self.told.tolist())


def alarms_of(events: Sequence[RhythmEvent], fs_hz: int, told: Sequence[int] | None = None) -> list[Alarm]:
    """List the episodes of a device's events in the order of onset; heart rates are not among them.

    Parameters
    ----------
    events : sequence of RhythmEvent
        In the order of telling.
    fs_hz : int
        Rate that their samples count in.
    told : sequence of int, optional
        Number of samples that the device had taken at each; else an event counts as told when it is over.
    """
    times = [event.end for event in events] if told is None else told
    begun: dict[tuple[int, int], int] = {}
    found = []
    for event, at in zip(events, times, strict=True):
        key = (event.kind, event.onset)
        if event.phase == BEGIN:
            begun.setdefault(key, at)
        elif event.phase == END and event.kind != HEART_RATE:
            found.append(_alarm(event, begun.pop(key, at), at, fs_hz))
    return sorted(found, key=lambda alarm: (alarm.onset_s, alarm.name))


def _alarm(event: RhythmEvent, told: int, over: int, fs_hz: int) -> Alarm:
    return Alarm(
        *(kind_name(event.kind), event.onset / fs_hz, event.end / fs_hz, told / fs_hz, over / fs_hz),
        cut=bool(event.flags & FLAG_TRUNCATED),
        rate_bpm=event.rate_x10 / 10,
        beats=event.beats,
    )


def listen(record: Record, mains_hz: int = 60, start: int = 0, stop: int | None = None) -> Heard:
    """Push a record, or samples `start` to `stop` of it, through a fresh signal path in blocks."""
    samples, fs_hz = record.samples[start:stop], record.fs_hz
    path = SignalPath(record.adu_per_mv, mains_hz, fs_hz=fs_hz)
    block = round(BLOCK_S * fs_hz)
    parts, counts = [], [0]
    ends = [*range(block, len(samples), block), len(samples)]
    for end, begin in zip(ends, [0, *ends], strict=False):
        off = (record.invalid_spans - (start + begin)).clip(0, end - begin)
        parts.append(path.push_with_gaps(samples[begin:end], off))
        counts.append(counts[-1] + len(parts[-1]))
    beats = np.concatenate([*parts, path.finish()])
    processed = Processed.of(path, beats)
    return Heard(fs_hz, len(samples), processed, np.array(ends, np.int64), np.array(counts[1:], np.int64))


def report_all(engine: Engine, labels: Sequence[str], heard: Sequence[Heard]) -> list[Report]:
    """Label the beats of several signals in one run of the network, and apply the rhythm rules to each.

    Parameters
    ----------
    engine : Engine
        Runs the model.
    labels : sequence of str
        The model's labels.
    heard : sequence of Heard
        Results of the signal path.
    """
    if not heard:
        return []
    outputs = engine.run(beat_inputs(np.concatenate([one.beats for one in heard])))
    ends = np.cumsum([len(one.beats) for one in heard])
    return [_report(one, part, labels) for one, part in zip(heard, np.split(outputs, ends[:-1]), strict=True)]


def _report(heard: Heard, outputs: npt.NDArray[np.int8], labels: Sequence[str]) -> Report:
    chosen = LabelRules(labels).take(heard.beats, outputs)
    classes = classes_of(chosen.labels, labels, heard.beats["flags"])
    rules = _Rules(heard, classes, evidence_of(heard.beats, outputs, chosen.labels, labels))
    for taken, count in zip(heard.taken.tolist(), heard.beat_counts.tolist(), strict=True):
        rules.take(count, taken)
    rules.finish()
    symbols = symbols_of(chosen.settle(np.concatenate(rules.in_fibrillation)), labels)
    return Report(heard, symbols, to_messages(np.concatenate(rules.events)), np.array(rules.told, np.int64))


class _Rules:
    """The rhythm rules beside a signal path that is pushed block by block, as in `follow_beats`."""

    def __init__(self, heard: Heard, classes: npt.NDArray[np.uint8], evidence: Evidence) -> None:
        self._heard, self._rhythm = heard, Rhythm(heard.fs_hz)
        self._columns: tuple[Any, ...] = (
            heard.beats["r_sample"],
            heard.beats["rr_samples"],
            classes,
            evidence,
        )
        changes = [(int(change["sample"]), bool(change["bad"])) for change in heard.processed.changes]
        self._turns = merge_turns(changes, heard.processed.ventricular)
        self._next_turn = self._next_beat = 0
        self._is_bad = False
        self.events: list[npt.NDArray[np.void]] = [self._rhythm.tick(0)]
        self.told = [0] * len(self.events[0])
        self.in_fibrillation: list[npt.NDArray[np.bool_]] = [np.zeros(0, bool)]

    def take(self, count: int, taken: int) -> None:
        """Give the beats up to number `count`, when `taken` samples have come."""
        peaks = self._heard.beats["r_sample"][self._next_beat : count].tolist()
        for number, peak in enumerate(peaks, start=self._next_beat):
            self._turn(peak, taken)
            one = slice(number, number + 1)
            found = self._rhythm.beats(*(column[one] for column in self._columns))
            self._add(found.events, taken)
            self.in_fibrillation.append(found.in_fibrillation)
        self._next_beat = max(count, self._next_beat)
        until = settled(taken, self._heard.fs_hz)
        self._turn(until, taken)
        self._add(self._rhythm.tick(until, self._is_bad), taken)

    def finish(self) -> None:
        """Give the last beats, and end the signal."""
        samples = self._heard.samples
        self.take(len(self._heard.beats), samples)
        self._turn(samples, samples)
        self._add(self._rhythm.finish(samples), samples)

    def _turn(self, until: int, taken: int) -> None:
        """Give the changes of the signal, and ventricular states, up to sample `until`."""
        while self._next_turn < len(self._turns) and self._turns[self._next_turn].sample <= until:
            turn = self._turns[self._next_turn]
            self._add(turn.apply(self._rhythm), taken)
            self._is_bad = turn.is_bad if turn.ventricular is None else self._is_bad
            self._next_turn += 1

    def _add(self, events: npt.NDArray[np.void], taken: int) -> None:
        if len(events):
            self.events.append(events)
            self.told += [taken] * len(events)
