"""Train the float network of a recipe."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypedDict, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras as keras

from ecg_edge.ecg.errors import EcgEdgeError, RecipeError
from ecg_edge.ecg.files import locked_folder, replacing, write_json
from ecg_edge.ecg.labels import LABELS
from ecg_edge.ecg.splits import patient_of
from ecg_edge.training import networks as models
from ecg_edge.training.augment import Batches
from ecg_edge.training.beats import Beats, dequantize
from ecg_edge.training.datasets import missing_extra, training_beats
from ecg_edge.training.inputs import hide, ignore
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.progress import SILENT, OnEpoch, Progress
from ecg_edge.training.recipes import Recipe, Training
from ecg_edge.training.runs import Run
from ecg_edge.training.strips import DATABASE as STRIPS

RISE: Final = 0.3  # share of the steps of "one-cycle" in which the learning rate rises
FIRST_DIVISOR: Final = 25.0  # its first learning rate is the highest one by this

MAX_LOSS: Final = 1000.0  # mean cross-entropy of an epoch; five equally likely classes give 1.6


@dataclass(frozen=True, eq=False)
class Examples:
    """Beats that a network is fitted to.

    Attributes
    ----------
    beat, rhythm : ndarray of int8, shapes (n, 128, 2) and (n, 27)
        The network's inputs, quantized as on the device.
    labels : ndarray of int64, shape (n,)
        Index in `LABELS`.
    weights : ndarray of float32, shape (n,)
        Weight in the loss; 1 on average.
    any_conduction : ndarray of bool, shape (n,)
        Beats that may be N, L or R; their label is N.
    """

    beat: npt.NDArray[np.int8]
    rhythm: npt.NDArray[np.int8]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    any_conduction: npt.NDArray[np.bool_]

    @property
    def targets(self) -> npt.NDArray[np.float32]:
        """1 for each class that counts as right, shape (n, classes)."""
        targets: npt.NDArray[np.float32] = np.eye(len(LABELS), dtype=np.float32)[self.labels]
        accepted = np.array([label in "NLR" for label in LABELS])
        targets[self.any_conduction[:, None] & accepted] = 1
        return targets


class History(TypedDict):
    """Contents of `train/history.json`.

    Attributes
    ----------
    missing_databases : list of str
        Databases of `data.extra` that were not installed.
    parameters, multiply_accumulates : int
        Weights, and operations per beat.
    records : list of str
    beats : dict of str to int
        Training beats by class.
    epochs : dict of str to list of float
        Loss and accuracy of each epoch.
    """

    missing_databases: list[str]
    parameters: int
    multiply_accumulates: int
    records: list[str]
    beats: dict[str, int]
    epochs: dict[str, list[float]]


def train(run: Run, progress: Progress = SILENT) -> History:
    """Train the network of a recipe; save it, its history and the recipe in the run folder.

    The same recipe and records give the same weights on the same machine.

    Parameters
    ----------
    run : Run
    progress : Progress, optional

    Raises
    ------
    RecipeError
        When the training diverges; nothing is saved then.
    """
    recipe, root, folder = run.recipe, run.data_root, run.folder
    with locked_folder(folder.path):
        beats = training_beats(recipe, root, progress.on_record)
        network = fit(recipe, beats, progress.on_epoch)
        save(network, folder.trained)
        history = _history(network, beats, missing_extra(recipe, root))
        write_json(folder.history, history)
        with replacing(folder.recipe) as partial:
            partial.write_text(recipe.to_toml(), encoding="utf-8")
        return history


def load(path: Path) -> KerasModel:
    """Load a saved network.

    Raises
    ------
    EcgEdgeError
        When the file is damaged, or weights are not finite.
    """
    try:
        network = cast(KerasModel, keras.models.load_model(path, compile=False))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise EcgEdgeError(f"{path}: not a Keras network ({error}). Train it again.") from error
    if not is_finite(network):
        raise EcgEdgeError(f"{path}: weights that are not finite. Train it again with a lower learning_rate.")
    return network


def fit(recipe: Recipe, beats: Beats, on_epoch: OnEpoch | None = None) -> KerasModel:
    """Train a network on `beats`; nothing is written."""
    make_repeatable(recipe.seed)
    network, settings = models.build(recipe.model), recipe.training
    _shift_logits(network, settings.label_offsets)
    own, held = hold_out(recipe, beats) if settings.patience else (beats, None)
    fit_network(
        network,
        recipe,
        examples(recipe, own),
        settings.epochs,
        settings.learning_rate,
        on_epoch,
        held=None if held is None else _weighted(held, recipe),
    )
    ignore(network, recipe.model.without)
    return network


def _shift_logits(network: KerasModel, offsets: tuple[float, ...]) -> None:
    """Add the offsets to the logits, which the loss takes off again: the training is that without them."""
    if offsets:
        kernel, bias = network.layers[-1].get_weights()
        network.layers[-1].set_weights([kernel, bias + np.array(offsets, np.float32)])


def hold_out(recipe: Recipe, beats: Beats) -> tuple[Beats, Beats]:
    """Divide training beats by patient into those that are fitted and those that tell when to stop.

    Records of one person, and noisy copies of a record, stay together.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # late: takes a second

    people = np.array([_person(recipe.data.database, name) for name in beats.records.tolist()])
    folds = StratifiedGroupKFold(recipe.training.validation_folds, shuffle=True, random_state=recipe.seed)
    own, held = next(folds.split(people, beats.labels, people))
    return beats[own], beats[held]


