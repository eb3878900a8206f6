"""`ecg-edge flash`: build the firmware, write it to a board, and ask the board whether it works."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.errors import LinkError
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.commands.build import (
    EnvOption,
    ModelOption,
    UpdateKeyOption,
    check_environment,
    morphology_for,
    public_key,
)
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.discovery import DEVICE, discover
from ecg_edge.host.devices.esptool import flash_images
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import Info
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE, load_bundle

EXAMPLES: Final = (
    "ecg-edge flash --env esp32dev --port /dev/ttyUSB0",
    "ecg-edge flash --env esp32c3 --images firmware-esp32c3",
)
CHECK_S: Final = 20.0  # a board starts within some seconds; its USB port may have to come back


def flash(
    env: EnvOption = "stm32f405",
    model: ModelOption = BOARD_BUNDLE,
    morphology: options.MorphologyOption = None,
    port: Annotated[
        str | None,
        typer.Option(metavar="PORT", help="Serial port of an ESP32. Else detected."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="ESP32: write the images of this folder, and build nothing."),
    ] = None,
    update_key: UpdateKeyOption = None,
    json: options.JsonOption = None,
) -> None:
    """Build the firmware, write it to a board, and ask the board for its self-test.

    esptool writes to an ESP32, dfu-util to stm32f405 and blackpill_f411, OpenOCD to nucleo_f446re; pico is a
    drive.

    Exits with 1 when the board answers that its self-test failed.
    """
    check_environment(env)
    if env == "native":
        raise typer.BadParameter(
            "native runs on this computer: `ecg-edge emulate --native`", param_hint="--env"
        )
    manifest = load_bundle(model).manifest
    if images:
        with console.step(f"Writing {images} to the board"):
            flash_images(env, images, port)
    else:
        second = morphology_for(env, morphology)
        key = public_key(env, update_key)
        with console.step(f"Building {env} and writing it to the board"):
            pio.upload(env, model, port, [second] if second else (), key)
    info = ask_board(port)
    _report(env, info)
    if json:
        result = {
            "env": env,
            "port": port,
            "model_sha256": info.model_sha256 if info else manifest.model_sha256,
        }
        write_json(json, {**result, "self_test": info.status if info else None})
    if info and info.status:
        raise typer.Exit(1)


def ask_board(port: str | None) -> Info | None:
    """Wait for the board's start, and take its handshake.

    Parameters
    ----------
    port : str or None
        Its serial port; when left out, that of the only device.

    Returns
    -------
    Info or None
        None when no board answers, as where its serial line is not connected.
    """
    with console.step("Asking the board for its self-test"):
        found = [port] if port else [one.port.name for one in discover() if one.kind == DEVICE]
        if len(found) != 1:
            return None
        try:
            with open_transport(found[0]) as transport:
                return Link(transport).handshake(CHECK_S)
        except LinkError as error:
            console.note(str(error))
            return None


def _report(env: str, info: Info | None) -> None:
    if info is None:
        text = "written. No board answers on a serial port yet"
    elif info.status:
        text = f"written, but its self-test failed: status {info.status} of docs/reference/modes.md"
    else:
        text = f"written. {info.board}, firmware {info.firmware_version}: the self-test passed"
    console.out.print(f"{env}: {text}. `ecg-edge replay --port PORT` verifies it.", markup=False)
