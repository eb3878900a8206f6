"""Alarms: which events need attention, how urgently, and until when.

Inspired by IEC 60601-1-8 (three priorities, latching, acknowledgement), and not an implementation of it.

An alarm is active while its condition lasts. One of high priority latches: it stays on the list after its
condition has ended, until somebody acknowledges it. Acknowledging silences an alarm; one whose condition has
ended is then removed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ecg_edge.firmware.binding.rhythm import ALARM_KINDS, BEGIN, END, kind_name
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import LeadChange, LinkChange, Mark, QualityChange

HIGH: Final = 3
MEDIUM: Final = 2
LOW: Final = 1
NO_ALARM: Final = 0

_RANKS: Final = {"high": HIGH, "medium": MEDIUM, "low": LOW}
"""Of the device's table of alarms; its technical kinds come here from the samples' own flags and QUALITY."""

ELECTRODE_OFF: Final = "electrode off"
BAD_SIGNAL: Final = "bad signal"
LINK_LOST: Final = "link lost"
TECHNICAL: Final[dict[str, int]] = {ELECTRODE_OFF: MEDIUM, LINK_LOST: MEDIUM, BAD_SIGNAL: LOW}
BAD_SIGNAL_S: Final = 10.0
"""Bad signal counts as an alarm when it lasts longer than this, in seconds."""

_MOST_LATCHED: Final = 200


def priority_of(kind: int) -> int:
    """Return the priority of a kind of rhythm event."""
    row = ALARM_KINDS.get(kind)
    return NO_ALARM if row is None else _RANKS.get(row.priority, NO_ALARM)


def _is_latching(kind: int) -> bool:
    row = ALARM_KINDS.get(kind)
    return row is not None and row.latching


@dataclass(frozen=True)
class Alarm:
    """One alarm.

    Attributes
    ----------
    number : int
        Counts from 1.
    name : str
        Condition, e.g. "asystole" or "electrode off".
    priority : int
        HIGH, MEDIUM or LOW.
    technical : bool
        It is about the device, and not about the heart.
    onset : int
        Sample.
    end : int or None
        Sample after the condition; None while it lasts.
    latching : bool
        It stays until it is acknowledged.
    acknowledged : bool
    """

    number: int
    name: str
    priority: int
    technical: bool
    onset: int
    end: int | None = None
    latching: bool = False
    acknowledged: bool = False

    @property
    def is_done(self) -> bool:
        """Nothing keeps it on the list."""
        return self.end is not None and (self.acknowledged or not self.latching)


class AlarmBoard:
    """All alarms that are active or latched.

    Parameters
    ----------
    fs_hz : int
        Rate that sample numbers count in.

    Attributes
    ----------
    version : int
        Changes with every change of the list.
    latest : Alarm or None
        The one raised last, also after it is off the list.
    """

    def __init__(self, fs_hz: int) -> None:
        self._bad_signal_samples = round(BAD_SIGNAL_S * fs_hz)
        self._alarms: dict[int, Alarm] = {}
        self._active: dict[str, int] = {}
        self._last = 0
        self._bad_since: int | None = None
        self.version = 0
        self.latest: Alarm | None = None

    @property
    def alarms(self) -> list[Alarm]:
        """Active and latched alarms, the most urgent first."""
        return sorted(self._alarms.values(), key=lambda a: (-a.priority, a.end is not None, -a.number))

    def take(self, mark: Mark) -> None:
        """Raise or end alarms by a mark."""
        if isinstance(mark, RhythmEvent):
            self._take_event(mark)
        elif isinstance(mark, LeadChange):
            self._set(ELECTRODE_OFF, mark.flags != 0, mark.sample)
        elif isinstance(mark, LinkChange):
            self._set(LINK_LOST, not mark.up, mark.sample)
        elif isinstance(mark, QualityChange):
            self._bad_since = mark.sample if mark.bad else None
            if not mark.bad:
                self._set(BAD_SIGNAL, False, mark.sample)

    def advance(self, end: int) -> None:
        """Note the number of samples so far: bad signal may have lasted too long."""
        if self._bad_since is not None and end - self._bad_since > self._bad_signal_samples:
            self._set(BAD_SIGNAL, True, self._bad_since)

    def acknowledge(self, number: int) -> bool:
        """Silence an alarm; False when there is none of this number."""
        if number not in self._alarms:
            return False
        self._put(replace(self._alarms[number], acknowledged=True))
        return True

    def _take_event(self, event: RhythmEvent) -> None:
        name, priority = kind_name(event.kind), priority_of(event.kind)
        if priority == NO_ALARM:
            return
        if event.phase == END:
            if name not in self._active:  # it has no BEGIN, or that was lost
                self._raise(name, priority, False, event.onset, _is_latching(event.kind))
            self._end(name, event.end)
        elif event.phase == BEGIN or name not in self._active:
            self._raise(name, priority, False, event.onset, _is_latching(event.kind))

    def _set(self, name: str, is_on: bool, sample: int) -> None:
        if is_on:
            self._raise(name, TECHNICAL[name], True, sample)
        else:
            self._end(name, sample)

    def _raise(self, name: str, priority: int, technical: bool, onset: int, latching: bool = False) -> None:
        if name in self._active:
            return
        self._last += 1
        self._active[name] = self._last
        self._put(Alarm(self._last, name, priority, technical, onset, latching=latching))

    def _end(self, name: str, end: int) -> None:
        number = self._active.pop(name, None)
        if number in self._alarms:
            self._put(replace(self._alarms[number], end=end))

    def _put(self, alarm: Alarm) -> None:
        self._alarms[alarm.number] = alarm
        if self.latest is None or alarm.number >= self.latest.number:
            self.latest = alarm
        if alarm.is_done:
            del self._alarms[alarm.number]
        if len(self._alarms) > _MOST_LATCHED:
            ended = [number for number, kept in self._alarms.items() if kept.end is not None]
            self._alarms.pop(next(iter(ended or self._alarms)))
        self.version += 1
