"""Variants of a recipe, each with one thing changed: what is each part of it worth?

    [ablation."focal loss"]
    training.focal_gamma = 2.0

    [ablation."without svdb"]
    data.extra = ["nstdb"]

Without the table, the variants are those of `standard_variants`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.training.inputs import PARTS
from ecg_edge.training.recipes import ARCHITECTURES, Recipe, changed, load_recipe, read_toml

_TRAINING: Final[dict[str, dict[str, Any]]] = {
    "all beats alike": {"training.class_weight_power": 0.0, "training.patient_weight_power": 0.0},
    "class weights": {"training.class_weight_power": 0.5, "training.patient_weight_power": 0.0},
    "SMOTE": {"training.smote": 0.1, "training.repeat": 0.0},
    "balanced sampling": {"training.repeat": 0.3, "training.smote": 0.0},
    "focal loss": {"training.focal_gamma": 2.0},
    "label smoothing": {"training.label_smoothing": 0.05},
    "one cycle": {"training.schedule": "one-cycle"},
}
_DEVICE: Final[dict[str, dict[str, Any]]] = {
    "half pruned": {"prune.sparsity": 0.5, "quantize.aware_epochs": 0},
    "quantization-aware": {"prune.sparsity": 0.0, "quantize.aware_epochs": 1},
    "half pruned, quantization-aware": {"prune.sparsity": 0.5, "quantize.aware_epochs": 1},
}

Changes = Mapping[str, Any]


def load_variants(path: Path) -> tuple[Recipe, dict[str, Recipe]]:
    """Read a recipe and its variants, from the table [ablation] or the standard ones.

    Raises
    ------
    RecipeError
        When a variant is not valid, or changes nothing.
    """
    recipe, table = load_recipe(path), read_toml(path).get("ablation")
    if table is None:
        return recipe, {name: changed(recipe, values) for name, values in standard_variants(recipe).items()}
    if not isinstance(table, dict) or not all(isinstance(one, dict) and one for one in table.values()):
        raise RecipeError(f"{path}: [ablation] has a table of changed keys for each variant.")
    variants = {}
    for name, one in table.items():
        variants[name] = changed(recipe, dict(_flat(one)), f"{path}: [ablation.{name}]")
        if variants[name] == recipe:
            raise RecipeError(f"{path}: [ablation.{name}] changes nothing; leave it out.")
    return recipe, variants


def standard_variants(recipe: Recipe) -> dict[str, Changes]:
    """List what is tried without a table.

    Weights and losses; each augmentation, database and part of the inputs left out; pruning and quantization;
    other architectures; the second lead.
    """
    augmentation = {
        f"no {field.name.replace('_', ' ')}": {f"augment.{field.name}": 0.0}
        for field in dataclasses.fields(recipe.augment)
    }
    databases = {
        f"without {name}": {"data.extra": [other for other in recipe.data.extra if other != name]}
        for name in recipe.data.extra
    }
    inputs = {f"input without {part}": {"model.without": [part]} for part in PARTS}
    architectures = {name: {"model.architecture": name} for name in ARCHITECTURES}
    leads = {"second lead": {"data.lead": "1"}}
    variants = {**_TRAINING, **augmentation, **databases, **inputs, **_DEVICE, **architectures, **leads}
    return {name: values for name, values in variants.items() if _is_another(recipe, values)}


def _is_another(recipe: Recipe, values: Changes) -> bool:
    """Whether the values make a valid recipe that differs: some losses exclude each other."""
    try:
        return changed(recipe, values) != recipe
    except RecipeError:
        return False


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
