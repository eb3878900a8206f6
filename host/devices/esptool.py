"""Write images of an ESP32 board that are already built, as the workflow leaves them, by esptool.

    flash_images("esp32c3", Path("firmware-esp32c3"), "/dev/ttyACM0")

The offsets are those of `firmware/partitions.csv` and of the chip's boot ROM. Settings, log and bonds stay.
"""

from __future__ import annotations

import csv
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import ToolError
from ecg_edge.ecg.files import PROJECT_ROOT
from ecg_edge.host.devices.boards import BOARDS

PARTITIONS: Final = PROJECT_ROOT / "firmware" / "partitions.csv"
BAUD: Final = 921_600

_TABLE_AT: Final = 0x8000
_TABLE_BYTES: Final = 0x1000
_APP_ALIGNMENT: Final = 0x10000
_BOOTLOADER_AT: Final = {"esp32": 0x1000, "esp32s3": 0x0, "esp32c3": 0x0}


def partition_offsets(table: Path = PARTITIONS) -> dict[str, int]:
    """Compute where each partition begins: behind the one before, programs at a multiple of 64 KiB."""
    found, at = {}, _TABLE_AT + _TABLE_BYTES
    with table.open(encoding="utf-8") as file:
        rows = [[field.strip() for field in row] for row in csv.reader(file) if row and row[0][0] != "#"]
    for name, kind, _, offset, size, *_ in rows:
        at = int(offset, 0) if offset else -(-at // _APP_ALIGNMENT) * _APP_ALIGNMENT if kind == "app" else at
        found[name] = at
        at += int(size, 0)
    return found


def esptool_arguments(environment: str, folder: Path, port: str | None = None) -> list[str]:
    """Compose the arguments that write the images of a folder.

    Parameters
    ----------
    environment : str
        PlatformIO environment of a board of the family.
    folder : Path
        Folder with bootloader.bin, partitions.bin, ota_data_initial.bin and firmware.bin.
    port : str, optional
        Serial port; the first that answers when left out.

    Raises
    ------
    ToolError
        When an image is missing, or the board is not written to by esptool.
    """
    chip = BOARDS[environment].flash_chip
    if not chip:
        raise ToolError(f"{environment} is not flashed by esptool: leave --images out.")
    places = partition_offsets()
    images = {
        "bootloader.bin": _BOOTLOADER_AT[chip],
        "partitions.bin": _TABLE_AT,
        "ota_data_initial.bin": places["otadata"],
        "firmware.bin": places["ota_0"],
    }
    if missing := [name for name in images if not (folder / name).is_file()]:
        raise ToolError(
            f"{folder}: {', '.join(missing)} not found. `ecg-edge build --env {environment}` makes them, in "
            f"firmware/.pio/build/{environment}."
        )
    pairs = [part for name, place in images.items() for part in (f"{place:#x}", str(folder / name))]
    line = ["--port", port] if port else []
    return ["--chip", chip, *line, "--baud", str(BAUD), "write_flash", *pairs]


def flash_images(environment: str, folder: Path, port: str | None = None) -> None:
    """Write the images of a folder to the board.

    Raises
    ------
    ToolError
        When esptool is missing or fails, or as `esptool_arguments`.
    """
    arguments = esptool_arguments(environment, folder, port)
    if importlib.util.find_spec("esptool") is None:
        raise ToolError("esptool is missing, and it writes to the board: pip install esptool")
    done = subprocess.run(
        [sys.executable, "-m", "esptool", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise ToolError(f"esptool failed: {said[-1] if said else 'it printed nothing'}")
