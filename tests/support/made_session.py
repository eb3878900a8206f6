"""Items of a live session, made by a formula: a test can tell which samples a file must have."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecg_edge.firmware.binding.rhythm import RUN_V
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import BeatMark, Item, Origin, QualityChange, Wave
from ecg_edge.host.recording.recorder import Recorder
from tests.support.messages import made_event

FS_HZ = 360
BLOCK = 36
ROTATE = 600 * FS_HZ
ORIGIN = Origin("/dev/ttyUSB0", "made", FS_HZ, 200, "ECG", ("N", "V"))


def samples(start: int, end: int) -> NDArray[np.int16]:
    """Values of samples `start` to `end`."""
    return (np.arange(start, end) * 7 % 2001 - 1000).astype(np.int16)


def event(phase: int, onset: int, end: int) -> RhythmEvent:
    """A V run."""
    return made_event(RUN_V, phase, onset, end, beats=3, rate_x10=1500)


def items(start: int, end: int) -> list[Item]:
    """Blocks from `start` to `end`, a beat at each second, and a minute's bad signal and V run."""
    found: list[Item] = []
    for first in range(start, end, BLOCK):
        last = min(first + BLOCK, end)
        found.append(Wave(first, samples(first, last)))
        beat = first - first % FS_HZ
        if first <= beat + FS_HZ < last + 1:
            found.append(BeatMark(beat, "V" if beat % (3 * FS_HZ) == 0 else "N", FS_HZ, 0, 90, 200))
        if first % (60 * FS_HZ) == 0 and first:
            found += [QualityChange(first - 20, True, 64), event(0, first - 300, first)]
        if first % (60 * FS_HZ) == 10 * FS_HZ and first > 60 * FS_HZ:
            found += [QualityChange(first - 20, False, 64), event(2, first - 3900, first)]
    return found


def record_until_killed(out: str) -> None:
    """Record faster than real time, and print how many samples the recorder has been given."""
    with Recorder(Path(out), ORIGIN, rotate_samples=ROTATE) as recorder:
        at = 0
        while True:
            recorder.take(items(at, at + 10 * BLOCK))
            recorder.tick()
            at += 10 * BLOCK
            print(at, flush=True)
            time.sleep(0.002)


if __name__ == "__main__":
    record_until_killed(sys.argv[1])
