"""Recipes: everything that decides what a training gives, read from one TOML file.

An unknown key is an error that lists the valid ones. The recipe as it was resolved, defaults filled in, is
saved with each run.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SHIPPED: Final = Path(__file__).resolve().parent / "recipes"
RECIPE_NAME: Final = "recipe.toml"


@dataclass(frozen=True)
class Data:
    """Which beats train and which test.

    Attributes
    ----------
    database : str
        "mitdb", or "synth" (the project's own synthetic ECG).
    split : str
        "patient": DS1 trains and DS2 tests (synth: every third patient tests). "random": the beats of all
        records that are not paced, divided at random.
    peaks : str
        R peaks of the training beats: "annotated", "detected", or "both" (each beat twice). A random split
        takes annotated ones.
    records : tuple of str
        Only these records of the split; empty for all.
    test_fraction : float
        Random split: share of the beats that test.
    extra : tuple of str
        Further databases that train too (left out where they are not at hand; the run's history says so):
        "svdb", with all its records, "nstdb", whose noise is added to the records that train, and "synth".
    extra_every : int
        Of the N beats of those, only each so manieth trains.
    """

    database: str = "mitdb"
    split: str = "patient"
    peaks: str = "detected"
    records: tuple[str, ...] = ()
    test_fraction: float = 0.2
    extra: tuple[str, ...] = ()
    extra_every: int = 1


@dataclass(frozen=True)
class Model:
    """Shape of the network: convolutions on the beat, a dense layer on the rhythm, a head on both.

    Attributes
    ----------
    filters, kernels, strides : tuple of int
        One entry a convolution.
    rhythm_units, head_units : int
        Width of the dense layer on the rhythm features and of the one before the logits.
    dropout : float
        Share of the head's inputs dropped in training.
    """

    filters: tuple[int, ...] = (8, 16, 24, 24)
    kernels: tuple[int, ...] = (7, 5, 5, 3)
    strides: tuple[int, ...] = (2, 2, 2, 2)
    rhythm_units: int = 16
    head_units: int = 24
    dropout: float = 0.2


@dataclass(frozen=True)
class Training:
    """How the network is fitted.

    Attributes
    ----------
    epochs, batch_size : int
        Passes over the training beats; beats a step.
    learning_rate : float
        Adam's at the start; it falls to zero along half a cosine.
    class_weight_power : float
        A class weighs (mean count / its count) ** power: 0 none, 1 all classes alike.
    class_weight_limit : float
        No class weighs more than this.
    patient_weight_power : float
        Within a class, a patient with n beats weighs n ** (1 - power): 0 all beats alike, 1 all patients.
    smote : float
        Rare classes of the training side are filled up with synthetic beats (SMOTE) to this share of the most
        frequent class; 0 for none.
    label_smoothing : float
        Share of a beat's label that is spread over all classes.
    """

    epochs: int = 20
    batch_size: int = 256
    learning_rate: float = 0.003
    class_weight_power: float = 0.5
    class_weight_limit: float = 10.0
    patient_weight_power: float = 0.0
    smote: float = 0.0
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Augment:
    """How far training beats are varied, anew in each epoch; 0 for not at all.

    Attributes
    ----------
    stretch : float
        In time, around the R peak: up to this share wider or narrower.
    shift : float
        In time: up to so many points of 5.6 ms.
    height : float
        Up to this share higher or lower.
    wander : float
        Height of a slow wave added, in the beat's standard deviations.
    noise : float
        Standard deviation of white noise added, likewise.
    rhythm : float
        Standard deviation of white noise added to the rhythm features.
    """

    stretch: float = 0.0
    shift: float = 0.0
    height: float = 0.0
    wander: float = 0.0
    noise: float = 0.0
    rhythm: float = 0.0


@dataclass(frozen=True)
class Prune:
    """Magnitude pruning and the fine-tuning that goes with it.

    Attributes
    ----------
    sparsity : float
        Share of the weights of each layer but the last that end up zero.
    epochs : int
        Epochs of fine-tuning; the sparsity rises through the first half of them.
    learning_rate : float
        Adam's at the start; it falls to zero along half a cosine.
    block : int
        So many neighbouring weights of one output channel become zero together. 1: each weight by itself. 4:
        the blocks that the sparse kernels of the generated C leave out.
    """

    sparsity: float = 0.5
    epochs: int = 4
    learning_rate: float = 0.001
    block: int = 1


@dataclass(frozen=True)
class Quantize:
    """Full-integer quantization.

    Attributes
    ----------
    calibration_beats : int
        Training beats that set the ranges of the layers' outputs.
    """

    calibration_beats: int = 1000


@dataclass(frozen=True)
class Recipe:
    """All of it. `name` names the run folder and the bundle."""

    name: str
    description: str = ""
    seed: int = 1
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)
    augment: Augment = field(default_factory=Augment)
    prune: Prune = field(default_factory=Prune)
    quantize: Quantize = field(default_factory=Quantize)

    def to_toml(self) -> str:
        """The recipe as TOML, defaults filled in."""
        tables = {key: value for key, value in dataclasses.asdict(self).items() if isinstance(value, dict)}
        plain = {key: value for key, value in dataclasses.asdict(self).items() if key not in tables}
        lines = [f"{key} = {_toml_value(value)}" for key, value in plain.items()]
        for table, values in tables.items():
            lines += ["", f"[{table}]", *(f"{key} = {_toml_value(value)}" for key, value in values.items())]
        return "\n".join(lines) + "\n"


_SECTIONS: Final[dict[str, type]] = {
    "data": Data,
    "model": Model,
    "training": Training,
    "augment": Augment,
    "prune": Prune,
    "quantize": Quantize,
}


def find_recipe(name_or_path: str) -> Path:
    """Path of a recipe given by its path or by the name of a shipped one, e.g. "nlrav".

    Raises
    ------
    RecipeError
        When it is neither; the message lists the shipped ones.
    """
    for path in (Path(name_or_path), SHIPPED / f"{name_or_path}.toml"):
        if path.is_file():
            return path
    shipped = ", ".join(sorted(path.stem for path in SHIPPED.glob("*.toml")))
    raise RecipeError(f"{name_or_path}: neither a recipe file nor a shipped recipe ({shipped}).")


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        When the file is not TOML, has an unknown key, or a value of the wrong type or outside its range.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"{path}: not found. Name a recipe file or a shipped recipe.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not TOML ({error}).") from None
    raw.setdefault("name", path.stem)
    fields = {
        key: _build(path, f"[{key}]", _SECTIONS[key], value) if key in _SECTIONS else value
        for key, value in raw.items()
    }
    recipe: Recipe = _build(path, "the top level", Recipe, fields)
    _check_ranges(path, recipe)
    return recipe


def _build(path: Path, where: str, cls: Any, values: Any) -> Any:
    """An instance of the dataclass `cls` from a table of TOML."""
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: {where} must be a table, not {values!r}.")
    fields = {f.name: f for f in dataclasses.fields(cls)}
    unknown = sorted(values.keys() - fields.keys())
    if unknown:
        raise RecipeError(f"{path}: unknown key {unknown[0]!r} in {where}; valid keys: {', '.join(fields)}.")
    typed = {key: _typed(path, where, key, str(fields[key].type), value) for key, value in values.items()}
    return cls(**typed)


_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "int": lambda v: type(v) is int,
    "float": lambda v: type(v) in (int, float),
    "str": lambda v: type(v) is str,
    "tuple[int, ...]": lambda v: isinstance(v, list) and all(type(item) is int for item in v),
    "tuple[str, ...]": lambda v: isinstance(v, list) and all(type(item) is str for item in v),
}


def _typed(path: Path, where: str, key: str, type_name: str, value: Any) -> Any:
    """`value` as a field of the type takes it, or a RecipeError."""
    if type_name in _TYPES and not _TYPES[type_name](value):
        wanted = type_name.replace("tuple", "list").replace(", ...", "")
        raise RecipeError(f"{path}: {key} in {where} must be of type {wanted}, not {value!r}.")
    return tuple(value) if isinstance(value, list) else value


def _check_ranges(path: Path, recipe: Recipe) -> None:
    data, model, training, prune = recipe.data, recipe.model, recipe.training, recipe.prune
    layers = (model.filters, model.kernels, model.strides)
    peaks = ("annotated",) if data.split == "random" else ("annotated", "detected", "both")
    checks = {
        'data.database must be "mitdb" or "synth"': data.database in ("mitdb", "synth"),
        'data.split must be "patient" or "random"': data.split in ("patient", "random"),
        f"data.peaks with this split must be one of {', '.join(peaks)}": data.peaks in peaks,
        'data.extra may hold "svdb", "nstdb" and "synth"': set(data.extra) <= {"svdb", "nstdb", "synth"},
        'data.extra may hold "nstdb" with the database "mitdb" and peaks "detected" only': (
            "nstdb" not in data.extra or (data.database, data.peaks) == ("mitdb", "detected")
        ),
        'data.extra may not hold "synth" beside the database "synth"': data.database not in data.extra,
        "data.extra_every must be at least 1": data.extra_every >= 1,
        "data.test_fraction must be above 0 and below 1": 0 < data.test_fraction < 1,
        "model.filters, kernels and strides must be of one length": len(set(map(len, layers))) == 1,
        "model.filters, kernels and strides must be lists of numbers from 1": all(
            layer and min(layer) >= 1 for layer in layers
        ),
        "model.rhythm_units and head_units must be at least 1": model.rhythm_units >= 1 <= model.head_units,
        "model.dropout must be at least 0 and below 1": 0 <= model.dropout < 1,
        "training.epochs and batch_size must be at least 1": min(training.epochs, training.batch_size) >= 1,
        "training.learning_rate must be above 0": training.learning_rate > 0,
        "training.class_weight_power must be from 0 to 1": 0 <= training.class_weight_power <= 1,
        "training.patient_weight_power must be from 0 to 1": 0 <= training.patient_weight_power <= 1,
        "training.class_weight_limit must be at least 1": training.class_weight_limit >= 1,
        "training.smote must be from 0 to 1": 0 <= training.smote <= 1,
        "training.label_smoothing must be at least 0 and below 1": 0 <= training.label_smoothing < 1,
        "augment.stretch and height must be below 1": max(recipe.augment.stretch, recipe.augment.height) < 1,
        "augment's values must be at least 0": min(dataclasses.astuple(recipe.augment)) >= 0,
        "prune.sparsity must be at least 0 and below 1": 0 <= prune.sparsity < 1,
        "prune.epochs must be at least 1": prune.epochs >= 1,
        "prune.block must be at least 1": prune.block >= 1,
        "prune.learning_rate must be above 0": prune.learning_rate > 0,
        "quantize.calibration_beats must be at least 1": recipe.quantize.calibration_beats >= 1,
    }
    failed = [text for text, holds in checks.items() if not holds]
    if failed:
        raise RecipeError(f"{path}: {'; '.join(failed)}.")


def _toml_value(value: Any) -> str:
    """A string, number or list as TOML; JSON's form of these is TOML's too."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
