"""`ecg-edge flash`: build the firmware and write it to a board."""

from __future__ import annotations

from typing import Annotated

import typer

from ecg_edge.host.cli import console
from ecg_edge.host.cli.commands.build import BundleOption, EnvOption, check_environment
from ecg_edge.host.devices import platformio as pio
from ecg_edge.quantize.bundle.manifest import load_bundle


def flash(
    env: EnvOption = "stm32f405",
    bundle: BundleOption = pio.DEFAULT_BUNDLE,
    port: Annotated[
        str | None,
        typer.Option(metavar="PORT", help="Serial port of an ESP32; found by itself when left out."),
    ] = None,
) -> None:
    """Build the firmware and write it to a board: esptool for esp32dev, dfu-util for stm32f405."""
    check_environment(env)
    if env == "native":
        raise typer.BadParameter(
            "native runs on this computer: `ecg-edge emulate --native`", param_hint="--env"
        )
    load_bundle(bundle)
    with console.err.status(f"Building {env} and writing it to the board"):
        pio.upload(env, bundle, port)
    console.out.print(f"{env}: written. `ecg-edge replay --port PORT` verifies it.", markup=False)
