"""Rhythm events and labels of the device are Python's, each message, on a strip with something of all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecg_edge.firmware.binding import rhythm
from ecg_edge.host.devices.emulator import emulator
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link
from ecg_edge.host.reference.expected import expect
from ecg_edge.host.reference.rhythm_events import count_kinds
from ecg_edge.quantize.bundle.engines import GeneratedEngine
from ecg_edge.quantize.bundle.manifest import load_bundle
from tests.support.core_signals import flutter

pytestmark = [
    pytest.mark.device,
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]

FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY = 360, 200, 60, 0

# Height in mV, centre and width in s of the waves of a beat; P waves are left out.
SHAPES = {
    "N": ((-0.10, -0.028, 0.009), (1.20, 0.0, 0.011), (-0.22, 0.030, 0.011), (0.30, 0.27, 0.050)),
    "V": ((1.50, 0.0, 0.042), (-0.55, 0.095, 0.045), (-0.40, 0.30, 0.070)),
}


def strip(beats: str, rr_s: list[float], tail_s: float = 2.0) -> NDArray[np.int16]:
    """Beats N and V, each `rr_s` after the one before, on a little noise, in ADC units."""
    peaks = np.cumsum(rr_s)
    at = np.arange(round((peaks[-1] + tail_s) * FS_HZ)) / FS_HZ
    signal = np.random.default_rng(1).normal(0, 0.01, len(at))
    for beat, peak in zip(beats, peaks, strict=True):
        near = slice(max(round((peak - 0.4) * FS_HZ), 0), round((peak + 0.8) * FS_HZ))
        for height, centre, width in SHAPES[beat]:
            signal[near] += height * np.exp(-0.5 * ((at[near] - peak - centre) / width) ** 2)
    return np.round(ADU_PER_MV * signal).astype(np.int16)


def everything() -> NDArray[np.int16]:
    """V run, couplet, bigeminy, trigeminy, pause, asystole, slow and fast rhythm, fibrillation, flutter."""
    random = np.random.default_rng(2)
    parts = [("N", [0.8]) for _ in range(20)]
    parts += [("VVVVV", [0.5] * 5), ("NNNN", [0.9] * 4), ("VV", [0.5] * 2), ("NNNN", [0.9] * 4)]
    parts += [("VN", [0.55, 1.05])] * 6 + [("NNNN", [0.8] * 4)] + [("VNN", [0.55, 1.05, 0.8])] * 5
    parts += [("NNNN", [0.8] * 4), ("NNNN", [2.4, 0.8, 0.8, 0.8]), ("NNNN", [4.0, 0.8, 0.8, 0.8])]
    parts += [("N", [1.4])] * 14 + [("N", [0.5])] * 24 + [("N", [0.8])] * 10
    parts += [("N", [float(rr)]) for rr in np.maximum(random.normal(0.65, 0.17, 70), 0.35)]
    parts += [("N", [0.8])] * 30
    beats = strip("".join(beats for beats, _ in parts), [rr for _, part in parts for rr in part])
    return np.concatenate([beats, flutter(20)])


def test_the_device_sends_pythons_events(
    shipped_bundle: Path, shipped_image: Callable[[str], Path], tmp_path: Path
) -> None:
    image = shipped_image("stm32f405")
    bundle = load_bundle(shipped_bundle)
    signal, labels = everything(), bundle.manifest.labels
    wanted = expect(signal, ADU_PER_MV, MAINS_HZ, GeneratedEngine(bundle.c_path), labels)
    expected = wanted.events
    kinds = {rhythm.kind_name(kind) for kind in range(rhythm.PAUSE, rhythm.IRREGULAR)}
    kinds |= {rhythm.kind_name(rhythm.ATRIAL_FIBRILLATION)}
    assert set(count_kinds(expected)) >= kinds - {rhythm.kind_name(rhythm.RUN_S)}
    ventricular = {rhythm.VENTRICULAR_FIBRILLATION, rhythm.VENTRICULAR_TACHYCARDIA}
    assert ventricular & {event.kind for event in expected}
    with emulator(image) as port, open_transport(port) as transport:
        link = Link(transport)
        window = link.handshake().window_samples
        link.start(FS_HZ, ADU_PER_MV, MAINS_HZ, REPLAY)
        progress = link.stream(signal, window)
    assert progress.events == expected
    given = [beat.label for beat in progress.beats]
    assert given == wanted.beat_labels.tolist()
