"""What a sample costs on a Cortex-M4: instructions counted by the emulator, and the bytes of the state."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ecg_edge.ecg.records import load_record

COMPILER, QEMU = "arm-none-eabi-gcc", "qemu-system-arm"
CORE = Path(__file__).resolve().parents[2] / "firmware/lib/ecg_core"
PROGRAM = Path(__file__).with_name("core_cost.c")
TICK_HZ, INSTRUCTIONS_PER_S = 168e6, 1e9  # SysTick of the emulated board; -icount shift=0
SAMPLES = 200_000
FLASH, RAM = 0x08000000, 0x20000000
LINKER_SCRIPT = f"""
MEMORY {{
    FLASH (rx) : ORIGIN = {FLASH:#x}, LENGTH = 1M
    RAM (rwx) : ORIGIN = {RAM:#x}, LENGTH = 96K
}}
ENTRY(reset)
SECTIONS {{
    .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) }} > FLASH
    .bss (NOLOAD) : {{ *(.bss*) *(COMMON) }} > RAM
    /DISCARD/ : {{ *(.ARM.*) *(.comment) }}
}}
"""

pytestmark = [
    pytest.mark.device,
    pytest.mark.records,
    pytest.mark.skipif(shutil.which(COMPILER) is None, reason=f"{COMPILER} is not installed"),
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed"),
]


def build(samples: list[int], folder: Path) -> Path:
    """An image that pushes these samples."""
    values = ",".join(map(str, samples))
    (folder / "samples.h").write_text(
        f"#define SAMPLES {len(samples)}u\nstatic const int16_t samples[] = {{{values}}};\n"
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
    command += [f"-I{folder}", f"-I{CORE / 'include'}", "-nostartfiles", "--specs=nano.specs"]
    command += [f"-T{folder / 'board.ld'}", "-ffunction-sections", "-Wl,--gc-sections"]
    sources = [PROGRAM, *sorted((CORE / "src").glob("*.c"))]
    subprocess.run([*command, *map(str, sources), "-o", str(image)], check=True)
    return image


def run(image: Path) -> dict[str, int]:
    """Boots the image and reads its report."""
    command = [QEMU, "-M", "netduinoplus2", "-display", "none", "-monitor", "none", "-serial", "none"]
    command += ["-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel", str(image)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    lines = [line.split() for line in (done.stdout + done.stderr).splitlines()]
    return {words[0]: int(words[1]) for words in lines if len(words) == 2}


@pytest.mark.parametrize("name", ["105", "203", "207", "232"])
def test_no_sample_takes_longer_than_promised(name: str, data_dir: Path, tmp_path: Path) -> None:
    samples = load_record(data_dir, "mitdb", name).samples[:SAMPLES]
    report = run(build(samples.tolist(), tmp_path))
    instructions = INSTRUCTIONS_PER_S / TICK_HZ
    longest, mean = report["longest"] * instructions, report["all"] * instructions / len(samples)
    print(f"record {name}: {mean:.0f} instructions a sample, at most {longest:.0f}")
    assert longest <= 6000
    assert mean <= 1000
    assert report["state_bytes"] <= 6144
