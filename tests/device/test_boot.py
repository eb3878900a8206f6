"""The firmware boots, says who it is, and refuses to label beats when anything in its image is damaged."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, repeat
from pathlib import Path

import numpy as np
import psutil
import pytest
from elftools.elf.elffile import ELFFile
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError, ToolError
from ecg_edge.ecg.records import load_record
from ecg_edge.firmware import FLAG_UNCLASSIFIABLE, Beats, fingerprint, process, process_signal
from ecg_edge.host.cli.main import EXIT_TERMINATED
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.emulator import emulator, native_device
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import (
    LABEL_UNCLASSIFIABLE,
    Beat,
    Done,
    Finish,
    LiveSamples,
    Message,
    Samples,
)
from ecg_edge.quantize.bundle.manifest import load_bundle
from tests.support.beat_network import export_random

pytestmark = [
    pytest.mark.device,
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]

READY, SELF_TEST_FAILED, MODEL_DAMAGED, OTHER_CORE = range(4)
REPLAY, LIVE = 0, 1
FS_HZ, ADU_PER_MV, MAINS_HZ = 360, 200, 60


@pytest.fixture(scope="module")
def images(shipped_image: Callable[[str], Path]) -> dict[str, Path]:
    """The firmware with the shipped model, built for the emulated board and for this computer."""
    return {name: shipped_image(name) for name in ("stm32f405", "native")}


@contextmanager
def linked(port: str) -> Iterator[Link]:
    with open_transport(port) as transport:
        yield Link(transport)


@contextmanager
def booted(environment: str, image: Path) -> Iterator[Link]:
    with (
        emulator(image) if environment == "stm32f405" else native_device(image) as port,
        linked(port) as link,
    ):
        yield link


@pytest.mark.parametrize("environment", ["stm32f405", "native"])
def test_the_handshake_names_the_model(
    environment: str, images: dict[str, Path], shipped_bundle: Path, project_root: Path
) -> None:
    manifest = load_bundle(shipped_bundle).manifest
    with booted(environment, images[environment]) as link:
        info = link.handshake()
    assert info.status == READY
    assert info.board == environment
    assert info.model_sha256 == manifest.model_sha256
    assert info.labels == manifest.labels
    assert info.core_fingerprint == manifest.core_fingerprint == fingerprint()
    assert info.engine.startswith("generated/")
    assert info.arena_bytes == manifest.arena_bytes["generated"]
    assert f'version = "{info.firmware_version}"' in (project_root / "pyproject.toml").read_text()


def flip_bit(image: Path, output: Path, symbol: str) -> Path:
    """A copy of an ELF with one bit flipped in the middle of a constant."""
    data = bytearray(image.read_bytes())
    with image.open("rb") as file:
        elf = ELFFile(file)
        (found,) = elf.get_section_by_name(".symtab").get_symbol_by_name(symbol)
        section = elf.get_section(found["st_shndx"])
        at = found["st_value"] - section["sh_addr"] + section["sh_offset"] + found["st_size"] // 2
    data[at] ^= 0x04
    output.write_bytes(data)
    return output


@pytest.mark.parametrize(
    ("symbol", "status"),
    [("tables", MODEL_DAMAGED), ("golden_logits", SELF_TEST_FAILED)],
)
def test_one_flipped_bit_silences_the_device(
    symbol: str, status: int, images: dict[str, Path], tmp_path: Path
) -> None:
    damaged = flip_bit(images["stm32f405"], tmp_path / "damaged.elf", symbol)
    with booted("stm32f405", damaged) as link:
        assert link.handshake().status == status
        with pytest.raises(LinkError, match=r"code 1.*self-test"):
            link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY)
        link.send(Samples(0, 0, bytes(480)))
        with pytest.raises(LinkError, match="code 4"):
            answers(link, Done)


def test_another_signal_path_silences_the_device(shipped_bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(shipped_bundle, other)
    header = other / "c" / "model_info.h"
    expected = f"0x{fingerprint():08X}u"
    assert expected in header.read_text()
    header.write_text(header.read_text().replace(expected, f"0x{fingerprint() ^ 1:08X}u"))
    with booted("native", pio.build("native", other, tmp_path / "pio")) as link:
        assert link.handshake().status == OTHER_CORE


@pytest.mark.parametrize("environment", ["stm32f405", "native"])
def test_two_models_share_an_image_and_its_arena(environment: str, tmp_path: Path) -> None:
    first, second = export_random(tmp_path, "first", 1), export_random(tmp_path, "second", 2)
    image = pio.build(environment, first.path, tmp_path / "pio", further=[second.path])
    with booted(environment, image) as link:
        info = link.handshake()
    assert (info.status, info.model_sha256) == (READY, first.manifest.model_sha256)
    assert info.arena_bytes == max(bundle.manifest.arena_bytes["generated"] for bundle in (first, second))

    source = second.c_path / "model_info.c"
    text = source.read_text()
    damaged = re.sub(
        r"(golden_logits\[[^=]*=[\s{]*)(-?\d+)", lambda found: f"{found[1]}{int(found[2]) // 2 + 1}", text
    )
    assert damaged != text
    source.write_text(damaged)
    with booted(
        environment, pio.build(environment, first.path, tmp_path / "pio", further=[second.path])
    ) as link:
        assert link.handshake().status == SELF_TEST_FAILED


def test_two_bundles_of_one_name_are_refused(shipped_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="different names"):
        pio.build("native", shipped_bundle, tmp_path, further=[shipped_bundle])


def answers(link: Link, last: type[Message], timeout_s: float = 60) -> list[Message]:
    """What the device sends up to the first message of type `last`."""
    received: list[Message] = []
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for message in link.receive(0.1):
            received.append(message)
            if isinstance(message, last):
                return received
    raise AssertionError(f"no {last.__name__} came, only {received}")


def rhythm_strip(beats: int) -> NDArray[np.int16]:
    """A narrow bump every 0.8 s on a slow wave: enough for the detector; int16 (288 * beats,)."""
    at = np.arange(288 * beats)
    bump = 250 * np.exp(-(((at % 288) - 144) ** 2) / 18)
    return np.round(bump + 30 * np.sin(at / 200)).astype(np.int16)


@pytest.mark.parametrize("environment", ["stm32f405", "native"])
def test_blocks_of_any_size_give_the_beats_of_the_python_path(
    environment: str, images: dict[str, Path]
) -> None:
    signal = rhythm_strip(8)
    expected = process(signal)
    assert len(expected) >= 6
    with booted(environment, images[environment]) as link:
        window = link.handshake().window_samples
        for blocks in (repeat(1), repeat(239), repeat(240), cycle([3, 240, 1, 77])):
            link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY)
            progress = link.stream(signal, window, blocks=blocks)
            check_beats(progress.beats, expected)
            assert progress.naks == 0
            done = progress.done
            assert done is not None and done.rejected_frames == 0
            assert (done.samples, done.beats) == (len(signal), len(expected))
            assert done.engine_ticks_max <= done.engine_ticks


@pytest.mark.records
@pytest.mark.parametrize("environment", ["stm32f405", "native"])
def test_a_record_in_random_blocks_gives_the_beats_of_the_python_path(
    environment: str, images: dict[str, Path], data_dir: Path
) -> None:
    record = load_record(data_dir, "mitdb", "203", annotator=None)
    signal = record.samples[: 300 * FS_HZ]
    sizes = random.Random(3)
    with booted(environment, images[environment]) as link:
        window = link.handshake().window_samples
        link.start(FS_HZ, record.adu_per_mv, MAINS_HZ, REPLAY)
        progress = link.stream(signal, window, blocks=iter(lambda: sizes.randint(1, 240), 0))
    check_beats(progress.beats, process(signal, adu_per_mv=record.adu_per_mv))


@pytest.mark.parametrize("environment", ["stm32f405", "native"])
def test_bad_signal_is_told_and_its_beats_are_unclassifiable(
    environment: str, images: dict[str, Path]
) -> None:
    signal = rhythm_strip(50)
    signal += np.random.default_rng(2).integers(-2, 3, len(signal)).astype(np.int16)
    hum = 350 * np.sin(np.pi / 3 * np.arange(10 * FS_HZ))
    signal[10 * FS_HZ : 20 * FS_HZ] += np.round(hum).astype(np.int16)
    signal[28 * FS_HZ : 32 * FS_HZ] = 100
    expected = process_signal(signal)
    bad = expected.beats["flags"] & FLAG_UNCLASSIFIABLE != 0
    assert len(expected.changes) == 4 and 10 < bad.sum() < len(bad) - 20
    with booted(environment, images[environment]) as link:
        link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY)
        progress = link.stream(signal, link.handshake().window_samples)
    check_beats(progress.beats, expected.beats)
    assert [(c.sample, c.reasons, c.bad) for c in progress.changes] == expected.changes.tolist()
    assert [beat.label == LABEL_UNCLASSIFIABLE for beat in progress.beats] == bad.tolist()
    assert all(len(beat.output) == 5 for beat in progress.beats)


def check_beats(beats: list[Beat], expected: Beats) -> None:
    assert [beat.beat_index for beat in beats] == list(range(len(expected)))
    for name in ("r_sample", "rr_samples", "flags", "quality"):
        assert [getattr(beat, name) for beat in beats] == expected[name].tolist()
    assert [beat.input_crc32 for beat in beats] == expected["crc32"].tolist()


def test_the_emulated_board_recovers_from_a_flood(images: dict[str, Path]) -> None:
    signal = rhythm_strip(6)
    flood = [Samples(i, 0, signal[i : i + 1].astype("<i2").tobytes()) for i in range(1700)]
    with booted("stm32f405", images["stm32f405"]) as link:
        window = link.handshake().window_samples
        link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY)
        link.send(*flood)
        progress = link.stream(signal, window)
    check_beats(progress.beats, process(signal))


def test_live_mode_sends_every_sample_of_the_front_end(images: dict[str, Path]) -> None:
    with booted("stm32f405", images["stm32f405"]) as link:
        link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, LIVE)
        waves = [answers(link, LiveSamples)[-1] for _ in range(5)]
        link.send(Finish(0))
        done = answers(link, Done)[-1]
    next_index = 0
    for wave in waves:
        assert isinstance(wave, LiveSamples)
        assert wave.first_index == next_index
        next_index += len(wave.data) // 2
    assert isinstance(done, Done)
    assert done.samples >= next_index > 0


def test_a_board_without_a_front_end_refuses_live_mode(images: dict[str, Path]) -> None:
    with booted("native", images["native"]) as link, pytest.raises(LinkError, match=r"code 7.*front end"):
        link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, LIVE)


def test_ticks_count_instructions(images: dict[str, Path]) -> None:
    signal = rhythm_strip(4)
    with emulator(images["stm32f405"], count_instructions=True) as port, linked(port) as link:
        link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY)
        for first in range(0, len(signal), 240):
            link.send(Samples(first, 0, signal[first : first + 240].astype("<i2").tobytes()))
        link.send(Finish(len(signal)))
        done = answers(link, Done)[-1]
    assert isinstance(done, Done)
    per_sample = done.core_ticks * 1e9 / done.tick_hz / len(signal)
    assert 50 < per_sample < 3000


def test_the_board_does_not_count_more_ticks_than_passed(images: dict[str, Path]) -> None:
    signal = rhythm_strip(400)
    with booted("stm32f405", images["stm32f405"]) as link:
        window = link.handshake().window_samples
        link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY)
        progress = link.stream(signal, window)
    done = progress.done
    assert done is not None
    assert done.samples == len(signal)
    assert (progress.naks, done.rejected_frames) == (0, 0)
    assert 0 < done.core_ticks + done.engine_ticks < progress.seconds * done.tick_hz


def test_a_terminated_emulate_takes_the_emulator_with_it(images: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "ecg_edge.host.cli.main", "emulate", "--image", str(images["stm32f405"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("unix:")
        (child,) = psutil.Process(process.pid).children()
        process.terminate()
        assert process.wait(20) == EXIT_TERMINATED
    assert not child.is_running()
