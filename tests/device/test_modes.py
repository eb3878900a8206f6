"""The state machine of the firmware as a program, driven by a scripted front end and a host.

Each scenario plays a script, or acts as a host, and leaves the device's log and counters. The tests look at
single scenarios, and the last one at all of them: every transition of `firmware/src/mode.h` has happened.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError
from ecg_edge.firmware import fingerprint
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.device_log import read_log
from ecg_edge.host.devices.emulator import native_device, write_front_end
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link, RefusalError
from ecg_edge.host.link.messages import (
    DeviceSettings,
    DeviceStatus,
    Done,
    Finish,
    GetSettings,
    GetStatus,
    LiveSamples,
    LogRecord,
    Message,
    Samples,
    SetSettings,
)
from ecg_edge.host.reference import device_states as names
from tests.support.c_tables import c_table
from tests.support.core_signals import ADU_PER_MV, ecg

pytestmark = pytest.mark.device

FS_HZ, MAINS_HZ, REPLAY, LIVE = 360, 50, 0, 1
POWER_ON, BROWN_OUT, WATCHDOG = 1, 3, 4
QUEUE_FULL, LINE_FULL, FLASH_FAILS = 16, 17, 18
ECG, OFF, TOP = "ecg", "electrodes off", "saturated"
STATE = {row[0]: int(row[1]) for row in c_table("src/mode.h", "MODE_STATES")}
CAUSE = {row[0]: int(row[1]) for row in c_table("src/mode.h", "MODE_CAUSES")}
STORED = SetSettings(ADU_PER_MV, 60, 1, 1, 1, 30)
SECTOR_BYTES = 4096

Transition = tuple[int, int, int]
Script = NDArray[np.int16]


@dataclass
class Outcome:
    """What a scenario left."""

    records: list[LogRecord] = field(default_factory=list)
    statuses: list[DeviceStatus] = field(default_factory=list)
    waves: list[LiveSamples] = field(default_factory=list)

    @property
    def status(self) -> DeviceStatus:
        """The last one."""
        return self.statuses[-1]

    @property
    def transitions(self) -> list[Transition]:
        """Those in the log: from, cause, to."""
        rows = [record for record in self.records if record.kind == names.LOG_MODE]
        return [(row.data[0], row.data[1], row.detail) for row in rows]

    def covered(self) -> set[Transition]:
        """Those in the log, and those of the log itself, which only the counters show."""
        found = set(self.transitions)
        states = [status.log for status in self.statuses]
        full, failed = STATE["LOG_FULL"], STATE["LOG_FAILED"]
        if full in states:
            found.add((STATE["LOG_OPEN"], CAUSE["LOG_FILLS"], full))
        if failed in states:
            before = full if self.status.log_lost > 1 else STATE["LOG_OPEN"]  # the one that failed
            found.add((before, CAUSE["FLASH_FAILS"], failed))
        if self.status.mode == STATE["REFUSED"]:
            found.add((STATE["SELF_TEST"], CAUSE["TEST_FAILED"], STATE["REFUSED"]))
        return found


def script_of(*parts: tuple[str, float]) -> tuple[Script, NDArray[np.uint8]]:
    """Samples and lead flags of parts, each of some seconds."""
    samples, flags = [], []
    for number, (kind, seconds) in enumerate(parts):
        count = round(seconds * FS_HZ)
        signal = ecg(int(seconds) + 1, number)[0][:count]
        samples.append(np.full(count, 2047, np.int16) if kind == TOP else signal)
        flags.append(np.full(count, 2 if kind == OFF else 0, np.uint8))
    return np.concatenate(samples), np.concatenate(flags)


class Bench:
    """A device with a script and a flash memory, and the host that asks it."""

    def __init__(self, link: Link, total: int) -> None:
        self.link, self.total = link, total
        self.outcome = Outcome()

    def ask(self) -> DeviceStatus:
        """Ask for the counters, and keep them."""
        self.outcome.statuses.append(self.link.ask(GetStatus(), DeviceStatus))
        return self.outcome.status

    def until(self, reached: Callable[[DeviceStatus], bool]) -> DeviceStatus:
        """Ask until something is reached."""
        give_up = time.monotonic() + 30
        while not reached(self.ask()):
            assert time.monotonic() < give_up, self.outcome.status
            time.sleep(0.02)
        return self.outcome.status

    def until_mode(self, state: str) -> DeviceStatus:
        """Ask until the device is in a state."""
        return self.until(lambda status: status.mode == STATE[state])

    def played(self) -> DeviceStatus:
        """Wait until the script has ended: the samples no longer grow."""
        before = -1
        while (now := self.ask().samples) != before or now == 0:
            before = now
            time.sleep(0.15)
        return self.outcome.status

    def start(self, mode: int) -> None:
        """Begin a session, as a host does."""
        self.link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, mode)

    def finish(self) -> list[Message]:
        """End the session; all messages up to DONE."""
        self.link.send(Finish(0))
        found: list[Message] = []
        while not any(isinstance(message, Done) for message in found):
            found += self.link.receive(1)
        return found


@contextmanager
def bench(
    program: Path,
    folder: Path,
    script: tuple[Script, NDArray[np.uint8]] | None = None,
    events: dict[int, int] | None = None,
    live_alone: bool = True,
    sample_clock: bool = True,
    speed: float = 0,
    outputs: Path | None = None,
) -> Iterator[Bench]:
    """Run a device with the flash memory of `folder`; at the end read its log."""
    front_end = None
    total = 0
    if script:
        samples, flags = script
        codes = np.zeros(len(samples), np.uint8)
        for place, code in (events or {}).items():
            codes[place] = code
        front_end, total = folder / "script", len(samples)
        write_front_end(front_end, samples, flags, codes)
    with (
        native_device(
            program,
            front_end,
            speed,
            flash=folder / "flash",
            live_alone=live_alone,
            sample_clock=sample_clock,
            outputs=outputs,
        ) as port,
        open_transport(port) as transport,
    ):
        link = Link(transport)
        link.handshake()
        device = Bench(link, total)
        yield device
        device.ask()
        device.outcome.records = read_log(link)


# ---- scenarios --------------------------------------------------------------------------------------


def journey(program: Path, folder: Path) -> Outcome:
    """Electrodes off, on, saturated, on, saturated, off and on, without a host."""
    parts = [(OFF, 3), (ECG, 5), (OFF, 1), (ECG, 5), (TOP, 1), (ECG, 4), (TOP, 1), (OFF, 2), (ECG, 3)]
    with bench(program, folder, script_of(*parts)) as device:
        device.played()
    return device.outcome


def resets(program: Path, folder: Path) -> Outcome:
    """Brown-out, watchdog and loss of power, each in the middle of a signal."""
    events = {1000: BROWN_OUT, 2000: WATCHDOG, 3000: POWER_ON}
    with bench(program, folder, script_of((ECG, 12)), events) as device:
        device.until(lambda status: status.boot == 4 and status.samples == 12 * FS_HZ - 3001)
    return device.outcome


def host_leaves(program: Path, folder: Path) -> Outcome:
    """A host that starts a live session, is silent for 30 s of the device's time, and comes back."""
    with bench(program, folder, script_of((ECG, 60)), live_alone=False) as device:
        device.start(LIVE)
        heard_s = time.monotonic()
        while time.monotonic() < heard_s + 1:  # receives, and sends nothing
            waves = [m for m in device.link.receive(0.2) if isinstance(m, LiveSamples)]
            heard_s = time.monotonic() if waves else heard_s
            device.outcome.waves += waves
        device.played()
        device.start(LIVE)
    return device.outcome


