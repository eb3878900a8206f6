"""`ecg-edge build`: the firmware with a model in it, by PlatformIO."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.boards import BOARDS
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE, load_bundle

EXAMPLES: Final = ("ecg-edge build --env stm32f405 --model models/nlrav",)
EnvOption = Annotated[
    str,
    typer.Option(
        "--env",
        "-e",
        metavar="ENV",
        autocompletion=lambda: list(pio.ENVIRONMENTS),
        help=f"PlatformIO environment: {', '.join(pio.ENVIRONMENTS)}.",
    ),
]
UpdateKeyOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="ESP32: key of updates (`ecg-edge update key`). Else the one in ~/.config/ecg-edge.",
    ),
]
ModelOption = Annotated[
    Path, options.model_option("Model bundle to build into the firmware.", options.BOARD_DEFAULT)
]


def build(
    env: EnvOption = "stm32f405",
    model: ModelOption = BOARD_BUNDLE,
    morphology: options.MorphologyOption = None,
    further: Annotated[
        list[Path] | None,
        typer.Option("--further-model", metavar="DIR", help="Further bundle in the same image; repeatable."),
    ] = None,
    update_key: UpdateKeyOption = None,
    json: options.JsonOption = None,
) -> None:
    """Build the firmware for a board with a model in it; stm32f405 and native need no network."""
    check_environment(env)
    manifest = load_bundle(model).manifest
    second = morphology_for(env, morphology)
    key = public_key(env, update_key)
    start = time.monotonic()
    with console.step(f"Building {env} with {manifest.name}"):
        program = pio.build(
            env, model, further=[*([second] if second else []), *(further or [])], update_key=key
        )
    size = pio.sizes(program)
    console.out.print(f"{program}", markup=False)
    console.out.print(
        f"model {manifest.name} ({manifest.model_sha256[:16]}), flash {size.flash_bytes:,} B, "
        f"RAM {size.ram_bytes:,} B, built in {time.monotonic() - start:.1f} s",
        markup=False,
    )
    if json:
        write_json(
            json, {"env": env, "program": program, "model_sha256": manifest.model_sha256, "size": size}
        )


def morphology_for(env: str, named: Path | None) -> Path | None:
    """Choose the morphology network of an image; the default one is left out where an image takes one model.

    Parameters
    ----------
    env : str
        PlatformIO environment.
    named : Path or None
        Value of --morphology.
    """
    path = options.morphology_path(named)
    if path and named is None and pio.takes_one_model(env):
        console.note(f"{env} takes one model: built without the morphology network.")
        return None
    if path:
        from ecg_edge.host.conformance.identity import load_morphology  # late: imports the C extension

        load_morphology(path)
    return path


def public_key(env: str, named: Path | None) -> str:
    """Choose the public key of an image, in hexadecimal; empty where nothing is updated by Bluetooth.

    Parameters
    ----------
    env : str
        PlatformIO environment.
    named : Path or None
        Value of --update-key.
    """
    if not BOARDS[env].flash_chip:
        if named:
            raise typer.BadParameter(f"{env} takes no updates by Bluetooth", param_hint="--update-key")
        return ""
    path = named or options.own_update_key()
    if not path.is_file() and named is None:
        console.note(
            "Built without a key: the firmware takes no updates by Bluetooth (`ecg-edge update key`)."
        )
        return ""
    from ecg_edge.host.devices.update_key import load_key, public_bytes  # late: needs the extra `update`

    return public_bytes(load_key(path)).hex()


def check_environment(env: str) -> None:
    """Raise a usage error that lists the environments when `env` is not one of them."""
    if env not in pio.ENVIRONMENTS:
        raise typer.BadParameter(f"{env!r} is none of {', '.join(pio.ENVIRONMENTS)}", param_hint="--env")
