"""The pico firmware in rp2040js, an emulator of the RP2040 that runs in Node.js.

    with pico_emulator() as port: ...          # "unix:/tmp/ecg-edge-.../line"
    python -m ecg_edge.host.devices.pico       install rp2040js (nothing to do when it is)

The image is the UF2 file that one copies onto the board. `rp2040js/emulate.mjs` boots it and puts the board's
UART on a socket; docs/boards.md lists what this emulator models.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import ToolError
from ecg_edge.host.devices.images import describe_file
from ecg_edge.host.devices.platformio import firmware_project, present_program
from ecg_edge.host.devices.processes import messages, running, wait_for_socket

ENVIRONMENT: Final = "pico"
NODE: Final = "node"

_SCRIPTS: Final = Path(__file__).parent / "rp2040js"
_PACKAGE_FILES: Final = ("package.json", "package-lock.json")
_BOOT_TIMEOUT_S: Final = 180.0  # the boot self-test takes the emulator some 10 s
_UF2_MAGIC: Final = b"UF2\n"


@contextmanager
def pico_emulator(
    uf2: Path | None = None, front_end: Path | None = None, speed: float = 1.0, *, usb: bool = False
) -> Iterator[str]:
    """Boot a firmware image in rp2040js for as long as the context lasts.

    Parameters
    ----------
    uf2 : Path, optional
        The image; that of the last `ecg-edge build --env pico` when left out. Of an ELF program the UF2 file
        beside it.
    front_end : Path, optional
        File that live mode samples (`write_front_end`). Without it the ADC reads 0.
    speed : float
        Of waiting, in times real time; 0: it does not wait. Computing takes as long as it takes.
    usb : bool
        The line is the port on the board's USB connector, and not UART0.

    Yields
    ------
    str
        Address of the board's serial line, "unix:PATH".

    Raises
    ------
    ToolError
        When Node.js, rp2040js or the image is missing, or the image does not boot.
    """
    image = _image(uf2 or present_program(ENVIRONMENT))
    modules = setup_rp2040js()
    with tempfile.TemporaryDirectory(prefix="ecg-edge-") as folder:
        line, log = Path(folder) / "line", Path(folder) / "log"
        arguments = {"modules": modules, "image": image, "line": line, "speed": speed, "front-end": front_end}
        given = [f"--{name}={value}" for name, value in arguments.items() if value is not None]
        command = [_node(), str(_SCRIPTS / "emulate.mjs"), *given, *(["--usb"] if usb else [])]
        with running(command, log) as process:
            wait_for_socket(
                line, process, _BOOT_TIMEOUT_S, lambda: f"{image}: does not boot: {messages(log)}."
            )
            yield f"unix:{line}"


def _image(path: Path) -> Path:
    image = path.with_suffix(".uf2") if path.suffix == ".elf" else path
    if not image.is_file():
        raise ToolError(f"{image}: not found. Build it with `ecg-edge build --env {ENVIRONMENT}`.")
    if not image.read_bytes().startswith(_UF2_MAGIC):
        raise ToolError(
            f"{image}: {describe_file(image)}; the emulated Pico boots a UF2 file. "
            f"Build one with `ecg-edge build --env {ENVIRONMENT}`."
        )
    return image


def _node() -> str:
    program = shutil.which(NODE)
    if program is None:
        raise ToolError(f"{NODE} is missing, and the emulated Pico needs it: apt-get install nodejs npm")
    return program


def setup_rp2040js() -> Path:
    """Install rp2040js by npm, in the version of the lock file, when it is missing.

    Returns
    -------
    Path
        Folder whose node_modules has it.

    Raises
    ------
    ToolError
        When npm is missing or fails.
    """
    folder = firmware_project() / ".pio" / "rp2040js"
    if not _is_current(folder):
        _node()
        fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
        fresh.mkdir(parents=True)
        for name in _PACKAGE_FILES:
            shutil.copyfile(_SCRIPTS / name, fresh / name)
        _npm_install(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    return folder


def _is_current(folder: Path) -> bool:
    installed = (folder / "node_modules" / "rp2040js" / "package.json").is_file()
    lock = _PACKAGE_FILES[1]
    return installed and (folder / lock).read_bytes() == (_SCRIPTS / lock).read_bytes()


def _npm_install(folder: Path) -> None:
    program = shutil.which("npm")
    if program is None:
        raise ToolError("npm is missing, and it installs the emulated Pico: apt-get install npm")
    command = [program, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        shutil.rmtree(folder)
        raise ToolError(f"`npm ci` could not install rp2040js: {done.stderr.strip()[-500:]}")


if __name__ == "__main__":
    setup_rp2040js()