def held(state: str, kind: str, program: Path, folder: Path) -> Outcome:
    """All that a host can ask for while the script holds a state."""
    parts = [(OFF, 3)] if kind == OFF else [(ECG, 3), (kind, 3)]
    with bench(program, folder, script_of(*parts)) as device:
        device.until_mode(state)
        device.played()
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


def silent_replay(program: Path, folder: Path) -> Outcome:
    """A replay whose host is silent for longer than the settings allow."""
    with bench(program, folder, live_alone=False, sample_clock=False) as device:
        device.link.ask(SetSettings(ADU_PER_MV, 60, 0, 1, 1, 1), DeviceSettings)
        device.start(REPLAY)
        time.sleep(1.5)
        device.until_mode("IDLE")
        device.link.send(Samples(0, 0, bytes(480)))
        with pytest.raises(LinkError, match="code 4"):
            for _ in range(10):
                device.link.receive(0.5)
    return device.outcome


def losses(program: Path, folder: Path) -> Outcome:
    """Samples that found the queue full, and bytes that found the line's buffer full."""
    events = {900: QUEUE_FULL, 901: QUEUE_FULL, 1500: LINE_FULL, 30 * FS_HZ: QUEUE_FULL}
    with bench(program, folder, script_of((ECG, 45)), events) as device:
        device.played()
    return device.outcome


def small_flash(folder: Path) -> None:
    """Leave the log the least: three sectors."""
    (folder / "flash").write_bytes(b"\xff" * 5 * SECTOR_BYTES)


FILLING = [(OFF, 1), *[(ECG, 1.3), (TOP, 0.3)] * 140]


