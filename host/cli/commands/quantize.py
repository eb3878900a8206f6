"""`ecg-edge quantize`: make the pruned network of a recipe int8, and score all its networks."""

from __future__ import annotations

from pathlib import Path

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console
from ecg_edge.host.cli.commands.train import RecipeArgument, RunsOption, open_run


def quantize(
    recipe: RecipeArgument,
    data: console.DataOption = None,
    runs: RunsOption = Path("runs"),
    json: console.JsonOption = None,
) -> None:
    """Quantize the pruned network of a recipe to RUNS/<recipe>/quantize/model.tflite, and score it."""
    run = open_run(recipe, data, runs)
    from ecg_edge.host.cli.tables import evaluation_tables
    from ecg_edge.quantize.evaluate import evaluate
    from ecg_edge.quantize.int8 import quantize as quantize_recipe

    flatbuffer = quantize_recipe(run.recipe, run.data_root, run.folder)
    console.note(f"{run.folder / 'quantize' / 'model.tflite'}: {len(flatbuffer)} bytes; scoring ...")
    rows = evaluate(run.recipe, run.data_root, run.folder)
    console.out.print(evaluation_tables(rows))
    if json:
        write_json(json, {"model_bytes": len(flatbuffer), "rows": rows})
