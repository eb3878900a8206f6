"""Copy a UF2 file onto the drive of a Raspberry Pi Pico that waits for one.

    python firmware/scripts/uf2_drive.py firmware.uf2

The board shows that drive when it is plugged in with the button BOOTSEL held. Every such drive has a file
INFO_UF2.TXT that names the board.
"""

from __future__ import annotations

import re
import shutil
import string
import sys
from collections.abc import Iterable
from pathlib import Path

BOARD = "RPI-RP2"
INFO = "INFO_UF2.TXT"
MOUNTS = Path("/proc/mounts")
ADVICE = (
    f"error: no drive {BOARD} found. Hold the button BOOTSEL while you plug the Pico in, wait until the "
    "drive is mounted, and run the command again. Or copy this file onto the drive by hand: {file}"
)


def mount_points() -> list[Path]:
    """List the folders at which drives are mounted, on Linux, macOS and Windows."""
    if MOUNTS.is_file():
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
        return [Path(_unescaped(line.split()[1])) for line in lines if len(line.split()) > 1]
    if sys.platform == "win32":
        return [Path(f"{letter}:/") for letter in string.ascii_uppercase]
    return sorted(Path("/Volumes").glob("*"))


def _unescaped(name: str) -> str:
    r"""A mount point as the kernel lists it: a space is \040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), name)


def find_drive(folders: Iterable[Path]) -> Path | None:
    """Return the first folder that is the drive of a waiting Pico."""
    for folder in folders:
        try:
            text = (folder / INFO).read_text(encoding="utf-8", errors="replace")
        except OSError:  # not such a drive, or not readable
            continue
        if re.search(rf"^Board-ID: {BOARD}\b", text, re.MULTILINE):
            return folder
    return None


def main(uf2: Path, folders: Iterable[Path]) -> None:
    """Copy the file; the board restarts with it by itself."""
    drive = find_drive(folders)
    if drive is None:
        raise SystemExit(ADVICE.format(file=uf2.resolve()))
    shutil.copyfile(uf2, drive / uf2.name)
    print(f"copied to {drive}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), mount_points())
