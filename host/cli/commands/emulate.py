"""`ecg-edge emulate`: run a virtual device until Ctrl-C."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.host.cli import console
from ecg_edge.host.devices.emulator import emulator, native_device

EXAMPLES: Final = ("ecg-edge emulate", "ecg-edge emulate --native")


def emulate(
    native: Annotated[
        bool, typer.Option("--native", help="Run the firmware as a native program instead of in QEMU.")
    ] = False,
    count_instructions: Annotated[
        bool,
        typer.Option(
            help="QEMU only: an instruction takes 1 ns of board time, so that ticks count instructions."
        ),
    ] = False,
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="ELF or native program. Else that of the last `ecg-edge build`."),
    ] = None,
) -> None:
    """Boot firmware in QEMU (or as a native program) and print its port; Ctrl-C stops it."""
    if native and count_instructions:
        raise typer.BadParameter("only QEMU counts instructions", param_hint="--count-instructions")
    device = native_device(image) if native else emulator(image, count_instructions=count_instructions)
    with device as port, suppress(KeyboardInterrupt):
        console.out.print(port, markup=False)
        console.note(
            "Running. In another terminal: `ecg-edge replay --port " + port + " 100`. Ctrl-C stops it."
        )
        threading.Event().wait()
