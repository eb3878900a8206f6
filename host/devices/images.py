"""Kinds of files, for errors about a firmware image that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import ToolError

ARM: Final = 40  # e_machine of an ELF header

_MACHINES: Final = {3: "x86", ARM: "Arm", 62: "x86-64", 94: "Xtensa", 183: "64-bit Arm", 243: "RISC-V"}
_ELF_MAGIC: Final = b"\x7fELF"
_HEAD_BYTES: Final = 64


def elf_machine(path: Path) -> int | None:
    """Read the machine of an ELF file's header; None for a file of another kind."""
    head = _head(path)
    if len(head) < 20 or not head.startswith(_ELF_MAGIC):
        return None
    return int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")


def describe_file(path: Path) -> str:
    """Name the kind of a file: "a text file", "a program for x86-64", ..."""
    head, machine = _head(path), elf_machine(path)
    if machine is not None:
        return f"a program for {_MACHINES.get(machine, f'machine {machine}')}"
    if not head:
        return "an empty file"
    if head.startswith(b"#!"):
        return "a script"
    return "a text file" if is_text(head) else "a file that is no ELF program"


def is_text(data: bytes) -> bool:
    """Tell printable ASCII, with line breaks and tabs, from other bytes."""
    return all(byte in b"\t\n\r\x1b" or 32 <= byte < 127 for byte in data)


def require_arm_image(path: Path) -> None:
    """Refuse a file that the emulated board cannot boot.

    Raises
    ------
    ToolError
        When the file is no ELF program for Arm.
    """
    if elf_machine(path) != ARM:
        raise ToolError(
            f"{path}: {describe_file(path)}; the emulated board boots an ELF program for Arm. "
            "Build one with `ecg-edge build --env stm32f405`."
        )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise ToolError(f"{path}: cannot be read ({error.strerror}).") from None
