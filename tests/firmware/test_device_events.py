"""The device's code from samples to events gives the events of the reference, under sanitizers."""

from __future__ import annotations

import subprocess
from dataclasses import astuple
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ecg_edge.firmware import process_signal
from ecg_edge.firmware.binding import rhythm
from ecg_edge.host.reference.decisions import decide
from tests.support.core_signals import ecg, fibrillation, flutter
from tests.support.device_c import SANITIZERS, WARNINGS, include_options, linked_sources_of, require_program

LABELS = ("N", "L", "R", "A", "V")
Samples = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def harness(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the harness under AddressSanitizer and UndefinedBehaviorSanitizer."""
    folder = tmp_path_factory.mktemp("events")
    (folder / "model.h").write_text(f'#define ECG_MODEL_LABELS "{",".join(LABELS)}"\n')
    source = project_root / "firmware/src"
    files = [project_root / "tests/firmware/events_harness.c"]
    files += [source / name for name in ("events.c", "label.c", "confidence.c")]
    options = [
        f"-I{folder}",
        f"-I{source}",
        *include_options("ecg_core", "ecg_rhythm", "ecg_link", "ecg_store"),
    ]
    program = folder / "harness"
    libraries = linked_sources_of("ecg_core", "ecg_rhythm")
    compiler = [require_program("gcc"), *WARNINGS, *SANITIZERS]
    subprocess.run([*compiler, *options, *map(str, files), *libraries, "-o", str(program)], check=True)
    return program


def run(harness: Path, samples: Samples, fs_hz: int) -> tuple[list[list[int]], list[list[int]]]:
    """Run the device's code: events, and label and suspected fibrillation of each beat."""
    done = subprocess.run(
        [str(harness), str(fs_hz)], input=samples.tobytes(), capture_output=True, check=True
    )
    lines = done.stdout.decode().splitlines()
    events = [[int(field) for field in line.split()] for line in lines if not line.startswith("B")]
    return events, [[int(field) for field in line.split()[1:]] for line in lines if line.startswith("B")]


def expected_of(samples: Samples, fs_hz: int) -> tuple[list[list[int]], list[list[int]]]:
    processed = process_signal(samples, fs_hz=fs_hz)
    places = processed.beats["r_sample"].astype(np.int64)[:, np.newaxis]
    outputs = (places // (7 + np.arange(len(LABELS))) % 200 - 100).astype(np.int8)
    found = decide(processed, outputs, LABELS, len(samples), fs_hz)
    labels = np.column_stack([found.labels, found.in_fibrillation]).astype(int).tolist()
    return [list(astuple(event)) for event in found.events], labels


def restless() -> Samples:
    """Beats, flutter of two heights, a flat line, motion, fast beats, strong noise and flutter to the end."""
    random = np.random.default_rng(4)
    motion = np.round(400 * np.sin(np.arange(3600) / 90 + random.normal(0, 0.05, 3600).cumsum()))
    noise = random.normal(0, 150, 7200)
    parts = [ecg(30, 1)[0], flutter(15), ecg(13, 2)[0], flutter(40, 200, 6.0), np.zeros(2000), motion]
    parts += [ecg(20, 3)[0], noise, flutter(6, 300, 0.5), ecg(5, 4)[0], flutter(11)]
    return np.concatenate(parts).astype(np.int16)


@pytest.mark.parametrize("fs_hz", [250, 360, 500])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_the_events_are_those_of_the_reference(harness: Path, fs_hz: int, seed: int | None) -> None:
    samples = restless()
    if seed is not None:
        samples = np.roll(samples, int(np.random.default_rng(seed).integers(0, len(samples))))[: 90 * 360]
    found = run(harness, samples, fs_hz)
    assert found == expected_of(samples, fs_hz)
    kinds = {event[1] for event in found[0]}
    assert kinds & {rhythm.VENTRICULAR_FIBRILLATION, rhythm.VENTRICULAR_TACHYCARDIA}


@pytest.mark.parametrize("fs_hz", [250, 360, 500])
def test_the_labels_in_fibrillation_are_those_of_the_reference(harness: Path, fs_hz: int) -> None:
    samples = fibrillation(150, fs_hz)
    events, labels = run(harness, samples, fs_hz)
    assert (events, labels) == expected_of(samples, fs_hz)
    suspected = [label for label, in_fibrillation in labels if in_fibrillation]
    assert len(suspected) > 40 and LABELS.index("A") not in suspected
    assert LABELS.index("A") in [label for label, in_fibrillation in labels if not in_fibrillation]


def test_the_largest_swings_overflow_nothing(harness: Path) -> None:
    time = np.arange(30 * 360)
    samples = np.where(time // 40 % 2, 32767, -32768).astype(np.int16)
    subprocess.run([str(harness), "360"], input=samples.tobytes(), capture_output=True, check=True)
