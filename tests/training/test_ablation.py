"""Variants of a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.training.ablation import load_variants, standard_variants
from ecg_edge.training.recipes import Augment, Data, Recipe, changed, find_recipe


def test_the_standard_variants_change_one_thing_each() -> None:
    recipe = Recipe("a", data=Data(extra=("svdb", "nstdb")), augment=Augment(noise=0.2))
    variants = {name: changed(recipe, values) for name, values in standard_variants(recipe).items()}
    assert variants["without svdb"].data.extra == ("nstdb",)
    assert variants["no noise"].augment == Augment()
    assert "no flip" not in variants, "it is 0 already"
    assert {"SMOTE", "focal loss", "balanced sampling", "all beats alike"} <= set(variants)
    assert variants["input without average beat"].model.without == ("average beat",)
    assert {"cnn-lstm", "transformer", "trees", "second lead", "quantization-aware"} <= set(variants)
    assert "half pruned" not in variants, "the defaults prune half"
    assert recipe not in variants.values()
    focal = replace(recipe, training=replace(recipe.training, focal_gamma=2.0))
    assert variants["focal loss"] == focal


def test_variants_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('[ablation."long"]\ntraining.epochs = 50\nseed = 3\n')
    recipe, variants = load_variants(path)
    assert (recipe.training.epochs, variants["long"].training.epochs, variants["long"].seed) == (20, 50, 3)


@pytest.mark.parametrize(
    ("text", "nouns"),
    [
        ("[ablation]\nlong = 3", ["[ablation]", "table"]),
        ("[ablation.long]\ntraining.epochs = 20", ["ablation.long", "changes nothing"]),
        ("[ablation.long]\ntraining.epoch = 3", ["ablation.long", "training.epoch"]),
        ("[ablation.long]\ntraining.epochs = 0", ["ablation.long", "at least 1"]),
    ],
)
def test_a_wrong_variant_is_named(tmp_path: Path, text: str, nouns: list[str]) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(RecipeError) as error:
        load_variants(path)
    assert [noun for noun in nouns if noun not in str(error.value)] == []


def test_the_shipped_recipe_has_variants() -> None:
    assert len(load_variants(find_recipe("nlrav"))[1]) > 10
