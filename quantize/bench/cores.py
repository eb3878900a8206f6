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
    flags : tuple of str
        The compiler's, for this core.
    qemu : tuple of str
        The emulator and its machine.
    runtime : str
        Start-up file of the core.
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
    flags: tuple[str, ...]
    qemu: tuple[str, ...]
    runtime: str
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


_ARM_PACKAGES = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm")
_MEGABYTE = 1 << 20


def _arm(
    name: str, machine: str, flags: tuple[str, ...], *, flash: int, ram: int, tick_ns: float, shift: int
) -> Core:
    return Core(
        name=name,
        title=f"Cortex-{name.upper()}",
        prefix="arm-none-eabi-",
        flags=(f"-mcpu=cortex-{name}", "-mthumb", *flags),
        qemu=("qemu-system-arm", "-M", machine, "-semihosting-config", "enable=on,target=native"),
        runtime="arm",
        link_flags=("--specs=nano.specs",),
        flash=(flash, _MEGABYTE // 2),
        ram=(ram, _MEGABYTE // 8),
        tick_ns=tick_ns,
        tick_bits=24,
        shift=shift,
        packages=_ARM_PACKAGES,
    )


M3 = _arm("m3", "mps2-an385", (), flash=0, ram=0x20000000, tick_ns=40.0, shift=6)
M4 = _arm("m4", "mps2-an386", ("-mfloat-abi=soft",), flash=0, ram=0x20000000, tick_ns=40.0, shift=6)
M7 = _arm("m7", "mps2-an500", ("-mfloat-abi=soft",), flash=0, ram=0x20000000, tick_ns=40.0, shift=6)
M33 = _arm(
    "m33", "mps2-an505", ("-mfloat-abi=soft",), flash=0x10000000, ram=0x38000000, tick_ns=50.0, shift=6
)
M55 = _arm(
    "m55", "mps3-an547", ("-mfloat-abi=hard",), flash=0x10000000, ram=0x30000000, tick_ns=31.25, shift=5
)

CORES = {core.name: core for core in (M3, M4, M7, M33, M55)}
