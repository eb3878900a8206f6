"""The table [tune] of a recipe: which of its settings are searched, within which limits, by which figure.

[tune]
trials = 40
folds = "ds1"

[tune.space]
training.learning_rate = { low = 0.001, high = 0.01, log = true }
training.epochs = { low = 3, high = 12 }
training.schedule = ["cosine", "one-cycle"]
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.training.recipes import build_table, changed, load_recipe, read_toml

FIGURES: Final = ("gross veb_f1", "gross sveb_f1")


@dataclass(frozen=True)
class Limits:
    """Limits of a number: whole when `low` and `high` are.

    Attributes
    ----------
    low, high : float
        Smallest and largest value.
    log : bool
        Search by factors and not by differences.
    step : float
        Distance of the values that are tried; 0 for any.
    """

    low: float
    high: float
    log: bool = False
    step: float = 0.0

    @property
    def is_whole(self) -> bool:
        """The number is an integer."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class Choices:
    """Values to choose from, as JSON, so that a list of layers can be one."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Search:
    """What `ecg-edge tune` searches.

    Attributes
    ----------
    trials : int
        Number of recipes to try.
    folds : str
        Division that scores them: "ds1", which never opens DS2, "patients5", or "patients5 without 2": the
        folds but the second, without its patients, to choose for a recipe that the second fold tests.
    figures : tuple of str
        Names of the figures whose mean is to be as high as possible, of the int8 network with detected peaks.
    space : dict of str to Limits or Choices
        By the key of the recipe, such as "training.learning_rate".
    """

    trials: int = 50
    folds: str = "ds1"
    figures: tuple[str, ...] = FIGURES
    space: dict[str, Limits | Choices] = field(default_factory=dict)


def load_search(path: Path) -> Search:
    """Read the table [tune] of a recipe, and check that each of its values makes a valid recipe.

    Raises
    ------
    RecipeError
        When the table is missing, searches nothing, or names a key or a value that recipes do not have.
    """
    table = read_toml(path).get("tune")
    if not isinstance(table, dict) or not isinstance(table.get("space"), dict) or not table["space"]:
        raise RecipeError(f"{path}: no table [tune.space]. Name there what is to be searched.")
    space = dict(_flat(path, table["space"]))
    rest = {key: value for key, value in table.items() if key != "space"}
    search: Search = build_table(path, "[tune]", Search, rest)
    if search.trials < 1:
        raise RecipeError(f"{path}: tune.trials must be at least 1, not {search.trials}.")
    if not search.figures:
        raise RecipeError(f"{path}: tune.figures is empty. Name at least one figure, such as {FIGURES[0]!r}.")
    recipe = load_recipe(path)
    for key, allowed in space.items():
        for value in _examples(allowed):
            changed(recipe, {key: value}, f"{path}: [tune.space]")
    return Search(search.trials, search.folds, search.figures, space)


def _flat(path: Path, table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Limits | Choices]]:
    for key, value in table.items():
        name = f"{before}{key}"
        if isinstance(value, list) and value:
            yield name, Choices(tuple(json.dumps(one) for one in value))
        elif isinstance(value, dict) and {"low", "high"} <= value.keys():
            yield name, _limits(path, name, value)
        elif isinstance(value, dict):
            yield from _flat(path, value, f"{name}.")
        else:
            raise RecipeError(f"{path}: {name} in [tune.space] must be a list of values, or low and high.")


def _limits(path: Path, name: str, value: Mapping[str, Any]) -> Limits:
    limits = Limits(**value) if value.keys() <= {"low", "high", "log", "step"} else None
    numbers = (value["low"], value["high"], value.get("step", 0))
    if limits is None or not all(type(one) in (int, float) for one in numbers) or limits.low > limits.high:
        raise RecipeError(f"{path}: {name} in [tune.space] has low, high, log and step; low at most high.")
    if problem := _contradiction(limits):
        raise RecipeError(f"{path}: {name} in [tune.space]: {problem}.")
    return limits


def _contradiction(limits: Limits) -> str:
    """Describe what the search cannot draw from; empty when there is nothing."""
    checks = {
        f"log must be true or false, not {limits.log!r}": type(limits.log) is bool,
        f"step must be 0 or more, not {limits.step:g}": limits.step >= 0,
        "log and step exclude each other": not (limits.log and limits.step),
        f"log needs a low above 0, not {limits.low:g}": not limits.log or limits.low > 0,
        f"step must be whole as low and high are, not {limits.step:g}": (
            not limits.is_whole or float(limits.step).is_integer()
        ),
    }
    return next((text for text, holds in checks.items() if not holds), "")


def _examples(allowed: Limits | Choices) -> list[Any]:
    return (
        list(map(json.loads, allowed.texts)) if isinstance(allowed, Choices) else [allowed.low, allowed.high]
    )
