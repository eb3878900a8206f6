"""`ecg-edge prune`: prune the trained network of a recipe."""

from __future__ import annotations

from pathlib import Path

from ecg_edge.host import console
from ecg_edge.host.commands.train import RecipeArgument, RunsOption, open_run, show_epoch


def prune(
    recipe: RecipeArgument,
    data: console.DataOption = None,
    runs: RunsOption = Path("runs"),
    json: console.JsonOption = None,
) -> None:
    """Prune the trained network of a recipe: RUNS/<recipe>/prune/model.keras."""
    run = open_run(recipe, data, runs)
    from ecg_edge.quantize.prune import prune as prune_recipe

    sparsity = prune_recipe(run.recipe, run.data_root, run.folder, show_epoch)
    table = console.table("Zeros in the kernels", "layer", "share")
    for layer, share in sparsity.items():
        table.add_row(layer, f"{100 * share:.1f} %")
    console.out.print(table)
    if json:
        console.write_json(json, {"sparsity": sparsity})
