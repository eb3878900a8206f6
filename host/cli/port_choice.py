"""The port that "auto" stands for, with a choice where several devices answer."""

from __future__ import annotations

import sys
from typing import Final

import typer

from ecg_edge.host.cli import console
from ecg_edge.host.devices.discovery import DEVICE, Found, discover, only_device

AUTO: Final = "auto"


def found_port(name: str) -> str:
    """Return the port; for "auto" that of the only device, or the one that the user chooses on a terminal.

    Raises
    ------
    LinkError
        When there is no device, or there are several and nobody to ask.
    """
    if name != AUTO:
        return name
    with console.step("Looking for a device"):
        found = discover()
    devices = [one for one in found if one.kind == DEVICE]
    if len(devices) > 1 and sys.stdin.isatty() and console.err.is_terminal:
        return _ask(devices)
    return only_device(found)


def _ask(devices: list[Found]) -> str:
    for number, one in enumerate(devices, start=1):
        console.err.print(f"{number}  {one.port.name}: {one.detail}", markup=False)
    chosen = 0
    while not 1 <= chosen <= len(devices):
        chosen = typer.prompt("Which one", type=int, default=1, err=True)
    return devices[chosen - 1].port.name
