"""Rhythm events: the reference beside a streamed signal, episodes, and their text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.figures import counted
from ecg_edge.firmware import FLAG_DOUBTFUL, FLAG_LEARNING, FLAG_UNCLASSIFIABLE
from ecg_edge.firmware.binding.rhythm import (
    ALARM_KINDS,
    DOUBTFUL,
    END,
    EVIDENCE_DTYPE,
    FLAG_TRUNCATED,
    HEART_RATE,
    UNCLASSIFIABLE,
    UNLABELLED,
    VENTRICULAR,
    Evidence,
    Rhythm,
    Turn,
    class_of,
    kind_name,
    merge_turns,
    settled,
)
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.labels import LabelRules, Labels
from ecg_edge.host.reference.signal_reasons import EVENT_ADVICE


def priority_of(event: RhythmEvent) -> str:
    """Return the priority of an event as an alarm: one of `ecg_edge.firmware.binding.rhythm.PRIORITIES`."""
    found = ALARM_KINDS.get(event.kind)
    return found.priority if found else "none"


@dataclass(frozen=True)
class Episode:
    """A rhythm event from its onset to its end, as its END frame reports it.

    Attributes
    ----------
    name : str
        Kind of event, e.g. "V run".
    onset, end : int
        Samples.
    cut : bool
        Bad signal or the end of the record ended the episode, and not the rhythm.
    event : RhythmEvent
        The message, with its evidence.
    """

    name: str
    onset: int
    end: int
    cut: bool
    event: RhythmEvent

    @property
    def priority(self) -> str:
        """Priority as an alarm, e.g. "high"."""
        return priority_of(self.event)


def classes_of(
    labels: NDArray[np.integer[Any]], names: Sequence[str], flags: NDArray[np.integer[Any]] | None = None
) -> NDArray[np.uint8]:
    """Map the label of each beat to its class for the rhythm rules, shape (n,).

    Parameters
    ----------
    labels : int array, shape (n,)
        Labels by `ecg_edge.host.reference.labels.LabelRules`.
    names : sequence of str
        The model's labels, WFDB symbols.
    flags : int array, shape (n,), optional
        Flags of the signal path. Without them no beat is doubtful or unlabelled.
    """
    table = np.array([class_of(names, label) for label in range(256)], np.uint8)
    classes: NDArray[np.uint8] = table[np.asarray(labels)]
    if flags is not None:
        is_readable = np.asarray(flags) & FLAG_UNCLASSIFIABLE == 0
        classes[is_readable & (classes == UNCLASSIFIABLE)] = UNLABELLED
        classes[np.asarray(flags) & FLAG_DOUBTFUL != 0] = DOUBTFUL
    return classes


def evidence_of(
    beats: NDArray[np.void],
    outputs: NDArray[np.number[Any]],
    labels: NDArray[np.integer[Any]],
    names: Sequence[str],
) -> Evidence:
    """Collect what the rhythm rules take besides positions and classes, as the firmware's events.c does.

    Parameters
    ----------
    beats : BEAT_DTYPE array, shape (n,)
        Beats of the signal path.
    outputs : int8 or float array, shape (n, labels)
        The network's outputs for them; certainty is in steps of the int8 ones.
    labels : int array, shape (n,)
        Labels by `ecg_edge.host.reference.labels.LabelRules`. One that is ventricular, and the network's own
        is not, or the reverse, is not certain at all.
    names : sequence of str
        The model's labels, WFDB symbols.

    Returns
    -------
    EVIDENCE_DTYPE array, shape (n,)
    """
    found = np.zeros(len(beats), EVIDENCE_DTYPE)
    found["p_wave"], found["quality"] = beats["p_wave"], beats["quality"]
    found["unlikeness"] = np.maximum(beats["rhythm"][:, 7], 0)
    can_compare = (beats["flags"] & FLAG_LEARNING == 0) & (beats["rhythm"][:, 6] < np.iinfo(np.int8).max)
    if outputs.shape[1] > 1:
        two = np.sort(outputs.astype(np.int16), axis=1)[:, -2:]
        is_own = _are_ventricular(outputs.argmax(axis=1), names) == _are_ventricular(labels, names)
        found["certainty"] = np.where(can_compare & is_own, two[:, 1] - two[:, 0], 0)
    return found


def _are_ventricular(labels: NDArray[np.integer[Any]], names: Sequence[str]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = classes_of(labels, names) == VENTRICULAR
    return found


def to_messages(events: NDArray[np.void]) -> list[RhythmEvent]:
    """Make the EVENT frames of an EVENT_DTYPE array."""
    return [RhythmEvent(*map(int, row)) for row in events.tolist()]


class EventStream:
    """The device's labels and rhythm rules beside a signal path that is pushed block by block.

    Parameters
    ----------
    names : sequence of str
        The model's labels, WFDB symbols.
    fs_hz : int
        Sampling rate in Hz.
    """

    def __init__(self, names: Sequence[str], fs_hz: int) -> None:
        self._rhythm, self._names = Rhythm(fs_hz), names
        self._labels = LabelRules(names)
        self._fs_hz = fs_hz
        self._pending: list[Turn] = []
        self._changes_seen = self._ventricular_seen = self._leads_applied = self._beats = 0
        self._bad = False

    def take(
        self,
        beats: NDArray[np.void],
        outputs: NDArray[np.int8],
        changes: NDArray[np.void],
        taken: int,
        ventricular: Sequence[np.void] | NDArray[np.void] = (),
        leads: NDArray[np.void] | None = None,
    ) -> tuple[list[RhythmEvent], Labels]:
        """Apply the rules to what a block of samples brings.

        Parameters
        ----------
        beats : BEAT_DTYPE array, shape (n,)
            Beats of the block.
        outputs : int8 array, shape (n, labels)
            The network's outputs for them.
        changes : CHANGE_DTYPE array, shape (k,)
            All changes of the signal's quality so far.
        taken : int
            Number of samples so far.
        ventricular : VENTRICULAR_DTYPE array, shape (j,)
            All states of the ventricular rhythm detector so far.
        leads : LEAD_CHANGE_DTYPE array, shape (i,), optional
            All changes of the leads so far.

        Returns
        -------
        events : list of RhythmEvent
        labels : int64 array, shape (n,)
            Label of each beat.
        """
        self._add_turns(changes, ventricular)
        events: list[RhythmEvent] = []
        chosen = self._labels.take(beats, outputs)
        classes = classes_of(chosen.labels, self._names, beats["flags"])
        evidence = evidence_of(beats, outputs, chosen.labels, self._names)
        in_fibrillation = np.zeros(len(beats), bool)
        waiting = [] if leads is None else list(leads[self._leads_applied :])
        for k in range(len(beats)):
            while waiting and waiting[0]["beats"] <= self._beats:
                events += self._apply_leads(waiting.pop(0))
            events += self._apply(int(beats["r_sample"][k]))
            self._beats += 1
            one = slice(k, k + 1)
            found = self._rhythm.beats(
                beats["r_sample"][one], beats["rr_samples"][one], classes[one], evidence[one]
            )
            events += to_messages(found.events)
            in_fibrillation[one] = found.in_fibrillation
        for change in waiting:
            events += self._apply_leads(change)
        return [*events, *self._settle(settled(taken, self._fs_hz))], chosen.settle(in_fibrillation)

    def finish(
        self,
        changes: NDArray[np.void],
        samples: int,
        ventricular: Sequence[np.void] | NDArray[np.void] = (),
    ) -> list[RhythmEvent]:
        """Return the events at the end of the signal, after its last beats."""
        self._add_turns(changes, ventricular)
        return [*self._apply(samples), *to_messages(self._rhythm.finish(samples))]

    def _add_turns(
        self, changes: NDArray[np.void], ventricular: Sequence[np.void] | NDArray[np.void]
    ) -> None:
        """Add what is new to the turns that were not yet passed on; a whole day is never sorted again."""
        new = changes[self._changes_seen :], ventricular[self._ventricular_seen :]
        self._changes_seen, self._ventricular_seen = len(changes), len(ventricular)
        if len(new[0]) or len(new[1]):
            turns = [*self._pending, *_turns(*new)]
            # Of one sample, quality comes before the ventricular state, as in `merge_turns`.
            self._pending = sorted(turns, key=lambda turn: (turn.sample, turn.ventricular is not None))

    def _apply_leads(self, change: np.void) -> list[RhythmEvent]:
        """Pass on a change of the leads, ahead of the settled time."""
        self._leads_applied += 1
        events = self._settle(settled(int(change["told"]), self._fs_hz))
        return [*events, *to_messages(self._rhythm.leads(int(change["sample"]), bool(change["bad"])))]

    def _settle(self, until: int) -> list[RhythmEvent]:
        """Pass on the time up to sample `until`, and what lies in it."""
        return [*self._apply(until), *to_messages(self._rhythm.tick(until, self._bad))]

    def _apply(self, until: int) -> list[RhythmEvent]:
        """Pass on what lies up to sample `until` and was not yet passed on."""
        events: list[RhythmEvent] = []
        while self._pending and self._pending[0].sample <= until:
            turn = self._pending.pop(0)
            events += to_messages(turn.apply(self._rhythm))
            self._bad = turn.is_bad if turn.ventricular is None else self._bad
        return events


def _turns(changes: NDArray[np.void], ventricular: Iterable[np.void]) -> list[Turn]:
    return merge_turns([(int(change["sample"]), bool(change["bad"])) for change in changes], ventricular)


# ---- reading ----------------------------------------------------------------------------------------


def episodes(events: Iterable[RhythmEvent]) -> list[Episode]:
    """List the episodes that have ended, in the order of onset; heart rates are not among them."""
    found = [
        Episode(kind_name(event.kind), event.onset, event.end, bool(event.flags & FLAG_TRUNCATED), event)
        for event in events
        if event.phase == END
    ]
    return sorted(found, key=lambda episode: (episode.onset, episode.event.kind))


def count_kinds(events: Iterable[RhythmEvent]) -> dict[str, int]:
    """Count the episodes of each kind, in the order of the kinds' numbers."""
    counts = Counter(episode.event.kind for episode in episodes(events))
    return {kind_name(kind): counts[kind] for kind in sorted(counts)}


