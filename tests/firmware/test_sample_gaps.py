"""Sampling instants without a sample are filled in and flagged, so that the sample index stays a clock."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest

from ecg_edge.firmware import LEAD_OFF_MINUS, LEAD_OFF_PLUS
from tests.support.device_c import WARNINGS, include_options

MISSING = LEAD_OFF_PLUS | LEAD_OFF_MINUS
Sample = tuple[int, int]


class Gaps(ctypes.Structure):
    _fields_ = (("last_adu", ctypes.c_int16), ("missing", ctypes.c_uint32), ("filled", ctypes.c_uint32))


Put = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_int16, ctypes.c_uint8)


class Sampler:
    """A board's sampler with a queue that takes at most `room` samples."""

    def __init__(self, library: ctypes.CDLL, room: int = 100) -> None:
        self.queue: list[Sample] = []
        self.room = room
        self._add, self._gaps, self._put = library.sample_gaps_add, Gaps(), Put(self._take)

    @property
    def filled(self) -> int:
        return int(self._gaps.filled)

    def _take(self, sample_adu: int, lead_flags: int) -> bool:
        if len(self.queue) >= self.room:
            return False
        self.queue.append((sample_adu, lead_flags))
        return True

    def add(self, reading: int | None, lead_flags: int = 0, instants: int = 1) -> None:
        sample = None if reading is None else ctypes.byref(ctypes.c_int16(reading))
        self._add(ctypes.byref(self._gaps), self._put, ctypes.c_uint32(instants), sample, lead_flags)


@pytest.fixture(scope="module")
def library(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    output = tmp_path_factory.mktemp("gaps") / "gaps.so"
    source = project_root / "firmware/src/sample_gaps.c"
    options = [*WARNINGS, *include_options("ecg_core"), "-shared", "-fPIC", "-o", str(output)]
    subprocess.run(["gcc", *options, str(source)], check=True)
    return ctypes.CDLL(str(output))


def test_samples_pass_with_their_flags(library: ctypes.CDLL) -> None:
    sampler = Sampler(library)
    sampler.add(5)
    sampler.add(-7, LEAD_OFF_PLUS)
    assert sampler.queue == [(5, 0), (-7, LEAD_OFF_PLUS)]


def test_a_failed_reading_repeats_the_last_sample_with_both_flags(library: ctypes.CDLL) -> None:
    sampler = Sampler(library)
    for reading in (5, None, None, 8):
        sampler.add(reading)
    assert sampler.queue == [(5, 0), (5, MISSING), (5, MISSING), (8, 0)]


def test_missed_instants_come_before_the_newest_sample(library: ctypes.CDLL) -> None:
    sampler = Sampler(library)
    sampler.add(5)
    sampler.add(9, instants=4)
    assert sampler.queue == [(5, 0), (5, MISSING), (5, MISSING), (5, MISSING), (9, 0)]


def test_samples_that_found_the_queue_full_are_filled_in_later(library: ctypes.CDLL) -> None:
    sampler = Sampler(library, room=2)
    for reading in range(1, 6):
        sampler.add(reading)
    assert sampler.queue == [(1, 0), (2, 0)]
    sampler.room = 100
    sampler.add(6)
    assert [flags for _, flags in sampler.queue] == [0, 0, MISSING, MISSING, MISSING, 0]
    assert sampler.filled == 3
    assert sampler.queue[-1] == (6, 0)
