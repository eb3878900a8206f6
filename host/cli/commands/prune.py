"""`ecg-edge prune`: prune the trained network of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, morphology_steps, options
from ecg_edge.host.cli.commands.train import RecipeArgument, is_morphology, open_run, progress
from ecg_edge.host.cli.tables import ratio

if TYPE_CHECKING:
    from ecg_edge.host.cli.tables import ResultTable
    from ecg_edge.quantize.bench.sparsity import Measured
    from ecg_edge.training.metrics import EvaluationRow

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
    own = is_morphology(recipe)
    sparsity = morphology_steps.prune(recipe, runs) if own else _prune(recipe, data, runs)
    table = console.table("Zeros in the kernels", "layer", "zeros %")
    for layer, share in sparsity.items():
        table.add_row(layer, f"{100 * share:.1f}")
    console.out.print(table)
    if json:
        write_json(json, {"sparsity": sparsity})


def _prune(recipe: str, data: Path | None, runs: Path) -> dict[str, float]:
    run = open_run(recipe, data, runs, needs=("train",))
    from ecg_edge.quantize.prune import prune as prune_recipe

    return prune_recipe(run, progress())


@dataclass(frozen=True)
class _Level:
    """Measurements of one level of sparsity; accuracy of recipes only."""

    sparsity: float
    measured: Measured
    accuracy: EvaluationRow | None = None


def _sweep(recipe: str, data: Path | None, runs: Path, folds: int) -> list[_Level]:
    if recipe.endswith(".tflite"):
        from ecg_edge.quantize.bench.sparsity import LEVELS, measure_zeroed

        measured = measure_zeroed(Path(recipe), LEVELS)
        return [_Level(level, one) for level, one in measured.items()]
    run = open_run(recipe, data, runs)
    from ecg_edge.quantize.pruning_sweep import sweep

    rows = sweep(run, folds, progress=progress(), report=console.note)
    return [_Level(row["sparsity"], row["measured"], row["accuracy"]) for row in rows]


def _sweep_table(name: str, figures: list[_Level]) -> ResultTable:
    table = console.table(
        f"{name}: against sparsity, Cortex-M4, flash is code and constants",
        *("sparsity", "zero blocks", "accuracy %", "macro-F1"),
        *("dense, flash B", "dense, instructions", "chosen, flash B", "chosen, instructions"),
    )
    for level in figures:
        one, row = level.measured, level.accuracy
        scores = [percent(row["accuracy"], 1), ratio(row["macro_f1"])] if row else ["-", "-"]
        costs = [
            str(number)
            for form in (one.dense, one.chosen)
            for number in (form.code_bytes + form.weight_bytes, form.instructions)
        ]
        table.add_row(f"{level.sparsity:.0%}", f"{one.zero_blocks:.0%}", *scores, *costs)
    return table
