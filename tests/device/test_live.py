"""Live mode of the firmware itself, as a program whose front end plays a signal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_edge.ecg.records import Record, load_record
from ecg_edge.host.devices.emulator import native_device, write_front_end
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.computed import RecordSource
from ecg_edge.host.live.device import DeviceSource
from ecg_edge.host.live.items import (
    INVALID,
    BeatMark,
    Gap,
    Item,
    LeadChange,
    LinkChange,
    Mark,
    Wave,
    place_of,
)
from ecg_edge.host.recording.recorder import Recorder
from ecg_edge.quantize.bundle.manifest import load_bundle
from tests.support.line_proxy import Fault, burst, cut, double, drop, flip, proxy, stall

pytestmark = pytest.mark.device


@pytest.fixture(scope="module")
def program(shipped_image: Callable[[str], Path]) -> Path:
    return shipped_image("native")


@pytest.fixture(scope="module")
def record(synthetic_root: Path) -> Record:
    return load_record(synthetic_root, "synth", "s09")


def test_a_pulled_cable_and_a_restarted_board_are_a_gap_in_the_record(
    program: Path, record: Record, tmp_path: Path
) -> None:
    write_front_end(tmp_path / "script", record.samples)
    link, stop = tmp_path / "port", threading.Event()
    with ExitStack() as second:
        with native_device(program, tmp_path / "script") as port:
            link.symlink_to(port)
            source = DeviceSource(lambda: open_transport(str(link)), "port", record.adu_per_mv)
            batches = source.items(stop)
            items = next(batches)
            recorder = Recorder(tmp_path / "night", source.origin)
            while recorder.samples < 3 * record.fs_hz:
                recorder.take(items)
                items = next(batches)
        link.unlink()
        while not any(isinstance(item, LinkChange) and not item.up for item in items):
            items = next(batches)
        recorder.take(items)
        link.symlink_to(second.enter_context(native_device(program, tmp_path / "script")))
        for items in batches:
            recorder.take(items)
            if recorder.samples >= 8 * record.fs_hz:
                stop.set()
    recorder.close()
    found = wfdb.rdrecord(str(tmp_path / "night"), physical=False).d_signal[:, 0]
    (start,) = np.flatnonzero(np.diff((found == INVALID).astype(int)) == 1)
    (end,) = np.flatnonzero(np.diff((found == INVALID).astype(int)) == -1)
    assert np.array_equal(found[: start + 1], record.samples[: start + 1])
    assert np.array_equal(found[end + 1 :], record.samples[: len(found) - end - 1])
    assert len(found) >= 8 * record.fs_hz
    notes = wfdb.rdann(str(tmp_path / "night"), "rhy")
    assert start + 1 in notes.sample and end + 1 in notes.sample
    assert source.losses.outages == 1


FAULTS = [flip, drop, double, burst, stall, cut]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
def test_a_bad_line_costs_what_is_counted_and_nothing_is_wrong(
    program: Path, record: Record, tmp_path: Path, fault: Fault
) -> None:
    write_front_end(tmp_path / "script", record.samples)
    stop, items = threading.Event(), []
    with native_device(program, tmp_path / "script", 10) as port, proxy(port, tmp_path, fault) as address:
        source = DeviceSource(lambda: open_transport(address), address, record.adu_per_mv)
        began = time.monotonic()
        for batch in source.items(stop):
            items += batch
            if time.monotonic() - began > 8:
                stop.set()
    starts = [0, *(item.end for item in items if isinstance(item, Gap) and not item.exact)]
    at, missing = 0, 0
    for item in items:
        if isinstance(item, Gap):
            assert item.start == at
            at, missing = item.end, missing + (item.end - item.start if item.exact else 0)
        elif isinstance(item, Wave):
            assert item.start == at
            first = item.start - max(start for start in starts if start <= item.start)
            assert np.array_equal(item.samples, record.samples[first : first + len(item.samples)])
            at = item.end
    assert at > 30 * record.fs_hz
    assert source.losses.samples == missing
    links = [item.up for item in items if isinstance(item, LinkChange)]
    assert source.losses.outages == len(starts) - 1 + (not links[-1])  # it may be stopped in an outage
    peaks = [item.sample for item in items if isinstance(item, BeatMark)]
    assert peaks == sorted(set(peaks))
    lost = source.losses
    expected = {
        "flip": lost.samples > 0 and lost.bad_frames > 0,
        "drop": lost.samples > 0 and lost.frames > 0,
        "double": lost.repeated_samples > 0 and lost.samples == lost.frames == 0,
        "burst": lost.bad_frames > 0,
        "stall": lost.samples == lost.outages == 0,
        "cut": lost.outages > 0,
    }
    assert expected[fault.__name__], lost


def device_items(
    program: Path, front_end: Path, adu_per_mv: int, samples: int, speed: float = 0
) -> tuple[DeviceSource, list[Item]]:
    """Items of the firmware up to sample `samples`."""
    stop, found = threading.Event(), []
    with native_device(program, front_end, speed) as port:
        source = DeviceSource(lambda: open_transport(port), port, adu_per_mv)
        for items in source.items(stop):
            found += items
            if any(isinstance(item, Wave) and item.end >= samples for item in items):
                stop.set()
    return source, found


def marks(items: list[Item], end: int) -> list[Mark]:
    """Beats, without the confidence that only a device computes, and events before sample `end`."""
    beats = [replace(item, confidence=0) for item in items if isinstance(item, BeatMark)]
    found: list[Mark] = [*beats, *(item for item in items if isinstance(item, RhythmEvent))]
    return [mark for mark in found if place_of(mark) < end and getattr(mark, "end", 0) < end]


def test_the_firmware_and_this_computer_report_the_same(
    program: Path, record: Record, shipped_bundle: Path, tmp_path: Path
) -> None:
    write_front_end(tmp_path / "script", record.samples)
    length = len(record.samples) - 360
    source, items = device_items(program, tmp_path / "script", record.adu_per_mv, length)
    samples = np.concatenate([item.samples for item in items if isinstance(item, Wave)])
    assert np.array_equal(samples, record.samples[: len(samples)])
    assert len(samples) >= length
    assert not any(vars(source.losses).values())
    computed = RecordSource(record, load_bundle(shipped_bundle), speed=0).items(threading.Event())
    expected = marks([item for batch in computed for item in batch], length - 720)
    assert len(expected) > 100
    assert marks(items, length - 720) == expected


def test_an_electrode_that_comes_off_is_reported(program: Path, record: Record, tmp_path: Path) -> None:
    flags = np.zeros(3600, np.uint8)
    flags[1000:2000] = 2
    write_front_end(tmp_path / "script", record.samples[:3600], flags)
    _, items = device_items(program, tmp_path / "script", record.adu_per_mv, 3500)
    assert [item for item in items if isinstance(item, LeadChange)][:2] == [
        LeadChange(1000, 2),
        LeadChange(2000, 0),
    ]
    assert not [item for item in items if isinstance(item, Gap)]


def test_the_pace_is_that_of_the_front_end(program: Path, record: Record, tmp_path: Path) -> None:
    write_front_end(tmp_path / "script", record.samples)
    source, _ = device_items(program, tmp_path / "script", record.adu_per_mv, 3600, speed=10)
    assert not any(vars(source.losses).values())
