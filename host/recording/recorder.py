"""From the items of a live session to one record, or to a row of them.

    with Recorder(Path("night"), source.origin, rotate_s=3600) as recorder:
        for items in source.items(stop):
            recorder.take(items)
            recorder.tick(source.drift)

Without rotation the record is NAME, with rotation NAME_001, NAME_002 and so on, each from the sample after
the one before. A record's header states all of its samples before the next record begins; what goes on from
one record to the next stands in both. Behind a gap of more than a day, another record begins too, so that a
clock that leaps fills no disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import OutputError
from ecg_edge.ecg.files import make_folder
from ecg_edge.firmware.binding.rhythm import END, HEART_RATE
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import (
    LONGEST_GAP_S,
    Gap,
    Item,
    LeadChange,
    Mark,
    Origin,
    QualityChange,
    Wave,
    place_of,
)
from ecg_edge.host.live.link_notes import local_now
from ecg_edge.host.recording.record_writer import RecordWriter, existing_file, remove_record

FLUSH_S: Final = 1.0
CLOCK_S: Final = 60.0
LATE_S: Final = 60.0
"""Time for which the record before stays open for what lies in it, in seconds: that of the latest event."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


class Recorder:
    """Records of one session.

    Parameters
    ----------
    out : Path
        Folder and name of the record, without a suffix.
    origin : Origin
        Where the samples come from.
    rotate_samples : int, optional
        Begin another record after so many samples.
    started : datetime, optional
        Local time of the first sample; now when left out.
    first : int
        Session's number of the first sample.
    clock : Clock, optional
        Clock of `tick`.

    Raises
    ------
    OutputError
        When the files exist or cannot be written.
    """

    def __init__(
        self,
        out: Path,
        origin: Origin,
        rotate_samples: int | None = None,
        started: datetime | None = None,
        first: int = 0,
        clock: Clock | None = None,
        now: Callable[[], datetime] = local_now,
    ) -> None:
        if not _NAME.fullmatch(out.name):
            raise OutputError(
                f"{out}: a record's name has letters, digits, hyphens and underscores only. Name another one."
            )
        self._out, self._origin, self._rotate = out, origin, rotate_samples
        self._clock, self._now = clock or SystemClock(), now
        self._started, self._first = started or now(), first
        self._late_samples = round(LATE_S * origin.fs_hz)
        self._open: dict[object, Mark] = {}  # what goes on into the next record
        self._before: RecordWriter | None = None
        self.records: list[Path] = []
        self._number = 0  # of the last record in its row
        make_folder(out.parent)
        self._current = self._begin(first)
        self._flush_at = self._clock_at = self._clock.now()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self.close()
        else:
            with suppress(OutputError):  # the first error is the one to report
                self.close(str(error) or type(error).__name__)

    @property
    def fs_hz(self) -> int:
        """Rate of the samples."""
        return self._origin.fs_hz

    @property
    def samples(self) -> int:
        """Samples written, gaps included."""
        return self._current.end

    def _begin(self, first: int) -> RecordWriter:
        name = self._next_name()
        started = self._started + timedelta(seconds=(first - self._first) / self._origin.fs_hz)
        carried = self._open.values()
        writer = RecordWriter(self._out.parent, name, self._origin, first, started, self._now, carried)
        self.records.append(self._out.parent / name)
        return writer

    def _next_name(self) -> str:
        """Name the next record; numbers that exist are left out, except the first: a recording goes on."""
        self._number += 1
        if self._rotate is None and not self.records:
            return self._out.name
        while self.records and existing_file(self._out.with_name(f"{self._out.name}_{self._number:03d}")):
            self._number += 1
        return f"{self._out.name}_{self._number:03d}"

    def take(self, items: Iterable[Item]) -> None:
        """Write items in their order."""
        for item in items:
            if isinstance(item, Wave):
                self._write(item)
            elif isinstance(item, Gap) and item.start <= self._current.end:
                self._write_gap(item)
            else:
                self._write_mark(item)

    def _write(self, wave: Wave) -> None:
        if wave.start > self._current.end:  # a recording has gaps that no mark tells of
            self._write_gap(Gap(self._current.end, wave.start, "no samples", exact=False))
        samples = wave.samples
        while len(samples):
            room = self._room()
            self._current.write_samples(samples[:room])
            samples = samples[room:]

    def _write_gap(self, gap: Gap) -> None:
        """Mark and fill a gap; each record has the part that lies in it.

        One of more than a day is marked as a whole and not filled: the next record begins behind it.
        """
        if gap.end - self._current.end > LONGEST_GAP_S * self._origin.fs_hz:
            self._current.write_mark(gap)
            self._begin_next(gap.end)
            return
        while True:
            room = self._room()  # may begin the next record
            end = min(gap.end, self._current.end + room)
            self._current.write_mark(replace(gap, end=end))
            self._current.write_gap(max(end - self._current.end, 0))
            if end == gap.end:
                return
            gap = replace(gap, start=end)

    def _room(self) -> int:
        """Samples that the current record still takes; begins the next record when there are none."""
        if self._rotate is not None and self._current.length >= self._rotate:
            self._begin_next(self._current.end)
        if self._before is not None and self._current.length > self._late_samples:
            self._close_before()
        return (1 << 62) if self._rotate is None else self._rotate - self._current.length

    def _begin_next(self, first: int) -> None:
        self._close_before()
        self._current.flush()
        self._before, self._current = self._current, self._begin(first)

    def _close_before(self) -> None:
        if self._before is not None:
            self._before.close("rotated")
            self._before = None

    def _write_mark(self, mark: Mark) -> None:
        goes_on = self._remember(mark)
        is_late = place_of(mark) < self._current.first
        if is_late and self._before is not None:
            self._before.write_mark(mark)
        if goes_on or not is_late or self._before is None:
            self._current.write_mark(mark)

    def _remember(self, mark: Mark) -> bool:
        """Keep the episodes that are open, bad signal, and electrodes that are off.

        Returns
        -------
        bool
            True when the mark begins, continues or ends one of them: it matters to the next record, too.
        """
        if isinstance(mark, RhythmEvent):
            return self._keep(("event", mark.kind), mark, mark.phase != END and mark.kind != HEART_RATE)
        if isinstance(mark, QualityChange):
            return self._keep("quality", mark, mark.bad)
        if isinstance(mark, LeadChange):
            return self._keep("leads", mark, mark.flags != 0)
        return False

    def _keep(self, key: object, mark: Mark, is_open: bool) -> bool:
        was_open = self._open.pop(key, None) is not None
        if is_open:
            self._open[key] = mark
        return is_open or was_open

    def tick(self, drift_ppm: float | None = None) -> None:
        """Flush when a second has passed; note the clocks every minute."""
        now = self._clock.now()
        if now >= self._clock_at:
            self._current.write_clock(drift_ppm)
            self._clock_at = now + CLOCK_S
        if now >= self._flush_at:
            self._current.flush()
            if self._before is not None:
                self._before.flush()
            self._flush_at = now + FLUSH_S

    def close(self, reason: str = "finished") -> None:
        """Write the rest and close all files."""
        try:
            self._close_before()
        finally:
            self._current.close(reason)

    def remove(self) -> None:
        """Remove all records of the session: those of a conversion that failed."""
        for path in self.records:
            remove_record(path)
