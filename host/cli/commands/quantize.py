"""`ecg-edge quantize`: quantize the pruned network of a recipe to int8, and score all its networks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, morphology_steps, options
from ecg_edge.host.cli.commands.train import RecipeArgument, is_morphology, open_run

EXAMPLES: Final = ("ecg-edge quantize nlrav",)


def quantize(
    recipe: RecipeArgument,
    data: options.DataOption = None,
    runs: options.RunsOption = Path("runs"),
    json: options.JsonOption = None,
) -> None:
    """Quantize the pruned network of a recipe to RUNS/<recipe>/quantize/model.tflite, and score it."""
    if is_morphology(recipe):
        return morphology_steps.quantize(recipe, runs, json)
    run = open_run(recipe, data, runs, needs=("prune", "train"))  # the evaluation scores both
    from ecg_edge.host.cli.tables import evaluation_tables
    from ecg_edge.quantize.evaluate import evaluate
    from ecg_edge.quantize.int8 import quantize as quantize_recipe

    with console.step("Quantizing"):
        flatbuffer = quantize_recipe(run)
    console.note(f"{run.folder.int8}: {len(flatbuffer)} bytes")
    with console.step("Scoring the networks"):
        rows = evaluate(run)
    if rows:
        console.out.print(evaluation_tables(rows))
    else:
        console.note(
            f"{run.recipe.name} trains on every patient, and has none to test on: `ecg-edge train {recipe} "
            "--folds patients5` judges it."
        )
    if json:
        write_json(json, {"model_bytes": len(flatbuffer), "rows": rows})
