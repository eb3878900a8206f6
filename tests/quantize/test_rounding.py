"""Weights on the grid of int8: the largest and the zeros stay, and the logits' distances change least."""

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


def smooth_changes(count: int, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """What outputs change by with each of `count` parameters, neighbours alike; shape (4000, count)."""
    steps = random.standard_normal((4000, count))
    return np.asarray(np.cumsum(steps, axis=1) / 3 + 1.0)


def moments_of(changes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(changes.T @ changes / len(changes))


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(0, 20), st.integers(0, 3))
def test_weights_are_on_their_grid(seed: int, count: int, zeros: int, free: int) -> None:
    from ecg_edge.quantize.rounding import round_to_grid

    random = np.random.default_rng(seed)
    weights = random.uniform(-127, 127, count)
    weights[random.permutation(count)[:zeros]] = 0
    weights[random.integers(count)] = random.choice([-127, 127])
    found, moved = round_to_grid(weights, moments_of(smooth_changes(count + free, random)))
    assert np.array_equal(found, np.rint(found)) and np.abs(found).max() == 127
    assert (found[weights == 0] == 0).all()
    assert np.array_equal(found[np.abs(weights) == 127], weights[np.abs(weights) == 127])
    assert moved.shape == (free,)


def test_outputs_change_less_than_by_plain_rounding() -> None:
    from ecg_edge.quantize.rounding import round_to_grid

    random = np.random.default_rng(1)
    ratios = []
    for _ in range(20):
        weights, changes = random.uniform(-127, 127, 35), smooth_changes(35, random)
        found, _ = round_to_grid(weights, moments_of(changes[:2000]))
        plain = np.square(changes[2000:] @ (np.rint(weights) - weights)).mean()
        ratios.append(np.square(changes[2000:] @ (found - weights)).mean() / plain)
    assert np.median(ratios) < 0.1  # of the squared error, where it has not looked


def test_what_has_no_grid_makes_up_for_what_is_left() -> None:
    from ecg_edge.quantize.rounding import round_to_grid

    weights = np.array([0.4, 5.3, -2.2])
    found, moved = round_to_grid(weights, np.ones((4, 4)) + 1e-6 * np.eye(4))  # all move the outputs alike
    assert moved == pytest.approx([(weights - found).sum()], abs=0.02)
    assert abs((weights - found).sum()) <= 0.5


def test_parameters_without_any_effect_do_no_harm() -> None:
    from ecg_edge.quantize.rounding import round_to_grid

    weights = np.array([63.4, -127.0, 31.6, 0.0])
    found, moved = round_to_grid(weights, np.zeros((6, 6)))
    assert found.tolist() == [63, -127, 32, 0] and moved.tolist() == [0, 0]


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


def test_margins_change_less_than_by_plain_rounding(network: Any) -> None:
    from tf_keras.models import clone_model

    from ecg_edge.quantize.rounding import round_weights
    from ecg_edge.training.beats import dequantize

    def inputs(seed: int) -> list[np.ndarray[Any, Any]]:
        beats = made_beats(600, seed=seed)
        return list(dequantize(beats.beat, beats.rhythm))

    def change(other: Any) -> float:
        before, after = (model.predict(inputs(2), verbose=0) for model in (network, other))
        order = np.argsort(-before, axis=1)[:, :2]
        first, second = np.take_along_axis(after - before, order, axis=1).T
        return float(np.square(first - second).mean())

    plain = clone_model(network)
    weights = network.get_weights()
    kernels = [layer.kernel.name for layer in network.layers if hasattr(layer, "kernel")]
    for place, variable in enumerate(network.weights):
        if variable.name in kernels:
            steps = np.abs(weights[place]).max(axis=tuple(range(weights[place].ndim - 1))) / 127
            weights[place] = np.rint(weights[place] / steps) * steps
    plain.set_weights(weights)
    assert change(round_weights(network, inputs(1))) < change(plain) / 4


def test_gradients_are_those_of_the_margin(network: Any) -> None:
    from tf_keras.models import clone_model

    from ecg_edge.quantize import rounding
    from ecg_edge.training.beats import dequantize

    beats = made_beats(40, seed=3)
    inputs = list(dequantize(beats.beat, beats.rhythm))
    copy = clone_model(network)
    copy.set_weights(network.get_weights())
    (rows,) = rounding._gradients(copy, inputs)
    kernels, free = rounding._parameters(copy)

    def margins() -> np.ndarray[Any, Any]:
        two = np.sort(copy.predict(inputs, verbose=0), axis=1)
        return np.asarray(two[:, -1] - two[:, -2])

    place, random = 0, np.random.default_rng(1)
    for variable in kernels + free:
        values = variable.numpy()
        by = 2e-4 * random.standard_normal(values.shape).astype(np.float32)
        variable.assign(values + by)
        above = margins()
        variable.assign(values - by)
        change = (above - margins()) / 2
        variable.assign(values)
        told = rows[:, place : place + by.size] @ by.reshape(-1)
        place += by.size
        assert np.corrcoef(change, told)[0, 1] > 0.97, variable.name
        assert np.abs(change - told).mean() < 0.1 * np.abs(told).mean() + 1e-6, variable.name
    assert place == rows.shape[1]


def test_close_beats_are_those_near_a_border(network: Any) -> None:
    from ecg_edge.quantize.int8 import close_beats
    from ecg_edge.training.beats import dequantize

    def margin(beats: Any) -> float:
        logits = np.sort(network.predict(list(dequantize(beats.beat, beats.rhythm)), verbose=0), axis=1)
        return float(np.median(logits[:, -1] - logits[:, -2]))

    beats = made_beats(600, seed=1)
    close = close_beats(network, beats, 100, seed=1)
    assert len(close) == 100 and len({beat.tobytes() for beat in close.features}) == 100
    assert margin(close) < margin(beats) / 1.5
    assert close_beats(network, beats, 600, seed=1) is beats


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
