"""`ecg-edge tune`: search for the settings of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.parallel import Workers
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.commands.train import RecipeArgument, is_morphology, open_run
from ecg_edge.host.cli.tables import ratio

if TYPE_CHECKING:
    from ecg_edge.host.cli.tables import ResultTable

EXAMPLES: Final = (
    "ecg-edge tune my-recipe.toml",
    "ecg-edge tune my-recipe.toml --trials 100 --storage postgresql://ecg@db.example/tuning",
)
_SHOWN: Final = 10  # best trials in the table


def tune(
    recipe: RecipeArgument,
    trials: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, metavar="N", help="Trials of the whole study. Else the recipe's."),
    ] = None,
    storage: Annotated[
        str,
        typer.Option(
            metavar="URL",
            show_default="a file in the run folder",
            help="Database that several computers share, such as postgresql://user@host/name.",
        ),
    ] = "",
    data: options.DataOption = None,
    runs: options.RunsOption = Path("runs"),
    jobs: options.JobsOption = 1,
    dask: options.DaskOption = "",
    json: options.JsonOption = None,
) -> None:
    """Search for the settings that the recipe's table `\\[tune]` names, by folds of patients, with optuna.

    A search that was interrupted goes on. Run the command in several places with one --storage to share it.
    """
    if is_morphology(recipe):
        raise RecipeError(f"{recipe}: tune takes recipes of beat classifiers only.")
    from ecg_edge.training.recipes import find_recipe
    from ecg_edge.training.search import load_search

    search = load_search(find_recipe(recipe))
    run = open_run(recipe, data, runs)
    from dataclasses import replace

    from ecg_edge.host.pipeline import tuning

    tuning.check_search(run, search)
    study = tuning.open_study(run, search, storage)
    search = search if trials is None else replace(search, trials=trials)
    console.note(f"Study {study.study_name}: {tuning.finished(study)} of {search.trials} trials are finished")
    tuning.tune(run, search, study, Workers(jobs, dask), lambda trial: _note(trial, search.trials))
    figures = tuning.figures_of(study)
    if figures["best"] is None:
        raise RecipeError("no trial was completed; their errors: " + "; ".join(_errors(figures)) + ".")
    console.out.print(_table(figures))
    console.out.print(f"Best recipe: {tuning.write_best(run, study)}", markup=False)
    if json:
        write_json(json, figures)


def _errors(figures: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(str(one["error"]) for one in figures["trials"] if one["error"])) or ["none"]


def _note(trial: Any, of: int) -> None:
    value = ratio(trial.value) if trial.state.name == "COMPLETE" else trial.state.name.lower()
    console.note(f"trial {trial.number}, of {of}: {value}  {trial.params}")


def _table(figures: dict[str, Any]) -> ResultTable:
    complete = sorted(
        (one for one in figures["trials"] if one["state"] == "complete"), key=lambda one: -one["value"]
    )
    keys = list(dict.fromkeys(key for one in complete for key in one["values"]))
    table = console.table(f"{figures['study']}: best of {len(complete)} trials", "trial", "value", *keys)
    for one in complete[:_SHOWN]:
        values = [str(one["values"].get(key, "")) for key in keys]
        shown = [f"{float(v):.4g}" if v.replace(".", "", 1).isdigit() else v for v in values]
        table.add_row(str(one["number"]), ratio(one["value"]), *shown)
    return table
