"""Training: repeatable, within its limits, and never with SMOTE on the test set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge import firmware
from ecg_edge.ecg.errors import RecipeError
from ecg_edge.training.beats import ANY_CONDUCTION, Beats
from ecg_edge.training.datasets import evaluation_sets, training_beats
from ecg_edge.training.progress import Progress
from ecg_edge.training.recipes import Augment, Data, Model, Prune, Quantize, Recipe, Training
from ecg_edge.training.runs import Run, RunFolder
from tests.support.made_beats import made_beats

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tf_keras")

RECIPE = Recipe(
    "trial",
    data=Data(database="synth", peaks="annotated"),
    model=Model(filters=(4, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=4, head_units=8),
    training=Training(epochs=2, batch_size=64, smote=0.2),
    augment=Augment(time_stretch=0.1, shift=2.0, amplitude=0.1, wander=0.1, noise=0.1, rhythm=0.05),
    prune=Prune(sparsity=0.5, epochs=2),
    quantize=Quantize(calibration_beats=100),
)


RECIPE_OF_ANY_CONDUCTION = Recipe("any", data=Data(any_conduction=True))


@pytest.fixture(scope="module")
def train() -> Any:
    from ecg_edge.training import train

    return train


def test_the_same_recipe_gives_the_same_weights(train: Any, synthetic_root: Path) -> None:
    beats = training_beats(RECIPE, synthetic_root)
    first, again = (train.fit(RECIPE, beats).get_weights() for _ in range(2))
    other = train.fit(replace(RECIPE, seed=2), beats).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_beat_of_any_conduction_may_be_n_l_or_r(train: Any) -> None:
    logits = np.array([[0.0, 4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 4.0, 0.0]], np.float32)
    beats = made_beats(2)
    data = train.examples(
        RECIPE_OF_ANY_CONDUCTION, Beats(beats.features, np.array([ANY_CONDUCTION, "N"]), beats.records)
    )
    np.testing.assert_array_equal(data.targets, [[1, 1, 1, 0, 0], [1, 0, 0, 0, 0]])
    loss = train.accepted_cross_entropy(data.targets, logits).numpy()
    share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert loss[0] == pytest.approx(-np.log(share[0, :3].sum()), abs=1e-5)
    assert loss[1] == pytest.approx(-np.log(share[1, 0]), abs=1e-5)


def test_smote_fills_rare_classes_from_the_training_set_alone(train: Any, synthetic_root: Path) -> None:
    beats = training_beats(RECIPE, synthetic_root)
    data, given = train.examples(RECIPE, beats), len(beats)
    counts = np.bincount(data.labels)
    assert counts.min() >= round(0.2 * counts.max())
    assert len(data.labels) == len(data.weights) > given
    np.testing.assert_array_equal(data.beat[:given], beats.beat)
    np.testing.assert_array_equal(data.rhythm[:given], beats.rhythm)
    # A synthetic beat lies between two training beats of its class, never beyond them.
    for label in np.unique(data.labels[given:]):
        own = beats.beat[beats.labels == label]
        made = data.beat[given:][data.labels[given:] == label]
        assert (made >= own.min(0)).all() and (made <= own.max(0)).all()


def test_the_test_set_is_the_same_with_and_without_smote(synthetic_root: Path) -> None:
    plain = replace(RECIPE, training=replace(RECIPE.training, smote=0.0))
    for with_smote, without in zip(
        evaluation_sets(RECIPE, synthetic_root), evaluation_sets(plain, synthetic_root), strict=True
    ):
        np.testing.assert_array_equal(with_smote.beats.features, without.beats.features)


def test_repeated_beats_fill_rare_classes(train: Any, synthetic_root: Path) -> None:
    recipe = replace(RECIPE, training=replace(RECIPE.training, smote=0.0, repeat=0.5))
    beats = training_beats(recipe, synthetic_root)
    data, given = train.examples(recipe, beats), len(beats)
    counts = np.bincount(data.labels)
    assert counts.min() >= round(0.5 * counts.max())
    np.testing.assert_array_equal(data.beat[:given], beats.beat)
    own = {row.tobytes() for row in beats.beat}
    assert all(row.tobytes() in own for row in data.beat[given:])


def test_held_out_patients_do_not_train(train: Any) -> None:
    records = np.repeat(["101", "nstdb/101", "svdb/800", "svdb/801", "103", "105"], 20)
    symbols = np.array([*"NNNNLRAVVN"] * 12)
    beats = Beats(np.zeros(120, firmware.BEAT_DTYPE), symbols, records)
    recipe = replace(RECIPE, data=Data(), training=replace(RECIPE.training, validation_folds=3))
    own, held = train.hold_out(recipe, beats)
    people = [{name.removeprefix("nstdb/") for name in part.records.tolist()} for part in (own, held)]
    assert people[0] and people[1] and not people[0] & people[1]
    assert len(own) + len(held) == 120


def test_training_stops_when_held_out_patients_gain_nothing(train: Any, synthetic_root: Path) -> None:
    settings = replace(RECIPE.training, epochs=12, patience=1, smote=0.0, learning_rate=0.05)
    recipe = replace(RECIPE, training=replace(settings, schedule="constant"))
    losses: list[float] = []
    network = train.fit(
        recipe,
        training_beats(recipe, synthetic_root),
        lambda epoch, of, figures: losses.append(figures["val_loss"]),
    )
    assert len(losses) < 12 and losses[-1] > min(losses)
    _, held = train.hold_out(recipe, training_beats(recipe, synthetic_root))
    inputs, targets, weights = train._validation(train._weighted(held, recipe))
    network.compile(loss=train._loss(replace(RECIPE, training=settings)))
    kept = network.evaluate(inputs, targets, sample_weight=weights, batch_size=4096, verbose=0)
    assert kept == pytest.approx(min(losses), rel=1e-3), "weights of the best epoch"


@pytest.mark.parametrize(
    "changed",
    [{"schedule": "one-cycle", "weight_decay": 0.05}, {"schedule": "constant"}, {"focal_gamma": 2.0}],
)
def test_schedules_and_losses_train(train: Any, synthetic_root: Path, changed: dict[str, Any]) -> None:
    beats = training_beats(RECIPE, synthetic_root)
    plain = replace(RECIPE, training=replace(RECIPE.training, smote=0.0))
    other = replace(plain, training=replace(plain.training, **changed))
    first, second = (train.fit(recipe, beats).get_weights() for recipe in (plain, other))
    assert all(np.isfinite(weights).all() for weights in second)
    assert not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("changed", [{}, {"focal_gamma": 2.0}, {"label_smoothing": 0.1}])
def test_the_loss_is_that_of_logits_without_the_offsets(train: Any, changed: dict[str, Any]) -> None:
    settings = replace(RECIPE.training, **changed)
    offset = replace(settings, label_offsets=(0.0, 2.0, 0.0, 0.0, -1.0))
    targets = np.eye(5, dtype=np.float32)[[0, 1, 4]]
    logits = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    weights = np.array([1.0, 2.0, 4.0], np.float32)

    import tf_keras as keras

    def loss_of(settings: Training, shown: Any) -> float:
        network = keras.Sequential([keras.layers.Input((5,)), keras.layers.Activation("linear")])
        network.compile(loss=train._loss(replace(RECIPE, training=settings)))
        return float(network.evaluate(shown, targets, sample_weight=weights, verbose=0))

    plain = loss_of(settings, logits)
    assert loss_of(offset, logits + np.array(offset.label_offsets, np.float32)) == pytest.approx(
        plain, rel=1e-5
    )
    assert loss_of(offset, logits) != pytest.approx(plain, rel=1e-3)


def test_offsets_change_the_last_bias_alone(train: Any, synthetic_root: Path) -> None:
    beats, offsets = training_beats(RECIPE, synthetic_root), (0.0, 2.0, 0.0, 0.0, -1.0)
    offset = replace(RECIPE, training=replace(RECIPE.training, label_offsets=offsets))
    *plain, bias = train.fit(RECIPE, beats).get_weights()
    *others, shifted = train.fit(offset, beats).get_weights()
    np.testing.assert_allclose(shifted - bias, offsets, atol=1e-3)
    for a, b in zip(plain, others, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-2)


def test_one_cycle_rises_and_falls(train: Any) -> None:
    rate = train._schedule("one-cycle", 0.1, 100)
    steps = [float(rate(step)) for step in range(101)]
    assert steps[0] == pytest.approx(0.004) and max(steps) == pytest.approx(0.1)
    assert steps.index(max(steps)) == 30 and steps[-1] == pytest.approx(0, abs=1e-6)


def weights_of(
    train: Any, counts: dict[tuple[str, str], int], **settings: Any
) -> dict[tuple[str, str], float]:
    """Weight of a beat by (record, symbol), for so many beats of each."""
    keys = [key for key, count in counts.items() for _ in range(count)]
    records, symbols = (np.array([key[i] for key in keys]) for i in range(2))
    beats = Beats(np.zeros(len(keys), firmware.BEAT_DTYPE), symbols, records)
    weights = train.beat_weights(beats, Training(**settings))
    assert weights.mean() == pytest.approx(1, rel=1e-5)
    return dict(zip(keys, weights.tolist(), strict=True))


def test_class_weights_favour_rare_classes_up_to_a_limit(train: Any) -> None:
    counts = {("1", "N"): 1000, ("1", "L"): 100, ("1", "R"): 100, ("1", "A"): 100, ("1", "V"): 1}
    weights = weights_of(train, counts, class_weight_power=0.5)
    assert weights["1", "L"] / weights["1", "N"] == pytest.approx(10**0.5, rel=1e-5)
    limited = weights_of(train, counts, class_weight_power=0.5, class_weight_limit=2.0)
    assert limited["1", "V"] / limited["1", "L"] < weights["1", "V"] / weights["1", "L"]
    assert set(weights_of(train, counts, class_weight_power=0.0).values()) == {1.0}


def test_strips_have_a_weight_of_their_own(train: Any) -> None:
    counts = {("1", "N"): 100, ("cinc2017/A00008", "N"): 100}
    weights = weights_of(train, counts, class_weight_power=0.0, strip_weight=0.25)
    assert weights["cinc2017/A00008", "N"] / weights["1", "N"] == pytest.approx(0.25, rel=1e-5)


def test_beats_in_noise_and_labels_have_weights_of_their_own(train: Any) -> None:
    counts = {("1", "N"): 100, ("1", "V"): 100, ("nstdb/1", "N"): 100, ("noise:svdb/1", "N"): 100}
    settings: dict[str, Any] = {"noise_weight": 4.0, "label_weights": (1.0, 1.0, 1.0, 1.0, 0.5)}
    weights = weights_of(train, counts, class_weight_power=0.0, **settings)
    assert weights["nstdb/1", "N"] / weights["1", "N"] == pytest.approx(4, rel=1e-5)
    assert weights["noise:svdb/1", "N"] / weights["1", "N"] == pytest.approx(4, rel=1e-5)
    assert weights["1", "V"] / weights["1", "N"] == pytest.approx(0.5, rel=1e-5)


def test_patient_weights_favour_patients_with_few_beats_of_a_class(train: Any) -> None:
    counts = {("1", "N"): 400, ("2", "N"): 100, ("1", "V"): 16, ("2", "V"): 4}
    weights = weights_of(train, counts, class_weight_power=0.0, patient_weight_power=1.0)
    sums = {key: weights[key] * count for key, count in counts.items()}
    assert len({round(total, 3) for total in sums.values()}) == 1
    half = weights_of(train, counts, class_weight_power=0.0, patient_weight_power=0.5)
    assert half["2", "V"] / half["1", "V"] == pytest.approx(2, rel=1e-5)


@pytest.mark.parametrize("name", ["nlrav", "nlrav-all", "nlrav-random", "nlrav-tiny", "synthetic"])
def test_networks_of_the_shipped_recipes_keep_to_their_limits(name: str) -> None:
    from ecg_edge.training import networks as models
    from ecg_edge.training.recipes import find_recipe, load_recipe

    network = models.build(load_recipe(find_recipe(name)).model)
    assert network.count_params() == load_recipe(find_recipe(name)).model.parameters <= 20_000
    assert models.multiply_accumulates(network) <= 200_000
    assert {tensor.name: tuple(tensor.shape[1:]) for tensor in network.inputs} == {
        "beat": (1, 128, 2),
        "rhythm": (27,),
    }
    assert tuple(network.output.shape[1:]) == (5,)
    assert network.layers[-1].activation.__name__ == "linear"


def test_a_network_beyond_the_limit_is_refused() -> None:
    from ecg_edge.training import networks as models

    with pytest.raises(RecipeError, match="parameters"):
        models.build(Model(filters=(64, 64, 64, 64)))


def test_a_whole_run_from_records_to_int8(train: Any, synthetic_root: Path, tmp_path: Path) -> None:
    """Every step from files on disk, as the commands do it."""
    from ecg_edge.quantize import int8, prune
    from ecg_edge.quantize.evaluate import evaluate
    from ecg_edge.training.recipes import load_recipe

    epochs: list[tuple[int, int]] = []
    run = Run(RECIPE, synthetic_root, RunFolder(tmp_path))
    history = train.train(run, Progress(on_epoch=lambda e, n, _: epochs.append((e, n))))
    assert epochs == [(1, 2), (2, 2)]
    assert load_recipe(tmp_path / "recipe.toml") == RECIPE
    assert sum(history["beats"].values()) == len(training_beats(RECIPE, synthetic_root))
    assert prune.prune(run)["head"] == pytest.approx(0.5, abs=0.02)
    int8.quantize(run)
    rows = evaluate(run)
    assert [(row["peaks"], row["engine"]) for row in rows] == [
        (peaks, engine) for peaks in ("annotated", "detected") for engine in ("float", "pruned float", "int8")
    ]
    assert (tmp_path / "evaluation.json").is_file()


def test_a_training_that_diverges_is_an_error_and_saves_nothing(
    train: Any, synthetic_root: Path, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, training=replace(RECIPE.training, learning_rate=1e30))
    with pytest.raises(RecipeError, match="diverged"):
        train.train(Run(recipe, synthetic_root, RunFolder(tmp_path)))
    assert not (tmp_path / "train").exists()


@pytest.mark.parametrize("step", ["prune", "quantize", "evaluate"])
def test_a_step_without_the_one_before_says_which_command_makes_it(
    synthetic_root: Path, tmp_path: Path, step: str
) -> None:
    from ecg_edge.ecg.errors import EcgEdgeError
    from ecg_edge.quantize import int8, prune
    from ecg_edge.quantize.evaluate import evaluate

    action, needed = {
        "prune": (prune.prune, "train trial"),
        "quantize": (int8.quantize, "prune trial"),
        "evaluate": (evaluate, "quantize trial"),
    }[step]
    with pytest.raises(EcgEdgeError, match=f"ecg-edge {needed}"):
        action(Run(RECIPE, synthetic_root, RunFolder(tmp_path)))
