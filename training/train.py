"""Train the float network of a recipe."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras as keras

from ecg_edge.ecg.errors import EcgEdgeError, RecipeError
from ecg_edge.ecg.labels import LABELS
from ecg_edge.training import networks as models
from ecg_edge.training.augment import Batches
from ecg_edge.training.beats import Beats, real_values
from ecg_edge.training.datasets import missing_extra, training_beats
from ecg_edge.training.recipes import RECIPE_NAME, Recipe, Training

MODEL_FILE: Final = Path("train") / "model.keras"
HISTORY_FILE: Final = Path("train") / "history.json"
MAX_LOSS: Final = 1000.0  # mean cross-entropy of an epoch; five equally likely classes give 1.6


@dataclass(frozen=True, eq=False)
class Examples:
    """What a network is fitted to.

    Attributes
    ----------
    beat, rhythm : ndarray of int8, shapes (n, 128, 2) and (n, 8)
        The network's inputs as the device has them.
    labels : ndarray of int64, shape (n,)
    weights : ndarray of float32, shape (n,)
        Of each beat in the loss; 1 on average.
    """

    beat: npt.NDArray[np.int8]
    rhythm: npt.NDArray[np.int8]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


OnEpoch = Callable[[int, int, Mapping[str, float]], None]
"""Called with the epoch, from 1, the number of epochs, and the figures of the epoch."""


def train(
    recipe: Recipe,
    data_root: Path,
    run_dir: Path,
    on_epoch: OnEpoch | None = None,
    on_record: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train a network and save it as `train/model.keras` in the run folder, with its history and the recipe.

    Parameters
    ----------
    recipe : Recipe
    data_root : Path
        Folder of the databases.
    run_dir : Path
        Folder of the run; made when missing.
    on_epoch, on_record : callable, optional
        Called after each epoch, and before each record is read.

    Returns
    -------
    dict
        What `train/history.json` holds: missing_databases (of `data.extra`), parameters,
        multiply_accumulates, records, beats by class, and each epoch's figures. The same recipe and records
        give the same weights on the same machine.
    """
    beats = training_beats(recipe, data_root, on_record)
    network = fit(recipe, beats, on_epoch)
    save(network, run_dir / MODEL_FILE)
    history = {"missing_databases": missing_extra(recipe, data_root), **_history(network, beats)}
    (run_dir / HISTORY_FILE).write_text(json.dumps(history, indent=2) + "\n")
    (run_dir / RECIPE_NAME).write_text(recipe.to_toml(), encoding="utf-8")
    return history


def load(path: Path, made_by: str) -> Any:
    """A saved network.

    Raises
    ------
    EcgEdgeError
        When there is none; the message says that the command `made_by` makes it.
    """
    if not path.is_file():
        raise EcgEdgeError(f"{path}: not found. Make it with `ecg-edge {made_by}`.")
    return keras.models.load_model(path, compile=False)


def fit(recipe: Recipe, beats: Beats, on_epoch: OnEpoch | None = None) -> Any:
    """A network trained on `beats`, nothing written."""
    make_repeatable(recipe.seed)
    network, settings = models.build(recipe.model), recipe.training
    fit_network(network, recipe, examples(recipe, beats), settings.epochs, settings.learning_rate, on_epoch)
    return network


def examples(recipe: Recipe, beats: Beats) -> Examples:
    """`beats` with their weights, and SMOTE's beats where the recipe asks for them."""
    weighed = Examples(beats.beat, beats.rhythm, beats.labels, beat_weights(beats, recipe.training))
    share = recipe.training.smote
    return oversample(weighed, share, recipe.seed) if share > 0 else weighed


def fit_network(
    network: Any,
    recipe: Recipe,
    data: Examples,
    epochs: int,
    learning_rate: float,
    on_epoch: OnEpoch | None = None,
    callbacks: tuple[Any, ...] = (),
) -> None:
    """Fit a network; the learning rate falls to zero along half a cosine."""
    settings, targets = recipe.training, keras.utils.to_categorical(data.labels, len(LABELS))
    inputs = real_values(data.beat, data.rhythm)
    batches = Batches(inputs, targets, data.weights, settings.batch_size, recipe.augment, recipe.seed)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * len(batches))
    network.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing),
        metrics=["accuracy"],
    )
    network.fit(
        batches, epochs=epochs, shuffle=False, callbacks=[*callbacks, _Reporter(epochs, on_epoch)], verbose=0
    )
    if not all(np.isfinite(weights).all() for weights in network.get_weights()):
        raise RecipeError(
            "training diverged: weights are not finite; no network was saved. Lower learning_rate."
        )


