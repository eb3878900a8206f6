"""`ecg-edge export`: write the model bundle and its C."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecg_edge.ecg.errors import BundleError
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, morphology_steps, options
from ecg_edge.host.cli.commands.train import is_morphology, open_run

if TYPE_CHECKING:
    from ecg_edge.host.cli.tables import ResultTable
    from ecg_edge.quantize.bundle.manifest import Bundle
    from ecg_edge.quantize.codegen.cost import Choice

EXAMPLES: Final = (
    "ecg-edge export nlrav",
    "ecg-edge export model.tflite --labels N,L,R,A,V --out models/mine",
)


_FORMATS: Final = {
    ".h5": "a Keras model",
    ".keras": "a Keras model",
    ".onnx": "an ONNX model",
    ".pb": "a TensorFlow model",
    ".pt": "a PyTorch model",
    ".pth": "a PyTorch model",
}


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE|MODEL", help="Name or TOML file of a quantized recipe, or an int8 .tflite file."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder of the bundle. Else RUNS/<recipe>/bundle, or the file's name without .tflite.",
        ),
    ] = None,
    labels: Annotated[
        str, typer.Option(metavar="A,B,...", help="Classes of a .tflite file's outputs, separated by commas.")
    ] = "N,L,R,A,V",
    float_model: Annotated[
        Path | None, typer.Option("--float", metavar="FILE", help="Float network of a .tflite file.")
    ] = None,
    elsewhere: Annotated[
        Path | None,
        typer.Option(
            metavar="BUNDLE",
            help="Bundle of the same recipe from another machine: the card compares the folds by patient.",
        ),
    ] = None,
    data: options.DataOption = None,
    runs: options.RunsOption = Path("runs"),
    json: options.JsonOption = None,
) -> None:
    """Export a model bundle: manifest, golden vectors, generated C, model card.

    The bundle of a recipe names its training records and its scores, and its golden vectors are beats; the
    bundle of a .tflite file has random golden vectors. A second table lists the layers that the generated C
    stores sparse, with the cost model's bytes and instructions.
    """
    if elsewhere and (model.endswith(".tflite") or is_morphology(model)):
        raise typer.BadParameter("for the recipe of a beat classifier only", param_hint="--elsewhere")
    if model.endswith(".tflite"):
        with console.step("Exporting"):
            bundle = _of_file(Path(model), out, labels, float_model)
    else:
        _check_format(Path(model))
        bundle = _of_recipe(model, out, elsewhere, data, runs)
    choices = _choices(bundle)
    _print(bundle, choices)
    if json:
        write_json(json, {**dataclasses.asdict(bundle.manifest), "choices": choices})


def _check_format(model: Path) -> None:
    """Refuse a network that was not converted to .tflite, before it is read as a recipe."""
    kind = _FORMATS.get(model.suffix.lower())
    if kind:
        raise BundleError(
            f"{model}: {kind}; export takes an int8 .tflite file or a recipe. Convert it with TensorFlow "
            "Lite: inference_input_type and inference_output_type int8, with a representative data set."
        )


def _of_file(model: Path, out: Path | None, labels: str, float_model: Path | None) -> Bundle:
    from ecg_edge.quantize.bundle.manifest import STRIP_INPUT
    from ecg_edge.quantize.codegen.flatbuffer import read_network
    from ecg_edge.quantize.export.bundle import export_bundle, random_inputs, random_strips
    from ecg_edge.quantize.export.run import tool_versions

    folder = out or model.with_suffix("")
    is_morphology = STRIP_INPUT in read_network(model).inputs
    return export_bundle(
        model,
        folder,
        name=folder.resolve().name,
        labels=tuple(labels.split(",")),
        golden_inputs=random_strips() if is_morphology else random_inputs(),
        training={},
        metrics={},
        tools=tool_versions(),
        float_model=float_model,
    )


def _of_recipe(name: str, out: Path | None, elsewhere: Path | None, data: Path | None, runs: Path) -> Bundle:
    if is_morphology(name):
        return morphology_steps.export(name, runs, out)
    run = open_run(name, data, runs, needs=("quantize",))
    from ecg_edge.quantize.export.run import export_run  # late: imports scipy

    return export_run(run, out=out, elsewhere=elsewhere)


def _choices(bundle: Bundle) -> tuple[Choice, ...]:
    """The generator's choice of dense or sparse layers for Cortex-M4."""
    from ecg_edge.quantize.codegen.generate import generate
    from ecg_edge.quantize.codegen.ir import KernelVariant

    return generate(bundle.model_path.read_bytes(), str(bundle.model_path)).choices[KernelVariant.ARM_DSP]


def _print(bundle: Bundle, choices: tuple[Choice, ...]) -> None:
    manifest = bundle.manifest
    table = console.table(f"{manifest.name}: {bundle.path}", "property", "value")
    table.add_row("SHA-256 of the model", f"{manifest.model_sha256[:16]}...")
    table.add_row("operators", str(len(manifest.operators)))
    for engine, size in manifest.arena_bytes.items():
        table.add_row(f"arena, {engine}", f"{size} B")
    console.out.print(table)
    console.out.print(_forms(choices))


def _forms(choices: tuple[Choice, ...]) -> ResultTable:
    """Bytes of weights and instructions of each layer that has a dense and a sparse form."""
    table = console.table(
        "Dense or sparse, by the cost model (Cortex-M4)",
        *(
            "layer",
            "zeros",
            "zero blocks",
            "dense B",
            "dense instructions",
            "sparse B",
            "sparse instructions",
            "form",
        ),
    )
    for choice in choices:
        costs = [str(n) for cost in (choice.dense, choice.sparse) for n in (cost.bytes, cost.instructions)]
        form = "sparse" if choice.is_sparse else "dense"
        table.add_row(choice.name, f"{choice.zeros:.0%}", f"{choice.zero_blocks:.0%}", *costs, form)
    return table
