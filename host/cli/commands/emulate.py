"""`ecg-edge emulate`: keep a device that is this computer running until Ctrl-C."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ecg_edge.host.cli import console
from ecg_edge.host.devices.emulator import emulator, native_device


def emulate(
    native: Annotated[
        bool, typer.Option("--native", help="The firmware as a program instead of the board in QEMU.")
    ] = False,
    count_instructions: Annotated[
        bool,
        typer.Option(help="QEMU only: an instruction takes 1 ns of the board's time, so ticks count them."),
    ] = False,
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="ELF or program. Else that of the last `ecg-edge build`."),
    ] = None,
) -> None:
    """Run the built firmware on this computer and print its port; Ctrl-C stops it."""
    if native and count_instructions:
        raise typer.BadParameter("only QEMU counts instructions", param_hint="--count-instructions")
    device = native_device(image) if native else emulator(image, count_instructions=count_instructions)
    with device as port, suppress(KeyboardInterrupt):
        console.out.print(port, markup=False)
        console.note(
            "Running. In another terminal: `ecg-edge replay --port " + port + " 100`. Ctrl-C stops it."
        )
        threading.Event().wait()
