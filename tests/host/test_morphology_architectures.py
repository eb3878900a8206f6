"""The architectures that are compared: their size and work, and what the device can run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecg_edge.training.morphology.dataset import generate_set, training_ranges
from ecg_edge.training.morphology.recipe import MorphologyRecipe, load_morphology_recipe
from ecg_edge.training.recipes import SHIPPED

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow_model_optimization")
pytest.importorskip("tflite_micro", reason="TFLM's wheel runs the int8 networks")


@pytest.fixture(scope="module")
def recipe() -> MorphologyRecipe:
    loaded = load_morphology_recipe(SHIPPED / "morphology.toml")
    return replace(loaded, training=replace(loaded.training, epochs=1, batch_size=16))


def test_work_of_each_kind_of_layer_is_counted(recipe: MorphologyRecipe) -> None:
    from ecg_edge.host.pipeline.morphology import architectures
    from ecg_edge.training.networks import multiply_accumulates

    shipped = architectures.shipped(recipe)
    assert architectures.multiply_accumulates(shipped) == multiply_accumulates(shipped)
    lstm = architectures.cnn_lstm(recipe)
    stem = 450 * 7 * 12 + 225 * 5 * 12 * 16 + 113 * 5 * 16 * 24 + 57 * 5 * 24 * 32
    assert architectures.multiply_accumulates(lstm) == stem + 57 * 4 * 48 * (32 + 48) + 48 * 5


def test_the_shipped_network_runs_on_the_device(recipe: MorphologyRecipe) -> None:
    from ecg_edge.host.pipeline.morphology import architectures

    ranges = training_ranges(recipe.data)
    own, held = generate_set("train", 6, ranges), generate_set("validation", 2, ranges)
    row = architectures.compare_strips("CNN, mean and maximum (shipped)", recipe, own, held, held)
    assert (row["tflm"], row["generated_c"]) == ("runs", "runs")
    assert row["int8_accuracy"] is not None


def test_answers_of_beats_are_summed_to_strips(recipe: MorphologyRecipe) -> None:
    from ecg_edge.host.pipeline.morphology import architectures

    ranges = training_ranges(recipe.data)
    beats = architectures.beat_set("test", 2, ranges)
    assert set(beats.strip.tolist()) <= set(range(10))
    right = np.eye(5, dtype=np.float32)[beats.labels]
    found = architectures._strip_accuracy(right, beats, 2)
    assert found == len(set(beats.strip.tolist())) / 10
