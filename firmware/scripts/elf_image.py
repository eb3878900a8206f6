"""The bytes that an ELF program puts into a board's flash, without tools outside Python's library.

Only what a linker for a 32-bit little-endian core writes is read: program headers, and the sections' names.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

PT_LOAD = 1
_HEADER = struct.Struct("<16s2H5I6H")
_SEGMENT = struct.Struct("<8I")


class Segment(NamedTuple):
    """A part of the file that is loaded."""

    offset: int  # in the file
    address: int  # in the flash
    size: int  # bytes


def segments(elf: bytes) -> list[Segment]:
    """List the parts that have bytes in the flash, by address."""
    if elf[:6] != b"\x7fELF\x01\x01":
        raise SystemExit("error: not an ELF program of a 32-bit little-endian core")
    header = _HEADER.unpack_from(elf)
    first, size, count = header[5], header[9], header[10]
    found = [_SEGMENT.unpack_from(elf, first + number * size) for number in range(count)]
    loaded = [Segment(one[1], one[3], one[4]) for one in found if one[0] == PT_LOAD and one[4]]
    return sorted(loaded, key=lambda segment: segment.address)


def flash_image(elf: bytes) -> tuple[int, bytes]:
    """Return the address of the first byte, and all bytes up to the last; gaps are 0xFF, as erased flash."""
    parts = segments(elf)
    start = parts[0].address
    image = bytearray(b"\xff" * (parts[-1].address + parts[-1].size - start))
    for part in parts:
        at = part.address - start
        image[at : at + part.size] = elf[part.offset : part.offset + part.size]
    return start, bytes(image)


def read_image(path: Path) -> tuple[int, bytes]:
    """`flash_image` of a file."""
    return flash_image(path.read_bytes())
