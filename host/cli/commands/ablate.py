"""`ecg-edge ablate`: what each part of a recipe is worth, by folds of patients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import locked_folder, write_json
from ecg_edge.ecg.parallel import Workers
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.commands.train import RecipeArgument, is_morphology, open_run
from ecg_edge.host.cli.tables import ResultTable, ratio

if TYPE_CHECKING:
    from ecg_edge.host.pipeline.patient_folds import FoldTask

EXAMPLES: Final = ("ecg-edge ablate my-recipe.toml --seeds 3", "ecg-edge ablate nlrav --folds patients5")
BASE: Final = "recipe"
_SHOWN: Final = {
    "gross veb_f1": "VEB F1 %",
    "gross sveb_f1": "SVEB F1 %",
    "average veb_ppv": "mean VEB +P %",
    "average sveb_ppv": "mean SVEB +P %",
}


def ablate(
    recipe: RecipeArgument,
    folds: Annotated[
        str, typer.Option(metavar="NAME", help="Folds of patients: ds1, patients5, `patients5 without 1`.")
    ] = "ds1",
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=1000, metavar="N", help="Seeds 1 to N of each variant, not the recipe's."),
    ] = None,
    data: options.DataOption = None,
    runs: options.RunsOption = Path("runs"),
    jobs: options.JobsOption = 0,
    dask: options.DaskOption = "",
    json: options.JsonOption = None,
) -> None:
    """Compare a recipe with variants of it that differ in one thing each: weights, loss, augmentation, data.

    The recipe's table `\\[ablation]` names the variants; without it there is a standard set. Finished
    folds are kept, so that an interrupted comparison goes on.
    """
    if is_morphology(recipe):
        raise RecipeError(f"{recipe}: ablate takes recipes of beat classifiers only.")
    from ecg_edge.host.pipeline import patient_folds
    from ecg_edge.training.ablation import load_variants
    from ecg_edge.training.recipes import find_recipe
    from ecg_edge.training.runs import Run, RunFolder

    base, variants = load_variants(find_recipe(recipe))
    run = open_run(recipe, data, runs)
    numbers = patient_folds.seeds_of(base, seeds)
    tasks: dict[str, list[FoldTask]] = {}
    for name, one in {BASE: base, **variants}.items():
        folder = RunFolder(run.folder.path / "ablation" / re.sub(r"[^A-Za-z0-9]+", "-", name))
        tasks[name] = patient_folds.tasks_of(Run(one, run.data_root, folder), folds, numbers)
    every = [task for some in tasks.values() for task in some]
    with locked_folder(run.folder.path), console.progress_bar("folds") as bar:
        shown = bar.add_task(
            f"{len(tasks)} recipes, {folds}, {len(numbers)} seeds", total=len(every), note=""
        )
        patient_folds.run_folds(every, Workers(jobs, dask), lambda task: bar.advance(shown))
    figures = {
        "recipe": base.name,
        "division": folds,
        "seeds": list(numbers),
        "variants": {name: patient_folds.figures_of(some, folds)["spread"] for name, some in tasks.items()},
    }
    console.out.print(_table(figures))
    if json:
        write_json(json, figures)


def _table(figures: Mapping[str, Any]) -> ResultTable:
    """One row a variant: int8 network where there is one, detected peaks from the first second."""
    headers = [header for name in _SHOWN.values() for header in (name, "change")]
    seeds = len(figures["seeds"])
    title = f"{figures['recipe']}, {figures['division']}, {seeds} seeds: detected peaks, from 0 s"
    table = console.table(title, "variant", "network", *headers, "macro-F1 of mitdb", "change")
    base = figures["variants"][BASE]
    for name, spread in figures["variants"].items():
        cells = [_cells(spread, base, key) for key in _SHOWN]
        macro = _cells(spread, base, "macro_f1")
        table.add_row(name, _network(spread), *(cell for pair in cells for cell in pair), *macro)
    return table


def _cells(spread: Any, base: Any, key: str) -> tuple[str, str]:
    """Write a figure with its standard deviation, and the difference of its mean from the recipe's."""
    one, before = _figure(spread, key), _figure(base, key)
    if one["mean"] is None or before["mean"] is None:
        return "-", ""
    write = ratio if key == "macro_f1" else lambda value: percent(value, 1)
    shown = write(one["mean"]) + ("" if one["sd"] is None else f" ± {write(one['sd'])}")
    difference = one["mean"] - before["mean"]
    text = f"{difference:+.3f}" if key == "macro_f1" else f"{100 * difference:+.1f}"
    return shown, "" if spread is base else text


def _network(spread: Any) -> str:
    return "int8" if any(row["network"] == "int8" for row in spread) else "float"


def _figure(spread: Any, key: str) -> Mapping[str, Any]:
    wanted = {"network": _network(spread), "peaks": "detected", "start_s": 0.0}
    rows = [row for row in spread if all(row[name] == value for name, value in wanted.items())]
    found = [row["figures"][key] for row in rows if key in row["figures"]]
    return found[0] if found else {"mean": None, "sd": None}