def _person(database: str, record: str) -> str:
    """Name of the person of a training record: "100", "svdb/800", or "nstdb/100", which is 100 with noise.

    "noise:svdb/800" is 800 with noise, and "fibrillation:mitdb/100" is a made-up patient of 100's beats.
    """
    origin, _, name = record.rpartition(":")[2].rpartition("/")
    return patient_of("mitdb" if origin == "nstdb" else origin or database, name)


def examples(recipe: Recipe, beats: Beats) -> Examples:
    """Weight the beats, and add synthetic or repeated ones where the recipe asks for them."""
    weighted, settings = _weighted(beats, recipe), recipe.training
    if settings.smote > 0:
        return oversample(weighted, settings.smote, recipe.seed)
    return repeat(weighted, settings.repeat, recipe.seed) if settings.repeat > 0 else weighted


def _weighted(beats: Beats, recipe: Recipe) -> Examples:
    beat, rhythm = hide(beats.beat, beats.rhythm, recipe.model.without)
    weights = beat_weights(beats, recipe.training)
    return Examples(beat, rhythm, beats.labels, weights, beats.any_conduction)


def fit_network(
    network: KerasModel,
    recipe: Recipe,
    data: Examples,
    epochs: int,
    learning_rate: float,
    on_epoch: OnEpoch | None = None,
    callbacks: tuple[Any, ...] = (),
    held: Examples | None = None,
) -> None:
    """Fit a network by the recipe's schedule and loss.

    Parameters
    ----------
    network : KerasModel
        Network, which is changed.
    recipe : Recipe
        Settings.
    data : Examples
        Beats to fit.
    epochs, learning_rate
        Passes over them, and the highest learning rate.
    on_epoch : callable, optional
        Called after each epoch.
    callbacks : tuple
        Further callbacks of Keras.
    held : Examples, optional
        Beats of other patients that tell when to stop; the weights of the best epoch are kept.

    Raises
    ------
    RecipeError
        When the loss or a weight is not finite, or the loss exceeds `MAX_LOSS`.
    """
    settings = recipe.training
    inputs = dequantize(data.beat, data.rhythm)
    batches = Batches(inputs, data.targets, data.weights, settings.batch_size, recipe.augment, recipe.seed)
    network.compile(
        optimizer=_optimizer(settings, learning_rate, epochs * len(batches)),
        loss=_loss(recipe),
        metrics=["accuracy"],
    )
    stopping = keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)
    network.fit(
        batches,
        epochs=epochs,
        shuffle=False,
        callbacks=[*callbacks, *([] if held is None else [stopping]), _Reporter(epochs, on_epoch)],
        validation_data=None if held is None else _validation(held),
        validation_batch_size=4096,
        verbose=0,
    )
    if (
        held is not None and stopping.best_weights is not None
    ):  # Keras restores them only when it stopped early
        network.set_weights(stopping.best_weights)
    if not is_finite(network):
        raise RecipeError(
            "training diverged: weights are not finite; no network was saved. Lower learning_rate."
        )


def _optimizer(settings: Training, learning_rate: float, steps: int) -> Any:
    rate = _schedule(settings.schedule, learning_rate, steps)
    mean = {"use_ema": settings.average > 0, "ema_momentum": settings.average}
    if settings.weight_decay:
        return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, **mean)
    return keras.optimizers.Adam(rate, **mean)


def _schedule(name: str, learning_rate: float, steps: int) -> Any:
    if name == "constant":
        return learning_rate
    if name == "cosine":
        return keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    rise = round(RISE * steps)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / FIRST_DIVISOR, steps - rise, warmup_target=learning_rate, warmup_steps=rise
    )


