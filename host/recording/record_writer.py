"""One WFDB record that grows, and that WFDB's programs can open at every moment.

    NAME.hea     header, from the first samples on; rewritten every second with the length so far
    NAME.dat     samples, format 16; a gap has the value of invalid samples
    NAME.dev     beats, with the labels of the device
    NAME.rhy     rhythm, signal quality, electrodes and gaps
    NAME.jsonl   all of these, one JSON object a line, with what WFDB has no place for

Samples, beats and journal are handed to the system as they come, so a killed process costs what was still on
the line. Once a second all of it is forced to the disk, so a power cut costs that second. Samples are written
before the lines that count them, and a line before the annotation that it describes: at every moment the
journal has all that the annotation files have.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.annotations import END_MARK, annotation_bytes, file_head, write_annotations
from ecg_edge.ecg.errors import OutputError
from ecg_edge.ecg.files import reporting_write_errors, write_text
from ecg_edge.host.live.items import INVALID, BeatMark, Mark, Origin
from ecg_edge.host.live.marks import to_json
from ecg_edge.host.recording.rhythm_notes import RhythmNotes

BEATS: Final = "dev"
RHYTHM: Final = "rhy"
JOURNAL: Final = "jsonl"
SUFFIXES: Final = ("hea", "dat", BEATS, RHYTHM, JOURNAL)
_GAP_SAMPLES: Final = 500_000  # written at once


class GrowingFile:
    """A file that only ever grows by whole pieces, with a tail that every further piece replaces.

    Parameters
    ----------
    path : Path
        File that does not exist yet.
    head, tail : bytes
        Content before the first piece, and after the last one.
    """

    def __init__(self, path: Path, head: bytes = b"", tail: bytes = b"") -> None:
        self.path, self._tail = path, tail
        with reporting_write_errors(path):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._size = 0
        self.append(head)

    def append(self, piece: bytes) -> None:
        """Write a piece and the tail; after an error the file ends as before.

        Raises
        ------
        OutputError
            When it cannot be written, for example on a full disk.
        """
        with reporting_write_errors(self.path):
            try:
                self._write(piece + self._tail)
            except OSError:
                self._write(self._tail)  # in its old place, which needs no space on the disk
                os.ftruncate(self._file, self._size + len(self._tail))
                raise
        self._size += len(piece)

    def _write(self, data: bytes) -> None:
        at = self._size
        while data:
            count = os.pwrite(self._file, data, at)
            data, at = data[count:], at + count

    def sync(self) -> None:
        """Force it to the disk."""
        with reporting_write_errors(self.path):
            os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class RecordWriter:
    """Files of one record.

    Parameters
    ----------
    folder : Path
        Existing folder.
    name : str
        Name of the record: letters, digits, hyphens and underscores.
    origin : Origin
        Where the samples come from.
    first : int
        Session's number of the record's first sample.
    started : datetime
        Local time of that sample, with its offset from UTC.
    now : callable
        Local time, for the notes on the clocks.
    carried : iterable of Mark
        What goes on from the record before; stands at this record's first sample.

    Raises
    ------
    OutputError
        When a file exists, or cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        origin: Origin,
        first: int,
        started: datetime,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        carried: Iterable[Mark] = (),
    ) -> None:
        if existing := existing_file(folder / name):
            raise OutputError(f"{existing}: exists already. Name another record.")
        self.folder, self.name, self.first = folder, name, first
        self.length = 0
        self._origin, self._started, self._now = origin, started, now
        self._initial = self._sum = 0
        self._last_beat = 0
        self._notes, self._notes_changed = RhythmNotes(origin.fs_hz), True
        self._is_flushed = False
        self._drift_ppm: float | None = None
        self._samples = GrowingFile(self._path("dat"))  # from here on the name belongs to this record
        try:
            self._beats = GrowingFile(self._path(BEATS), file_head(origin.fs_hz), END_MARK)
            self._journal = GrowingFile(self._path(JOURNAL))
            self.write_line(type="origin", started=started.isoformat(), first=first, **asdict(origin))
            for mark in carried:
                self.write_mark(mark)
            self.flush()
        except BaseException:
            remove_record(folder / name)
            raise

    def _path(self, suffix: str) -> Path:
        return self.folder / f"{self.name}.{suffix}"

    @property
    def end(self) -> int:
        """Session's number of the next sample."""
        return self.first + self.length

    def write_samples(self, samples: NDArray[np.int16]) -> None:
        """Append samples."""
        is_first = not self.length and len(samples) > 0
        if is_first:
            self._initial = int(samples[0])
        self._is_flushed = False
        self._samples.append(samples.astype("<i2").tobytes())
        self._sum += int(samples.sum(dtype=np.int64))
        self.length += len(samples)
        if is_first:
            self._write_header(states_length=False)  # until the next flush, that of the signal file

    def write_gap(self, count: int) -> None:
        """Append `count` samples without a value."""
        while count > 0:
            part = min(count, _GAP_SAMPLES)
            self.write_samples(np.full(part, INVALID, np.int16))
            count -= part

    def write_mark(self, mark: Mark) -> None:
        """Append a mark whose sample numbers count from the session's start."""
        moved = moved_mark(mark, -self.first)
        self.write_line(**to_json(moved))
        if isinstance(moved, BeatMark):
            self._write_beat(moved)
        self._notes_changed |= self._notes.take(moved)

    def _write_beat(self, beat: BeatMark) -> None:
        sample = max(beat.sample, self._last_beat)
        self._beats.append(annotation_bytes(beat.symbol, sample - self._last_beat))
        self._last_beat = sample

    def write_line(self, **content: Any) -> None:
        """Append a line to the journal; `at` is the number of samples before it."""
        self._is_flushed = False
        line = json.dumps({"at": self.length, **content}, separators=(",", ":"))
        self._journal.append(line.encode() + b"\n")

    def write_clock(self, drift_ppm: float | None) -> None:
        """Note the computer's time, and the rate of the device's clock against it."""
        self._drift_ppm = drift_ppm
        self.write_line(type="clock", time=self._now().isoformat(), drift_ppm=drift_ppm)

    def flush(self) -> None:
        """Force what is new to the disk, and state the length so far in the header.

        There is no header before the first samples: WFDB's programs open no record without samples.
        """
        if self._is_flushed:
            return
        for file in (self._samples, self._beats, self._journal):
            file.sync()
        if self._notes_changed:
            write_annotations(self.folder, self.name, RHYTHM, self._notes.annotations(), self._origin.fs_hz)
            self._notes_changed = False
        if self.length:
            self._write_header()
        self._is_flushed = True

    def _write_header(self, states_length: bool = True) -> None:
        write_text(self._path("hea"), self._header(states_length))

    def _header(self, states_length: bool) -> str:
        origin, start = self._origin, self._started
        moment = f"{start:%H:%M:%S}.{start.microsecond // 1000:03d} {start:%d/%m/%Y}"
        # Without a length, readers take that of the signal file; a checksum of 0 is not compared.
        length = f" {self.length} {moment}" if states_length else ""
        checksum = (self._sum + 32768) % 65536 - 32768 if states_length else 0
        lines = [
            f"{self.name} 1 {origin.fs_hz}{length}",
            f"{self.name}.dat 16 {origin.adu_per_mv:g}(0)/mV 16 0 {self._initial} {checksum} 0 {origin.lead}",
            f"# recorded from {origin.name}: {origin.device}",
            f"# local time is UTC{start:%z}",
            f"# beats: {BEATS}; rhythm, signal quality, electrodes and gaps: {RHYTHM}",
        ]
        if self._drift_ppm is not None:
            lines.append(f"# the device's clock is {self._drift_ppm:.0f} ppm slower than the computer's")
        return "\n".join(lines) + "\n"

    def close(self, reason: str = "finished") -> None:
        """Write the rest and close the files."""
        try:
            self.write_line(type="end", reason=reason)
            self.flush()
            if not self.length:
                self._write_header(states_length=False)
        finally:
            for file in (self._samples, self._beats, self._journal):
                file.close()


def existing_file(path: Path) -> Path | None:
    """Return a file of a record, named without a suffix, that exists already."""
    files = (path.with_name(f"{path.name}.{suffix}") for suffix in SUFFIXES)
    return next((file for file in files if file.exists()), None)


def remove_record(path: Path) -> None:
    """Remove the files of a record, named without a suffix, that a failed command began."""
    for suffix in SUFFIXES:
        with suppress(OSError):  # the error of the command is the one to report
            path.with_name(f"{path.name}.{suffix}").unlink(missing_ok=True)


def moved_mark(mark: Mark, by: int) -> Mark:
    """Return a mark with `by` added to its sample numbers; none becomes negative."""
    names = [name for name in ("sample", "onset", "start", "end") if hasattr(mark, name)]
    return replace(mark, **{name: max(getattr(mark, name) + by, 0) for name in names})
