"""The state machine of the Pico's firmware in rp2040js, driven by a scripted front end and a host.

As `test_modes.py`, with the board's own interrupt, ADC, pins, flash functions and watchdog. The log fills by
sessions that the host begins: each one is a record.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.device_log import read_log
from ecg_edge.host.devices.emulator import write_front_end
from ecg_edge.host.devices.pico import pico_emulator, setup_rp2040js
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link, RefusalError
from ecg_edge.host.link.messages import DeviceSettings, DeviceStatus, SetSettings
from ecg_edge.host.reference import device_states as names
from tests.device.test_modes import (
    CAUSE,
    ECG,
    FLASH_FAILS,
    LIVE,
    OFF,
    POWER_ON,
    REPLAY,
    STATE,
    TOP,
    WATCHDOG,
    Bench,
    Outcome,
    Transition,
    bundle_of_another_path,
    script_of,
)
from tests.support.c_tables import c_table

pytestmark = [
    pytest.mark.device,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]

FS_HZ, ADU_PER_MV, ADC_ZERO, ADC_TOP = 360, 200, 2048, 4095
NO_HOST_S = 1
Scenario = Callable[[Path, Path], Outcome]


class PicoBench(Bench):
    """A board whose samples never end: after the last instant of the script it stays there."""

    def until_boot(self, boot: int) -> None:
        """Wait for a start: the self-test takes the emulator longer than a host waits for an answer."""
        give_up = time.monotonic() + 120
        while not self.outcome.statuses or self.outcome.status.boot < boot:
            assert time.monotonic() < give_up
            with suppress(LinkError):
                self.ask()

    def until_samples(self, count: int) -> DeviceStatus:
        """Ask until so many samples were taken since the start."""
        return self.until(lambda status: status.samples >= count)


def adc_of(samples: NDArray[np.int16], flags: NDArray[np.uint8]) -> NDArray[np.int16]:
    """A signal around the middle of the ADC's range; saturated parts at its end."""
    return np.where(samples == 2047, ADC_TOP, samples + ADC_ZERO).astype(np.int16)


@contextmanager
def bench(
    image: Path, folder: Path, *parts: tuple[str, float], events: dict[int, int] | None = None
) -> Iterator[PicoBench]:
    """Run a board with a script; at the end read its log."""
    samples, flags = script_of(*parts)
    codes = np.zeros(len(samples), np.uint8)
    for place, code in (events or {}).items():
        codes[place] = code
    write_front_end(folder / "script", adc_of(samples, flags), flags, codes)
    with pico_emulator(image, folder / "script", 0) as port, open_transport(port) as transport:
        link = Link(transport)
        link.handshake()
        device = PicoBench(link, len(samples))
        yield device
        device.ask()
        device.outcome.records = read_log(link)


def journey(image: Path, folder: Path) -> Outcome:
    """Electrodes on, off, on, saturated and back."""
    parts = [(OFF, 2), (ECG, 3), (OFF, 1), (ECG, 3), (TOP, 1), (ECG, 3), (TOP, 1), (OFF, 1), (ECG, 2)]
    with bench(image, folder, *parts) as device:
        device.until_samples(17 * FS_HZ)
    return device.outcome


def resets(image: Path, folder: Path) -> Outcome:
    """The program stops and the watchdog ends it; later the power fails."""
    events = {2 * FS_HZ: WATCHDOG, 4 * FS_HZ: POWER_ON}
    with bench(image, folder, (ECG, 8), events=events) as device:
        device.until_boot(3)
    return device.outcome


def held(state: str, kind: str, image: Path, folder: Path) -> Outcome:
    """All that a host can ask for while the script holds a state."""
    with bench(image, folder, (kind, 3)) as device:
        device.until_mode(state)
        device.start(LIVE)
        device.until_mode(state)
        device.start(REPLAY)
        device.until_mode("REPLAY")
        device.start(LIVE)
        device.until_mode(state)
        device.finish()
        device.until_mode("IDLE")
        device.start(REPLAY)
        device.finish()
        device.until_mode("IDLE")
    return device.outcome


def silence(image: Path, folder: Path) -> Outcome:
    """A host that is silent: a replay ends, and without a session it counts as away."""
    with bench(image, folder, (OFF, 3)) as device:
        device.link.ask(SetSettings(ADU_PER_MV, 60, 0, 1, 1, NO_HOST_S), DeviceSettings)
        device.start(REPLAY)
        device.until_mode("REPLAY")
        time.sleep(1)  # much more of the board's time
        device.until_mode("IDLE")
    return device.outcome


def fill_log(device: PicoBench) -> None:
    """Begin sessions until the log has no room; no pause comes in which sectors are erased."""
    while device.ask().log == STATE["LOG_OPEN"]:
        for _ in range(20):
            device.start(LIVE)
            device.start(REPLAY)


def log_fills(image: Path, folder: Path) -> Outcome:
    """The log fills, and the pause after the session prepares it again."""
    with bench(image, folder, (OFF, 3)) as device:
        fill_log(device)
        device.finish()
        device.until(lambda status: status.log == STATE["LOG_OPEN"])
    return device.outcome


