"""The emulated cores: compiler, flags, QEMU's machine, memory, and the counter of instructions."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

RUNTIME = Path(__file__).resolve().parent / "runtime"
# The same for every core. The firmware is compiled with -O2 too.
OPTIMIZE = ("-O2", "-ffunction-sections", "-fdata-sections")


@dataclass(frozen=True)
class Core:
    """An emulated core.

    Attributes
    ----------
    name : str
        As the command line takes it.
    title : str
        As tables show it.
    prefix : str
        The compiler's: "arm-none-eabi-".
    target : tuple of str
        The compiler's flags for this core.
    headers : tuple of str
        Its flags where it comes without a C library.
    qemu : tuple of str
        The emulator and its machine.
    runtime : tuple of str
        Start-up file of the core, and what else it needs.
    link_flags : tuple of str
        Libraries.
    flash, ram : tuple of int
        Address and size in bytes of where code and data go.
    tick_ns : float
        Period of the core's counter.
    tick_bits : int
        Width of the counter.
    shift : int
        2^shift nanoseconds of emulated time an instruction (QEMU's -icount). Such that an instruction takes
        at least one tick: then ticks count instructions exactly.
    packages : tuple of str
        Debian packages with the compiler and the emulator.
    """

    name: str
    title: str
    prefix: str
    target: tuple[str, ...]
    headers: tuple[str, ...]
    qemu: tuple[str, ...]
    runtime: tuple[str, ...]
    link_flags: tuple[str, ...]
    flash: tuple[int, int]
    ram: tuple[int, int]
    tick_ns: float
    tick_bits: int
    shift: int
    packages: tuple[str, ...]

    @property
    def compiler(self) -> str:
        """The compiler's name."""
        return f"{self.prefix}gcc"

    @property
    def flags(self) -> tuple[str, ...]:
        """The compiler's flags."""
        return (*self.target, *self.headers)

    def instructions(self, ticks: float) -> float:
        """Instructions that take so many ticks."""
        return ticks * self.tick_ns / (1 << self.shift)

    @property
    def most_instructions(self) -> int:
        """The longest run that the counter can hold."""
        return int(self.instructions((1 << self.tick_bits) - 1))

    def missing(self) -> list[str]:
        """Programs that this computer lacks."""
        return [tool for tool in (self.compiler, self.qemu[0]) if shutil.which(tool) is None]

    def what_to_install(self) -> str:
        """For a core that lacks programs: which, and the packages that have them."""
        missing = " and ".join(self.missing())
        return f"{self.title}: {missing} not found. Install: apt-get install {' '.join(self.packages)}"


_MEGABYTE = 1 << 20
_LIBC = RUNTIME / "libc"
# Hosted as to what the compiler may make of memcpy, freestanding as to its headers.
_NO_LIBC = ("-ffreestanding", "-fbuiltin", f"-I{_LIBC}")
_SYSTICK_BITS = 24


def _cortex(
    name: str,
    machine: str,
    float_abi: str,
    *,
    flash: int,
    ram: int,
    tick_ns: float,
    shift: int,
    memory: tuple[int, int] = (_MEGABYTE // 2, _MEGABYTE // 8),
) -> Core:
    return Core(
        name=name.replace("plus", "p"),
        title=f"Cortex-{name.upper().replace('PLUS', '+')}",
        prefix="arm-none-eabi-",
        target=(f"-mcpu=cortex-{name}", "-mthumb", f"-mfloat-abi={float_abi}"),
        headers=(),
        qemu=("qemu-system-arm", "-M", machine, "-semihosting-config", "enable=on,target=native"),
        runtime=("arm.c",),
        link_flags=("--specs=nano.specs",),
        flash=(flash, memory[0]),
        ram=(ram, memory[1]),
        tick_ns=tick_ns,
        tick_bits=_SYSTICK_BITS,
        shift=shift,
        packages=("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm"),
    )


# QEMU has no Cortex-M0+ but a Cortex-M0, with the same instructions. The compiler's scheduling is the M0+'s.
M0P = _cortex(
    "m0plus",
    "microbit",
    "soft",
    flash=0,
    ram=0x20000000,
    tick_ns=62.5,
    shift=6,
    memory=(_MEGABYTE // 4, _MEGABYTE // 64),
)
M3 = _cortex("m3", "mps2-an385", "soft", flash=0, ram=0x20000000, tick_ns=40.0, shift=6)
M4 = _cortex("m4", "mps2-an386", "soft", flash=0, ram=0x20000000, tick_ns=40.0, shift=6)
M7 = _cortex("m7", "mps2-an500", "soft", flash=0, ram=0x20000000, tick_ns=40.0, shift=6)
M33 = _cortex("m33", "mps2-an505", "soft", flash=0x10000000, ram=0x38000000, tick_ns=50.0, shift=6)
# The compiler has Helium with the hard-float ABI only.
M55 = _cortex("m55", "mps3-an547", "hard", flash=0x10000000, ram=0x30000000, tick_ns=31.25, shift=5)
RV32 = Core(
    name="rv32",
    title="RV32IMC",
    prefix="riscv64-unknown-elf-",
    target=("-march=rv32imc_zicsr", "-mabi=ilp32"),
    headers=_NO_LIBC,
    qemu=("qemu-system-riscv32", "-M", "virt", "-bios", "none", "-semihosting"),
    runtime=("riscv.c", "libc/memory.c"),
    link_flags=("-nostdlib", "-lgcc"),
    flash=(0x80000000, _MEGABYTE // 2),
    ram=(0x80100000, _MEGABYTE // 8),
    tick_ns=1.0,
    tick_bits=32,
    shift=0,
    packages=("gcc-riscv64-unknown-elf", "qemu-system-misc"),
)
XTENSA = Core(
    name="xtensa",
    title="Xtensa LX106",
    prefix="xtensa-lx106-elf-",
    target=("-mtext-section-literals",),
    headers=_NO_LIBC,
    qemu=("qemu-system-xtensa", "-M", "sim", "-cpu", "lx106", "-semihosting"),
    runtime=("xtensa.c", "libc/memory.c", "libc/arithmetic.c"),
    link_flags=("-nostdlib", "-lgcc"),
    flash=(0x50000000, _MEGABYTE // 2),
    ram=(0x60000000, _MEGABYTE // 8),
    tick_ns=25.0,
    tick_bits=32,
    shift=5,
    packages=("gcc-xtensa-lx106", "qemu-system-misc"),
)

CORES = {core.name: core for core in (M0P, M3, M4, M7, M33, M55, RV32, XTENSA)}
