"""Run generated networks on an emulated ARM microcontroller: bytes compared there, instructions counted."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from harness import INCLUDE, WARNINGS, Int8Array, wrapper

from ecg_edge.host.compile import ecg_nn_sources
from ecg_edge.quantize.codegen.generate import Generated

COMPILER = "arm-none-eabi-gcc"
QEMU = "qemu-system-arm"


@dataclass(frozen=True)
class Board:
    """An emulated board: QEMU's machine, the compiler's flags, where memory is, and the clock of SysTick."""

    machine: str
    flags: tuple[str, ...]
    flash: int
    ram: int
    tick_hz: float


M4 = Board("netduinoplus2", ("-mcpu=cortex-m4", "-mfloat-abi=soft"), 0x08000000, 0x20000000, 168e6)
M3 = Board("mps2-an385", ("-mcpu=cortex-m3",), 0x00000000, 0x20000000, 25e6)
M7 = Board("mps2-an500", ("-mcpu=cortex-m7", "-mfloat-abi=soft"), 0x00000000, 0x20000000, 25e6)
M33 = Board("mps2-an505", ("-mcpu=cortex-m33", "-mfloat-abi=soft"), 0x10000000, 0x38000000, 20e6)


@dataclass(frozen=True)
class Case:
    """One run: the network's number, its inputs in the order of their names, and the layers expected."""

    network: int
    inputs: Sequence[Int8Array]
    layers: Sequence[Int8Array]


@dataclass(frozen=True)
class Outcome:
    """What the board said: bytes that differ, and instructions of each layer of the last run."""

    differing: int
    instructions: npt.NDArray[np.float64]


def run_on(board: Board, networks: Sequence[Generated], cases: Sequence[Case], folder: Path) -> Outcome:
    """Build one image with all networks and cases, boot it, and read its report."""
    sources = [folder / "main.c"]
    sources[0].write_text(_main(networks, cases))
    for number, generated in enumerate(networks):
        generated.write(folder / f"n{number}")
        sources.append(folder / f"wrap{number}.c")
        sources[-1].write_text(wrapper(number))
    (folder / "board.ld").write_text(_linker_script(board))
    image = folder / "image.elf"
    command = [COMPILER, *board.flags, "-mthumb", "-O2", *WARNINGS, INCLUDE, "-DNETWORK_TRACE"]
    command += [f"-DSTACK_TOP={board.ram + 0x18000:#x}u"]
    command += ["-nostartfiles", "--specs=nano.specs", f"-T{folder / 'board.ld'}"]
    command += ["-ffunction-sections", "-Wl,--gc-sections"]
    subprocess.run([*command, *map(str, [*sources, *ecg_nn_sources()]), "-o", str(image)], check=True)
    return _report(board, _boot(board, image))


def _boot(board: Board, image: Path) -> str:
    command = [QEMU, "-M", board.machine, "-display", "none", "-monitor", "none", "-serial", "none"]
    command += ["-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel", str(image)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    return done.stdout + done.stderr  # semihosting writes to either, by version


def _report(board: Board, text: str) -> Outcome:
    lines = [line.split() for line in text.splitlines()]
    differing = next(int(words[1]) for words in lines if words[:1] == ["differing"])
    ticks = [float(words[1]) for words in lines if words[:1] == ["ticks"]]
    return Outcome(differing, np.array(ticks) * 1e9 / board.tick_hz)


def _linker_script(board: Board) -> str:
    return f"""
MEMORY {{
    FLASH (rx) : ORIGIN = {board.flash:#x}, LENGTH = 1M
    RAM (rwx) : ORIGIN = {board.ram:#x}, LENGTH = 96K
}}
ENTRY(reset)
SECTIONS {{
    .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) }} > FLASH
    .bss (NOLOAD) : {{ *(.bss*) *(COMMON) }} > RAM
    /DISCARD/ : {{ *(.ARM.*) *(.comment) }}
    ASSERT(SIZEOF(.bss) < 88K, "no room for the stack")
}}
"""


def _main(networks: Sequence[Generated], cases: Sequence[Case]) -> str:
    runs = "\n".join(_case(networks, number, case) for number, case in enumerate(cases))
    prototypes = "\n".join(_prototype(number, generated) for number, generated in enumerate(networks))
    data = "\n".join(
        _array(f"in{number}_{place}", values)
        for number, case in enumerate(cases)
        for place, values in enumerate(case.inputs)
    )
    outputs = [np.concatenate(case.layers) for case in cases]
    data += "\n" + "\n".join(_array(f"out{number}", values) for number, values in enumerate(outputs))
    return _PROGRAM % {"prototypes": prototypes, "data": data, "runs": runs}


def _prototype(number: int, generated: Generated) -> str:
    network = generated.program.network
    parameters = ["const int8_t *"] * len(network.inputs) + ["int8_t *"] * len(network.outputs)
    return f"void network_run_{number}({', '.join(parameters)});"


def _array(name: str, values: Int8Array) -> str:
    return f"static const int8_t {name}[] = {{{', '.join(map(str, values.reshape(-1)))}}};"


def _case(networks: Sequence[Generated], number: int, case: Case) -> str:
    inputs = ", ".join(f"in{number}_{place}" for place in range(len(case.inputs)))
    outputs = ", output" * len(networks[case.network].program.network.outputs)
    return f"    begin(out{number});\n    network_run_{case.network}({inputs}{outputs});"


_PROGRAM = """
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define LAYERS 64

%(prototypes)s
void network_trace(int op_index, const int8_t *data, size_t bytes);
void reset(void);

%(data)s

static const int8_t *expected;
static uint32_t differing, layers, before, ticks[LAYERS];
static int8_t output[3000];

static uint32_t now(void) {
    return 0xFFFFFFu - SYSTICK_VALUE;
}

static void begin(const int8_t *layers_expected) {
    expected = layers_expected;
    layers = 0;
    before = now();
}

void network_trace(int op_index, const int8_t *data, size_t bytes) {
    ticks[op_index] = (now() - before) & 0xFFFFFFu;
    layers = (uint32_t)op_index + 1u;
    for (size_t i = 0; i < bytes; ++i) {
        differing += data[i] != *expected++;
    }
    before = now();
}

static int semihosting(int operation, const void *argument) {
    register int result __asm__("r0") = operation;
    register const void *pointer __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(result) : "r"(pointer) : "memory");
    return result;
}

static void print(const char *name, uint32_t value) {
    char digits[12];
    char *place = digits + sizeof digits - 1;
    *place = 0;
    do {
        *--place = (char)('0' + value %% 10u);
        value /= 10u;
    } while (value != 0u);
    semihosting(4, name);
    semihosting(4, place);
    semihosting(4, "\\n");
}

static void run_all(void) {
%(runs)s
}

void reset(void) {
    differing = 0;
    SYSTICK_RELOAD = 0xFFFFFFu;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 5;
    run_all();
    print("differing ", differing);
    for (uint32_t i = 0; i < layers; ++i) {
        print("ticks ", ticks[i]);
    }
    semihosting(0x18, (const void *)0x20026);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[] = {STACK_TOP, (uintptr_t)reset};
"""
