"""The firmware of the Raspberry Pi Pico in rp2040js: it boots from its UF2 file and agrees on every byte."""

from __future__ import annotations

import importlib
import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.errors import ToolError
from ecg_edge.firmware import fingerprint, process
from ecg_edge.host.conformance.replay import replay
from ecg_edge.host.devices.emulator import write_front_end
from ecg_edge.host.devices.pico import pico_emulator, setup_rp2040js
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import (
    DeviceSettings,
    DeviceStatus,
    GetLog,
    GetStatus,
    LogRecords,
    SetSettings,
)
from ecg_edge.host.live.device import DeviceSource
from ecg_edge.host.live.items import BeatMark, LeadChange, Wave
from ecg_edge.host.reference.device_states import RESET_CAUSES
from ecg_edge.quantize.bundle.manifest import load_bundle
from tests.support.core_signals import ecg

pytestmark = [
    pytest.mark.device,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]

FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY = 360, 200, 60, 0
ADC_ZERO = 2048
FLASH_START, BOOT2_BYTES = 0x10000000, 256


@pytest.fixture(scope="module")
def image(shipped_image: Callable[[str], Path]) -> Path:
    setup_rp2040js()
    return shipped_image("pico").with_suffix(".uf2")


@pytest.fixture(scope="module")
def port(image: Path) -> Iterator[str]:
    """One booted board for all tests that leave it as it was."""
    with pico_emulator(image) as address:
        yield address


def test_the_handshake_names_the_model(port: str, shipped_bundle: Path) -> None:
    manifest = load_bundle(shipped_bundle).manifest
    with open_transport(port) as transport:
        info = Link(transport).handshake()
    assert (info.status, info.board, info.engine) == (0, "pico", "generated/armv6m")
    assert info.model_sha256 == manifest.model_sha256
    assert info.core_fingerprint == manifest.core_fingerprint == fingerprint()


@pytest.mark.records
@pytest.mark.parametrize("record", ["mitdb/100", "mitdb/208"])
def test_a_record_leaves_no_differing_byte(
    record: str, port: str, shipped_bundle: Path, data_dir: Path, tmp_path: Path
) -> None:
    outcome = replay(
        [record], port=port, bundle_path=shipped_bundle, data=data_dir, out=tmp_path / "out", seconds=30
    )
    (result,) = outcome.results["records"]
    assert outcome.passed
    assert result["beats"] > 30
    assert result["differing_bytes"] == result["lost_samples"] == 0
    assert result["events"] == result["agreeing_events"] > 0


@pytest.mark.records
def test_a_record_through_usb_leaves_no_differing_byte(
    image: Path, shipped_bundle: Path, data_dir: Path, tmp_path: Path
) -> None:
    """The emulated host asks for every descriptor, configures the device and opens the port before that."""
    with pico_emulator(image, usb=True) as address:
        outcome = replay(
            ["mitdb/208"],
            port=address,
            bundle_path=shipped_bundle,
            data=data_dir,
            out=tmp_path / "out",
            seconds=30,
        )
    (result,) = outcome.results["records"]
    assert outcome.passed
    assert result["beats"] > 30
    assert result["differing_bytes"] == result["lost_samples"] == 0


def test_blocks_of_any_size_give_the_beats_of_the_python_path(port: str) -> None:
    signal, _ = ecg(seconds=15, seed=3)
    expected = process(signal)
    with open_transport(port) as transport:
        link = Link(transport)
        window = link.handshake().window_samples
        link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY)
        progress = link.stream(signal, window, blocks=cycle([3, 240, 1, 77]))
    assert len(progress.beats) == len(expected) > 10
    assert [beat.r_sample for beat in progress.beats] == expected["r_sample"].tolist()
    assert [beat.input_crc32 for beat in progress.beats] == expected["crc32"].tolist()
    assert progress.done is not None
    assert (progress.done.samples, progress.done.rejected_frames) == (len(signal), 0)


