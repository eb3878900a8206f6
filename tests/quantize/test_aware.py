"""Quantization-aware training: it moves the weights, keeps the zeros, and leaves the given network alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ecg_edge.training.recipes import Model, Prune, Quantize, Recipe, Training
from tests.support.made_beats import made_beats

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow_model_optimization")

RECIPE = Recipe(
    "trial",
    model=Model(filters=(8, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=8, head_units=8),
    training=Training(epochs=4, batch_size=16, learning_rate=0.01, average=0.9),
    prune=Prune(sparsity=0.5, epochs=2),
    quantize=Quantize(calibration_beats=50, aware_epochs=2),
)


@pytest.fixture(scope="module")
def pruned() -> tuple[Any, Any]:
    from ecg_edge.quantize.prune import prune_network
    from ecg_edge.training import train

    examples = train.examples(RECIPE, made_beats(300))
    return prune_network(train.fit(RECIPE, made_beats(300)), RECIPE, examples), examples


def test_weights_move_and_zeros_stay(pruned: tuple[Any, Any]) -> None:
    from ecg_edge.quantize.aware import train_aware
    from ecg_edge.quantize.prune import sparsity

    network, examples = pruned
    before = [weight.copy() for weight in network.get_weights()]
    aware = train_aware(network, RECIPE, examples)
    assert [weight.name for weight in aware.weights] == [weight.name for weight in network.weights]
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(before, aware.get_weights(), strict=True))
    kept = sparsity(network)
    assert all(sparsity(aware)[name] >= share for name, share in kept.items()) and kept["head"] > 0.4


def test_its_int8_network_has_the_inputs_of_the_signal_path(pruned: tuple[Any, Any]) -> None:
    from ecg_edge.quantize.aware import train_aware
    from ecg_edge.quantize.codegen.generate import generate
    from ecg_edge.quantize.int8 import quantize_network

    network, examples = pruned
    flatbuffer = quantize_network(train_aware(network, RECIPE, examples), made_beats(300), 50, 1)
    assert generate(flatbuffer).program.macs > 0  # quantize_network has checked the scales


def test_without_epochs_the_network_stays(pruned: tuple[Any, Any]) -> None:
    from ecg_edge.quantize.aware import train_aware

    network, examples = pruned
    recipe = replace(RECIPE, quantize=replace(RECIPE.quantize, aware_epochs=0))
    assert train_aware(network, recipe, examples) is network
