"""A firmware built for a front end of 250 Hz, on the emulated board."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError
from ecg_edge.firmware import process
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.emulator import emulator
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import LiveSamples

pytestmark = [
    pytest.mark.device,
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]
BOARD_HZ = 250
REPLAY, LIVE = 0, 1


@pytest.fixture(scope="module")
def image(shipped_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLATFORMIO_BUILD_FLAGS", f"-D BOARD_FS_HZ={BOARD_HZ}")
        yield pio.build("stm32f405", shipped_bundle, tmp_path_factory.mktemp("pio"))


@contextmanager
def booted(image: Path) -> Iterator[Link]:
    with emulator(image) as port, open_transport(port) as transport:
        yield Link(transport)


def rhythm_strip(beats: int, fs_hz: int) -> NDArray[np.int16]:
    """A narrow bump every 0.8 s on a slow wave; int16 (0.8 * fs_hz * beats,)."""
    at_s = np.arange(round(0.8 * fs_hz) * beats) / fs_hz
    bump = 250 * np.exp(-(((at_s % 0.8 - 0.4) / 0.0083) ** 2) / 2)
    return np.round(bump + 30 * np.sin(1.8 * at_s)).astype(np.int16)


@pytest.mark.parametrize("fs_hz", [250, 360, 500])
def test_a_replay_at_any_rate_gives_the_beats_of_the_python_path(image: Path, fs_hz: int) -> None:
    signal = rhythm_strip(20, fs_hz)
    expected = process(signal, fs_hz=fs_hz)
    with booted(image) as link:
        info = link.handshake()
        link.start(fs_hz, 200, 60, REPLAY)
        beats = link.stream(signal, info.window_samples).beats
    assert len(expected) >= 18
    assert [beat.r_sample for beat in beats] == expected["r_sample"].tolist()
    assert [beat.rr_samples for beat in beats] == expected["rr_samples"].tolist()
    assert [beat.input_crc32 for beat in beats] == expected["crc32"].tolist()


def test_live_mode_is_at_the_boards_rate(image: Path) -> None:
    with booted(image) as link:
        assert link.handshake().fs_hz == BOARD_HZ
        with pytest.raises(LinkError, match=r"code 3.*the board's"):
            link.start(360, 200, 60, LIVE)
        link.start(BOARD_HZ, 200, 60, LIVE)
        wave = next(m for _ in range(100) for m in link.receive(0.1) if isinstance(m, LiveSamples))
    assert len(wave.data) // 2 == BOARD_HZ // 10
