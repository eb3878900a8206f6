"""`ecg-edge export`: write the model bundle and its C."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console

if TYPE_CHECKING:
    from rich.table import Table

    from ecg_edge.quantize.bundle.manifest import Bundle
    from ecg_edge.quantize.codegen.cost import Choice


def export(
    model: Annotated[
        str,
        typer.Argument(metavar="RECIPE|MODEL", help="A quantized recipe, or an int8 .tflite file."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="The bundle's folder."),
    ] = None,
    labels: Annotated[
        str, typer.Option(metavar="A,B,...", help="Of a .tflite file: the class of each output.")
    ] = "N,L,R,A,V",
    float_model: Annotated[
        Path | None, typer.Option("--float", metavar="FILE", help="Of a .tflite file: its float network.")
    ] = None,
    data: console.DataOption = None,
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Where the recipes' runs are.")] = Path("runs"),
    json: console.JsonOption = None,
) -> None:
    """Write a bundle: manifest, golden vectors, generated C, model card.

    The bundle of a recipe says what it was trained on and what it scores; its golden vectors are beats. Its
    folder is RUNS/<recipe>/bundle unless --out names one. That of a .tflite file has random golden vectors.
    Printed too: which layers the generated C holds in the sparse form, and what the cost model says of each.
    """
    if model.endswith(".tflite"):
        bundle = _of_file(Path(model), out, labels, float_model)
    else:
        bundle = _of_recipe(model, out, data, runs)
    choices = _choices(bundle)
    _print(bundle, choices)
    if json:
        write_json(json, {**dataclasses.asdict(bundle.manifest), "choices": choices})


def _of_file(model: Path, out: Path | None, labels: str, float_model: Path | None) -> Bundle:
    from ecg_edge.quantize.export.bundle import export_bundle, random_inputs
    from ecg_edge.quantize.export.run import tool_versions

    folder = out or model.with_suffix("")
    return export_bundle(
        model,
        folder,
        name=folder.resolve().name,
        labels=tuple(labels.split(",")),
        golden_inputs=random_inputs(),
        training={},
        metrics={},
        tools=tool_versions(),
        float_model=float_model,
    )


def _of_recipe(name: str, out: Path | None, data: Path | None, runs: Path) -> Bundle:
    from ecg_edge.quantize.export.run import export_run
    from ecg_edge.training.runs import open_run

    run = open_run(name, data, runs)
    return export_run(run.recipe, run.data_root, run.folder, out)


def _choices(bundle: Bundle) -> tuple[Choice, ...]:
    """What the generator chose for the ARM DSP form."""
    from ecg_edge.quantize.codegen.generate import generate
    from ecg_edge.quantize.codegen.ir import Form

    return generate(bundle.model_path.read_bytes(), str(bundle.model_path)).choices[Form.ARM_DSP]


def _print(bundle: Bundle, choices: tuple[Choice, ...]) -> None:
    manifest = bundle.manifest
    table = console.table(f"{manifest.name}: {bundle.path}", "what", "value")
    table.add_row("SHA-256 of the model", f"{manifest.model_sha256[:16]}...")
    table.add_row("operators", str(len(manifest.operators)))
    for engine, size in manifest.arena_bytes.items():
        table.add_row(f"arena, {engine}", f"{size} B")
    console.out.print(table)
    console.out.print(_forms(choices))


def _forms(choices: tuple[Choice, ...]) -> Table:
    """The cost model's table: bytes of weights and instructions of each layer that has both forms."""
    table = console.table(
        "Dense or sparse, by the cost model (Cortex-M4)",
        *("layer", "zeros", "zero blocks", "dense B", "instructions", "sparse B", "instructions", "form"),
    )
    for choice in choices:
        costs = [str(n) for cost in (choice.dense, choice.sparse) for n in (cost.bytes, cost.instructions)]
        form = "sparse" if choice.is_sparse else "dense"
        table.add_row(choice.name, f"{choice.zeros:.0%}", f"{choice.zero_blocks:.0%}", *costs, form)
    return table
