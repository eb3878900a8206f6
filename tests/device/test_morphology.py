"""The second network on the device: its results are the reference's, in a replay and in live mode."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.synthetic.files import write_wfdb
from ecg_edge.ecg.synthetic.generator import Settings
from ecg_edge.host.conformance.replay import replay
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.emulator import emulator, native_device, write_front_end
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link, Progress
from ecg_edge.host.link.messages import LABEL_UNCLASSIFIABLE, Morphology
from ecg_edge.host.live.device import DeviceSource
from ecg_edge.host.live.items import StripMark
from ecg_edge.host.reference.expected import Expected, expect
from ecg_edge.host.reference.morphology import reference_morphology
from ecg_edge.quantize.bundle.engines import reference_engine
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, SHIPPED_MORPHOLOGY, Bundle, load_bundle
from tests.support.beat_network import export_random
from tests.support.simulated import make_database, make_ecg

pytestmark = [
    pytest.mark.device,
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]

ENVIRONMENTS = ["stm32f405", "native"]
READY, MODEL_DAMAGED, OTHER_CORE = 0, 2, 3
ADU_PER_MV, MAINS_HZ, REPLAY = 200, 60, 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("morphology")


@pytest.fixture(scope="module")
def bundles(folder: Path) -> tuple[Bundle, Bundle]:
    """A beat classifier and a morphology network with random weights."""
    return export_random(folder, "beats", 1), export_random(folder, "morphology", 4, strips=True)


def built(folder: Path, environment: str, name: str, *bundles: Path) -> Path:
    """Build the firmware in the one build folder of this module, and keep the program."""
    program = pio.build(environment, bundles[0], folder / "pio", further=bundles[1:])
    return Path(shutil.copy(program, folder / f"{environment}-{name}"))


@pytest.fixture(scope="module")
def images(folder: Path, bundles: tuple[Bundle, Bundle]) -> dict[str, Path]:
    """The firmware with both networks."""
    paths = [bundle.path for bundle in bundles]
    return {name: built(folder, name, "both", *paths) for name in ENVIRONMENTS}


@contextmanager
def booted(environment: str, image: Path) -> Iterator[Link]:
    with ExitStack() as stack:
        device = emulator(image) if environment == "stm32f405" else native_device(image)
        yield Link(stack.enter_context(open_transport(stack.enter_context(device))))


def restless() -> NDArray[np.int16]:
    """A minute and a half of ECG with a flat part and a noisy one."""
    signal, _ = make_ecg(90.0)
    signal[7200:9000] = 900
    signal[20000:22000] += np.random.default_rng(3).normal(0, 300, 2000).astype(np.int16)
    return signal


def expected_of(signal: NDArray[np.int16], bundles: tuple[Bundle, Bundle], fs_hz: int) -> Expected:
    first, second = bundles
    models = reference_engine(first), first.manifest.labels, fs_hz, reference_morphology(second)
    return expect(signal, ADU_PER_MV, MAINS_HZ, *models)


def results_of(progress: Progress) -> list[Morphology]:
    """Results without their confidence."""
    return [replace(result, confidence=0) for result in progress.strips]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_handshake_names_both_networks(
    environment: str, images: dict[str, Path], bundles: tuple[Bundle, Bundle]
) -> None:
    with booted(environment, images[environment]) as link:
        info = link.handshake()
    first, second = (bundle.manifest for bundle in bundles)
    assert (info.status, info.model_sha256, info.labels) == (READY, first.model_sha256, first.labels)
    assert (info.morphology_sha256, info.morphology_labels) == (second.model_sha256, second.labels)
    assert info.strip_fingerprint == second.core_fingerprint
    arenas = (first.arena_bytes["generated"], second.arena_bytes["generated"])
    assert info.arena_bytes == max(arenas)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("fs_hz", [250, 360, 500])
def test_the_results_are_those_of_the_reference(
    environment: str, fs_hz: int, images: dict[str, Path], bundles: tuple[Bundle, Bundle]
) -> None:
    signal = restless()
    expected = expected_of(signal, bundles, fs_hz)
    labels = {result.label for result in expected.strips}
    assert LABEL_UNCLASSIFIABLE in labels and len(labels) > 1
    with booted(environment, images[environment]) as link:
        window = link.handshake().window_samples
        for blocks in (cycle([240]), cycle([3, 240, 1, 77])):
            link.start(fs_hz, ADU_PER_MV, MAINS_HZ, REPLAY)
            progress = link.stream(signal, window, blocks=blocks)
            assert results_of(progress) == expected.strips and progress.events == expected.events
            assert len(progress.beats) == len(expected.beats)
            done = progress.done
            assert done is not None and done.strips == len(expected.strips)
            assert done.strip_ticks >= done.strip_ticks_max > 0


def test_a_result_waits_until_the_quality_of_its_signal_is_known(
    images: dict[str, Path], bundles: tuple[Bundle, Bundle]
) -> None:
    signal = restless()
    arrivals: list[tuple[str, bytes]] = []
    with booted("native", images["native"]) as link:
        window = link.handshake().window_samples
        link.start(360, ADU_PER_MV, MAINS_HZ, REPLAY)
        link.log = lambda direction, frame: arrivals.append((direction, frame))
        link.stream(signal, window)
        first = [frame for direction, frame in arrivals if direction == "<"]
        arrivals.clear()
        link.start(360, ADU_PER_MV, MAINS_HZ, REPLAY)
        link.stream(signal, window, blocks=cycle([60]))
    # CREDIT depends on the blocks; all other frames come in the same order.
    second = [frame for direction, frame in arrivals if direction == "<"]
    assert _results_in_order(first) == _results_in_order(second)


def _results_in_order(frames: list[bytes]) -> list[object]:
    from ecg_edge.host.link.frames import decode
    from ecg_edge.host.link.messages import Beat, RhythmEvent, SignalQuality

    kinds = (Beat, RhythmEvent, SignalQuality, Morphology)
    messages = [decode(frame.rstrip(b"\0"))[1] for frame in frames]
    found: list[object] = [message for message in messages if isinstance(message, kinds)]
    assert any(isinstance(message, Morphology) for message in found)
    return found


@pytest.mark.parametrize("port", ["emulator", "native"])
def test_a_replay_compares_both_networks(
    port: str, images: dict[str, Path], bundles: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    first, second = bundles
    image = images["stm32f405" if port == "emulator" else port]
    outcome = replay(
        ["100"],
        port=f"{port}:{image}",
        bundle_path=first.path,
        morphology_path=second.path,
        data=make_database(tmp_path, ("100",), 40.0),
        out=tmp_path / "session",
    )
    results = outcome.results
    assert outcome.passed and (results["strips"], results["agreeing_strips"]) == (7, 7)
    assert results["ticks"] is not None and results["ticks"]["strip_ticks"] > 0


def test_the_shipped_networks_name_each_class_of_synthetic_ecg(folder: Path, tmp_path: Path) -> None:
    image = built(folder, "native", "shipped", SHIPPED_BUNDLE, SHIPPED_MORPHOLOGY)
    labels = load_bundle(SHIPPED_MORPHOLOGY).manifest.labels
    (tmp_path / "own").mkdir()
    with booted("native", image) as link:
        window = link.handshake().window_samples
        for label in labels:
            path, _ = write_wfdb(tmp_path / "own", Settings(label, seed=1), 60.0)
            record = load_record(tmp_path, "own", path.stem, annotator=None)
            link.start(record.fs_hz, record.adu_per_mv, MAINS_HZ, REPLAY)
            results = link.stream(record.samples, window).strips
            assert sum(labels[result.label] == label for result in results) >= 9, label


def test_an_image_without_it_sends_no_results(folder: Path, bundles: tuple[Bundle, Bundle]) -> None:
    image = built(folder, "native", "one", bundles[0].path)
    with booted("native", image) as link:
        info = link.handshake()
        assert (info.morphology_sha256, info.strip_fingerprint, info.morphology_labels) == ("", 0, ())
        link.start(360, ADU_PER_MV, MAINS_HZ, REPLAY)
        progress = link.stream(make_ecg(30.0)[0], info.window_samples)
    assert progress.beats and not progress.strips
    assert progress.done is not None and progress.done.strips == 0


def test_strips_of_another_kind_silence_the_device(
    folder: Path, bundles: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    first, second = bundles
    other = tmp_path / "other"
    shutil.copytree(second.path, other)
    header = other / "c" / "model_info.h"
    found = f"0x{second.manifest.core_fingerprint:08X}u"
    assert found in header.read_text()
    header.write_text(header.read_text().replace(found, f"0x{second.manifest.core_fingerprint ^ 1:08X}u"))
    image = built(folder, "native", "other", first.path, other)
    with booted("native", image) as link:
        assert link.handshake().status == OTHER_CORE


def test_live_mode_reports_the_same_strips(
    images: dict[str, Path], bundles: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    signal = restless()[: 40 * 360]
    write_front_end(tmp_path / "script", signal)
    stop, marks = threading.Event(), []
    with native_device(images["native"], tmp_path / "script", 20) as port:
        source = DeviceSource(lambda: open_transport(port), port, ADU_PER_MV, MAINS_HZ)
        for items in source.items(stop):
            marks += [item for item in items if isinstance(item, StripMark)]
            if len(marks) >= 5:
                stop.set()
    expected = expected_of(signal, bundles, 360).strips
    names = bundles[1].manifest.labels
    assert [(mark.sample, mark.label) for mark in marks[:5]] == [
        (result.sample, names[result.label] if result.label < len(names) else "unclassifiable")
        for result in expected[:5]
    ]
    assert source.losses.strips == 0
