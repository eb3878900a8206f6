"""Rhythm events on the host: what the device must send, and how a person reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.host.link.messages import Event

_SETTLED_S: Final = 1.4  # by then a beat has come, and whether the signal is bad is decided


# samples beyond a beat's delay after which the signal's state is decided in any case


@dataclass(frozen=True)
class Episode:
    """An event from its onset to its end, as END told it.

    Attributes
    ----------
    name : str
        Kind of event, e.g. "V run".
    onset, end : int
        Samples.
    cut : bool
        Whether only what could be seen ended, and not the rhythm.
    event : Event
        The message, with its evidence.
    """

    name: str
    onset: int
    end: int
    cut: bool
    event: Event


def classes_of(
    labels: NDArray[np.integer[Any]], flags: NDArray[Any], names: Sequence[str]
) -> NDArray[np.uint8]:
    """Class of each beat for the rhythm rules, shape (n,).

    Parameters
    ----------
    labels : int array, shape (n,)
        Index in `names` of each beat's label.
    flags : int array, shape (n,)
        The signal path's flags.
    names : sequence of str
        The model's labels, WFDB symbols.
    """
    from ecg_edge.firmware import FLAG_UNCLASSIFIABLE
    from ecg_edge.firmware.binding.rhythm import UNCLASSIFIABLE, class_of

    table = np.array([class_of(names, label) for label in range(256)], np.uint8)
    unreadable = (np.asarray(flags) & FLAG_UNCLASSIFIABLE) != 0
    return np.where(unreadable, np.uint8(UNCLASSIFIABLE), table[np.asarray(labels)])


def to_messages(events: NDArray[np.void]) -> list[Event]:
    """The EVENT frames of an EVENT_DTYPE array."""
    return [Event(*map(int, row)) for row in events.tolist()]


class EventStream:
    """The device's rhythm rules beside a signal path that is pushed block by block."""

    def __init__(self, names: Sequence[str], fs_hz: int) -> None:
        from ecg_edge.firmware.binding.rhythm import Rhythm

        self._rhythm, self._names = Rhythm(fs_hz), names
        self._delay = round(_SETTLED_S * fs_hz)
        self._told = 0  # changes of the signal
        self._bad = False

    def take(
        self, beats: NDArray[np.void], labels: NDArray[np.integer[Any]], changes: NDArray[np.void], taken: int
    ) -> list[Event]:
        """Events that a block brings.

        Parameters
        ----------
        beats : BEAT_DTYPE array, shape (n,)
            Beats that the block brought.
        labels : int array, shape (n,)
            Their labels.
        changes : CHANGE_DTYPE array, shape (k,)
            Every change of the signal so far.
        taken : int
            Samples so far.
        """
        events: list[Event] = []
        classes = classes_of(labels, beats["flags"], self._names)
        for k in range(len(beats)):
            events += self._tell(changes, int(beats["r_sample"][k]))
            one = slice(k, k + 1)
            events += to_messages(
                self._rhythm.beats(beats["r_sample"][one], beats["rr_samples"][one], classes[one])
            )
        settled = max(taken - self._delay, 0)
        return [*events, *self._tell(changes, settled), *to_messages(self._rhythm.tick(settled, self._bad))]

    def finish(self, changes: NDArray[np.void], samples: int) -> list[Event]:
        """Events at the end of the signal, after its last beats."""
        return [*self._tell(changes, samples), *to_messages(self._rhythm.finish(samples))]

    def _tell(self, changes: NDArray[np.void], until: int) -> list[Event]:
        """Pass on the changes of the signal up to sample `until`."""
        events: list[Event] = []
        while self._told < len(changes) and changes["sample"][self._told] <= until:
            self._bad = bool(changes["bad"][self._told])
            events += to_messages(self._rhythm.tick(int(changes["sample"][self._told]), self._bad))
            self._told += 1
        return events


# ---- reading ----------------------------------------------------------------------------------------


def episodes(events: Iterable[Event]) -> list[Episode]:
    """Everything that has ended, in the order of onset; heart rates are not among it."""
    from ecg_edge.firmware.binding.rhythm import END, FLAG_TRUNCATED, kind_name

    ended = [event for event in events if event.phase == END]
    found = [
        Episode(kind_name(event.kind), event.onset, event.end, bool(event.flags & FLAG_TRUNCATED), event)
        for event in ended
    ]
    return sorted(found, key=lambda episode: (episode.onset, episode.event.kind))


def count_kinds(events: Iterable[Event]) -> dict[str, int]:
    """How many episodes of each kind there are, in the order of the kinds' numbers."""
    from ecg_edge.firmware.binding.rhythm import kind_name

    counts = Counter(episode.event.kind for episode in episodes(events))
    return {kind_name(kind): counts[kind] for kind in sorted(counts)}


def heart_rates(events: Iterable[Event]) -> tuple[list[int], list[float]]:
    """Sample and beats a minute of each heart rate; nan where it is not valid."""
    from ecg_edge.firmware.binding.rhythm import HEART_RATE

    found = [event for event in events if event.kind == HEART_RATE]
    rates = [event.rate_x10 / 10 if event.rate_x10 else float("nan") for event in found]
    return [event.end for event in found], rates


def describe(episode: Episode, fs_hz: int) -> str:
    """One line about an episode: when, how long, what, and its evidence."""
    event = episode.event
    start, seconds = episode.onset / fs_hz, (episode.end - episode.onset) / fs_hz
    evidence = [f"{event.beats} beats"] if event.beats else []
    if event.beats and event.rate_x10:
        evidence.append(f"{event.rate_x10 / 10:.0f}/min")
    if event.shortest_rr and event.beats:
        evidence.append(f"RR {1000 * event.shortest_rr // fs_hz} to {1000 * event.longest_rr // fs_hz} ms")
    if event.irregularity_permille:
        evidence.append(f"irregularity {event.irregularity_permille / 10:.0f} %")
    if episode.cut:
        evidence.append("cut off")
    place = f"{int(start) // 60:3d}:{start % 60:06.3f} {seconds:8.2f} s  {episode.name:<21}"
    return f"{place} {', '.join(evidence)}".rstrip()


# ---- files ------------------------------------------------------------------------------------------
