"""`ecg-edge demo`: the shipped model on the emulated board."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.databases import find_data_root, records_in
from ecg_edge.host.cli import console, options
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE

EXAMPLES: Final = ("ecg-edge demo",)
BOARD = "stm32f405"
DATABASE, RECORD = "mitdb", "213"  # half an hour with N, V, A and fusion beats
SYNTHETIC_RECORD = "synth/s03"


def demo(
    model: Annotated[Path, options.model_option("Model bundle.")] = SHIPPED_BUNDLE,
    morphology: options.MorphologyOption = None,
    data: options.DataOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Session folder. Else a new one in sessions/.")
    ] = None,
    overwrite: options.OverwriteOption = False,
    json: options.JsonOption = None,
) -> None:
    """Verify the shipped model on the emulated board: build, boot, replay a record, compare every byte.

    Needs neither training nor TensorFlow. Without records on this computer the ECG is synthetic.
    """
    # For start-up time: these import numpy and the C extension.
    from ecg_edge.host.cli.commands.build import morphology_for
    from ecg_edge.host.cli.commands.replay import leave, replay_and_show
    from ecg_edge.host.conformance.folder import refuse_session
    from ecg_edge.host.conformance.replay import DEFAULT_SESSIONS
    from ecg_edge.host.conformance.session import session_folder

    if out is not None and not overwrite:
        refuse_session(out)  # before the build
    second = morphology_for(BOARD, morphology)
    elf = _build(model, second)
    root, record = _record(data)
    folder = out or session_folder(DEFAULT_SESSIONS, "demo")
    port = f"emulator:{elf}"
    outcome = replay_and_show(
        [record],
        port=port,
        model=model,
        morphology=second,
        data=root,
        out=folder,
        overwrite=overwrite,
    )
    leave(outcome, json)


def _build(model: Path, morphology: Path | None) -> Path:
    from ecg_edge.host.devices.platformio import build, sizes
    from ecg_edge.quantize.bundle.manifest import load_bundle

    manifest, start = load_bundle(model).manifest, time.monotonic()
    with console.step(f"Building {BOARD} with the model {manifest.name}"):
        elf = build(BOARD, model, further=[morphology] if morphology else ())
    size = sizes(elf)
    console.note(
        f"{BOARD} with the model {manifest.name}: flash {size.flash_bytes:,} B, RAM {size.ram_bytes:,} B, "
        f"built in {time.monotonic() - start:.1f} s"
    )
    return elf


def _record(data: Path | None) -> tuple[Path, str]:
    """Folder of the databases and name of the record; synthetic where record 213 is missing."""
    root = find_data_root(data)
    if root is not None and RECORD in records_in(root, DATABASE):
        return root, f"{DATABASE}/{RECORD}"
    from ecg_edge.ecg.synthetic.textbook import synthetic_root

    console.warn("no mitdb record 213 here: the ECG is SYNTHETIC. For a real one: `ecg-edge data get mitdb`")
    return synthetic_root(None), SYNTHETIC_RECORD
