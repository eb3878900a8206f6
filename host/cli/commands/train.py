"""`ecg-edge train`: train the float network of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="Name of a shipped recipe, or a TOML file.")
]
EXAMPLES: Final = ("ecg-edge train nlrav", "ecg-edge train my-recipe.toml --cross-validate")


def train(
    recipe: RecipeArgument,
    data: options.DataOption = None,
    runs: options.RunsOption = Path("runs"),
    cross: Annotated[
        bool,
        typer.Option("--cross-validate", help="Only score the recipe on four folds of DS1 by patient."),
    ] = False,
    json: options.JsonOption = None,
) -> None:
    """Train the network of a recipe and write it to RUNS/<recipe>/train/model.keras."""
    run, figures = open_run(recipe, data, runs), {}
    if cross:
        from ecg_edge.host.cli.tables import evaluation_tables
        from ecg_edge.training.cross_validation import cross_validate

        figures = cross_validate(run.recipe, run.data_root, show_epoch)
        console.out.print(evaluation_tables([figures]))
    else:
        from ecg_edge.training.train import train as train_recipe

        figures = train_recipe(run.recipe, run.data_root, run.folder, show_epoch)
        for database in figures["missing_databases"]:
            console.warn(f"trained without {database}, which is not here: `ecg-edge data get {database}`")
        console.out.print(
            f"{figures['parameters']} parameters, {figures['multiply_accumulates']} multiply-accumulates"
        )
        console.out.print(f"Network: {run.folder / 'train' / 'model.keras'}", markup=False)
    if json:
        write_json(json, figures)


def open_run(recipe: str, data: Path | None, runs: Path) -> Any:
    """Open the run of a recipe, with TensorFlow's log messages off."""
    from ecg_edge.training.runs import open_run as open_recipe_run
    from ecg_edge.training.tf_logging import silence_tensorflow

    silence_tensorflow()
    run = open_recipe_run(recipe, data, runs)
    console.note(f"Recipe {run.recipe.name}: records of {run.data_root}, run folder {run.folder}")
    return run


def show_epoch(epoch: int, epochs: int, figures: Mapping[str, float]) -> None:
    """Write one line per epoch."""
    text = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
    console.note(f"epoch {epoch:3d}/{epochs}  {text}")
