"""`ecg-edge build`: the firmware with a model in it, by PlatformIO."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.devices import platformio as pio
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, load_bundle

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
ModelOption = Annotated[Path, options.model_option("Model bundle to build into the firmware.")]


def build(
    env: EnvOption = "stm32f405",
    model: ModelOption = SHIPPED_BUNDLE,
    morphology: options.MorphologyOption = None,
    further: Annotated[
        list[Path] | None,
        typer.Option("--further-model", metavar="DIR", help="Further bundle in the same image; repeatable."),
    ] = None,
    json: options.JsonOption = None,
) -> None:
    """Build the firmware for a board with a model in it; stm32f405 and native need no network."""
    check_environment(env)
    manifest = load_bundle(model).manifest
    second = morphology_for(env, morphology)
    start = time.monotonic()
    with console.step(f"Building {env} with {manifest.name}"):
        program = pio.build(env, model, further=[*([second] if second else []), *(further or [])])
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


def check_environment(env: str) -> None:
    """Raise a usage error that lists the environments when `env` is not one of them."""
    if env not in pio.ENVIRONMENTS:
        raise typer.BadParameter(f"{env!r} is none of {', '.join(pio.ENVIRONMENTS)}", param_hint="--env")
