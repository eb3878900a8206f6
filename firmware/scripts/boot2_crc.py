"""Write the checksum of the RP2040's second-stage boot loader into a linked program.

    python firmware/scripts/boot2_crc.py firmware.elf

The chip's boot ROM runs the first 256 bytes of the flash only when the last four are the CRC-32 of the others
(RP2040 data sheet, 2.8.1.3.1): polynomial 0x04C11DB7, start value 0xFFFFFFFF, most significant bit first, not
inverted at the end. Catalogues call it CRC-32/MPEG-2.
"""

from __future__ import annotations

import sys
from pathlib import Path

from elf_image import segments

FLASH_START = 0x10000000
CHECKED_BYTES = 252
POLYNOMIAL = 0x04C11DB7


def crc32_mpeg2(data: bytes) -> int:
    """CRC-32/MPEG-2 of `data`."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (POLYNOMIAL if crc & 0x80000000 else 0)
        crc &= 0xFFFFFFFF
    return crc


def with_checksum(elf: bytes) -> bytes:
    """Return the program with the checksum of its boot loader."""
    boot2 = next((part for part in segments(elf) if part.address == FLASH_START), None)
    if boot2 is None or boot2.size < CHECKED_BYTES + 4:
        raise SystemExit(f"error: no boot loader of 256 bytes at {FLASH_START:#x}")
    end = boot2.offset + CHECKED_BYTES
    return elf[:end] + crc32_mpeg2(elf[boot2.offset : end]).to_bytes(4, "little") + elf[end + 4 :]


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_bytes(with_checksum(path.read_bytes()))
