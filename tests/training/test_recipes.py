"""Recipes: reading, defaults, ranges, and the messages of wrong ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.training.recipes import SHIPPED, Recipe, find_recipe, load_recipe, recipe_kind


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["nlrav", "nlrav-all", "nlrav-random", "nlrav-tiny", "synthetic"])
def test_shipped_recipes_are_valid(name: str) -> None:
    recipe = load_recipe(find_recipe(name))
    assert recipe.name == name
    assert recipe.description


def test_defaults_are_filled_in_and_the_file_names_the_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, "seed = 7\n[prune]\nsparsity = 0.25\n"))
    assert (recipe.name, recipe.seed, recipe.prune.sparsity) == ("mine", 7, 0.25)
    assert recipe.model == Recipe("x").model


def test_a_recipe_takes_from_its_base_what_it_has_not_itself(tmp_path: Path) -> None:
    base = load_recipe(find_recipe("nlrav"))
    mine = load_recipe(write(tmp_path, "base = 'nlrav'\nseed = 7\n[training]\nepochs = 2\n"))
    assert (mine.name, mine.description) == ("mine", "")
    assert mine == replace(
        base, name="mine", description="", seed=7, training=replace(base.training, epochs=2)
    )


def test_a_base_beside_the_file_comes_before_a_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "nlrav.toml").write_text("seed = 3\n[model]\ndropout = 0.4\n[tune]\ntrials = 3\n")
    mine = load_recipe(write(tmp_path, "base = 'nlrav'\n[ablation.none]\n"))
    assert (mine.seed, mine.model.dropout, mine.training) == (3, 0.4, Recipe("x").training)


def test_the_recipe_for_boards_differs_from_the_judged_one_by_its_patients_only() -> None:
    judged, board = load_recipe(find_recipe("nlrav")), load_recipe(find_recipe("nlrav-all"))
    same = replace(board, name=judged.name, description=judged.description)
    assert same != judged and replace(same, data=replace(same.data, split="patient")) == judged


BEAT_RECIPES = sorted(path for path in SHIPPED.glob("*.toml") if recipe_kind(str(path)) == "beats")


@pytest.mark.parametrize("path", BEAT_RECIPES, ids=lambda path: path.stem)
def test_the_resolved_recipe_reads_back_as_the_same(tmp_path: Path, path: Path) -> None:
    recipe = load_recipe(path)
    assert load_recipe(write(tmp_path, recipe.to_toml())) == recipe


def test_an_unknown_recipe_gets_the_list_of_shipped_ones() -> None:
    with pytest.raises(RecipeError, match=r"nonesuch.*nlrav, nlrav-all, nlrav-random, nlrav-tiny, synthetic"):
        find_recipe("nonesuch")


@pytest.mark.parametrize(
    ("text", "nouns"),
    [
        ("epochs = 3", ["unknown key", "epochs", "name", "description", "seed", "data"]),
        ("[training]\nepoch = 3", ["unknown key", "epoch", "[training]", "epochs", "batch_size"]),
        ("[training]\nepochs = '3'", ["epochs", "[training]", "int", "'3'"]),
        ("[training]\nepochs = true", ["epochs", "[training]", "int", "True"]),
        ("[model]\nfilters = [8.5]", ["filters", "[model]", "list[int]"]),
        ("[data]\nrecords = [100]", ["records", "[data]", "list[str]"]),
        ("[data]\nrecords = '100'", ["records", "[data]", "list[str]"]),
        ("model = 3", ["[model]", "table", "3"]),
        ("[[model]]\ndropout = 0.1", ["[model]", "table"]),
        ("[model]\nfilters = [8, 8]", ["model.filters", "kernels", "strides", "one length"]),
        ("[model]\nfilters = []\nkernels = []\nstrides = []", ["model.filters", "at least 1"]),
        ("[model]\nstrides = [2, 2, 2, 0]", ["model.strides", "at least 1", "[2, 2, 2, 0]"]),
        ("[model]\nfilters = [64, 64, 64, 64]", ["[model]", "parameters", "20000"]),
        ("[model]\nhead_units = 1000000000000", ["[model]", "parameters", "20000"]),
        ("[data]\ndatabase = 'ltdb'", ["data.database", '"mitdb"', '"synth"']),
        ("[data]\nsplit = 'half'", ["data.split", '"patient"', '"random"', '"all"']),
        ("[data]\ndatabase = 'synth'\nsplit = 'all'", ["data.split", '"all"', '"mitdb"']),
        ("base = 3", ["base", "name of a recipe", "3"]),
        ("base = 'nonesuch'", ["nonesuch", "nlrav", "synthetic"]),
        ("base = 'nlrav-all'", ["base nlrav-all", "has a base itself"]),
        ("base = 'nlrav'\n[training]\nepoch = 3", ["unknown key", "epoch", "[training]"]),
        ("base = 'morphology'", ["kind 'morphology'", "beat classifiers"]),
        ("[data]\nsplit = 'random'\npeaks = 'detected'", ["data.peaks", "annotated"]),
        ("[data]\nextra = ['ltdb']", ["data.extra", "svdb", "cinc2017", "nstdb", "synth"]),
        ("[data]\npeaks = 'annotated'\nextra = ['cinc2017']", ["data.extra", "cinc2017", "detected"]),
        ("[augment]\nflip = 1.5", ["augment.flip", "at most 1"]),
        ("seed = -1", ["seed", "at least 0", "4294967295", "-1"]),
        ("seed = 4294967296", ["seed", "4294967295", "4294967296"]),
        ("[augment]\nshift = -1.0", ["augment.shift", "at least 0", "-1.0"]),
        ("[augment]\nnoise = nan", ["noise", "[augment]", "finite", "nan"]),
        ("[training]\nlearning_rate = inf", ["learning_rate", "[training]", "finite", "inf"]),
        ("[training]\nlearning_rate = 1e999", ["learning_rate", "[training]", "finite"]),
        (f"[training]\nlearning_rate = {10**400}", ["learning_rate", "[training]", "finite"]),
        ("[training]\nlearning_rate = 0", ["training.learning_rate", "above 0"]),
        ("[training]\nschedule = 'step'", ["training.schedule", "cosine", "one-cycle", "constant"]),
        ("[training]\nsmote = 0.1\nrepeat = 0.1", ["training.smote", "repeat"]),
        ("[prune]\nsparsity = 1.0", ["prune.sparsity", "at least 0", "below 1", "1.0"]),
        ("[prune", ["not TOML"]),
    ],
)
def test_a_wrong_value_is_named_with_its_range(tmp_path: Path, text: str, nouns: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RecipeError) as error:
        load_recipe(path)
    assert [noun for noun in [str(path), *nouns] if noun not in str(error.value)] == []


@pytest.mark.parametrize(
    "name", ["../../evil", "/tmp/evil", "a/b", "a\\b", "..", ".hidden", "", "C:evil", "a\nb"]
)
def test_a_name_that_is_no_plain_folder_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="name must be"):
        load_recipe(write(tmp_path, f"name = {json.dumps(name)}\n"))


@pytest.mark.parametrize("name", ["nlrav", "nlrav-v2.1", "2026_trial"])
def test_a_plain_name_is_kept(tmp_path: Path, name: str) -> None:
    assert load_recipe(write(tmp_path, f'name = "{name}"\n')).name == name


def test_any_description_reads_back_as_the_same(tmp_path: Path) -> None:
    recipe = Recipe("mine", description='"quoted" \\ tab\t line\n delete\x7f é')
    assert load_recipe(write(tmp_path, recipe.to_toml())) == recipe


def test_a_folder_is_not_a_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="gone"):
        load_recipe(tmp_path / "gone.toml")
