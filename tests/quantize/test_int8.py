"""The int8 network: the signal path's scales at its inputs, few operators, the float network's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge.ecg.errors import BundleError
from ecg_edge.quantize.codegen.flatbuffer import read_network
from ecg_edge.training.recipes import Model, Recipe, Training
from tests.support.made_beats import made_beats

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tf_keras")


@pytest.fixture(scope="module")
def network() -> Any:
    from ecg_edge.training import train

    model = Model(filters=(8, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=8, head_units=8)
    recipe = Recipe("trial", model=model, training=Training(epochs=6, batch_size=16, learning_rate=0.01))
    return train.fit(recipe, made_beats(600, seed=1))


@pytest.fixture(scope="module")
def model_path(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from ecg_edge.quantize.int8 import quantize_network

    path = tmp_path_factory.mktemp("int8") / "model.tflite"
    path.write_bytes(quantize_network(network, made_beats(600, seed=1), 200, seed=1))
    return path


def test_inputs_have_the_signal_path_s_scales_although_no_beat_reaches_them(model_path: Path) -> None:
    network = read_network(model_path)
    for name, scale, shape in (("beat", 1 / 20, (1, 1, 128, 2)), ("rhythm", 1 / 64, (1, 27))):
        tensor = network.tensors[network.inputs[name]]
        assert tensor.quantization is not None
        assert tensor.quantization.scales.tolist() == [pytest.approx(scale, rel=1e-6)]
        assert tensor.quantization.zero_points.tolist() == [0]
        assert tuple(tensor.shape) == shape


def test_other_scales_are_refused(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecg_edge.quantize import int8

    monkeypatch.setattr(int8, "with_extremes", lambda beat, rhythm: (beat, rhythm))
    with pytest.raises(BundleError, match=r"input beat .*scale .* signal path .* 0\.05"):
        int8.quantize_network(network, made_beats(600, seed=1), 200, seed=1)


def test_operators_are_those_that_the_generator_knows(model_path: Path) -> None:
    operators = {operator.name for operator in read_network(model_path).operators}
    assert operators == {"CONV_2D", "MEAN", "FULLY_CONNECTED", "CONCATENATION"}


def test_int8_predicts_as_float_does(network: Any, model_path: Path) -> None:
    from ecg_edge.quantize.evaluate import int8_engine
    from ecg_edge.training.metrics import float_engine

    beats = made_beats(500, seed=2)
    expected, predicted = float_engine(network)(beats), int8_engine(model_path)(beats)
    assert np.mean(expected == beats.labels) > 0.95
    assert np.mean(predicted == expected) > 0.98


def test_int8_is_scored_by_litert_where_there_is_no_tflm(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ecg_edge.quantize.bundle import engines
    from ecg_edge.quantize.evaluate import int8_engine

    beats = made_beats(200, seed=3)
    here = int8_engine(model_path)(beats)
    monkeypatch.setattr(engines, "tflm_available", lambda: False)
    # Some of LiteRT's reference kernels requantize in floating point: 1 LSB at times, so a tie may turn.
    assert np.mean(int8_engine(model_path)(beats) == here) >= 0.99


def test_the_extremes_are_in_one_beat_only() -> None:
    from ecg_edge.quantize.int8 import with_extremes

    beat, rhythm = np.zeros((3, 128, 2), np.int8), np.zeros((3, 27), np.int8)
    changed, changed_rhythm = with_extremes(beat, rhythm)
    assert (changed.min(), changed.max()) == (changed_rhythm.min(), changed_rhythm.max()) == (-128, 127)
    assert np.count_nonzero(changed) == np.count_nonzero(changed_rhythm) == 2
    assert not changed[1:].any() and not beat.any()
