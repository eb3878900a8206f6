"""Recipes of morphology networks: `kind = "morphology"` in a recipe's TOML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.ecg.synthetic.front_end import FRONT_ENDS
from ecg_edge.ecg.typed_json import Range
from ecg_edge.training.recipes import (
    MAX_SEED,
    NAME,
    Prune,
    build_recipe,
    outside,
    read_toml,
    to_toml,
)

KIND: Final = "morphology"
MAX_WEIGHT_BYTES: Final = 48 * 1024  # int8; beside the firmware in the flash of the smallest board
MOST_PATIENTS: Final = 1_000_000  # of a set: seeds of the next set begin 10,000,000 later


@dataclass(frozen=True)
class StripData:
    """Virtual patients; each brings one strip of every class.

    Attributes
    ----------
    patients, validation_patients, test_patients : int
        Number of patients of the training set, of the set that ends the training, and of each test.
    snr_db : tuple of float
        Lowest and highest signal-to-noise ratio of training strips in dB.
    depression_mv, elevation_mv, inversion_mv : tuple of float
        Smallest and largest ST depression, ST elevation and depth of T waves of training strips in mV.
    subtle : float
        Share of training arrhythmias that are supraventricular, beyond those of an even draw.
    sinus_arrhythmia : float
        Share of normal training strips whose rate changes much with breathing.
    front_ends : tuple of str
        Front ends of training strips.
    """

    patients: int = 6000
    validation_patients: int = 300
    test_patients: int = 1000
    snr_db: tuple[float, ...] = (0.0, 40.0)
    depression_mv: tuple[float, ...] = (0.10, 0.30)
    elevation_mv: tuple[float, ...] = (0.10, 0.50)
    inversion_mv: tuple[float, ...] = (0.10, 0.50)
    subtle: float = 0.5
    sinus_arrhythmia: float = 0.3
    front_ends: tuple[str, ...] = tuple(FRONT_ENDS)


@dataclass(frozen=True)
class StripModel:
    """Shape of the network: convolutions, mean and maximum of each channel over the strip, a head.

    Attributes
    ----------
    filters, kernels, strides : tuple of int
        One entry per convolution: output channels, taps, step in points.
    head_units : int
        Width of the dense layer before the logits.
    dropout : float
        Share of the head's inputs dropped in training.
    """

    filters: tuple[int, ...] = (12, 16, 24, 32, 32, 40, 48)
    kernels: tuple[int, ...] = (7, 5, 5, 5, 5, 5, 5)
    strides: tuple[int, ...] = (2, 2, 2, 2, 2, 1, 1)
    head_units: int = 32
    dropout: float = 0.3

    @property
    def weight_bytes(self) -> int:
        """Bytes of int8 weights and int32 biases."""
        channels = (1, *self.filters)
        layers = zip(self.kernels, channels, self.filters, strict=False)
        convolutions = sum((kernel * before + 4) * after for kernel, before, after in layers)
        head = (2 * channels[-1] + 4) * self.head_units
        return convolutions + head + (self.head_units + 4) * len(MORPHOLOGY)


@dataclass(frozen=True)
class StripTraining:
    """Fitting of the network.

    Attributes
    ----------
    epochs, batch_size : int
        Most passes over the training set; strips per optimizer step.
    learning_rate : float
        Initial learning rate of Adam; it decays to zero along half a cosine.
    patience : int
        Epochs without a lower loss on the validation set after which the training ends. The weights with the
        lowest one are kept.
    amplitude : float
        Largest share by which a training strip is raised or lowered, below 1.
    folds : int
        Parts of the training patients for cross-validation.
    """

    epochs: int = 24
    batch_size: int = 128
    learning_rate: float = 0.003
    patience: int = 6
    amplitude: float = 0.05
    folds: int = 5


@dataclass(frozen=True)
class StripQuantize:
    """Full-integer quantization.

    Attributes
    ----------
    calibration_strips : int
        Number of training strips that calibrate the ranges of the layers' outputs.
    """

    calibration_strips: int = 500


@dataclass(frozen=True)
class MorphologyRecipe:
    """Settings of one training. `name` is also the name of the run folder and of the bundle."""

    name: str
    kind: str = KIND
    description: str = ""
    seed: int = 1
    data: StripData = field(default_factory=StripData)
    model: StripModel = field(default_factory=StripModel)
    training: StripTraining = field(default_factory=StripTraining)
    prune: Prune = field(default_factory=Prune)
    quantize: StripQuantize = field(default_factory=StripQuantize)

    def to_toml(self) -> str:
        """Return the recipe as TOML, defaults filled in."""
        return to_toml(self)


_SECTIONS: Final[dict[str, type]] = {
    "data": StripData,
    "model": StripModel,
    "training": StripTraining,
    "prune": Prune,
    "quantize": StripQuantize,
}

_RANGES: Final = {
    "seed": Range(0, MAX_SEED),
    "data.patients": Range(1, MOST_PATIENTS),
    "data.validation_patients": Range(1, MOST_PATIENTS),
    "data.test_patients": Range(1, MOST_PATIENTS),
    "data.snr_db": Range(-20, 60),
    "data.depression_mv": Range(0, 0.5),
    "data.elevation_mv": Range(0, 1),
    "data.inversion_mv": Range(0, 1),
    "data.subtle": Range(0, 1),
    "data.sinus_arrhythmia": Range(0, 1),
    "model.filters": Range(1),
    "model.kernels": Range(1),
    "model.strides": Range(1, 128),
    "model.head_units": Range(1),
    "model.dropout": Range(0, 1, high_open=True),
    "training.epochs": Range(1, 10_000),
    "training.batch_size": Range(1, 1_000_000),
    "training.learning_rate": Range(0, low_open=True),
    "training.patience": Range(1),
    "training.amplitude": Range(0, 1, high_open=True),
    "training.folds": Range(2, 20),
    "prune.sparsity": Range(0, 1, high_open=True),
    "prune.epochs": Range(1, 10_000),
    "prune.learning_rate": Range(0, low_open=True),
    "prune.block": Range(1),
    "quantize.calibration_strips": Range(1),
}


def load_morphology_recipe(path: Path) -> MorphologyRecipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        When the file is not TOML, has an unknown key, or a value of the wrong type or outside its range.
    """
    recipe: MorphologyRecipe = build_recipe(path, read_toml(path), MorphologyRecipe, _SECTIONS)
    problems = [*outside(recipe, _RANGES), *_contradictions(recipe)]
    if problems:
        raise RecipeError(f"{path}: {'; '.join(problems)}.")
    return recipe


def _contradictions(recipe: MorphologyRecipe) -> list[str]:
    data, model = recipe.data, recipe.model
    limits = (data.snr_db, data.depression_mv, data.elevation_mv, data.inversion_mv)
    checks = {
        f'kind must be "{KIND}"': recipe.kind == KIND,
        f"name must be of letters, digits, '.', '_' and '-', not {recipe.name!r:.80}": bool(
            NAME.fullmatch(recipe.name)
        ),
        "data.snr_db, depression_mv, elevation_mv and inversion_mv must be two numbers, the lower first": all(
            len(one) == 2 and one[0] <= one[1] for one in limits
        ),
        f"data.front_ends must name some of {', '.join(FRONT_ENDS)}": bool(data.front_ends)
        and set(data.front_ends) <= set(FRONT_ENDS),
        "model.filters, kernels and strides must be lists of one length, at least 1": (
            len({len(model.filters), len(model.kernels), len(model.strides)}) == 1 and bool(model.filters)
        ),
        f"[model] has {model.weight_bytes} bytes of weights, at most {MAX_WEIGHT_BYTES} are allowed: lower "
        "filters, kernels or head_units": model.weight_bytes <= MAX_WEIGHT_BYTES,
    }
    return [text for text, holds in checks.items() if not holds]
