"""Pruning makes the asked share of weights zero and leaves the given network alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_beats import made_beats

from ecg_edge.training.recipes import Model, Prune, Recipe, Training

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow_model_optimization")


@pytest.fixture(scope="module")
def trained() -> tuple[Recipe, Any, Any]:
    from ecg_edge.training import train

    recipe = Recipe(
        "trial",
        model=Model(filters=(8, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=8, head_units=8),
        training=Training(epochs=6, batch_size=16, learning_rate=0.01),
        prune=Prune(sparsity=0.6, epochs=3),
    )
    beats = made_beats(400)
    return recipe, train.fit(recipe, beats), train.examples(recipe, beats)


def test_every_layer_but_the_last_gets_the_asked_share_of_zeros(trained: tuple[Recipe, Any, Any]) -> None:
    from ecg_edge.quantize.prune import prune_network, sparsity

    recipe, network, examples = trained
    before = [weights.copy() for weights in network.get_weights()]
    pruned = prune_network(network, recipe, examples)
    shares = sparsity(pruned)
    assert set(shares) == {"convolution_1", "convolution_2", "rhythm_dense", "head", "logits", "all"}
    assert shares.pop("logits") < 0.01
    assert shares.pop("all") > 0.5
    assert all(abs(share - 0.6) < 0.03 for share in shares.values())
    assert sparsity(network)["all"] < 0.01
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
    assert [tensor.name for tensor in pruned.inputs] == ["beat", "rhythm"]


def test_pruning_is_repeatable_and_keeps_what_was_learnt(trained: tuple[Recipe, Any, Any]) -> None:
    from ecg_edge.quantize.prune import prune_network
    from ecg_edge.training.beats import real_values

    recipe, network, examples = trained
    first, again = (prune_network(network, recipe, examples) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), again.get_weights(), strict=True))
    said = first.predict(real_values(examples.beat, examples.rhythm), verbose=0).argmax(1)
    assert np.mean(said == examples.labels) > 0.8
