"""`ecg-edge emulate`: run a virtual device until Ctrl-C."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.host.cli import console, options
from ecg_edge.host.devices.emulator import emulator, native_device, write_front_end
from ecg_edge.host.devices.pico import pico_emulator

EXAMPLES: Final = ("ecg-edge emulate", "ecg-edge emulate --native --play mitdb/208")


def emulate(
    native: Annotated[
        bool, typer.Option("--native", help="Run the firmware as a native program instead of in QEMU.")
    ] = False,
    pico: Annotated[
        bool, typer.Option("--pico", help="Run the firmware of the Raspberry Pi Pico, in rp2040js.")
    ] = False,
    count_instructions: Annotated[
        bool,
        typer.Option(
            help="QEMU only: an instruction takes 1 ns of board time, so that ticks count instructions."
        ),
    ] = False,
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="ELF, UF2 or native program. Else that of the last `ecg-edge build`."
        ),
    ] = None,
    play: Annotated[
        str | None,
        typer.Option(metavar="RECORD", help="The record that live mode samples."),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            metavar="X", min=0.0, help="Of --play, in times real time, and not in QEMU. 0: no pauses."
        ),
    ] = 1.0,
    data: options.DataOption = None,
) -> None:
    """Boot firmware in QEMU (or in rp2040js, or as a native program) and print its port; Ctrl-C stops it."""
    if native and pico:
        raise typer.BadParameter("one device: --native or --pico", param_hint="--pico")
    if (native or pico) and count_instructions:
        raise typer.BadParameter("only QEMU counts instructions", param_hint="--count-instructions")
    with ExitStack() as stack:
        next_command = "ecg-edge replay --port {} 100"
        if play:
            script, gain = _script(play, data, stack)
            device = _player(native, pico, count_instructions)(image, script, speed)
            next_command = f"ecg-edge monitor {{}} --gain {gain}"
        elif pico:
            device = pico_emulator(image)
        elif native:
            device = native_device(image)
        else:
            device = emulator(image, count_instructions=count_instructions)
        port = stack.enter_context(device)
        console.out.print(port, markup=False)
        console.note(f"Running. In another terminal: `{next_command.format(port)}`. Ctrl-C stops it.")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _player(
    native: bool, pico: bool, count: bool
) -> Callable[[Path | None, Path, float], AbstractContextManager[str]]:
    """Return what runs a device with a script; QEMU has no other speed than its own."""
    if native:
        return native_device
    if pico:
        return pico_emulator
    return lambda image, script, _: emulator(image, count_instructions=count, front_end=script)


def _script(name: str, data: Path | None, stack: ExitStack) -> tuple[Path, int]:
    """Write the samples of a record as a front end's script. Returns the file and the record's gain."""
    from ecg_edge.ecg.records import load_record
    from ecg_edge.ecg.selection import select_records

    (selected, *_) = select_records([name], data)
    record = load_record(selected.root, selected.database, selected.name, annotator=None)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ecg-edge-"))
    write_front_end(Path(folder) / "script", record.samples)
    return Path(folder) / "script", record.adu_per_mv
