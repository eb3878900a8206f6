"""What leaves a board beside its line: Bluetooth notifications and the buzzer, of the native program."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.host.link.messages import DeviceSettings, SetSettings
from tests.device.test_modes import bench
from tests.firmware.test_ble import Received, receive
from tests.support.core_signals import ADU_PER_MV, ecg

pytestmark = pytest.mark.device

FS_HZ = 360
HEART_RATE, BATTERY, SAMPLES, BEAT, EVENT = range(5)
ASYSTOLE, BEGIN, HIGH, LIVE, REPLAY = 3, 0, 4, 1, 0


@dataclass
class Outputs:
    """The lines of the file, in the order of time."""

    notified: dict[int, list[bytes]]
    buzzer: list[tuple[int, bool]]
    """Time in ms, on or off."""


def read(path: Path) -> Outputs:
    found = Outputs({value: [] for value in range(5)}, [])
    for line in path.read_text().splitlines():
        time, kind, number, *payload = line.split()
        if kind == "buzzer":
            found.buzzer.append((int(time), number == "1"))
        else:
            found.notified[int(number)].append(bytes.fromhex(payload[0]))
    return found


@pytest.fixture(scope="module")
def program(shipped_image: Callable[[str], Path]) -> Path:
    return shipped_image("native")


def settle(program: Path, folder: Path, buzzer: int = 1) -> None:
    """Store the gain of the test signals, and whether the buzzer is wanted."""
    with bench(program, folder) as device:
        device.link.ask(SetSettings(ADU_PER_MV, 60, 1, buzzer, 1, 30), DeviceSettings)


@pytest.fixture(scope="module")
def silence() -> tuple[np.ndarray, np.ndarray]:
    """Beats, a heart that stands still for 12 s, beats, electrodes off."""
    still = np.random.default_rng(1).integers(-3, 4, 12 * FS_HZ)
    signal = np.concatenate([ecg(20, 1)[0], still, ecg(23, 2)[0]])
    flags = np.zeros(len(signal), np.uint8)
    flags[-3 * FS_HZ :] = 2
    return signal.astype(np.int16), flags


def test_a_live_session_is_notified(
    program: Path, silence: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    settle(program, tmp_path)
    with bench(program, tmp_path, silence, outputs=tmp_path / "outputs") as device:
        status = device.played()
    found = read(tmp_path / "outputs").notified
    received = np.concatenate([np.frombuffer(payload[5:], "<i2") for payload in found[SAMPLES]])
    firsts = [int.from_bytes(payload[:4], "little") for payload in found[SAMPLES]]
    assert np.array_equal(received, silence[0][: len(received)])
    assert len(silence[0]) - len(received) < FS_HZ // 10 + 1
    assert firsts == np.cumsum([0, *(len(payload) // 2 - 2 for payload in found[SAMPLES])])[:-1].tolist()
    beats = [struct.unpack("<IIHcHBB", payload) for payload in found[BEAT]]
    assert len(beats) == status.beats > 40
    assert {beat[3] for beat in beats} <= {b"N", b"L", b"R", b"A", b"V", b"?"}
    assert max(beat[5] for beat in beats) > 100  # as in BEAT: not per cent
    events = [struct.unpack("<IBBBBIIHB", payload) for payload in found[EVENT]]
    assert any(event[1:3] == (ASYSTOLE, BEGIN) and event[4] == HIGH for event in events)
    check_rates([receive(payload) for payload in found[HEART_RATE]], [beat[2] for beat in beats])


def check_rates(rates: list[Received], intervals: list[int]) -> None:
    """Every interval once, contact as the electrodes are, and no rate in a long silence."""
    sent = [value for rate in rates for value in rate.rr_1024]
    expected = [(1024 * rr + FS_HZ // 2) // FS_HZ for rr in intervals if rr > 0]
    assert sent == expected[: len(sent)] and len(expected) - len(sent) < 4
    assert {rate.contact for rate in rates} == {True, False}
    assert not rates[-1].contact
    assert any(50 < rate.rate < 120 for rate in rates)
    assert any(rate.rate == 0 and rate.contact for rate in rates)


def test_the_battery_is_notified_when_its_charge_has_changed(program: Path, tmp_path: Path) -> None:
    signal = np.tile(ecg(60, 1)[0], 4).astype(np.int16)
    script = (signal, np.zeros(len(signal), np.uint8))
    with bench(program, tmp_path, script, outputs=tmp_path / "outputs") as device:
        device.played()
    assert read(tmp_path / "outputs").notified[BATTERY] == [bytes([50])]


@pytest.mark.parametrize("buzzer", [0, 1])
def test_the_buzzer_sounds_while_the_heart_stands_still(
    buzzer: int, program: Path, silence: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    settle(program, tmp_path, buzzer)
    with bench(program, tmp_path, silence, outputs=tmp_path / "outputs") as device:
        device.played()
    found = read(tmp_path / "outputs").buzzer
    starts = [time / 1000 for time, on in found if on]
    bursts = [now for before, now in zip([0.0, *starts], starts, strict=False) if now - before > 1.5]
    during = [time for time in bursts if 25 < time < 33]  # the program looks at the time every 0.18 s here
    assert during == (pytest.approx([27.4, 31.4], abs=0.5) if buzzer else [])
    assert bool(found) == bool(buzzer)
    assert not found or not found[-1][1]  # off at the end


def test_a_replay_is_neither_notified_nor_heard(
    program: Path, silence: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    with bench(
        program, tmp_path, live_alone=False, sample_clock=False, outputs=tmp_path / "outputs"
    ) as device:
        window = device.link.handshake().window_samples
        device.link.start(FS_HZ, ADU_PER_MV, 60, REPLAY)
        progress = device.link.stream(silence[0], window)
    assert len(progress.beats) > 40
    found = read(tmp_path / "outputs")
    assert found.buzzer == []
    assert not any(found.notified[value] for value in (HEART_RATE, SAMPLES, BEAT, EVENT))