def _loss(recipe: Recipe) -> Any:
    loss, offsets = _plain_loss(recipe), recipe.training.label_offsets
    if not offsets:
        return loss
    of_each = getattr(loss, "call", loss)  # not yet averaged: Keras weights the beats

    def loss_without_offsets(targets: Any, logits: Any) -> Any:  # no lambda: Keras would save its code
        return of_each(targets, logits - tf.constant(offsets, tf.float32))

    return loss_without_offsets


def _plain_loss(recipe: Recipe) -> Any:
    settings = recipe.training
    if recipe.data.any_conduction or recipe.data.false_detections:
        return accepted_cross_entropy
    if settings.focal_gamma:
        return keras.losses.CategoricalFocalCrossentropy(
            alpha=1.0,
            gamma=settings.focal_gamma,
            from_logits=True,
            label_smoothing=settings.label_smoothing,
        )
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing)


def accepted_cross_entropy(targets: Any, logits: Any) -> Any:
    """Compute the cross-entropy of the summed probability of the classes that count as right."""
    accepted = tf.where(targets > 0, logits, tf.float32.min)
    return tf.reduce_logsumexp(logits, axis=-1) - tf.reduce_logsumexp(accepted, axis=-1)


def _validation(held: Examples) -> tuple[Any, ...]:
    return list(dequantize(held.beat, held.rhythm)), held.targets, held.weights


def beat_weights(beats: Beats, settings: Training) -> npt.NDArray[np.float32]:
    """Compute the weight of each beat in the loss: higher for rare classes and patients with few beats.

    Returns
    -------
    ndarray of float32, shape (n,)
        Mean 1.
    """
    labels = beats.labels
    counts = np.bincount(labels, minlength=len(LABELS)).astype(np.float64)
    class_weights = (counts.mean() / np.maximum(counts, 1)) ** settings.class_weight_power
    weights: npt.NDArray[np.float64] = np.minimum(class_weights, settings.class_weight_limit)[labels]
    of_patient = np.char.add(np.char.add(beats.records, " "), beats.symbols)
    _, group, size = np.unique(of_patient, return_inverse=True, return_counts=True)
    weights = weights * (size.astype(np.float64) ** -settings.patient_weight_power)[group]
    weights[np.char.startswith(beats.records, f"{STRIPS}/")] *= settings.strip_weight
    for noisy in ("nstdb/", "noise:"):
        weights[np.char.startswith(beats.records, noisy)] *= settings.noise_weight
    weights *= np.array(settings.label_weights or [1.0] * len(LABELS))[labels]
    normalized: npt.NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return normalized


def oversample(data: Examples, share: float, seed: int) -> Examples:
    """Oversample rare classes with SMOTE to `share` of the most frequent class. For training beats only.

    Returns
    -------
    Examples
        The beats of `data`, then the synthetic ones on the same int8 grid, with the mean weight of a class.
    """
    from imblearn.over_sampling import SMOTE  # late: takes seconds, and few recipes need it

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
    added = np.zeros(len(labels) - len(data.labels), bool)
    return Examples(beat, rhythm, labels, weights, np.concatenate([data.any_conduction, added]))


def repeat(data: Examples, share: float, seed: int) -> Examples:
    """Repeat beats of rare classes, drawn at random, to `share` of the most frequent class.

    Returns
    -------
    Examples
        The beats of `data`, then the repeated ones. Augmentation varies each copy anew.
    """
    counts, random = np.bincount(data.labels, minlength=len(LABELS)), np.random.default_rng(seed)
    wanted = np.maximum(counts, round(share * counts.max()))
    drawn = [
        random.choice(np.flatnonzero(data.labels == label), wanted[label] - counts[label])
        for label in range(len(LABELS))
        if counts[label]
    ]
    order = np.concatenate([np.arange(len(data.labels)), *drawn]).astype(np.intp)
    return Examples(
        data.beat[order],
        data.rhythm[order],
        data.labels[order],
        data.weights[order],
        data.any_conduction[order],
    )


def make_repeatable(seed: int) -> None:
    """Seed Python, numpy and TensorFlow, and allow TensorFlow no operation that is not deterministic."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def save(network: KerasModel, path: Path) -> None:
    """Save a network in Keras's own format; the folder is made when missing."""
    with replacing(path) as partial:
        network.save(partial)


def is_finite(network: KerasModel) -> bool:
    return all(np.isfinite(weights).all() for weights in network.get_weights())


def _history(network: KerasModel, beats: Beats, missing: Sequence[str]) -> History:
    counts = np.bincount(beats.labels, minlength=len(LABELS)).tolist()
    return {
        "missing_databases": list(missing),
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
