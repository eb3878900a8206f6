"""Virtual devices: the stm32f405 firmware in QEMU, and the firmware as a program on this computer.

    with emulator() as port: ...          # "unix:/tmp/ecg-edge-.../line"
    with native_device() as port: ...     # "/dev/pts/4"

The emulated board is QEMU's `netduinoplus2`, an STM32F405, and boots the same ELF that is flashed. Without
`count_instructions` it runs as fast as this computer can, and its ticks are those of this computer's clock.
With it every instruction takes 1 ns of the board's time, so ticks count instructions exactly:
instructions = ticks x 1e9 / 168e6. Both take the time in which the board waits from this computer's clock, so
that an interrupt that ends a wait comes as late as this computer wakes up. With `exact_time` nothing does.
"""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import ToolError
from ecg_edge.ecg.files import write_bytes
from ecg_edge.host.devices.images import require_arm_image
from ecg_edge.host.devices.platformio import present_program
from ecg_edge.host.devices.processes import messages, running, wait_for_socket
from ecg_edge.host.devices.qemu_front_end import played

QEMU = "qemu-system-arm"
MACHINE = "netduinoplus2"

_START_TIMEOUT_S = 20.0
_NO_ESCAPE = "256"  # no byte has this value, so none is taken for a command to QEMU


@contextmanager
def emulator(
    elf: Path | None = None,
    *,
    count_instructions: bool = False,
    exact_time: bool = False,
    front_end: Path | None = None,
) -> Iterator[str]:
    """Boot a firmware image in QEMU for as long as the context lasts.

    Parameters
    ----------
    elf : Path, optional
        The image; that of the last `ecg-edge build` when left out.
    count_instructions : bool
        One nanosecond of the board's time an instruction (slower).
    exact_time : bool
        Eight nanoseconds an instruction, and a wait is over at once: the board's time has nothing to do with
        this computer's, and interrupts come on time.
    front_end : Path, optional
        File that live mode samples (`write_front_end`). Without it the readings have no meaning. With it the
        board's time is eight nanoseconds an instruction, and never ahead of this computer's: on a slow
        computer the board is late, but takes every sample.

    Yields
    ------
    str
        Address of the board's serial line, "unix:PATH".

    Raises
    ------
    ToolError
        When QEMU or the image is missing, or QEMU does not start.
    """
    image = _existing(elf, "stm32f405") if elf else present_program("stm32f405")
    require_arm_image(image)
    with tempfile.TemporaryDirectory(prefix="ecg-edge-") as folder:
        line, log = Path(folder) / "line", Path(folder) / "log"
        command, debugger = _qemu_command(image, line), Path(folder) / "debugger"
        command += ["-icount", "shift=0"] if count_instructions else []
        command += ["-icount", "shift=3,sleep=off"] if exact_time else []
        in_step = front_end is not None and not (count_instructions or exact_time)
        command += ["-icount", "shift=3"] if in_step else []
        command += ["-gdb", f"unix:{debugger},server=on,wait=off"] if front_end else []
        with running(command, log) as process, ExitStack() as stack:
            wait_for_socket(line, process, _START_TIMEOUT_S, lambda: _no_machine(log))
            if front_end:
                wait_for_socket(debugger, process, _START_TIMEOUT_S, lambda: _no_machine(log))
                stack.enter_context(played(debugger, image, front_end))
            yield f"unix:{line}"


def _qemu_command(image: Path, line: Path) -> list[str]:
    """QEMU with the board's USART1 on a socket.

    The USART takes one byte at a time, and QEMU's main loop hands over one a turn; mux=on puts QEMU's 32-byte
    buffer between the two, which doubles the speed of a replay.
    """
    program = shutil.which(QEMU)
    if program is None:
        raise ToolError(
            f"{QEMU} is missing, and the emulated board needs it: apt-get install qemu-system-arm"
        )
    command = [program, "-machine", MACHINE, "-nodefaults", "-display", "none", "-kernel", str(image)]
    command += [
        "-chardev",
        f"socket,id=line,path={line},server=on,wait=off,mux=on",
        "-serial",
        "chardev:line",
    ]
    return [*command, "-echr", _NO_ESCAPE]


def _no_machine(log: Path) -> str:
    return f"{QEMU} did not start the machine {MACHINE}: {messages(log)}. QEMU 5.2 or newer has it."


@contextmanager
def native_device(
    program: Path | None = None,
    front_end: Path | None = None,
    speed: float = 1.0,
    *,
    flash: Path | None = None,
    outputs: Path | None = None,
    samples: int | None = None,
    live_alone: bool = False,
    sample_clock: bool = False,
) -> Iterator[str]:
    """Run the firmware as a program on this computer for as long as the context lasts.

    Parameters
    ----------
    program : Path, optional
        The program; that of the last `ecg-edge build --env native` when left out.
    front_end : Path, optional
        File or pipe that live mode samples (`write_front_end`). Without it the device has no live mode.
    speed : float
        Of live mode, in times real time; 0: as fast as the line takes it.
    flash : Path, optional
        File that keeps settings and log; without it they are gone when the device ends.
    outputs : Path, optional
        File that gets a line for every change of the buzzer and every Bluetooth notification.
    samples : int, optional
        Begin `front_end` again until so many samples were taken.
    live_alone : bool
        Begin LIVE without a host, where the settings do not forbid it.
    sample_clock : bool
        The device's clock is the number of samples taken, so that it runs as fast as they are.

    Yields
    ------
    str
        Path of the pseudo-terminal that is its serial line.

    Raises
    ------
    ToolError
        When the program is missing or does not start.
    """
    path = _existing(program, "native") if program else present_program("native")
    with tempfile.TemporaryDirectory(prefix="ecg-edge-") as folder:
        log = Path(folder) / "log"
        script = ["-p", str(front_end), "-s", str(speed)] if front_end else []
        script += ["-f", str(flash)] if flash else []
        script += ["-o", str(outputs)] if outputs else []
        script += ["-n", str(samples)] if samples else []
        script += ["-a"] * live_alone + ["-c"] * sample_clock
        with running([str(path), *script], log) as process:
            yield _first_line(process, path, log)


def write_front_end(
    path: Path,
    samples: NDArray[np.int16],
    lead_flags: int | NDArray[np.uint8] = 0,
    events: int | NDArray[np.uint8] = 0,
) -> None:
    """Write samples, lead flags and events (`front_end.h`), shape (n,), as a file for `native_device`."""
    instants = np.zeros(len(samples), np.dtype([("sample", "<i2"), ("flags", "u1"), ("event", "u1")]))
    instants["sample"], instants["flags"], instants["event"] = samples, lead_flags, events
    write_bytes(path, instants.tobytes())


def _existing(path: Path, environment: str) -> Path:
    if not path.is_file():
        raise ToolError(f"{path}: not found. Build it with `ecg-edge build --env {environment}`.")
    return path


def _first_line(process: subprocess.Popen[bytes], path: Path, log: Path) -> str:
    """Read the first line that the program prints, the path of its pseudo-terminal."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.select(_START_TIMEOUT_S)
    text = os.fsdecode(process.stdout.readline()).strip()
    if not text:
        raise ToolError(
            f"{path}: did not start: {messages(log)}. Build it again with `ecg-edge build --env native`."
        )
    return text