def heart_rates(events: Iterable[RhythmEvent]) -> tuple[list[int], list[float]]:
    """List sample and value (beats per minute) of each heart rate; nan where it is not valid."""
    found = [event for event in events if event.kind == HEART_RATE]
    rates = [event.rate_x10 / 10 if event.rate_x10 else float("nan") for event in found]
    return [event.end for event in found], rates


def describe(episode: Episode, fs_hz: int) -> str:
    """Write one line about an episode: onset, length, kind, and its evidence."""
    event = episode.event
    start, seconds = episode.onset / fs_hz, (episode.end - episode.onset) / fs_hz
    evidence = [counted(event.beats, "beat")] if event.beats else []
    if event.beats and event.rate_x10:
        evidence.append(f"{event.rate_x10 / 10:.0f}/min")
    if event.shortest_rr and event.beats:
        evidence.append(f"RR {1000 * event.shortest_rr // fs_hz} to {1000 * event.longest_rr // fs_hz} ms")
    if event.irregularity_permille:
        evidence.append(f"irregularity {event.irregularity_permille / 10:.0f} %")
    if event.confidence:
        evidence.append(f"confidence {event.confidence} %")
    if event.kind in EVENT_ADVICE:
        evidence.append(EVENT_ADVICE[event.kind])
    if episode.cut:
        evidence.append("cut off")
    place = f"{int(start) // 60:3d}:{start % 60:06.3f} {seconds:8.2f} s  {episode.name:<21}"
    return f"{place} {', '.join(evidence)}".rstrip()
