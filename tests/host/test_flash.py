"""What writes to each board, with which arguments; no board is needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_edge.ecg.errors import ToolError
from ecg_edge.host.cli import main as cli
from ecg_edge.host.devices import esptool
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.boards import BOARDS
from ecg_edge.host.devices.emulator import native_device

IMAGES = ("bootloader.bin", "partitions.bin", "ota_data_initial.bin", "firmware.bin")
FLASH_BYTES = 4 * 2**20


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in IMAGES:
        (tmp_path / name).write_bytes(b"\xe9")
    return tmp_path


def test_partitions_follow_each_other_and_fit_the_flash() -> None:
    places = esptool.partition_offsets()
    assert places == {
        "nvs": 0x9000,
        "otadata": 0xF000,
        "phy_init": 0x11000,
        "ota_0": 0x20000,
        "ota_1": 0x200000,
        "ecg": 0x3E0000,
    }
    assert places["ecg"] + 0x10000 <= FLASH_BYTES
    assert all(places[name] % 0x10000 == 0 for name in ("ota_0", "ota_1"))


@pytest.mark.parametrize(
    ("env", "chip", "boot"), [("esp32dev", "esp32", "0x1000"), ("esp32c3", "esp32c3", "0x0")]
)
def test_esptool_gets_every_image_and_its_place(env: str, chip: str, boot: str, images: Path) -> None:
    arguments = esptool.esptool_arguments(env, images, "/dev/ttyX")
    assert arguments[:7] == ["--chip", chip, "--port", "/dev/ttyX", "--baud", "921600", "write_flash"]
    places = dict(zip(arguments[8::2], arguments[7::2], strict=True))
    wanted = {"bootloader.bin": boot, "partitions.bin": "0x8000", "ota_data_initial.bin": "0xf000"}
    assert places == {
        str(images / name): place for name, place in {**wanted, "firmware.bin": "0x20000"}.items()
    }
    assert "--port" not in esptool.esptool_arguments(env, images)


def test_a_missing_image_and_another_board_are_named(images: Path) -> None:
    (images / "firmware.bin").unlink()
    with pytest.raises(ToolError, match=r"firmware\.bin not found.*build --env esp32s3"):
        esptool.esptool_arguments("esp32s3", images)
    with pytest.raises(ToolError, match="not flashed by esptool"):
        esptool.esptool_arguments("pico", images)


def test_esptool_runs_and_its_failure_is_told(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module of that name on the path stands for it."""
    package = tmp_path / "esptool"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import sys\nfrom pathlib import Path\n"
        f"Path({str(tmp_path / 'said')!r}).write_text(' '.join(sys.argv[1:]))\n"
        "sys.exit('A fatal error occurred: no port' if '/dev/none' in sys.argv else 0)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    esptool.flash_images("esp32s3", images, "/dev/ttyX")
    assert (tmp_path / "said").read_text() == " ".join(
        esptool.esptool_arguments("esp32s3", images, "/dev/ttyX")
    )
    with pytest.raises(ToolError, match="no port"):
        esptool.flash_images("esp32s3", images, "/dev/none")


def test_every_board_has_one_way_to_be_flashed() -> None:
    ways = {name: (board.flash_chip, board.flash_tool) for name, board in BOARDS.items() if not board.virtual}
    assert {name: chip for name, (chip, _) in ways.items() if chip} == {
        "esp32dev": "esp32",
        "esp32s3": "esp32s3",
        "esp32c3": "esp32c3",
    }
    assert {tool for _, tool in ways.values()} == {"", "dfu-util", "openocd"}
    assert [name for name, way in ways.items() if way == ("", "")] == [
        "pico"
    ]  # its drive: tests/firmware/test_uf2.py


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize(
    ("env", "tool", "wanted"),
    [
        (
            "stm32f405",
            "dfu-util",
            ["-d", "0483:df11", "-a", "0", "-s", "0x08000000:leave", "-D", "firmware.bin"],
        ),
        ("nucleo_f446re", "openocd", ["-f", "interface/stlink.cfg", "-f", "target/stm32f4x.cfg", "-c"]),
    ],
)
def test_the_tool_of_a_cortex_m_board_gets_its_arguments(
    env: str,
    tool: str,
    wanted: list[str],
    shipped_bundle: Path,
    shipped_image: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A script on the PATH stands for the tool."""
    said = tmp_path / "said"
    program = tmp_path / tool
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {said}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PLATFORMIO_BUILD_DIR", str(shipped_image(env).parent.parent))
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path('/usr/bin')}:{Path('/bin')}")
    pio.upload(env, shipped_bundle)
    arguments = [Path(line).name if line.endswith(".bin") else line for line in said.read_text().splitlines()]
    assert arguments[: len(wanted)] == wanted
    assert tool == "dfu-util" or "firmware.elf} verify reset exit" in arguments[-1]


@pytest.mark.device
def test_the_board_is_asked_for_its_self_test(
    shipped_image: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The firmware as a program stands for the board that was written to."""
    program = shipped_image("native")
    monkeypatch.setattr(pio, "upload", lambda *_: None)
    with native_device(program) as port, pytest.raises(SystemExit) as stop:
        cli.main(["flash", "--env", "esp32dev", "--port", port, "--quiet"])
    assert not stop.value.code
    assert "native, firmware" in (printed := capsys.readouterr().out) and "the self-test passed" in printed