def full_flash_fails(image: Path, folder: Path) -> Outcome:
    """The log fills, and cannot be erased any more; each session begins the script anew."""
    with bench(image, folder, (OFF, 10), events={8 * FS_HZ: FLASH_FAILS}) as device:
        fill_log(device)
        device.start(LIVE)
        before = device.ask().samples
        device.until_samples(before + 9 * FS_HZ)
        device.finish()
        device.until(lambda status: status.log == STATE["LOG_FAILED"])
    return device.outcome


def flash_fails(image: Path, folder: Path) -> Outcome:
    """Nothing can be written from the middle of a signal on."""
    events = {4 * FS_HZ: FLASH_FAILS}
    with bench(image, folder, (ECG, 5), (TOP, 1), (ECG, 2), events=events) as device:
        device.until_samples(8 * FS_HZ)
        with pytest.raises(RefusalError, match="did not keep"):
            device.link.ask(SetSettings(ADU_PER_MV, 60, 1, 1, 1, 30), DeviceSettings)
    return device.outcome


SCENARIOS: dict[str, Scenario] = {
    "journey": journey,
    "resets": resets,
    "held_off": lambda image, folder: held("LEADS_OFF", OFF, image, folder),
    "held_live": lambda image, folder: held("LIVE", ECG, image, folder),
    "held_top": lambda image, folder: held("SATURATED", TOP, image, folder),
    "silence": silence,
    "log_fills": log_fills,
    "flash_fails": flash_fails,
    "full_flash_fails": full_flash_fails,
}


@pytest.fixture(scope="module")
def image(shipped_image: Callable[[str], Path]) -> Path:
    setup_rp2040js()
    return shipped_image("pico").with_suffix(".uf2")


@pytest.fixture(scope="module")
def play(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    """Give the outcome of a scenario, played once."""
    outcomes: dict[str, Outcome] = {}

    def played(name: str) -> Outcome:
        if name not in outcomes:
            outcomes[name] = SCENARIOS[name](image, tmp_path_factory.mktemp(name))
        return outcomes[name]

    return played


Play = Callable[[str], Outcome]


def test_live_begins_alone_and_follows_the_electrodes(play: Play) -> None:
    outcome = play("journey")
    found = [(record.detail, record.sample) for record in outcome.records if record.kind == names.LOG_MODE]
    off, live, top = STATE["LEADS_OFF"], STATE["LIVE"], STATE["SATURATED"]
    second, tenth = FS_HZ, FS_HZ // 10
    expected = [(live, 3 * second), (off, 5 * second + tenth), (live, 7 * second), (top, 9 * second + tenth)]
    expected += [(live, 11 * second), (top, 13 * second + tenth), (off, 14 * second + tenth)]
    states = [entry for entry in found if entry[0] in (off, live, top)]
    assert states == [(off, 0), *expected, (live, 16 * second)]
    assert 1e6 * outcome.status.jitter_ticks / outcome.status.tick_hz < 10
    assert outcome.status.missed_samples == 0


def test_the_watchdog_resets_a_program_that_stopped(play: Play) -> None:
    outcome = play("resets")
    starts = [record for record in outcome.records if record.kind == names.LOG_START]
    assert [(start.boot, start.detail) for start in starts] == [(1, POWER_ON), (2, WATCHDOG), (3, POWER_ON)]


def test_a_silent_replay_ends(play: Play) -> None:
    transitions = play("silence").transitions
    assert (STATE["REPLAY"], CAUSE["HOST_IS_SILENT"], STATE["IDLE"]) in transitions


def test_without_flash_the_device_goes_on(play: Play) -> None:
    statuses = play("flash_fails").statuses
    assert statuses[-1].log == STATE["LOG_FAILED"]
    assert any(status.log == STATE["LOG_FAILED"] and status.mode == STATE["LIVE"] for status in statuses)


def test_a_full_log_counts_what_it_loses_and_is_prepared_in_a_pause(play: Play) -> None:
    outcome = play("log_fills")
    full = [status for status in outcome.statuses if status.log == STATE["LOG_FULL"]]
    assert full[0].log_lost > 0 and full[0].log_room == 0
    assert outcome.status.log_room > 0
    row = (STATE["LOG_FULL"], CAUSE["LOG_IS_PREPARED"], STATE["LOG_OPEN"])
    assert row in outcome.transitions


def test_a_refused_model_is_a_state(shipped_bundle: Path, tmp_path: Path) -> None:
    setup_rp2040js()
    other = bundle_of_another_path(shipped_bundle, tmp_path / "other")
    image = pio.build("pico", other, tmp_path / "pio").with_suffix(".uf2")
    with bench(image, tmp_path, (ECG, 3)) as device, pytest.raises(LinkError, match="code 1"):
        device.start(LIVE)
    assert device.outcome.status.mode == STATE["REFUSED"]
    row = (STATE["SELF_TEST"], CAUSE["TEST_FAILED"], STATE["REFUSED"])
    assert device.outcome.transitions[0] == row


def test_every_transition_has_happened(play: Play) -> None:
    found = set().union(*(play(name).covered() for name in SCENARIOS))
    table: set[Transition] = {
        (STATE[start], CAUSE[cause], STATE[end])
        for start, cause, end in c_table("src/mode.h", "MODE_TRANSITIONS")
    }
    refused = {row for row in table if row[2] == STATE["REFUSED"]}  # the test before
    assert found <= table
    missing = [
        f"{names.STATES[start]} -> {names.STATES[end]}: {names.CAUSES[cause]}"
        for start, cause, end in table - refused - found
    ]
    assert not missing
