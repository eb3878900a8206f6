"""A device in live mode over an interrupted line."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from ecg_edge.ecg.errors import LinkError
from ecg_edge.firmware.binding.rhythm import ASYSTOLE, BEGIN
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.device import DeviceSource
from ecg_edge.host.live.items import Gap, Item, LinkChange, Wave
from tests.support.clock import VirtualClock
from tests.support.live_device import FS_HZ, LiveDevice
from tests.support.messages import made_event

Step = Callable[[LiveDevice, float], None]


@pytest.fixture
def device() -> LiveDevice:
    return LiveDevice(VirtualClock())


def run(
    device: LiveDevice, seconds: float, step: Step = lambda device, now: None
) -> tuple[DeviceSource, list[Item]]:
    """Items of `seconds`; `step` may do something to the device before each batch."""
    source, stop = DeviceSource(device.line, "port", clock=device.clock), threading.Event()
    start, found = device.clock.now(), []
    for items in source.items(stop):
        found += items
        step(device, device.clock.now() - start)
        if device.clock.now() - start >= seconds:
            stop.set()
    return source, found


def waves(items: list[Item]) -> list[Wave]:
    return [item for item in items if isinstance(item, Wave)]


def test_a_quiet_line_loses_nothing(device: LiveDevice) -> None:
    source, items = run(device, 10)
    samples = np.concatenate([wave.samples for wave in waves(items)])
    assert len(samples) >= 9 * FS_HZ
    assert np.array_equal(samples, device.signal(0, len(samples)))
    assert not any(vars(source.losses).values())
    assert next(item for item in items if isinstance(item, LinkChange)).up
    assert device.running is False  # FINISH


def test_lost_frames_are_gaps_of_their_length(device: LiveDevice) -> None:
    device.lost_blocks = {3, 4, 20}
    source, items = run(device, 10)
    gaps = [(item.start, item.end) for item in items if isinstance(item, Gap)]
    assert gaps == [(108, 180), (720, 756)]
    assert (source.losses.samples, source.losses.frames) == (108, 3)


def test_a_stalled_line_is_noticed_and_costs_nothing(device: LiveDevice) -> None:
    def stall(device: LiveDevice, now: float) -> None:
        device.silent = 3 <= now < 5

    source, items = run(device, 10, stall)
    changes = [item.up for item in items if isinstance(item, LinkChange)]
    assert changes == [True, False, True]
    assert device.starts == 1
    assert source.losses.samples == source.losses.outages == 0


def test_a_reset_device_is_started_again_behind_a_gap_of_its_length(device: LiveDevice) -> None:
    done = []

    def reset(device: LiveDevice, now: float) -> None:
        if now >= 3 and not done:
            done.append(now)
            device.reset()

    _, items = run(device, 10, reset)
    (gap,) = [item for item in items if isinstance(item, Gap)]
    assert gap.reason == "the device restarted"
    assert not gap.exact
    assert device.starts == 2
    after = [wave for wave in waves(items) if wave.start >= gap.end]
    assert after[0].start == gap.end
    total = waves(items)[-1].end / FS_HZ
    assert total == pytest.approx(10, abs=0.5)  # the session's time goes on by the clock
    assert (gap.end - gap.start) / FS_HZ == pytest.approx(1.4, abs=0.6)


def test_a_pulled_cable_is_noticed_at_once_and_the_line_opened_again(device: LiveDevice) -> None:
    def pull(device: LiveDevice, now: float) -> None:
        device.cut = 3 <= now < 6

    source, items = run(device, 10, pull)
    down = next(item for item in items if isinstance(item, LinkChange) and not item.up)
    assert down.sample <= 3.3 * FS_HZ
    (gap,) = [item for item in items if isinstance(item, Gap)]
    assert (gap.end - gap.start) / FS_HZ == pytest.approx(3.4, abs=0.7)
    assert waves(items)[-1].end / FS_HZ == pytest.approx(10, abs=0.7)
    assert source.losses.outages == 1


@pytest.mark.parametrize("fault", ["cut", "silent"])
def test_an_outage_that_lasts_until_the_end_is_counted(device: LiveDevice, fault: str) -> None:
    source, items = run(device, 10, lambda device, now: setattr(device, fault, now >= 3))
    assert source.losses.outages == 1
    assert source.losses.outage_samples / FS_HZ == pytest.approx(7, abs=0.7)
    assert waves(items)[-1].end / FS_HZ == pytest.approx(3, abs=0.7)
    assert not any(isinstance(item, Gap) for item in items)


def test_a_missing_port_is_an_error_at_the_start_only(device: LiveDevice) -> None:
    device.cut = True
    with pytest.raises(LinkError, match="no such port"):
        run(device, 3)


def test_events_count_from_the_session(device: LiveDevice) -> None:
    sent = []

    def send(device: LiveDevice, now: float) -> None:
        if now >= 2 and not sent:
            sent.append(now)
            device.extra = [made_event(ASYSTOLE, BEGIN, 100, 200)]

    _, items = run(device, 4, send)
    assert [item.onset for item in items if isinstance(item, RhythmEvent) and item.phase == 0] == [100]
