"""`ecg-edge build`: the firmware with a model in it, by PlatformIO."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console
from ecg_edge.host.devices import platformio as pio
from ecg_edge.quantize.bundle.manifest import load_bundle

EnvOption = Annotated[
    str,
    typer.Option(
        "--env", "-e", metavar="ENV", help=f"PlatformIO environment: {', '.join(pio.ENVIRONMENTS)}."
    ),
]
BundleOption = Annotated[
    Path, typer.Option("--bundle", metavar="DIR", help="Model bundle that goes into the firmware.")
]


def build(
    env: EnvOption = "stm32f405",
    bundle: BundleOption = pio.DEFAULT_BUNDLE,
    json: console.JsonOption = None,
) -> None:
    """Build the firmware for a board with a model in it; needs no network for stm32f405 and native."""
    check_environment(env)
    model = load_bundle(bundle)
    start = time.monotonic()
    with console.err.status(f"Building {env} with {model.manifest.name}"):
        program = pio.build(env, bundle)
    size = pio.sizes(program)
    console.out.print(f"{program}", markup=False)
    console.out.print(
        f"model {model.manifest.name} ({model.manifest.model_sha256[:16]}), flash {size.flash_bytes:,} B, "
        f"RAM {size.ram_bytes:,} B, built in {time.monotonic() - start:.1f} s",
        markup=False,
    )
    if json:
        write_json(
            json, {"env": env, "program": program, "model_sha256": model.manifest.model_sha256, "size": size}
        )


def check_environment(env: str) -> None:
    """Raise a usage error that lists the environments when `env` is none of them."""
    if env not in pio.ENVIRONMENTS:
        raise typer.BadParameter(f"{env!r} is none of {', '.join(pio.ENVIRONMENTS)}", param_hint="--env")
