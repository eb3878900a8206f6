"""`ecg-edge prune`: prune the trained network of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.commands.train import RecipeArgument, open_run, progress

if TYPE_CHECKING:
    from ecg_edge.host.cli.tables import ResultTable

EXAMPLES: Final = ("ecg-edge prune nlrav", "ecg-edge prune nlrav --sweep --folds 1")


def prune(
    recipe: RecipeArgument,
    data: options.DataOption = None,
    runs: options.RunsOption = Path("runs"),
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="Only tabulate accuracy, flash and instructions against sparsity."),
    ] = False,
    folds: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=4,
            help="Number of DS1's four folds by patient that the sweep trains on, 1 to 4.",
        ),
    ] = 4,
    json: options.JsonOption = None,
) -> None:
    """Prune the trained network of a recipe to RUNS/<recipe>/prune/model.keras.

    With --sweep, networks are trained by patient within DS1, pruned to 0, 50, 70, 80 and 90 % in blocks of
    four, quantized, tested on the held-out patients, and measured on an emulated Cortex-M4. Instead of a
    recipe, --sweep takes an int8 .tflite file: its smallest blocks become zero without training.
    """
    if sweep:
        figures = _sweep(recipe, data, runs, folds)
        console.out.print(_sweep_table(recipe, figures))
        if json:
            write_json(json, {"sweep": figures})
        return
    run = open_run(recipe, data, runs, needs=("train",))
    from ecg_edge.quantize.prune import prune as prune_recipe

    sparsity = prune_recipe(run, progress())
    table = console.table("Zeros in the kernels", "layer", "zeros %")
    for layer, share in sparsity.items():
        table.add_row(layer, f"{100 * share:.1f}")
    console.out.print(table)
    if json:
        write_json(json, {"sparsity": sparsity})


def _sweep(recipe: str, data: Path | None, runs: Path, folds: int) -> list[dict[str, Any]]:
    """One entry per level: sparsity, measured cost, and for a recipe accuracy."""
    if recipe.endswith(".tflite"):
        from ecg_edge.quantize.bench.sparsity import LEVELS, measure_zeroed

        measured = measure_zeroed(Path(recipe), LEVELS)
        return [{"sparsity": level, "measured": one} for level, one in measured.items()]
    run = open_run(recipe, data, runs)
    from ecg_edge.quantize.pruning_sweep import sweep

    return [dict(row) for row in sweep(run, folds, progress=progress(), report=console.note)]


def _sweep_table(name: str, figures: list[dict[str, Any]]) -> ResultTable:
    table = console.table(
        f"{name}: against sparsity, Cortex-M4, flash is code and constants",
        *("sparsity", "zero blocks", "accuracy %", "macro-F1"),
        *("dense, flash B", "dense, instructions", "chosen, flash B", "chosen, instructions"),
    )
    for level in figures:
        one, row = level["measured"], level.get("accuracy")
        scores = [f"{100 * row['accuracy']:.1f}", f"{row['macro_f1']:.3f}"] if row else ["-", "-"]
        costs = [
            str(number)
            for form in (one.dense, one.chosen)
            for number in (form.code_bytes + form.weight_bytes, form.instructions)
        ]
        table.add_row(f"{level['sparsity']:.0%}", f"{one.zero_blocks:.0%}", *scores, *costs)
    return table
