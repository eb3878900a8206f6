"""Weights on the grid of int8: the largest and the zeros stay, and the layer's output changes least."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_edge.training.recipes import Model, Recipe, Training
from tests.support.made_beats import made_beats

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tf_keras")


def smooth_inputs(count: int, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Inputs whose neighbours move together, as the samples of a beat do; shape (4000, count)."""
    steps = random.standard_normal((4000, count))
    return np.asarray(np.cumsum(steps, axis=1) / 3 + 1.0)


def plain(weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    step = np.abs(weights).max() / 127
    return np.asarray(np.rint(weights / step) * step)


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(0, 20))
def test_a_channel_is_on_its_grid(seed: int, count: int, zeros: int) -> None:
    from ecg_edge.quantize.rounding import round_channel

    random = np.random.default_rng(seed)
    weights = random.standard_normal(count)
    weights[random.permutation(count)[:zeros]] = 0
    inputs = smooth_inputs(count, random)
    found = round_channel(weights, inputs.T @ inputs / len(inputs))
    largest = np.abs(weights).max()
    steps = found / (largest / 127 or 1)
    assert np.allclose(steps, np.rint(steps), atol=1e-6) and np.abs(steps).max() < 127.5
    assert (found[weights == 0] == 0).all()
    assert found[np.abs(weights).argmax()] == pytest.approx(weights[np.abs(weights).argmax()])


def test_the_output_changes_less_than_by_plain_rounding() -> None:
    from ecg_edge.quantize.rounding import round_channel

    random = np.random.default_rng(1)
    ratios = []
    for _ in range(20):
        weights, inputs = random.standard_normal(35), smooth_inputs(35, random)
        own, others = inputs[:2000], inputs[2000:]
        found = round_channel(weights, own.T @ own / len(own))
        ratios.append(
            np.square(others @ (found - weights)).mean()
            / np.square(others @ (plain(weights) - weights)).mean()
        )
    assert np.median(ratios) < 0.5  # of the squared error, on inputs that it has not seen


def test_inputs_that_are_always_zero_do_no_harm() -> None:
    from ecg_edge.quantize.rounding import round_channel

    weights = np.array([0.5, -1.0, 0.25])
    found = round_channel(weights, np.zeros((3, 3)))
    assert found == pytest.approx(plain(weights))


@pytest.fixture(scope="module")
def network() -> Any:
    from ecg_edge.training import train

    model = Model(filters=(8, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=8, head_units=8)
    recipe = Recipe("trial", model=model, training=Training(epochs=4, batch_size=16, learning_rate=0.01))
    return train.fit(recipe, made_beats(600, seed=1))


def test_the_converter_changes_the_rounded_weights_no_further(network: Any) -> None:
    from ecg_edge.quantize.bundle.engines import BEAT_INPUTS
    from ecg_edge.quantize.codegen.flatbuffer import parse_network
    from ecg_edge.quantize.int8 import convert
    from ecg_edge.quantize.rounding import round_weights
    from ecg_edge.training.beats import dequantize

    beats = made_beats(600, seed=1)
    inputs = dequantize(beats.beat, beats.rhythm)
    before = network.get_weights()
    rounded: Any = round_weights(network, inputs)
    parsed = parse_network(convert(rounded, dict(zip(BEAT_INPUTS, inputs, strict=True))))
    kernels = [tensor.data for tensor in parsed.tensors if tensor.data is not None and tensor.dtype == "int8"]
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
    names = ("convolution_1", "convolution_2", "rhythm_dense", "head", "logits")
    for name in names:
        kernel = rounded.get_layer(name).get_weights()[0]
        steps = np.moveaxis(kernel / (np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1))) / 127), -1, 0)
        same = [k for k in kernels if k.size == steps.size and _equal(k.reshape(steps.shape), steps)]
        assert len(same) == 1, name


def _equal(found: np.ndarray[Any, Any], steps: np.ndarray[Any, Any]) -> bool:
    """True for the same steps; batch normalization may turn the sign of a channel."""
    flat, wanted = (
        found.reshape(len(found), -1).astype(int),
        np.rint(steps).astype(int).reshape(len(steps), -1),
    )
    return all(np.array_equal(a, b) or np.array_equal(a, -b) for a, b in zip(flat, wanted, strict=True))


def test_the_int8_logits_are_the_float_ones_on_average_and_half_a_step_more_for_others_than_n(
    network: Any,
) -> None:
    from ecg_edge.quantize.codegen.flatbuffer import parse_network
    from ecg_edge.quantize.int8 import logits_shift, quantize_network
    from ecg_edge.training.beats import dequantize

    beats = made_beats(600, seed=1)
    wanted = network.predict(list(dequantize(beats.beat, beats.rhythm)), verbose=0)
    flatbuffer = quantize_network(network, beats, 200, seed=1)
    parsed = parse_network(flatbuffer)
    quantization = parsed.tensors[parsed.output_order[0]].quantization
    assert quantization is not None
    left = logits_shift(flatbuffer, beats, wanted) / quantization.scales[0]
    assert np.abs(left).max() < 0.15  # of a step
