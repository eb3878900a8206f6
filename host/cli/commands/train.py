"""`ecg-edge train`: train the float network of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console

RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="A TOML file or a shipped recipe.")]
RunsOption = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder of the runs.")]


def train(
    recipe: RecipeArgument,
    data: console.DataOption = None,
    runs: RunsOption = Path("runs"),
    folds: Annotated[
        bool,
        typer.Option("--folds", help="Only score the recipe by patient within DS1."),
    ] = False,
    json: console.JsonOption = None,
) -> None:
    """Train the network of a recipe: RUNS/<recipe>/train/model.keras."""
    run, figures = open_run(recipe, data, runs), {}
    if folds:
        from ecg_edge.host.cli.tables import evaluation_tables
        from ecg_edge.training.cross_validation import cross_validate

        figures = cross_validate(run.recipe, run.data_root, show_epoch)
        console.out.print(evaluation_tables([figures]))
    else:
        from ecg_edge.training.train import train as train_recipe

        figures = train_recipe(run.recipe, run.data_root, run.folder, show_epoch)
        for database in figures["missing_databases"]:
            console.warn(f"trained without {database}, which is not at hand: `ecg-edge data get {database}`")
        console.out.print(
            f"{figures['parameters']} parameters, {figures['multiply_accumulates']} multiply-accumulates"
        )
        console.out.print(f"Network: {run.folder / 'train' / 'model.keras'}", markup=False)
    if json:
        write_json(json, figures)


def open_run(recipe: str, data: Path | None, runs: Path) -> Any:
    """The run of a recipe, with TensorFlow told to be quiet."""
    from ecg_edge.training.runs import open_run as open_quietly
    from ecg_edge.training.tf_logging import silence_tensorflow

    silence_tensorflow()
    run = open_quietly(recipe, data, runs)
    console.note(f"Recipe {run.recipe.name}: records of {run.data_root}, run folder {run.folder}")
    return run


def show_epoch(epoch: int, epochs: int, figures: Mapping[str, float]) -> None:
    """One line an epoch."""
    text = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
    console.note(f"epoch {epoch:3d}/{epochs}  {text}")
