"""A recording read again: its samples in memory-mapped form, its marks one by one, and both as a source."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import RecordError
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.live.items import INVALID, Item, LinkChange, Mark, Origin, Wave
from ecg_edge.host.live.marks import from_json
from ecg_edge.host.live.timeline import Losses
from ecg_edge.host.recording.record_writer import JOURNAL

_BATCH_S = 1.0


def is_recording(path: Path) -> bool:
    """Test if `path`, a record's name without a suffix, is a recording."""
    return path.with_name(f"{path.name}.{JOURNAL}").is_file()


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
        head = next(self._lines(), None)
        if head is None or head.get("type") != "origin":
            raise RecordError(f"{self._journal}: is not the journal of a recording. Name another record.")
        fields = {name: head[name] for name in Origin.__dataclass_fields__ if name in head}
        self.origin = Origin(**{**fields, "labels": tuple(fields["labels"])})
        self.started = datetime.fromisoformat(head["started"])
        self.samples = self._read_samples()

    def _read_samples(self) -> NDArray[np.int16]:
        path = self.path.with_name(f"{self.path.name}.dat")
        count = path.stat().st_size // 2 if path.is_file() else 0
        if not count:
            return np.zeros(0, np.int16)
        return np.memmap(path, "<i2", mode="r", shape=(count,))

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            with self._journal.open(encoding="utf-8") as file:
                for line in file:
                    if not line.endswith("\n"):  # a process was killed while it wrote
                        return
                    yield json.loads(line)
        except OSError as error:
            raise RecordError(f"{self._journal}: cannot be read ({error.strerror}).") from None
        except ValueError as error:
            raise RecordError(f"{self._journal}: damaged ({error}).") from None

    def marks(self) -> Iterator[tuple[int, Mark]]:
        """Read the marks, each with the number of samples that had arrived before it."""
        for line in self._lines():
            mark = from_json(line)
            if mark is not None:
                yield int(line["at"]), mark


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
        self.losses = Losses()

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Deliver items until the recording ends or `stop` is set."""
        start_s, length, fs_hz = self._clock.now(), len(self._recording.samples), self.origin.fs_hz
        marks = self._recording.marks()
        pending = next(marks, None)
        at, batch = 0, round(_BATCH_S * fs_hz) if not self._speed else fs_hz // 10
        while at < length and not stop.is_set():
            due = (self._clock.now() - start_s) * self._speed * fs_hz if self._speed else length
            if at > due:
                self._clock.sleep(0.02)
                continue
            end = min(at + batch, length)
            items: list[Item] = list(split_at_gaps(at, self._recording.samples[at:end]))
            while pending is not None and pending[0] <= end:
                items.append(pending[1])
                pending = next(marks, None)
            yield items
            at = end
        rest: list[Item] = [pending[1]] if pending else []
        yield [*rest, *(mark for _, mark in marks), LinkChange(length, True, "the recording has ended")]


def split_at_gaps(start: int, samples: NDArray[np.int16]) -> Iterator[Wave]:
    """The parts of a block that have values."""
    valid = np.flatnonzero(np.diff(np.concatenate([[False], samples != INVALID, [False]])))
    for first, end in valid.reshape(-1, 2):
        yield Wave(start + int(first), np.asarray(samples[first:end]))
