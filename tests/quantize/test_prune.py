"""Pruning makes the asked share of weights zero and leaves the given network alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ecg_edge.training.recipes import Model, Prune, Recipe, Training
from tests.support.made_beats import made_beats

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


def test_a_sparsity_of_0_leaves_the_network_as_it_is(trained: tuple[Recipe, Any, Any]) -> None:
    from ecg_edge.quantize.prune import prune_network

    recipe, network, examples = trained
    assert prune_network(network, replace(recipe, prune=Prune(sparsity=0.0)), examples) is network


def test_blocks_become_zero_together(trained: tuple[Recipe, Any, Any]) -> None:
    from ecg_edge.quantize.prune import prune_network, sparsity

    recipe, network, examples = trained
    recipe = replace(recipe, prune=replace(recipe.prune, block=4))
    pruned = prune_network(network, recipe, examples)
    shares = sparsity(pruned)
    assert shares.pop("logits") < 0.01
    for name in ("convolution_2", "head"):  # weights of a channel that divide by four
        kernel = pruned.get_layer(name).kernel.numpy()
        blocks = kernel.reshape(-1, 4, kernel.shape[-1])
        assert set(np.count_nonzero(blocks, axis=1).ravel().tolist()) == {0, 4}
        assert np.mean(blocks == 0) == pytest.approx(0.6, abs=0.03)
    assert np.array_equal(prune_network(network, recipe, examples).get_weights()[0], pruned.get_weights()[0])


@pytest.mark.parametrize("block", [1, 4])
def test_a_running_mean_of_the_weights_keeps_the_zeros(trained: tuple[Recipe, Any, Any], block: int) -> None:
    from ecg_edge.quantize.prune import prune_network, sparsity

    recipe, network, examples = trained
    prune, training = replace(recipe.prune, block=block), replace(recipe.training, average=0.9)
    pruned = prune_network(network, replace(recipe, prune=prune, training=training), examples)
    assert sparsity(pruned)["head"] == pytest.approx(0.6, abs=0.03)


def test_the_smallest_blocks_are_masked() -> None:
    from ecg_edge.quantize.prune import block_mask

    kernel = np.arange(1, 19, dtype=np.float32).reshape(1, 3, 3, 2)  # 9 taps of 2 channels: blocks of 4, 4, 1
    mask = block_mask(kernel, 4, 0.5)
    assert mask.shape == kernel.shape
    windows = mask.reshape(9, 2)
    # Sums of the blocks: 16, 48, 17 and 20, 52, 18.
    assert windows[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0]
    assert windows[:, 1].tolist() == [1, 1, 1, 1, 1, 1, 1, 1, 0]
    assert block_mask(kernel, 4, 0.0).min() == 1 and block_mask(kernel, 4, 1.0).max() == 0


def test_pruning_is_repeatable_and_keeps_what_was_learnt(trained: tuple[Recipe, Any, Any]) -> None:
    from ecg_edge.quantize.prune import prune_network
    from ecg_edge.training.beats import dequantize

    recipe, network, examples = trained
    first, again = (prune_network(network, recipe, examples) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), again.get_weights(), strict=True))
    predicted = first.predict(dequantize(examples.beat, examples.rhythm), verbose=0).argmax(1)
    assert np.mean(predicted == examples.labels) > 0.8
