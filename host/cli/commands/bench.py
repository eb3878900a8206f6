"""`ecg-edge bench`: the generated engine on emulated cores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.quantize.bench.cores import CORES

if TYPE_CHECKING:
    from ecg_edge.host.cli.tables import ResultTable
    from ecg_edge.quantize.bench.measure import Figures
    from ecg_edge.quantize.bench.projection import Projection
    from ecg_edge.quantize.bench.run import Report


EXAMPLES: Final = (
    "ecg-edge bench models/nlrav models/morphology --cores m4 --layers",
    "ecg-edge bench --json bench.json",
)


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODELS",
            help="Model bundles or .tflite files. Else the shipped ones and two test networks.",
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            metavar="A,B",
            help="The same, by commas.",
        ),
    ] = None,
    cores: Annotated[
        str | None,
        typer.Option("--cores", metavar="A,B", help=f"Cores to emulate, of {', '.join(CORES)}. Else all."),
    ] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="Print the instructions of each layer too.")
    ] = False,
    boards: Annotated[
        bool, typer.Option("--boards/--no-boards", help="Project time and energy per inference on boards.")
    ] = True,
    json: options.JsonOption = None,
) -> None:
    """Count instructions and bytes on emulated cores, and compare the bytes of every layer.

    Exits with 1 when a core gives other bytes than the reference (TFLM where its wheel is installed).
    """
    from ecg_edge.quantize.bench import run as matrix
    from ecg_edge.quantize.bench.measure import default_models

    named = [*(names or []), *([] if models is None else _words(models, "--models"))]
    paths = list(map(Path, named)) or default_models()
    chosen = matrix.choose_cores([] if cores is None else _words(cores, "--cores"))
    with console.progress_bar() as progress:
        task = progress.add_task("bench", total=len(paths) * len(chosen), note="")
        report = matrix.run(paths, chosen, lambda what: progress.update(task, advance=1, note=what))
    _print(report, layers, boards)
    if json:
        write_json(json, report)
    matrix.require_same_bits(report)


def _words(text: str, option: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise typer.BadParameter("name at least one, or leave the option out", param_hint=option)
    return words


def _print(report: Report, layers: bool, boards: bool) -> None:
    console.out.print(_totals(report))
    _notes(report)
    if layers:
        for model in report.references:
            console.out.print(_by_layer(model, [one for one in report.figures if one.model == model]))
    if boards and report.projections:
        _print_projections(report.projections)
    for reason in report.left_out.values():
        console.warn(f"left out: {reason}")


def _totals(report: Report) -> ResultTable:
    table = console.table(
        "One inference of the generated engine on emulated cores",
        *("network", "core", "kernels", "instructions", "per MAC"),
        *("code B", "constants B", "RAM B", "stack B", "same bits"),
        keys=3,
    )
    for one in report.figures:
        table.add_row(
            *(one.model, one.core, one.form, f"{one.instructions:,}", f"{one.instructions / one.macs:.2f}"),
            *(f"{size:,}" for size in (one.code_bytes, one.weight_bytes, one.ram_bytes, one.stack_bytes)),
            "yes" if one.same_bits else "NO",
        )
    return table


def _notes(report: Report) -> None:
    console.note("Instructions, not cycles; QEMU counts them. RAM: the arena and all other static memory.")
    for model, reference in report.references.items():
        macs = next(one.macs for one in report.figures if one.model == model)
        runs = report.inputs[model]
        console.note(f"{model}: {macs:,} MACs; every layer compared with {reference} on {runs} inputs.")
    for name, version in report.tools.items():
        console.note(f"{name}: {version}")


def _by_layer(model: str, figures: list[Figures]) -> ResultTable:
    """Instructions of each layer by core; a mark where bytes differ."""
    table = console.table(f"{model}, instructions by layer", "layer", "MACs", *(one.core for one in figures))
    for place, layer in enumerate(figures[0].layers):
        counts = [one.layers[place] for one in figures]
        table.add_row(
            f"{layer.index} {layer.operator}",
            f"{layer.macs:,}",
            *(f"{count.instructions:,}{'' if count.same_bits else ' (other bits)'}" for count in counts),
        )
    return table


def _print_projections(projections: tuple[Projection, ...]) -> None:
    table = console.table(
        "Projected, not measured: one inference on boards",
        *("board", "network", "ms, this engine", "ms, another", "uJ, this engine", "uJ, another"),
        keys=2,
    )
    for one in projections:
        energies = (one.least_uj, one.published_uj)
        table.add_row(
            *(one.board, one.model, f"{one.least_ms:.2f}", f"{one.published_ms:.2f}"),
            *("-" if energy is None else f"{energy:.0f}" for energy in energies),
        )
    console.out.print(table)
    console.note(
        "This engine: a lower bound, the measured instructions at the fewest cycles per instruction. "
        "Another: cycles per MAC published for another engine on that board. Sources: "
        "quantize/bench/boards.toml, and --json."
    )
