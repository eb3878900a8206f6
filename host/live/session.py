"""A live session in memory: the samples of the last 24 hours, and all marks, for any number of readers.

One thread writes; readers hold a position of their own and take what is new. A slow reader therefore delays
nobody, and memory is bounded.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ecg_edge.firmware.binding.rhythm import HEART_RATE
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.alarms import Alarm, AlarmBoard
from ecg_edge.host.live.items import (
    INVALID,
    BeatMark,
    Gap,
    Item,
    LeadChange,
    LinkChange,
    Mark,
    Origin,
    QualityChange,
    Reference,
    StripMark,
    Wave,
)
from ecg_edge.host.live.link_notes import local_now

HOURS: Final = 24.0
MOST_MARKS: Final = 600_000  # 24 hours at 300 beats a minute, and the rest
MOST_EVENTS: Final = 20_000
RATE_INTERVALS: Final = 8
RATE_SPAN_S: Final = 15.0
RATE_STALE_S: Final = 4.0


class LiveSession:
    """Samples, marks, alarms and state of a session.

    Parameters
    ----------
    origin : Origin
        Where they come from.
    hours : float
        Length of signal to keep.
    most_marks : int
        Number of marks to keep.
    started : datetime, optional
        Local time of sample 0; now when left out.
    """

    def __init__(
        self,
        origin: Origin,
        hours: float = HOURS,
        most_marks: int = MOST_MARKS,
        started: datetime | None = None,
    ) -> None:
        self.origin, self.started = origin, started or local_now()
        self._capacity = round(hours * 3600 * origin.fs_hz)
        self._ring = np.zeros(self._capacity, np.int16)  # the system gives memory as it is written
        self._end, self._most_marks = 0, most_marks
        self._marks: deque[Mark] = deque(maxlen=most_marks)
        self._mark_count = 0
        self._beats: list[BeatMark] = []
        self._references: list[Reference] = []
        self._events: deque[Mark] = deque(maxlen=MOST_EVENTS)
        self._alarms = AlarmBoard(origin.fs_hz)
        self._recent: deque[BeatMark] = deque(maxlen=RATE_INTERVALS)
        self._lock = threading.Lock()
        self.is_up = False
        self.link_text = "connecting"
        self.is_bad = False
        self.bad_reasons = 0
        self.lead_flags = 0
        self.device_rate_bpm: float | None = None
        self.strip: StripMark | None = None

    # ---- writing --------------------------------------------------------------------------------------

    def take(self, items: Iterable[Item]) -> None:
        """Take the items of a source, in their order."""
        with self._lock:
            for item in items:
                if isinstance(item, Wave):
                    self._put_gap(self._end, item.start)  # samples may begin late without a gap
                    self._put(item.start, item.samples)
                    continue
                if isinstance(item, Gap):
                    self._put_gap(min(self._end, item.start), item.end)
                self._take_mark(item)
            self._alarms.advance(self._end)

    def _put_gap(self, start: int, end: int) -> None:
        if start < end:
            first = max(start, end - self._capacity)
            self._put(first, np.full(end - first, INVALID, np.int16))

    def _put(self, start: int, samples: NDArray[np.int16]) -> None:
        at, count = start % self._capacity, len(samples)
        before_wrap = min(count, self._capacity - at)
        self._ring[at : at + before_wrap] = samples[:before_wrap]
        self._ring[: count - before_wrap] = samples[before_wrap:]
        self._end = max(self._end, start + count)

    def _take_mark(self, mark: Mark) -> None:
        self._marks.append(mark)
        self._mark_count += 1
        self._alarms.take(mark)
        if isinstance(mark, BeatMark):
            self._recent.append(mark)
            _keep(self._beats, mark, self._most_marks)
            return
        if isinstance(mark, Reference):
            _keep(self._references, mark, self._most_marks)
            return
        if isinstance(mark, StripMark):
            self.strip = mark
            return
        if not (isinstance(mark, RhythmEvent) and mark.kind == HEART_RATE):
            self._events.append(mark)
        if isinstance(mark, Gap):
            self._recent.clear()
            self.strip = None
        elif isinstance(mark, QualityChange):
            self.is_bad, self.bad_reasons = mark.bad, mark.reasons
        elif isinstance(mark, LeadChange):
            self.lead_flags = mark.flags
        elif isinstance(mark, LinkChange):
            self.is_up, self.link_text = mark.up, mark.text
        elif isinstance(mark, RhythmEvent) and mark.kind == HEART_RATE:
            self.device_rate_bpm = mark.rate_x10 / 10 if mark.rate_x10 else None

    def acknowledge(self, number: int) -> bool:
        """Silence an alarm; False when there is none of this number."""
        with self._lock:
            return self._alarms.acknowledge(number)

    # ---- reading --------------------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """First sample that is still kept."""
        return max(0, self._end - self._capacity)

    @property
    def end(self) -> int:
        """Number of samples so far, gaps included."""
        return self._end

    def samples(self, start: int, end: int) -> tuple[int, NDArray[np.int16]]:
        """Return the samples from `start` to before `end` that are kept, and the number of the first one."""
        with self._lock:
            start, end = max(start, self.first), min(end, self._end)
            if end <= start:
                return start, np.zeros(0, np.int16)
            at, count = start % self._capacity, end - start
            before_wrap = self._ring[at : at + count]
            return start, np.concatenate([before_wrap, self._ring[: count - len(before_wrap)]])

    def marks(self, after: int) -> tuple[int, list[Mark]]:
        """Return the marks from number `after` on, and the number to go on with."""
        with self._lock:
            dropped = self._mark_count - len(self._marks)
            new = max(self._mark_count - after, 0) if after >= dropped else len(self._marks)
            return self._mark_count, list(islice(reversed(self._marks), new))[::-1]

    def beats(self, start: int, end: int) -> list[BeatMark]:
        """Return the beats from sample `start` to before `end`."""
        with self._lock:
            return _between(self._beats, start, end)

    def references(self, start: int, end: int) -> list[Reference]:
        """Return the record's own annotations from sample `start` to before `end`."""
        with self._lock:
            return _between(self._references, start, end)

    def events(self) -> list[Mark]:
        """Return all marks but beats, strips, annotations and heart rates; the newest 20,000."""
        with self._lock:
            return list(self._events)

    def alarms(self) -> tuple[int, list[Alarm]]:
        """Return the version of the list of alarms, and the list, the most urgent first."""
        with self._lock:
            return self._alarms.version, self._alarms.alarms

    @property
    def latest_alarm(self) -> Alarm | None:
        """The alarm that was raised last."""
        with self._lock:
            return self._alarms.latest

    def heart_rate(self) -> float | None:
        """Mean rate of the last beats per minute; None without electrodes, link or a recent beat."""
        with self._lock:
            fs_hz = self.origin.fs_hz
            span = [b for b in self._recent if self._end - b.sample < RATE_SPAN_S * fs_hz]
            intervals = [beat.rr_samples for beat in span if beat.rr_samples]
            is_blind = not self.is_up or self.lead_flags != 0
            if is_blind or len(intervals) < 2 or self._end - span[-1].sample > RATE_STALE_S * fs_hz:
                return None
            return 60 * fs_hz * len(intervals) / sum(intervals)


Placed = TypeVar("Placed", BeatMark, Reference)


def _place(mark: Placed) -> int:
    return mark.sample


def _keep(marks: list[Placed], mark: Placed, most: int) -> None:
    """Add a mark in the order of samples; drop the oldest tenth when there are too many."""
    insort(marks, mark, key=_place)
    if len(marks) > most:
        del marks[: most // 10]


def _between(marks: list[Placed], start: int, end: int) -> list[Placed]:
    return marks[bisect_left(marks, start, key=_place) : bisect_left(marks, end, key=_place)]
