"""The command that puts firmware on a device, by the kind of its port."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecg_edge.host.conformance.identity import firmware_command
from tests.support.live_device import INFO


@pytest.mark.parametrize(
    ("port", "board", "command"),
    [
        ("native", "native", "`ecg-edge build --env native --model m`"),
        ("emulator", "stm32f405", "`ecg-edge build --env stm32f405 --model m`"),
        ("pico", "pico", "`ecg-edge build --env pico --model m`"),
        ("/dev/pts/3", "stm32f405", "`ecg-edge build --env stm32f405 --model m`"),
        ("/dev/ttyUSB0", "esp32dev", "`ecg-edge flash --model m`"),
    ],
)
def test_firmware_is_flashed_to_boards_and_built_for_programs(port: str, board: str, command: str) -> None:
    assert firmware_command(replace(INFO, board=board), port, "--model m") == command