def log_fills(program: Path, folder: Path) -> Outcome:
    """More transitions than the log has room for, then a pause in which it is prepared again."""
    small_flash(folder)
    with bench(program, folder, script_of(*FILLING)) as device:
        device.played()
    small = device.outcome.statuses
    with bench(program, folder, script_of((OFF, 3), (ECG, 2))) as device:
        device.played()
    device.outcome.statuses[:0] = small
    return device.outcome


def log_is_prepared(program: Path, folder: Path) -> Outcome:
    """The electrodes come off after the log filled, while no host is there."""
    small_flash(folder)
    with bench(program, folder, script_of(*FILLING, (OFF, 60), (ECG, 2))) as device:
        device.played()
    return device.outcome


def flash_fails(program: Path, folder: Path) -> Outcome:
    """Nothing can be written from the middle of a signal on."""
    with bench(program, folder, script_of((ECG, 3), (TOP, 1), (ECG, 3)), {700: FLASH_FAILS}) as device:
        device.played()
        with pytest.raises(RefusalError, match="did not keep"):
            device.link.ask(STORED, DeviceSettings)
    return device.outcome


def full_flash_fails(program: Path, folder: Path) -> Outcome:
    """The log fills, and cannot be erased any more."""
    small_flash(folder)
    script = script_of(*FILLING, (OFF, 60), (ECG, 2))
    last = len(script[0]) - 62 * FS_HZ
    with bench(program, folder, script, {last: FLASH_FAILS}) as device:
        device.played()
    return device.outcome


def other_model(program: Path, folder: Path) -> Outcome:
    """A model that was trained on another signal path."""
    with bench(program, folder, script_of((ECG, 3))) as device, pytest.raises(LinkError, match="code 1"):
        device.start(LIVE)
    return device.outcome


SCENARIOS: dict[str, Callable[[Path, Path], Outcome]] = {
    "journey": journey,
    "resets": resets,
    "host_leaves": host_leaves,
    "held_off": partial(held, "LEADS_OFF", OFF),
    "held_live": partial(held, "LIVE", ECG),
    "held_top": partial(held, "SATURATED", TOP),
    "silent_replay": silent_replay,
    "losses": losses,
    "log_fills": log_fills,
    "log_is_prepared": log_is_prepared,
    "flash_fails": flash_fails,
    "full_flash_fails": full_flash_fails,
}


@pytest.fixture(scope="module")
def program(shipped_image: Callable[[str], Path]) -> Path:
    return shipped_image("native")


