"""A run: a recipe, the records it uses, and the folder for what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ecg_edge.ecg import synthetic
from ecg_edge.ecg.databases import require_data_root
from ecg_edge.ecg.synthetic import synthetic_root
from ecg_edge.training.recipes import Recipe, find_recipe, load_recipe

DEFAULT_RUNS: Final = Path("runs")


@dataclass(frozen=True)
class Run:
    """What a command works on.

    Attributes
    ----------
    recipe : Recipe
    data_root : Path
        Folder of the databases.
    folder : Path
        <runs>/<recipe's name>.
    """

    recipe: Recipe
    data_root: Path
    folder: Path


def open_run(recipe: str, data: Path | None = None, runs: Path = DEFAULT_RUNS) -> Run:
    """The run of a recipe, given by path or by the name of a shipped one.

    Raises
    ------
    RecipeError, RecordError
        When the recipe is not valid, or there are no records for it.
    """
    loaded = load_recipe(find_recipe(recipe))
    root = synthetic_root(data) if loaded.data.database == synthetic.DATABASE else require_data_root(data)
    return Run(loaded, root, runs / loaded.name)
