"""Train and prune the morphology network of a recipe."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import tf_keras as keras

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.ecg.files import locked_folder, replacing, write_json
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.firmware import STRIP_STEPS_PER_MV
from ecg_edge.training.keras_model import Float, KerasModel
from ecg_edge.training.morphology import network as models
from ecg_edge.training.morphology.dataset import StripSet, cached_set, training_ranges
from ecg_edge.training.morphology.recipe import KIND, MorphologyRecipe, load_morphology_recipe
from ecg_edge.training.networks import multiply_accumulates
from ecg_edge.training.progress import SILENT, OnEpoch, Progress
from ecg_edge.training.recipes import find_recipe
from ecg_edge.training.runs import DEFAULT_RUNS, RunFolder
from ecg_edge.training.train import is_finite, make_repeatable, save


class StripHistory(TypedDict):
    """Contents of `train/history.json`.

    Attributes
    ----------
    kind : str
    parameters, multiply_accumulates : int
        Weights, and operations per strip.
    patients : dict of str to int
        Virtual patients of training and validation.
    epochs : dict of str to list of float
        Loss and accuracy on both sets, and learning rate, of each epoch.
    """

    kind: str
    parameters: int
    multiply_accumulates: int
    patients: dict[str, int]
    epochs: dict[str, list[float]]


class Fold(TypedDict):
    """Scores of one part of the training patients by the network that the other parts trained."""

    fold: int
    strips: int
    accuracy: float


@dataclass(frozen=True)
class MorphologyRun:
    """A recipe with its run folder."""

    recipe: MorphologyRecipe
    folder: RunFolder

    @property
    def strips(self) -> Path:
        """Folder of the generated strips."""
        return self.folder.path / "strips"

    def training_set(self, progress: Progress = SILENT) -> StripSet:
        """Strips that train."""
        data = self.recipe.data
        return cached_set(self.strips, "train", data.patients, training_ranges(data), progress.on_record)

    def validation_set(self, progress: Progress = SILENT) -> StripSet:
        """Strips that end the training."""
        data = self.recipe.data
        return cached_set(
            self.strips, "validation", data.validation_patients, training_ranges(data), progress.on_record
        )


def open_morphology_run(recipe: str, runs: Path = DEFAULT_RUNS) -> MorphologyRun:
    """Open the run of a recipe, by its path or name, and check that its folder can be written."""
    loaded = load_morphology_recipe(find_recipe(recipe))
    folder = RunFolder(runs / loaded.name)
    folder.check()
    return MorphologyRun(loaded, folder)


def train(run: MorphologyRun, progress: Progress = SILENT) -> StripHistory:
    """Train the network of a recipe; save it in each format, its history and the recipe in the run folder.

    Raises
    ------
    RecipeError
        When the training diverges; nothing is saved then.
    """
    recipe, folder = run.recipe, run.folder
    with locked_folder(folder.path):
        own, validation = run.training_set(progress), run.validation_set(progress)
        network, epochs = fit(recipe, own, validation, progress.on_epoch)
        save(network, folder.trained)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "You are saving your model as an HDF5 file")
            save(network, folder.trained.with_suffix(".h5"))  # for programs that read nothing else
        history: StripHistory = {
            "kind": KIND,
            "parameters": network.count_params(),
            "multiply_accumulates": multiply_accumulates(network),
            "patients": {"train": recipe.data.patients, "validation": recipe.data.validation_patients},
            "epochs": epochs,
        }
        write_json(folder.history, history)
        with replacing(folder.recipe) as partial:
            partial.write_text(recipe.to_toml(), encoding="utf-8")
        return history


def fit(
    recipe: MorphologyRecipe, own: StripSet, validation: StripSet, on_epoch: OnEpoch | None = None
) -> tuple[KerasModel, dict[str, list[float]]]:
    """Train a network; return it and the figures of its epochs. Nothing is written."""
    make_repeatable(recipe.seed)
    network, settings = models.build(recipe.model), recipe.training
    stop = keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)
    epochs = fit_network(
        network, recipe, own, validation, settings.epochs, settings.learning_rate, on_epoch, (stop,)
    )
    return network, epochs


def fit_network(
    network: Any,
    recipe: MorphologyRecipe,
    own: StripSet,
    validation: StripSet,
    epochs: int,
    learning_rate: float,
    on_epoch: OnEpoch | None = None,
    callbacks: tuple[Any, ...] = (),
) -> dict[str, list[float]]:
    """Fit a network; the learning rate decays to zero along half a cosine.

    Returns
    -------
    dict of str to list of float
        Loss, accuracy, both on the validation set, and learning rate of each epoch.

    Raises
    ------
    RecipeError
        When a weight is not finite.
    """
    batches = Batches(own, recipe)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * len(batches))
    network.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    reporter = _Reporter(epochs, on_epoch)
    network.fit(
        batches,
        epochs=epochs,
        shuffle=False,
        validation_data=(millivolts(validation.strips), validation.labels),
        validation_batch_size=256,
        callbacks=[*callbacks, reporter],
        verbose=0,
    )
    if not is_finite(network):
        raise RecipeError(
            "training diverged: weights are not finite; no network is saved. Lower learning_rate."
        )
    steps = len(batches)
    rates = [float(schedule(steps * epoch)) for epoch in range(len(network.history.epoch))]
    return {**{k: [float(v) for v in values] for k, values in network.history.history.items()}, "lr": rates}


def millivolts(strips: npt.NDArray[np.int8]) -> Float:
    """Convert strips, shape (n, 900), to the network's input, shape (n, 1, 900, 1) in mV."""
    return np.asarray(strips[:, None, :, None] / np.float32(STRIP_STEPS_PER_MV), np.float32)


