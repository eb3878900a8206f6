"""A recording read again: its samples in memory-mapped form, its marks one by one, and both as a source."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.files import parse_json
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.live.items import (
    INVALID,
    LONGEST_GAP_S,
    Gap,
    Item,
    LinkChange,
    Mark,
    Origin,
    Wave,
    place_of,
)
from ecg_edge.host.live.marks import checked_field, checked_fields, from_json
from ecg_edge.host.live.timeline import Losses
from ecg_edge.host.recording.record_writer import JOURNAL

_BATCH_S = 1.0
_AHEAD = 2**30  # samples: a month at 360 Hz
_BLOCK = 500_000  # samples read at once
_LONGEST_LINE = 1_000_000  # bytes
_HIGHEST_HZ = 10_000  # a session's memory is for a day of samples


def is_recording(path: Path) -> bool:
    """Test if `path`, a record's name without a suffix, is a recording."""
    return bool(path.name) and path.with_name(f"{path.name}.{JOURNAL}").is_file()


class Recording:
    """Files of `ecg-edge record`, also of one that was killed.

    Parameters
    ----------
    path : Path
        Folder and name of the record, without a suffix.

    Attributes
    ----------
    origin : Origin
    started : datetime
        Local time of the first sample.
    samples : int16 array, shape (n,)
        ADC units, memory-mapped; INVALID in gaps.

    Raises
    ------
    RecordError
        When a file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal = path.with_name(f"{path.name}.{JOURNAL}")
        number, head = next(self._lines(), (0, {}))
        if head.get("type") != "origin":
            raise RecordError(f"{self._journal}: is not the journal of a recording. Name another record.")
        with self._naming(number):
            self.origin = Origin(**checked_fields(Origin, head))
            if self.origin.fs_hz > _HIGHEST_HZ:
                raise RecordError(f"{self.origin.fs_hz} samples a second; {_HIGHEST_HZ} at most")
            self.started = _time_of(head)
        self.samples = self._read_samples()

    def _read_samples(self) -> NDArray[np.int16]:
        with self._signal_file() as path:
            count = path.stat().st_size // 2
            # An empty file cannot be mapped.
            return np.memmap(path, "<i2", mode="r", shape=(count,)) if count else np.zeros(0, np.int16)

    @contextmanager
    def _signal_file(self) -> Iterator[Path]:
        path = self.path.with_name(f"{self.path.name}.dat")
        try:
            yield path
        except OSError as error:
            raise RecordError(
                f"{path}: cannot be read ({error.strerror}), and holds the samples of the recording. "
                "Put it beside the journal, or name another record."
            ) from None

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read the lines of the journal, each with its number."""
        try:
            with self._journal.open("rb") as file:
                for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
                    if not line.endswith(b"\n"):
                        if len(line) == _LONGEST_LINE:
                            self._refuse_line(number)
                        return  # a process was killed while it wrote
                    with self._naming(number):
                        content = _object_of(line)
                    yield number, content
        except OSError as error:
            raise RecordError(f"{self._journal}: cannot be read ({error.strerror}).") from None

    def _refuse_line(self, number: int) -> None:
        with self._naming(number):
            raise RecordError(f"it has more than {_LONGEST_LINE} bytes")

    @contextmanager
    def _naming(self, number: int) -> Iterator[None]:
        """Say in an error which line of the journal is damaged."""
        try:
            yield
        except RecordError as error:
            raise RecordError(
                f"{self._journal}: line {number} is damaged: {error}. Mend the line, or name another record."
            ) from None

    def marks(self) -> Iterator[tuple[int, Mark]]:
        """Read the marks, each with the number of samples that had arrived before it.

        Raises
        ------
        RecordError
            When a line of the journal is damaged.
        """
        at = 0
        for number, line in self._lines():
            with self._naming(number):
                mark = from_json(line)
                if mark is None:
                    continue
                at = self._checked_at(line, at)
                if place_of(mark) > at + _AHEAD:
                    raise RecordError(f"sample {place_of(mark)} is far beyond the {at} before the line")
                if isinstance(mark, Gap):
                    self._check_gap(mark)
            yield at, mark

    def _checked_at(self, line: dict[str, Any], before: int) -> int:
        """Read the number of samples before a line; `before`: of the line before it."""
        at = int(checked_field("at", int, line))
        if at > max(before, len(self.samples)) + _AHEAD:
            days = (at - before) / self.origin.fs_hz / 86_400
            raise RecordError(f"the time leaps by {days:.0f} days, from sample {before} to {at}")
        return at

    def _check_gap(self, gap: Gap) -> None:
        """Refuse a gap that the signal file contradicts; one may go on in the next record."""
        last, seconds = min(gap.end, len(self.samples)), (gap.end - gap.start) / self.origin.fs_hz
        where = f"a gap of {seconds:.3f} s from sample {gap.start} on ({gap.start / self.origin.fs_hz:.3f} s)"
        if seconds < 0:
            raise RecordError(f"{where} ends before it begins")
        for start in range(gap.start, last, _BLOCK):
            found = np.flatnonzero(self.samples[start : min(start + _BLOCK, last)] != INVALID)
            if len(found):
                raise RecordError(f"{where}, but {self.path.name}.dat has sample {start + found[0]}")

    def missing_samples(self) -> int:
        """Count the samples that the journal tells of and that the signal file lacks.

        Raises
        ------
        RecordError
            When a line of the journal is damaged.
        """
        last = 0
        for number, line in self._lines():
            with self._naming(number):
                last = self._checked_at(line, last)
        with self._signal_file() as path:  # a recording that goes on is longer now than when it was opened
            return max(last - path.stat().st_size // 2, 0)


def _object_of(line: bytes) -> dict[str, Any]:
    try:
        content = parse_json(line.decode())
    except ValueError as error:
        raise RecordError(f"it is no JSON ({error})") from None
    if not isinstance(content, dict):
        raise RecordError("it is no JSON object")
    return content


def _time_of(head: dict[str, Any]) -> datetime:
    """Read the time of the first sample; the years leave room for the length of the recording."""
    text = checked_field("started", str, head)
    try:
        started = datetime.fromisoformat(text)
    except ValueError:
        started = datetime.min
    if started.tzinfo is None or not 1 < started.year < 9000:
        raise RecordError(
            f"the field 'started' has the value {text[:40]!r}, and no time with its offset from UTC"
        )
    return started


class RecordingSource:
    """A recording as a live source.

    Parameters
    ----------
    recording : Recording
    speed : float
        Times real time; 0: at once.
    clock : Clock, optional
        The computer's when left out.
    """

    def __init__(self, recording: Recording, speed: float = 1, clock: Clock | None = None) -> None:
        self._recording, self._speed, self._clock = recording, speed, clock or SystemClock()
        self.origin, self.started = recording.origin, recording.started
        self.losses = Losses()  # complete when the recording has ended

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Deliver items until the recording ends or `stop` is set; then nothing of the rest."""
        start_s, length, fs_hz = self._clock.now(), len(self._recording.samples), self.origin.fs_hz
        marks, gaps = _Marks(self._recording), _Gaps(fs_hz)
        at, batch = 0, round(_BATCH_S * fs_hz) if not self._speed else max(fs_hz // 10, 1)
        while at < length and not stop.is_set():
            due = (self._clock.now() - start_s) * self._speed * fs_hz if self._speed else length
            if at > due:
                self._clock.sleep(0.02)
                continue
            end = min(at + batch, length)
            yield list(gaps.told(self._between(at, end, marks)))
            at = end
        if at < length:
            return
        self.losses.samples = self._recording.missing_samples()
        rest = gaps.told(mark for _, mark in marks.up_to(None))
        yield [*gaps.up_to(length), *rest, LinkChange(length, True, "the recording has ended")]

    def _between(self, at: int, end: int, marks: _Marks) -> Iterator[Item]:
        """Samples and marks in the order in which they were recorded: a gap before what follows it."""
        for place, mark in marks.up_to(end):
            yield from split_at_gaps(at, self._recording.samples[at:place])
            at = max(at, place)
            yield mark
        yield from split_at_gaps(at, self._recording.samples[at:end])


class _Marks:
    """Marks of a recording, taken piece by piece."""

    def __init__(self, recording: Recording) -> None:
        self._recording, self._marks = recording, recording.marks()
        self._next = next(self._marks, None)

    def up_to(self, end: int | None) -> Iterator[tuple[int, Mark]]:
        """Take the marks before which at most `end` samples had arrived; None: all that are left."""
        while self._next is not None and (end is None or self._next[0] <= end):
            (at, mark), self._next = self._next, next(self._marks, None)
            yield at, self._within(mark)

    def _within(self, mark: Mark) -> Mark:
        """End a gap where the signal file ends: the rest of it is not in this record."""
        length = max(len(self._recording.samples), place_of(mark))
        if not isinstance(mark, Gap) or mark.end <= length:
            return mark
        beyond_s = (mark.end - length) / self._recording.origin.fs_hz
        reason = f"{mark.reason}; {beyond_s:.3f} s of it are behind the end of the record"
        return replace(mark, end=length, reason=reason)


class _Gaps:
    """The gaps of a recording: also those that no mark tells of, and none longer than a recorder fills."""

    def __init__(self, fs_hz: int) -> None:
        self._end, self._longest = 0, LONGEST_GAP_S * fs_hz

    def told(self, items: Iterable[Item]) -> Iterator[Item]:
        """Put a gap before samples that begin later than those before them."""
        for item in items:
            if isinstance(item, Gap):
                yield from self._divided(item)
            else:
                if isinstance(item, Wave):
                    yield from self.up_to(item.start)
                yield item
            if isinstance(item, (Wave, Gap)):
                self._end = max(self._end, item.end)

    def up_to(self, end: int) -> Iterator[Gap]:
        """The gap from the last sample or gap up to `end`, where there is one."""
        if self._end < end:
            yield from self._divided(Gap(self._end, end, "no samples", exact=False))

    def _divided(self, gap: Gap) -> Iterator[Gap]:
        while gap.end - gap.start > self._longest:
            yield replace(gap, end=gap.start + self._longest)
            gap = replace(gap, start=gap.start + self._longest)
        yield gap


def split_at_gaps(start: int, samples: NDArray[np.int16]) -> Iterator[Wave]:
    """The parts of a block that have values."""
    valid = np.flatnonzero(np.diff(np.concatenate([[False], samples != INVALID, [False]])))
    for first, end in valid.reshape(-1, 2):
        yield Wave(start + int(first), np.asarray(samples[first:end]))