@pytest.fixture(scope="module")
def play(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    """Give the outcome of a scenario, played once."""
    outcomes: dict[str, Outcome] = {}

    def played(name: str) -> Outcome:
        if name not in outcomes:
            outcomes[name] = SCENARIOS[name](program, tmp_path_factory.mktemp(name))
        return outcomes[name]

    return played


Play = Callable[[str], Outcome]


# ---- tests ------------------------------------------------------------------------------------------


def test_live_begins_alone_and_follows_the_electrodes(play: Play) -> None:
    outcome = play("journey")
    rows = [record for record in outcome.records if record.kind == names.LOG_MODE and record.data[0] < 7]
    found = [(record.detail, record.sample) for record in rows]
    off, live, top = STATE["LEADS_OFF"], STATE["LIVE"], STATE["SATURATED"]
    second, tenth = FS_HZ, FS_HZ // 10
    expected = [(STATE["IDLE"], 0), (off, 0), (live, 4 * second)]
    expected += [(off, 8 * second + tenth), (live, 10 * second), (top, 14 * second + tenth)]
    expected += [(live, 16 * second), (top, 19 * second + tenth), (off, 20 * second + tenth)]
    assert found == [*expected, (live, 23 * second)]
    status = outcome.status
    assert status.samples == 25 * second
    assert status.off_samples == (4 * second - 1) + (2 * second - tenth) + (3 * second - tenth)
    assert status.saturated_samples == (2 * second - tenth) + second
    assert status.beats > 5


def test_the_cause_of_every_reset_is_reported_and_kept(play: Play) -> None:
    outcome = play("resets")
    starts = [record for record in outcome.records if record.kind == names.LOG_START]
    assert [(start.boot, start.detail) for start in starts] == [
        (1, POWER_ON),
        (2, BROWN_OUT),
        (3, WATCHDOG),
        (4, POWER_ON),
    ]
    assert outcome.status.reset_cause == POWER_ON
    assert outcome.status.mode == STATE["LIVE"]


def test_a_host_that_left_finds_the_device_live(play: Play) -> None:
    outcome = play("host_leaves")
    seconds = sum(len(wave.data) // 2 for wave in outcome.waves) / FS_HZ
    assert 29 < seconds < 35  # nothing is sent to a host that has gone
    assert outcome.transitions.count((STATE["HOST_HERE"], CAUSE["HOST_IS_SILENT"], STATE["HOST_AWAY"])) >= 1


def test_a_silent_replay_ends(play: Play) -> None:
    assert (STATE["REPLAY"], CAUSE["HOST_IS_SILENT"], STATE["IDLE"]) in play("silent_replay").transitions


def test_losses_are_counted_and_in_the_log(play: Play) -> None:
    outcome = play("losses")
    assert (outcome.status.missed_samples, outcome.status.lost_bytes) == (3, 1)
    assert outcome.status.samples == 45 * FS_HZ
    rows = [struct.unpack_from("<II", r.data) for r in outcome.records if r.kind == names.LOG_LOSS]
    assert rows[-1] == (3, 1)
    assert len(rows) >= 2


def test_a_full_log_is_reported_and_what_it_lost_is_counted(play: Play) -> None:
    filled = play("log_fills")
    full = [status for status in filled.statuses if status.log == STATE["LOG_FULL"]]
    assert full and full[-1].log_lost > 0 and full[-1].log_room == 0
    assert filled.status.log == STATE["LOG_OPEN"]
    prepared = play("log_is_prepared")
    assert (STATE["LOG_FULL"], CAUSE["LOG_IS_PREPARED"], STATE["LOG_OPEN"]) in prepared.transitions
    assert prepared.status.log_lost > 0


def test_without_flash_the_device_goes_on(play: Play) -> None:
    status = play("flash_fails").statuses[-2]  # the settings begin a new session
    assert status.log == STATE["LOG_FAILED"]
    assert (status.mode, status.samples) == (STATE["LIVE"], 7 * FS_HZ)


def test_settings_are_kept_and_damage_is_reported(program: Path, tmp_path: Path) -> None:
    with bench(program, tmp_path) as device:
        assert device.link.ask(GetSettings(), DeviceSettings).source == 1
        device.link.ask(STORED, DeviceSettings)
        with pytest.raises(RefusalError, match="code 8"):
            device.link.ask(SetSettings(ADU_PER_MV, 55, 1, 1, 1, 30), DeviceSettings)
    with bench(program, tmp_path) as device:
        found = device.link.ask(GetSettings(), DeviceSettings)
        assert found == DeviceSettings(0, ADU_PER_MV, 60, 1, 1, 1, 30)
        device.link.ask(STORED, DeviceSettings)
    flash = bytearray((tmp_path / "flash").read_bytes())
    flash[12] = flash[SECTOR_BYTES + 12] = 0
    (tmp_path / "flash").write_bytes(flash)
    with bench(program, tmp_path) as device:
        found = device.link.ask(GetSettings(), DeviceSettings)
        assert (found.source, found.adu_per_mv) == (3, 1365)
        assert device.link.ask(STORED, DeviceSettings).source == 0
    starts = [record for record in device.outcome.records if record.kind == names.LOG_START]
    assert [start.data[0] for start in starts] == [1, 0, 3]


def test_settings_wait_for_the_end_of_a_session(program: Path, tmp_path: Path) -> None:
    with bench(program, tmp_path, script_of((ECG, 3))) as device:
        device.start(LIVE)
        with pytest.raises(RefusalError, match="code 7"):
            device.link.ask(STORED, DeviceSettings)
        device.finish()
        device.link.ask(STORED, DeviceSettings)


def test_events_are_in_the_log(program: Path, tmp_path: Path) -> None:
    signal, flags = script_of((ECG, 20), (ECG, 20))
    signal[15 * FS_HZ : 25 * FS_HZ] = 0
    with bench(program, tmp_path, (signal, flags)) as device:
        device.played()
    assert any(record.kind == names.LOG_EVENT for record in device.outcome.records)


def bundle_of_another_path(shipped_bundle: Path, other: Path) -> Path:
    """Copy a bundle, as if it was trained on another signal path."""
    for path in sorted(shipped_bundle.rglob("*")):
        if path.is_file():
            target = other / path.relative_to(shipped_bundle)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    header = other / "c" / "model_info.h"
    header.write_text(header.read_text().replace(f"0x{fingerprint():08X}u", "0x1u"))
    return other


def test_a_refused_model_is_a_state(shipped_bundle: Path, tmp_path: Path) -> None:
    other = bundle_of_another_path(shipped_bundle, tmp_path / "other")
    outcome = other_model(pio.build("native", other, tmp_path / "pio"), tmp_path)
    assert outcome.status.mode == STATE["REFUSED"]
    row = (STATE["SELF_TEST"], CAUSE["TEST_FAILED"], STATE["REFUSED"])
    assert outcome.transitions[0] == row


def test_every_transition_has_happened(play: Play) -> None:
    found = set().union(*(play(name).covered() for name in SCENARIOS))
    table = {
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
