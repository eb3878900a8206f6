"""LIVE of the STM32F405's firmware in QEMU, with a scripted front end behind the converter.

QEMU has no flash controller, so nothing is logged: the states are those that a host sees when it asks.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.emulator import emulator, write_front_end
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import LiveSamples
from tests.device.test_modes import (
    CAUSE,
    ECG,
    LIVE,
    OFF,
    REPLAY,
    STATE,
    TOP,
    Bench,
    bundle_of_another_path,
    script_of,
)
from tests.device.test_pico_modes import adc_of
from tests.support.c_tables import c_table

pytestmark = [
    pytest.mark.device,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]

JOURNEY = [
    (OFF, 0.5),
    (ECG, 1.2),
    (OFF, 0.5),
    (ECG, 1.2),
    (TOP, 0.5),
    (ECG, 1.2),
    (TOP, 0.5),
    (OFF, 0.5),
    (ECG, 1.2),
]
PATIENCE_S = 200


@pytest.fixture(scope="module")
def image(shipped_image: Callable[[str], Path]) -> Path:
    return shipped_image("stm32f405")


@contextmanager
def bench(image: Path, folder: Path, *parts: tuple[str, float]) -> Iterator[Bench]:
    """Run the board with a script."""
    samples, flags = script_of(*parts)
    write_front_end(folder / "script", adc_of(samples, flags), flags)
    with emulator(image, front_end=folder / "script") as port, open_transport(port) as transport:
        link = Link(transport)
        link.handshake()
        yield Bench(link, len(samples))


def states_until(device: Bench, samples: int) -> list[int]:
    """Ask until so many samples were taken; the states, one after the other."""
    found, give_up = [], time.monotonic() + PATIENCE_S
    while device.ask().samples < samples:
        assert time.monotonic() < give_up
        found.append(device.outcome.status.mode)
        time.sleep(0.05)  # a state lasts longer; to ask without a pause takes the emulator's time
    return [state for state, _ in groupby(found)]


def test_the_script_arrives_byte_for_byte(image: Path, tmp_path: Path) -> None:
    samples, flags = script_of((ECG, 2), (OFF, 0.5), (ECG, 1))
    with bench(image, tmp_path, (ECG, 2), (OFF, 0.5), (ECG, 1)) as device:
        device.start(LIVE)
        waves: list[LiveSamples] = []
        give_up = time.monotonic() + PATIENCE_S
        while sum(len(wave.data) // 2 for wave in waves) < 1000 and time.monotonic() < give_up:
            waves += [message for message in device.link.receive(0.2) if isinstance(message, LiveSamples)]
    received = np.concatenate([np.frombuffer(wave.data, "<i2") for wave in waves])
    leads = np.concatenate([np.full(len(wave.data) // 2, wave.lead_flags) for wave in waves])
    count = min(len(received), len(samples))
    assert count >= 1000
    assert np.array_equal(received[:count], adc_of(samples, flags)[:count])
    assert np.array_equal(leads[:count], flags[:count])


def test_live_follows_the_electrodes_and_the_host(image: Path, tmp_path: Path) -> None:
    """Every pair of states of the mode that the table has, apart from those of the next test."""
    off, live, top = STATE["LEADS_OFF"], STATE["LIVE"], STATE["SATURATED"]
    with bench(image, tmp_path, *JOURNEY) as device:
        device.start(LIVE)
        before = device.ask().samples
        seen = states_until(device, before + round(360 * sum(seconds for _, seconds in JOURNEY)))
    assert seen == [off, live, off, live, top, live, top, off, live]
    pairs = set(pairwise(seen))
    for number, (state, kind) in enumerate([("LEADS_OFF", OFF), ("LIVE", ECG), ("SATURATED", TOP)]):
        (folder := tmp_path / str(number)).mkdir()
        with bench(image, folder, (kind, 3)) as device:
            pairs |= held(device, state)
    rows = {
        (STATE[start], STATE[end])
        for start, cause, end in c_table("src/mode.h", "MODE_TRANSITIONS")
        if STATE[start] < STATE["HOST_AWAY"] and CAUSE[cause] > CAUSE["TEST_FAILED"]
    }
    assert rows <= pairs


def test_a_refused_model_is_a_state(shipped_bundle: Path, tmp_path: Path) -> None:
    other = bundle_of_another_path(shipped_bundle, tmp_path / "other")
    with bench(pio.build("stm32f405", other, tmp_path / "pio"), tmp_path, (ECG, 3)) as device:
        with pytest.raises(LinkError, match="code 1"):
            device.start(LIVE)
        assert device.ask().mode == STATE["REFUSED"]


def held(device: Bench, state: str) -> set[tuple[int, int]]:
    """All that a host can ask for while the script holds a state; the pairs that were seen to follow."""
    here, idle, replay = STATE[state], STATE["IDLE"], STATE["REPLAY"]
    device.until_mode(state)
    device.start(LIVE)
    found = {(here, device.ask().mode)}
    device.until_mode(state)
    device.start(REPLAY)
    found.add((here, device.until_mode("REPLAY").mode))
    device.start(LIVE)
    found.add((replay, device.ask().mode))
    device.until_mode(state)
    device.finish()
    found.add((here, device.until_mode("IDLE").mode))
    device.start(REPLAY)
    found.add((idle, device.until_mode("REPLAY").mode))
    device.finish()
    found.add((replay, device.until_mode("IDLE").mode))
    device.start(LIVE)
    found.add((idle, device.ask().mode))
    return found


def test_samples_are_on_time_when_time_is_exact(image: Path) -> None:
    """Otherwise the interrupt that ends a wait comes as late as this computer wakes QEMU up."""
    with emulator(image, exact_time=True) as port, open_transport(port) as transport:
        link = Link(transport)
        link.handshake()
        device = Bench(link, 0)
        device.start(LIVE)
        status = device.until(lambda status: status.samples > 1000)
    assert 1e6 * status.jitter_ticks / status.tick_hz < 10  # the line's interrupt goes first
