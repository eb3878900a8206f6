"""`ecg-edge train`: train the float network of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.parallel import Workers
from ecg_edge.host.cli import console, morphology_steps, options

if TYPE_CHECKING:
    from ecg_edge.training.progress import Progress
    from ecg_edge.training.runs import Run

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="Name of a shipped recipe, or a TOML file.")
]
EXAMPLES: Final = (
    "ecg-edge train nlrav",
    "ecg-edge train my-recipe.toml --cross-validate",
    "ecg-edge train my-recipe.toml --folds patients5 --seeds 5 --json folds.json",
)


class Division(str, Enum):
    """Folds by patient."""

    patients5 = "patients5"
    leave_one_out = "leave-one-out"


def train(
    recipe: RecipeArgument,
    data: options.DataOption = None,
    runs: options.RunsOption = Path("runs"),
    cross: Annotated[
        bool,
        typer.Option(
            "--cross-validate",
            help="Only score the recipe by patient: on four folds of DS1, or of its virtual patients.",
        ),
    ] = False,
    folds: Annotated[
        Division | None,
        typer.Option(
            metavar="NAME",
            help="Only score the recipe on patients that took no part in its training: patients5, five folds "
            "of mitdb and svdb; leave-one-out, one patient of mitdb after the other.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, metavar="N", help="With --folds: seeds 1 to N in place of the recipe's."
        ),
    ] = None,
    jobs: options.JobsOption = 0,
    dask: options.DaskOption = "",
    json: options.JsonOption = None,
) -> None:
    """Train the network of a recipe and write it to RUNS/<recipe>/train/model.keras.

    A network of kind "morphology" is trained on synthetic ECG; it is written as model.h5 too.
    """
    if folds is None and (seeds or jobs or dask):
        name = "--seeds" if seeds else "--jobs" if jobs else "--dask"
        raise typer.BadParameter("only with --folds", param_hint=name)
    if folds is not None and cross:
        raise typer.BadParameter("not with --folds", param_hint="--cross-validate")
    if is_morphology(recipe):
        if folds is not None:
            raise typer.BadParameter("recipes of beat classifiers only", param_hint="--folds")
        return morphology_steps.train(recipe, runs, cross, json)
    run = open_run(recipe, data, runs)
    if folds is not None:
        return score_folds(run, folds, seeds, Workers(jobs, dask), json)
    figures: object
    if cross:
        from ecg_edge.host.cli.tables import evaluation_tables
        from ecg_edge.training.cross_validation import cross_validate

        row = figures = cross_validate(run.recipe, run.data_root, progress().on_epoch)
        console.out.print(evaluation_tables([row]))
    else:
        from ecg_edge.training.train import train as train_recipe

        history = figures = train_recipe(run, progress())
        for database in history["missing_databases"]:
            console.warn(f"trained without {database}, which is not here: `ecg-edge data get {database}`")
        console.out.print(
            f"{history['parameters']} parameters, {history['multiply_accumulates']} multiply-accumulates"
        )
        console.out.print(f"Network: {run.folder.trained}", markup=False)
    if json:
        write_json(json, figures)


def score_folds(run: Run, folds: Division, seeds: int | None, workers: Workers, json: Path | None) -> None:
    """Score a recipe on folds of patients, seed after seed."""
    from ecg_edge.host.cli import fold_steps
    from ecg_edge.host.pipeline.patient_folds import seeds_of

    if run.recipe.data.database != "mitdb":
        raise RecipeError(f'recipe {run.recipe.name}: --folds needs data.database = "mitdb".')
    fold_steps.score(run, folds.value, seeds_of(run.recipe, seeds), workers, json)


def is_morphology(recipe: str) -> bool:
    """Whether a recipe trains a morphology network."""
    from ecg_edge.training.recipes import recipe_kind

    return recipe_kind(recipe) == "morphology"


def open_run(recipe: str, data: Path | None, runs: Path, needs: Sequence[str] = ()) -> Run:
    """Open the run of a recipe and check its inputs, before the slow import of TensorFlow.

    Parameters
    ----------
    recipe : str
        Path of a recipe, or name of a shipped one.
    data : Path or None
        Folder of the databases.
    runs : Path
        Folder of the runs.
    needs : sequence of str
        Steps whose networks must exist: "train", "prune", "quantize".
    """
    from ecg_edge.training import runs as training_runs
    from ecg_edge.training.datasets import check_records
    from ecg_edge.training.tf_logging import silence_tensorflow

    silence_tensorflow()
    run = training_runs.open_run(recipe, data, runs)
    for step in needs:
        run.require(step)
    check_records(run.recipe, run.data_root)
    console.note(f"Recipe {run.recipe.name}: records of {run.data_root}, run folder {run.folder.path}")
    return run


def progress() -> Progress:
    """Make callbacks that write one line per epoch."""
    from ecg_edge.training.progress import Progress, text_progress

    return Progress(on_epoch=text_progress(console.note).on_epoch)
