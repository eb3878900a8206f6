"""A session that becomes too long for its indices, in a firmware for which ten seconds are too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.emulator import native_device, write_front_end
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import Beat, DeviceSettings, Done, LiveSamples, Message
from ecg_edge.host.live.device import DeviceSource
from ecg_edge.host.live.items import BeatMark, Gap, Item, Wave
from tests.device.test_modes import CAUSE, ECG, FS_HZ, LIVE, MAINS_HZ, STATE, STORED, bench, script_of
from tests.support.core_signals import ADU_PER_MV

pytestmark = pytest.mark.device

MOST = 10 * FS_HZ
SIGNAL, FLAGS = script_of((ECG, 15))


@pytest.fixture(scope="module")
def program(shipped_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLATFORMIO_BUILD_FLAGS", f"-D APP_MOST_SAMPLES={MOST}u")
        yield pio.build("native", shipped_bundle, tmp_path_factory.mktemp("pio"))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    write_front_end(tmp_path / "script", SIGNAL, FLAGS)
    return tmp_path / "script"


def test_it_ends_as_with_finish(program: Path, script: Path) -> None:
    found: list[Message] = []
    with native_device(program, script, 0) as port, open_transport(port) as transport:
        link = Link(transport)
        link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, LIVE)
        give_up = time.monotonic() + 60
        while not any(isinstance(message, Done) for message in found):
            assert time.monotonic() < give_up
            found += link.receive(1)
    done = found[-1]
    assert isinstance(done, Done) and MOST <= done.samples < len(SIGNAL)
    waves = b"".join(message.data for message in found if isinstance(message, LiveSamples))
    assert np.array_equal(np.frombuffer(waves, "<i2"), SIGNAL[: done.samples])
    assert sum(isinstance(message, Beat) for message in found) == done.beats > 10


def test_the_host_begins_the_next_one(program: Path, script: Path) -> None:
    items: list[Item] = []
    stop = threading.Event()
    with native_device(program, script, 0) as port:
        source = DeviceSource(lambda: open_transport(port), port, ADU_PER_MV)
        for batch in source.items(stop):
            items += batch
            if sum(isinstance(item, Wave) for item in batch) and source.losses.outages == 2:
                stop.set()
    gaps = [item for item in items if isinstance(item, Gap)]
    ends = [gap.end for gap in gaps]
    assert len(ends) == 2 and source.losses.samples == source.losses.frames == 0
    assert MOST <= gaps[0].start < len(SIGNAL) and MOST <= gaps[1].start - ends[0] < len(SIGNAL)
    peaks = np.array([item.sample for item in items if isinstance(item, BeatMark)])
    assert np.unique(np.searchsorted(ends, peaks)).tolist()[:2] == [0, 1]


def test_without_a_host_the_next_one_begins_at_once(program: Path, tmp_path: Path) -> None:
    with bench(program, tmp_path) as device:
        device.link.ask(STORED, DeviceSettings)
    with bench(program, tmp_path, (SIGNAL, FLAGS)) as device:
        device.until(lambda status: status.samples >= 3 * MOST)
    ends = (STATE["LIVE"], CAUSE["SESSION_ENDS"], STATE["IDLE"])
    begins = (STATE["IDLE"], CAUSE["LIVE_BEGINS"], STATE["LEADS_OFF"])
    transitions = device.outcome.transitions
    at = transitions.index(ends)
    assert transitions[at + 1] == begins and transitions[at + 3 : at + 5] == [ends, begins]
    assert device.outcome.status.beats > 30
