"""`ecg-edge flash`: build the firmware and write it to a board."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.commands.build import EnvOption, ModelOption, check_environment, morphology_for
from ecg_edge.host.devices import platformio as pio
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, load_bundle

EXAMPLES: Final = ("ecg-edge flash --env esp32dev --port /dev/ttyUSB0",)


def flash(
    env: EnvOption = "stm32f405",
    model: ModelOption = SHIPPED_BUNDLE,
    morphology: options.MorphologyOption = None,
    port: Annotated[
        str | None,
        typer.Option(metavar="PORT", help="Serial port of an ESP32. Else detected."),
    ] = None,
    json: options.JsonOption = None,
) -> None:
    """Build the firmware and write it to a board: esptool for esp32dev, dfu-util for stm32f405, the
    drive RPI-RP2 for pico.
    """
    check_environment(env)
    if env == "native":
        raise typer.BadParameter(
            "native runs on this computer: `ecg-edge emulate --native`", param_hint="--env"
        )
    manifest = load_bundle(model).manifest
    second = morphology_for(env, morphology)
    with console.step(f"Building {env} and writing it to the board"):
        pio.upload(env, model, port, [second] if second else ())
    console.out.print(f"{env}: written. `ecg-edge replay --port PORT` verifies it.", markup=False)
    if json:
        write_json(json, {"env": env, "port": port, "model_sha256": manifest.model_sha256})
