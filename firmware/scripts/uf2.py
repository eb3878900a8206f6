"""Write a program as a UF2 file, which one copies onto the drive that a Raspberry Pi Pico shows.

    python firmware/scripts/uf2.py firmware.elf firmware.uf2

Blocks of 512 bytes with 256 bytes of the flash each (UF2 specification, github.com/microsoft/uf2).
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from elf_image import read_image

MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)  # two at the start of a block, one at its end
FAMILY_IS_PRESENT = 0x00002000
RP2040_FAMILY = 0xE48BFF56
PAYLOAD_BYTES = 256
_BLOCK = struct.Struct("<8I476sI")


def uf2_blocks(address: int, image: bytes, family: int = RP2040_FAMILY) -> bytes:
    """Return the UF2 file of an image that starts at `address`, which is a multiple of 256."""
    if address % PAYLOAD_BYTES:
        raise SystemExit(
            f"error: an image for UF2 starts at a multiple of {PAYLOAD_BYTES}, not at {address:#x}"
        )
    count = -(-len(image) // PAYLOAD_BYTES)
    blocks = []
    for number in range(count):
        at = number * PAYLOAD_BYTES
        payload = image[at : at + PAYLOAD_BYTES].ljust(PAYLOAD_BYTES, b"\xff")
        place = (FAMILY_IS_PRESENT, address + at, PAYLOAD_BYTES, number, count, family)
        blocks.append(_BLOCK.pack(*MAGIC[:2], *place, payload, MAGIC[2]))
    return b"".join(blocks)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:3])
    target.write_bytes(uf2_blocks(*read_image(source)))
