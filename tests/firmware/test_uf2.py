"""The file that one copies onto a Raspberry Pi Pico: checksum, blocks, and the drive that it goes to."""

from __future__ import annotations

import importlib
import struct
from pathlib import Path
from types import ModuleType

import pytest

FLASH_START = 0x10000000
BLOCK_BYTES = 512


@pytest.fixture
def scripts(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(project_root / "firmware/scripts"))
    return {name: importlib.import_module(name) for name in ("elf_image", "boot2_crc", "uf2", "uf2_drive")}


def elf(*parts: tuple[int, bytes]) -> bytes:
    """Make an ELF program with these parts at these addresses of the flash; each runs 0x10000000 higher."""
    head = 52 + 32 * len(parts)
    table, body = b"", b""
    for address, data in parts:
        place = (1, head + len(body), address + FLASH_START, address, len(data), len(data), 5, 4)
        table += struct.pack("<8I", *place)
        body += data
    ident = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    numbers = (2, 40, 1, FLASH_START, 52, 0, 0, 52, 32, len(parts), 40, 0, 0)
    return ident + struct.pack("<2H5I6H", *numbers) + table + body


def test_the_checksum_is_the_one_of_the_catalogue(scripts: dict[str, ModuleType]) -> None:
    assert scripts["boot2_crc"].crc32_mpeg2(b"123456789") == 0x0376E6E7


def test_the_checksum_stands_behind_the_boot_loader(scripts: dict[str, ModuleType]) -> None:
    code = bytes(range(252))
    program = elf((FLASH_START, code + bytes(4)), (FLASH_START + 256, b"program"))
    signed = scripts["boot2_crc"].with_checksum(program)
    start, image = scripts["elf_image"].flash_image(signed)
    assert (start, image[:252], image[256:]) == (FLASH_START, code, b"program")
    assert image[252:256] == scripts["boot2_crc"].crc32_mpeg2(code).to_bytes(4, "little")


def test_a_program_without_a_boot_loader_gets_no_checksum(scripts: dict[str, ModuleType]) -> None:
    with pytest.raises(SystemExit, match="no boot loader"):
        scripts["boot2_crc"].with_checksum(elf((FLASH_START + 256, b"program")))


def test_blocks_hold_the_whole_image(scripts: dict[str, ModuleType]) -> None:
    program = elf((FLASH_START, b"a" * 256), (FLASH_START + 600, b"end"))
    file = scripts["uf2"].uf2_blocks(*scripts["elf_image"].flash_image(program))
    blocks = [file[at : at + BLOCK_BYTES] for at in range(0, len(file), BLOCK_BYTES)]
    heads = [struct.unpack_from("<8I", block) for block in blocks]
    magic, family_is_present, family = (0x0A324655, 0x9E5D5157), 0x2000, 0xE48BFF56
    assert [head[:3] for head in heads] == [(*magic, family_is_present)] * 3
    assert [head[3] for head in heads] == [FLASH_START, FLASH_START + 256, FLASH_START + 512]
    assert [head[4:] for head in heads] == [(256, number, 3, family) for number in range(3)]
    assert all(block.endswith(0x0AB16F30.to_bytes(4, "little")) for block in blocks)
    data = b"".join(block[32 : 32 + 256] for block in blocks)
    assert data == b"a" * 256 + b"\xff" * 344 + b"end" + b"\xff" * (768 - 603)


def test_the_file_goes_to_the_drive_of_a_pico(
    scripts: dict[str, ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stick, other, pico = (tmp_path / name for name in ("stick", "other", "RPI RP2"))
    for folder in (stick, other, pico):
        folder.mkdir()
    (other / "INFO_UF2.TXT").write_text("Board-ID: SAMD21G18A\n")
    (pico / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n")
    uf2 = tmp_path / "firmware.uf2"
    uf2.write_bytes(b"UF2\n")
    with pytest.raises(SystemExit, match=rf"BOOTSEL.*{uf2}"):
        scripts["uf2_drive"].main(uf2, [stick, other])
    scripts["uf2_drive"].main(uf2, [stick, other, pico])
    assert (pico / "firmware.uf2").read_bytes() == b"UF2\n"
    assert str(pico) in capsys.readouterr().out


def test_a_mount_point_with_a_space_is_found(
    scripts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /media/me/RPI\\040RP2 vfat rw 0 0\n")
    monkeypatch.setattr(scripts["uf2_drive"], "MOUNTS", mounts)
    assert scripts["uf2_drive"].mount_points() == [Path("/"), Path("/media/me/RPI RP2")]
