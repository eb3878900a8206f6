"""What the emulated STM32F405 reports of itself.

QEMU's machine has no end of conversion, so every sample is a filler, and it ignores writes to the flash: LIVE
with electrodes, resets and the log run in the native program (`test_modes.py`) and on silicon. Its clock
jumps while the processor sleeps, so the jitter there is not the board's.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_edge.host.devices.emulator import emulator
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link, RefusalError
from ecg_edge.host.link.messages import (
    DeviceSettings,
    DeviceStatus,
    Done,
    Finish,
    GetLog,
    GetStatus,
    LogRecords,
    Samples,
    SetSettings,
)
from tests.support.c_tables import c_table
from tests.support.core_signals import ADU_PER_MV, ecg
from tests.support.device_c import WARNINGS

pytestmark = pytest.mark.device

STATE = {row[0]: int(row[1]) for row in c_table("src/mode.h", "MODE_STATES")}
RESET = {row[0]: int(row[1]) for row in c_table("src/reset_cause.h", "RESET_CAUSES")}
REPLAY, LIVE = 0, 1


@pytest.fixture(scope="module")
def image(shipped_image: Callable[[str], Path]) -> Path:
    return shipped_image("stm32f405")


def test_live_alone_replay_and_back(image: Path) -> None:
    with emulator(image, count_instructions=True) as port, open_transport(port) as line:
        link = Link(line)
        link.handshake()
        status = link.ask(GetStatus(), DeviceStatus)
        assert (status.mode, status.host, status.log) == (
            STATE["LEADS_OFF"],
            STATE["HOST_HERE"],
            STATE["LOG_FAILED"],
        )
        link.start(360, ADU_PER_MV, 60, REPLAY)
        assert link.ask(GetStatus(), DeviceStatus).mode == STATE["REPLAY"]
        samples = ecg(8, 1)[0][:2400]
        for first in range(0, 1920, 240):
            link.send(Samples(first, 0, samples[first : first + 240].tobytes()))
        link.send(Finish(1920))
        while not any(isinstance(message, Done) for message in link.receive(5)):
            pass
        status = link.ask(GetStatus(), DeviceStatus)
        assert (status.mode, status.replayed) == (STATE["IDLE"], 1920)
        assert status.beats > 0
        link.start(360, ADU_PER_MV, 60, LIVE)
        status = link.ask(GetStatus(), DeviceStatus)
        assert status.mode == STATE["LEADS_OFF"]
        assert 0 < status.stack_used < 8192 <= status.stack_bytes  # the linker script keeps 8 KiB
        assert 0 < status.awake_permille < 1000


def test_flash_that_keeps_nothing_is_reported(image: Path) -> None:
    with emulator(image) as port, open_transport(port) as line:
        link = Link(line)
        link.handshake()
        assert link.ask(GetLog(0), LogRecords).records == ()
        with pytest.raises(RefusalError, match="code 8"):
            link.ask(SetSettings(ADU_PER_MV, 60, 1, 1, 1, 30), DeviceSettings)
        assert link.ask(GetStatus(), DeviceStatus).settings_source == 4


def test_flags_of_the_reset_register(project_root: Path, tmp_path: Path) -> None:
    source, library = tmp_path / "flags.c", tmp_path / "flags.so"
    source.write_text(
        '#include "boards/stm32f405/reset_flags.h"\n'
        "int cause_of(uint32_t csr);\nint cause_of(uint32_t csr) { return (int)reset_cause_of(csr); }\n"
    )
    options = [*WARNINGS, f"-I{project_root / 'firmware/src'}", "-shared", "-fPIC"]
    subprocess.run(["gcc", *options, str(source), "-o", str(library)], check=True)
    cause_of = ctypes.CDLL(str(library)).cause_of
    pin = 1 << 26  # every reset sets it
    assert cause_of(ctypes.c_uint32(pin | 1 << 25 | 1 << 27)) == RESET["RESET_POWER_ON"]
    assert cause_of(ctypes.c_uint32(pin | 1 << 25)) == RESET["RESET_BROWN_OUT"]
    assert cause_of(ctypes.c_uint32(pin | 1 << 29)) == RESET["RESET_WATCHDOG"]
    assert cause_of(ctypes.c_uint32(pin | 1 << 28)) == RESET["RESET_SOFTWARE"]
    assert cause_of(ctypes.c_uint32(pin)) == RESET["RESET_PIN"]
    assert cause_of(ctypes.c_uint32(0)) == RESET["RESET_UNKNOWN"]
