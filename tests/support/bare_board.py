"""Build a bare Cortex-M4 program with one of the device's libraries, boot it in QEMU, and read its report."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.device_c import include_options, linked_sources_of, require_program

COMPILER, QEMU = "arm-none-eabi-gcc", "qemu-system-arm"
TICK_HZ, INSTRUCTIONS_PER_S = 168e6, 1e9  # SysTick of the emulated board; -icount shift=0
INSTRUCTIONS_PER_TICK = INSTRUCTIONS_PER_S / TICK_HZ
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
MACHINE = ["-mcpu=cortex-m4", "-mthumb", "-O2", "-std=gnu99", f"-DSTACK_TOP={RAM + 0x18000:#x}u"]


def build(program: Path, library: str, folder: Path) -> Path:
    """Build an image.

    Parameters
    ----------
    program : Path
        The C file with the measurement; it includes bare_board.h beside it.
    library : str
        The library that it measures, such as "ecg_core".
    folder : Path
        For the image; headers that the program includes lie there already.
    """
    require_program(COMPILER)
    script = folder / "board.ld"
    script.write_text(LINKER_SCRIPT)
    image = folder / "image.elf"
    command = [COMPILER, *MACHINE, f"-I{folder}", *include_options(library), "-nostartfiles"]
    command += ["--specs=nano.specs", f"-T{script}", "-ffunction-sections", "-Wl,--gc-sections"]
    subprocess.run([*command, str(program), *linked_sources_of(library), "-o", str(image)], check=True)
    return image


def run(image: Path) -> dict[str, int]:
    """Boot the image and read its report."""
    require_program(QEMU)
    command = [QEMU, "-M", "netduinoplus2", "-display", "none", "-monitor", "none", "-serial", "none"]
    command += ["-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel", str(image)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    lines = [line.split() for line in (done.stdout + done.stderr).splitlines()]
    return {words[0]: int(words[1]) for words in lines if len(words) == 2}
