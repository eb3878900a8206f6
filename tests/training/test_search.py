"""The table [tune] of a recipe, and copies of a recipe with other values."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.training.recipes import Recipe, changed, load_recipe
from ecg_edge.training.search import Choices, Limits, load_search

TABLE = """
[tune]
trials = 3
[tune.space]
seed = { low = 1, high = 3 }
training.learning_rate = { low = 0.001, high = 0.01, log = true }
training.schedule = ["cosine", "constant"]
[tune.space.model]
filters = [[8, 16], [4, 8]]
kernels = [[7, 5]]
strides = [[2, 2]]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "my.toml"
    path.write_text(text)
    return path


def test_a_search_is_read_and_changes_no_training(tmp_path: Path) -> None:
    path = write(tmp_path, "[model]\nfilters = [8, 8]\nkernels = [7, 5]\nstrides = [2, 2]\n" + TABLE)
    search = load_search(path)
    assert search.trials == 3 and search.folds == "ds1"
    assert search.space["seed"] == Limits(1, 3) and Limits(1, 3).is_whole
    assert search.space["training.learning_rate"] == Limits(0.001, 0.01, log=True)
    assert search.space["model.filters"] == Choices(("[8, 16]", "[4, 8]"))
    assert "tune" not in load_recipe(path).to_toml()


@pytest.mark.parametrize(
    ("text", "nouns"),
    [
        ("", ["[tune.space]"]),
        ("[tune]\ntrials = 3", ["[tune.space]"]),
        ("[tune]\nspace.training.epoch = [1]", ["training.epoch", "no key"]),
        ("[tune]\nspace.training = [1]", ["training", "no key"]),
        ("[tune]\nspace.training.epochs = 3", ["training.epochs", "list of values, or low and high"]),
        ("[tune]\nspace.training.epochs = { low = 3, high = 2 }", ["training.epochs", "low at most high"]),
        ("[tune]\nspace.training.epochs = { low = 0, high = 2 }", ["training.epochs", "at least 1"]),
        ("[tune]\nspace.training.epochs = { low = 1, high = 2, base = 1 }", ["low, high, log and step"]),
        ("[tune]\nspace.training.weight_decay = { low = 0, high = 1, log = true }", ["low above 0, not 0"]),
        (
            "[tune]\nspace.training.learning_rate = { low = 0.1, high = 0.2, log = true, step = 0.1 }",
            ["training.learning_rate", "log and step"],
        ),
        ("[tune]\nspace.augment.noise = { low = 0.1, high = 0.2, step = -0.1 }", ["augment.noise", "step"]),
        ("[tune]\nspace.augment.noise = { low = 0.1, high = 0.2, log = 'yes' }", ["augment.noise", "log"]),
        ("[tune]\nspace.training.epochs = { low = 1, high = 4, step = 1.5 }", ["epochs", "whole"]),
        ("[tune]\nfigures = []\nspace.training.epochs = [1]", ["tune.figures is empty"]),
        ("[tune]\nspace.training.schedule = ['step']", ["training.schedule", "one-cycle"]),
        ("[tune]\ntrials = 0\nspace.training.epochs = [1]", ["tune.trials", "at least 1"]),
        ("[tune]\ntrial = 3\nspace.training.epochs = [1]", ["unknown key", "trial", "trials"]),
    ],
)
def test_a_wrong_search_is_named(tmp_path: Path, text: str, nouns: list[str]) -> None:
    with pytest.raises(RecipeError) as error:
        load_search(write(tmp_path, text))
    assert [noun for noun in nouns if noun not in str(error.value)] == []


def test_a_changed_recipe_is_checked() -> None:
    other = changed(Recipe("a"), {"training.epochs": 3, "seed": 7, "model.filters": [4, 8, 8, 8]})
    assert (other.training.epochs, other.seed, other.model.filters) == (3, 7, (4, 8, 8, 8))
    assert other.model.kernels == Recipe("a").model.kernels
    for values in ({"training.epochs": 0}, {"training.epochs": "3"}, {"training": {}}, {"x.y": 1}):
        with pytest.raises(RecipeError):
            changed(Recipe("a"), values)
