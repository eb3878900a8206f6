"""`ecg-edge ports`: list serial ports, and what is behind each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final

import typer

from ecg_edge.ecg.figures import counted
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.devices.discovery import DEVICE, Found, Port, discover, list_ports

EXAMPLES: Final = ("ecg-edge ports", "ecg-edge ports /dev/ttyUSB0")


def ports(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[PORT]", help="Ports to ask. Else all that there are.")
    ] = None,
    ask: Annotated[bool, typer.Option(help="Open each port and ask for the ecg-edge handshake.")] = True,
    json: options.JsonOption = None,
) -> None:
    """List the serial ports, and find out what is behind each.

    That is an ecg-edge device, a sketch that prints numbers, the boot log of other firmware, or nothing.

    Exits with 1 when no ecg-edge device answers.
    """
    listed = [Port(name, "", "") for name in names] if names else list_ports()
    if not ask:
        found = [Found(port, "", 0, "not asked", "") for port in listed]
    else:
        with console.step(f"Asking {counted(len(listed), 'port')}"):
            found = discover(listed)
    _show(found)
    if json:
        write_json(json, [asdict(one) for one in found])
    if ask and not any(one.kind == DEVICE for one in found):
        raise typer.Exit(1)


def _show(found: list[Found]) -> None:
    if not found:
        console.out.print("There is no serial port: plug the board in, with a cable that carries data.")
    for one in found:
        usb = f" ({one.port.usb} {one.port.description})" if one.port.usb else ""
        console.out.print(f"{one.port.name}{usb}: {one.detail}", markup=False)
        if one.advice:
            console.out.print(f"  -> {one.advice}", markup=False)
