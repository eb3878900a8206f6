"""Recipes: what is read, and the message for every way in which one can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.training.recipes import SHIPPED, Recipe, find_recipe, load_recipe


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["nlrav", "nlrav-random", "nlrav-tiny", "synthetic"])
def test_shipped_recipes_are_valid(name: str) -> None:
    recipe = load_recipe(find_recipe(name))
    assert recipe.name == name
    assert recipe.description


def test_defaults_are_filled_in_and_the_file_names_the_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, "seed = 7\n[prune]\nsparsity = 0.25\n"))
    assert (recipe.name, recipe.seed, recipe.prune.sparsity) == ("mine", 7, 0.25)
    assert recipe.model == Recipe("x").model


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_the_resolved_recipe_reads_back_as_the_same(tmp_path: Path, path: Path) -> None:
    recipe = load_recipe(path)
    assert load_recipe(write(tmp_path, recipe.to_toml())) == recipe


def test_an_unknown_recipe_gets_the_list_of_shipped_ones() -> None:
    with pytest.raises(RecipeError, match=r"nonesuch: .* \(nlrav, nlrav-random, nlrav-tiny, synthetic\)"):
        find_recipe("nonesuch")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs = 3", r"unknown key 'epochs' in the top level; valid keys: name, description, seed, data"),
        ("[training]\nepoch = 3", r"unknown key 'epoch' in \[training\]; valid keys: epochs, batch_size"),
        ("[training]\nepochs = '3'", r"epochs in \[training\] must be of type int, not '3'"),
        ("[training]\nepochs = true", r"epochs in \[training\] must be of type int, not True"),
        ("[model]\nfilters = [8.5]", r"filters in \[model\] must be of type list\[int\]"),
        ("model = 3", r"\[model\] must be a table, not 3"),
        ("[model]\nfilters = [8, 8]", r"model\.filters, kernels and strides must be of one length"),
        ("[data]\ndatabase = 'ltdb'", r'data\.database must be "mitdb" or "synth"'),
        (
            "[data]\nsplit = 'random'\npeaks = 'detected'",
            r"data\.peaks with this split must be one of annot",
        ),
        ("[data]\nextra = ['ltdb']", r'data\.extra may hold "svdb", "nstdb" and "synth"'),
        ("[augment]\nshift = -1.0", r"augment's values must be at least 0"),
        ("[prune]\nsparsity = 1.0", r"prune\.sparsity must be at least 0 and below 1"),
        ("[prune", r"not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RecipeError, match=message) as error:
        load_recipe(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.toml: not found"):
        load_recipe(tmp_path / "gone.toml")