class Batches(keras.utils.Sequence):  # type: ignore[misc]
    """Batches of strips of varied amplitude, in a new order each epoch, drawn by the recipe's seed."""

    def __init__(self, own: StripSet, recipe: MorphologyRecipe) -> None:
        super().__init__()
        self._own, self._size = own, recipe.training.batch_size
        self._amplitude, self._random = recipe.training.amplitude, np.random.default_rng(recipe.seed)
        self._order = self._random.permutation(len(own))

    def __len__(self) -> int:
        return -(-len(self._own) // self._size)

    def __getitem__(self, number: int) -> tuple[Float, npt.NDArray[np.int64]]:
        batch = self._own[self._order[number * self._size : (number + 1) * self._size]]
        factor = self._random.uniform(1 - self._amplitude, 1 + self._amplitude, (len(batch), 1, 1, 1))
        return millivolts(batch.strips) * factor.astype(np.float32), batch.labels

    def on_epoch_end(self) -> None:
        """Draw a new order."""
        self._order = self._random.permutation(len(self._own))


def cross_validate(run: MorphologyRun, progress: Progress = SILENT) -> list[Fold]:
    """Divide the training patients into folds; score each by a network that the others trained."""
    own, validation = run.training_set(progress), run.validation_set(progress)
    folds: list[Fold] = []
    for fold in range(run.recipe.training.folds):
        held = own.patients % run.recipe.training.folds == fold
        network, _ = fit(run.recipe, own[~held], validation, progress.on_epoch)
        accuracy = float(np.mean(predict(network, own[held].strips).argmax(1) == own[held].labels))
        folds.append({"fold": fold + 1, "strips": int(held.sum()), "accuracy": accuracy})
    return folds


def predict(network: KerasModel, strips: npt.NDArray[np.int8]) -> Float:
    """Compute the logits of strips, shape (n, 5)."""
    return network.predict(millivolts(strips), batch_size=256, verbose=0)


class _Reporter(keras.callbacks.Callback):  # type: ignore[misc]
    """Report each epoch."""

    def __init__(self, epochs: int, on_epoch: OnEpoch | None) -> None:
        super().__init__()
        self._epochs, self._on_epoch = epochs, on_epoch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if self._on_epoch is not None:
            self._on_epoch(epoch + 1, self._epochs, logs or {})


def class_counts(strips: StripSet) -> dict[str, int]:
    """Number of strips of each class."""
    return {name: int(np.sum(strips.labels == label)) for label, name in enumerate(MORPHOLOGY)}