def test_live_mode_samples_the_adc_and_the_leads(image: Path, tmp_path: Path) -> None:
    """Every sample in its order, none left out, and the leads-off signals in their place."""
    signal, _ = ecg(seconds=12, seed=4)
    samples = (signal + ADC_ZERO).astype(np.int16)
    flags = np.zeros(len(samples), np.uint8)
    flags[1000:1100] = 1
    flags[1050:1200] |= 2
    write_front_end(tmp_path / "script", samples, flags)
    stop, items = threading.Event(), []
    with pico_emulator(image, tmp_path / "script", speed=0) as address:
        source = DeviceSource(lambda: open_transport(address), address, ADU_PER_MV)
        for batch in source.items(stop):
            items += batch
            if any(isinstance(item, Wave) and item.end >= 10 * FS_HZ for item in items):
                stop.set()
    waves = [item for item in items if isinstance(item, Wave)]
    received = np.concatenate([wave.samples for wave in waves])
    assert waves[0].start == 0
    assert np.array_equal(received, samples[: len(received)])
    changes = [(item.sample, item.flags) for item in items if isinstance(item, LeadChange)]
    assert [change for change in changes if change[0] > 0] == [(1000, 1), (1050, 3), (1100, 2), (1200, 0)]
    assert sum(isinstance(item, BeatMark) for item in items) > 5
    assert source.losses.samples == source.losses.frames == 0


def test_it_reports_its_state_and_keeps_its_settings(image: Path) -> None:
    """The log and the settings are in the flash, which the boot ROM's functions erase and program."""
    with pico_emulator(image) as address, open_transport(address) as transport:
        link = Link(transport)
        link.handshake()
        wanted = SetSettings(400, 50, live_alone=0, buzzer=1, log_events=1, host_timeout_s=9)
        kept = link.ask(wanted, DeviceSettings)
        assert (kept.adu_per_mv, kept.mains_hz, kept.live_alone, kept.host_timeout_s) == (400, 50, 0, 9)
        status = link.ask(GetStatus(), DeviceStatus)
        records = link.ask(GetLog(0), LogRecords)
    assert RESET_CAUSES[status.reset_cause] == RESET_CAUSES[1]  # power on
    assert 0 < status.stack_used < 8192 <= status.stack_bytes
    assert 1e6 * status.jitter_ticks / status.tick_hz < 10
    assert status.missed_samples == status.lost_bytes == 0
    assert records.records


def test_a_damaged_boot_loader_is_not_run(image: Path, tmp_path: Path) -> None:
    data = bytearray(image.read_bytes())
    data[32 + 8] ^= 1  # in the payload of the first block
    (tmp_path / "damaged.uf2").write_bytes(data)
    with (
        pytest.raises(ToolError, match="checksum of the boot loader"),
        pico_emulator(tmp_path / "damaged.uf2"),
    ):
        pass


MOVS_R0_1, LDR_R1_R0, UNDEFINED = 0x2001, 0x6801, 0xDE00


@pytest.mark.parametrize(
    ("code", "message"), [([MOVS_R0_1, LDR_R1_R0], "HardFault"), ([UNDEFINED], "undefined instruction")]
)
def test_what_faults_on_silicon_faults_here(
    code: list[int], message: str, project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A boot loader that reads a word at an odd address, and one with an undefined instruction."""
    monkeypatch.syspath_prepend(str(project_root / "firmware/scripts"))
    crc32_mpeg2 = importlib.import_module("boot2_crc").crc32_mpeg2
    boot2 = np.array(code, "<u2").tobytes().ljust(BOOT2_BYTES - 4, b"\0")
    boot2 += crc32_mpeg2(boot2).to_bytes(4, "little")
    uf2 = tmp_path / "fault.uf2"
    uf2.write_bytes(importlib.import_module("uf2").uf2_blocks(FLASH_START, boot2))
    with pytest.raises(ToolError, match=message), pico_emulator(uf2):
        pass


def test_only_a_uf2_file_is_booted(tmp_path: Path) -> None:
    with (
        pytest.raises(ToolError, match=r"none\.uf2.*ecg-edge build --env pico"),
        pico_emulator(tmp_path / "none.elf"),
    ):
        pass
    (tmp_path / "text.uf2").write_text("text")
    with (
        pytest.raises(ToolError, match="a text file; the emulated Pico boots a UF2"),
        pico_emulator(tmp_path / "text.uf2"),
    ):
        pass
