"""What the rhythm rules cost on a Cortex-M4: instructions counted by the emulator, and bytes of state."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.device.test_core_cost import COMPILER, INSTRUCTIONS_PER_S, LINKER_SCRIPT, QEMU, RAM, TICK_HZ, run

RHYTHM = Path(__file__).resolve().parents[2] / "firmware/lib/ecg_rhythm"
PROGRAM = Path(__file__).with_name("rhythm_cost.c")
BEATS = 2000

pytestmark = [
    pytest.mark.device,
    pytest.mark.skipif(shutil.which(COMPILER) is None, reason=f"{COMPILER} is not installed"),
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed"),
]


def build(folder: Path) -> Path:
    """An image that gives beats of fibrillation with one ventricular beat in ten."""
    random = np.random.default_rng(1)
    rr = np.maximum(random.normal(240, 60, BEATS), 110).astype(int)
    classes = np.where(random.random(BEATS) < 0.1, 2, random.integers(0, 2, BEATS))
    rows = ",".join(
        f"{{{at},{interval},{c}}}" for at, interval, c in zip(rr.cumsum(), rr, classes, strict=True)
    )
    (folder / "beats.h").write_text(
        '#include "ecg_rhythm/ecg_rhythm.h"\n'
        f"#define BEATS {BEATS}u\nstatic const ecg_rhythm_beat_t beats[] = {{{rows}}};\n"
    )
    (folder / "board.ld").write_text(LINKER_SCRIPT)
    image = folder / "image.elf"
    command = [
        COMPILER,
        "-mcpu=cortex-m4",
        "-mthumb",
        "-O2",
        "-std=gnu99",
        f"-DSTACK_TOP={RAM + 0x18000:#x}u",
    ]
    command += [f"-I{folder}", f"-I{RHYTHM / 'include'}", "-nostartfiles", "--specs=nano.specs"]
    command += [f"-T{folder / 'board.ld'}", "-ffunction-sections", "-Wl,--gc-sections"]
    sources = [PROGRAM, *sorted((RHYTHM / "src").glob("*.c"))]
    subprocess.run([*command, *map(str, sources), "-o", str(image)], check=True)
    return image


def test_a_beat_costs_what_the_header_says(tmp_path: Path) -> None:
    report = run(build(tmp_path))
    instructions = INSTRUCTIONS_PER_S / TICK_HZ
    mean, longest = report["all"] * instructions / BEATS, report["longest"] * instructions
    tick = report["clock"] * instructions / report["samples"]
    print(f"{mean:.0f} instructions a beat, at most {longest:.0f}; {tick:.0f} a tick")
    assert report["events"] > 100
    assert mean <= 2000 and longest <= 5000
    assert tick <= 30
    assert report["state_bytes"] == 688