def beat_weights(beats: Beats, settings: Training) -> npt.NDArray[np.float32]:
    """Weight of each beat in the loss, shape (n,): rare classes and patients with few beats weigh more."""
    labels = beats.labels
    counts = np.bincount(labels, minlength=len(LABELS)).astype(np.float64)
    class_weights = (counts.mean() / np.maximum(counts, 1)) ** settings.class_weight_power
    weights: npt.NDArray[np.float64] = np.minimum(class_weights, settings.class_weight_limit)[labels]
    of_patient = np.char.add(np.char.add(beats.records, " "), beats.symbols)
    _, group, size = np.unique(of_patient, return_inverse=True, return_counts=True)
    weights = weights * (size.astype(np.float64) ** -settings.patient_weight_power)[group]
    normalized: npt.NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return normalized


def oversample(data: Examples, share: float, seed: int) -> Examples:
    """Fill rare classes up with SMOTE to `share` of the most frequent class. For training beats only.

    Returns
    -------
    Examples
        The given beats, then the synthetic ones, on the same int8 grid, each with its class's mean weight.
    """
    from imblearn.over_sampling import SMOTE

    counts = np.bincount(data.labels, minlength=len(LABELS))
    target = {c: max(int(n), round(share * counts.max())) for c, n in enumerate(counts)}
    flat = np.concatenate([data.beat.reshape(len(data.beat), -1), data.rhythm], axis=1).astype(np.float32)
    smote = SMOTE(sampling_strategy=target, k_neighbors=min(5, int(counts.min()) - 1), random_state=seed)
    filled, labels = smote.fit_resample(flat, data.labels)
    quantized = np.rint(filled).astype(np.int8)
    means = np.bincount(data.labels, data.weights, len(LABELS)) / counts
    weights = np.concatenate([data.weights, means[labels[len(data.labels) :]].astype(np.float32)])
    split = data.beat[0].size
    beat, rhythm = quantized[:, :split].reshape(-1, *data.beat.shape[1:]), quantized[:, split:]
    return Examples(beat, rhythm, labels, weights)


def make_repeatable(seed: int) -> None:
    """Seed Python, numpy and TensorFlow, and allow TensorFlow no operation that is not deterministic."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def save(network: Any, path: Path) -> None:
    """Save a network in Keras's own format; the folder is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network.save(path)


def _history(network: Any, beats: Beats) -> dict[str, Any]:
    counts = np.bincount(beats.labels, minlength=len(LABELS)).tolist()
    return {
        "parameters": network.count_params(),
        "multiply_accumulates": models.multiply_accumulates(network),
        "records": sorted(set(beats.records.tolist())),
        "beats": dict(zip(LABELS, counts, strict=True)),
        "epochs": {key: [float(v) for v in values] for key, values in network.history.history.items()},
    }


class _Reporter(keras.callbacks.Callback):  # type: ignore[misc]
    """Report each epoch to `on_epoch`, and end a training that diverges."""

    def __init__(self, epochs: int, on_epoch: OnEpoch | None) -> None:
        super().__init__()
        self._epochs, self._on_epoch = epochs, on_epoch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        figures = logs or {}
        _check_loss(figures.get("loss", 0.0), epoch + 1, self._epochs)
        if self._on_epoch is not None:
            self._on_epoch(epoch + 1, self._epochs, figures)


def _check_loss(loss: float, epoch: int, epochs: int) -> None:
    if not loss < MAX_LOSS:  # true for nan
        raise RecipeError(
            f"training diverged: loss {loss:.3g} after epoch {epoch} of {epochs}; no network is saved. "
            "Lower learning_rate, or the noise and wander of [augment]."
        )
