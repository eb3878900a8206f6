"""Channels scaled to their whole range: the same float network, and int8 closer to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge.training.beats import dequantize
from ecg_edge.training.recipes import Model, Recipe, Training
from tests.support.made_beats import made_beats

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tf_keras")

BEATS = made_beats(600, seed=1)
INPUTS = dequantize(BEATS.beat, BEATS.rhythm)


@pytest.fixture(scope="module")
def network() -> Any:
    from ecg_edge.training import train

    model = Model(filters=(8, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=8, head_units=8)
    recipe = Recipe("trial", model=model, training=Training(epochs=4, batch_size=16, learning_rate=0.01))
    return train.fit(recipe, BEATS)


@pytest.fixture(scope="module")
def uneven(network: Any) -> Any:
    """The same network with its channels a hundredth to all of their size, and one that is silent."""
    import tf_keras as keras

    changed: Any = keras.models.clone_model(network)
    changed.set_weights(network.get_weights())
    for name, reader in (("normalization_1", "convolution_2"), ("rhythm_dense", "head"), ("head", "logits")):
        layer, after = changed.get_layer(name), changed.get_layer(reader)
        factors = np.geomspace(0.01, 1, 8).astype(np.float32)
        own, (kernel, *rest) = layer.get_weights(), after.get_weights()
        if name == "normalization_1":
            layer.set_weights([own[0] * factors, own[1] * factors, *own[2:]])
        else:
            layer.set_weights([weights * factors for weights in own])
        factors = np.concatenate([np.ones(8, np.float32), factors]) if reader == "head" else factors
        after.set_weights([kernel / factors[:, None], *rest])
    kernel, bias = changed.get_layer("head").get_weights()
    kernel[:, 3], bias[3] = 0, -1
    changed.get_layer("head").set_weights([kernel, bias])
    return changed


def test_the_float_network_stays_the_same(uneven: Any) -> None:
    from ecg_edge.quantize.equalize import equalize_channels

    before = uneven.get_weights()
    found = equalize_channels(uneven, INPUTS).predict(list(INPUTS))
    assert found == pytest.approx(uneven.predict(list(INPUTS), verbose=0), abs=1e-4)
    assert all(np.array_equal(a, b) for a, b in zip(before, uneven.get_weights(), strict=True))


def test_every_channel_reaches_the_largest_of_its_tensor(uneven: Any) -> None:
    import tf_keras as keras

    from ecg_edge.quantize.equalize import _MOST, equalize_channels
    from ecg_edge.training.networks import LIMIT

    scaled: Any = equalize_channels(uneven, INPUTS)

    def largest(network: Any, name: str) -> Any:
        part = keras.Model(network.inputs, network.get_layer(name).output)
        outputs = part.predict(list(INPUTS), verbose=0)
        return outputs.reshape(-1, outputs.shape[-1]).max(axis=0)

    for name, wanted in (("relu_1", LIMIT), ("relu_2", LIMIT), ("head", largest(uneven, "head").max())):
        before, after = largest(uneven, name), largest(scaled, name)
        assert after == pytest.approx(np.minimum(wanted, before * _MOST), rel=1e-3), name
        assert (after[before == 0] == 0).all()


def test_int8_comes_closer_to_an_uneven_network(uneven: Any, tmp_path: Path) -> None:
    from ecg_edge.quantize import int8
    from ecg_edge.quantize.bundle.engines import BEAT_INPUTS, beat_inputs
    from ecg_edge.quantize.equalize import equalize_channels
    from ecg_edge.quantize.reference import run_litert

    wanted = uneven.predict(list(INPUTS), verbose=0)
    calibration = dict(
        zip(BEAT_INPUTS, dequantize(*int8.with_extremes(BEATS.beat, BEATS.rhythm)), strict=True)
    )

    def differing(network: Any) -> float:
        path = tmp_path / "model.tflite"
        path.write_bytes(int8.convert(network, calibration))
        labels = run_litert(path, beat_inputs(BEATS.features)).argmax(axis=1)
        return float(np.mean(labels != wanted.argmax(axis=1)))

    assert differing(equalize_channels(uneven, INPUTS)) < differing(uneven) / 2


def test_a_network_of_other_layers_is_copied_as_it_is() -> None:
    import tf_keras as keras

    from ecg_edge.quantize.equalize import equalize_channels

    beat, rhythm = keras.Input((1, 128, 2), name="beat"), keras.Input((27,), name="rhythm")
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, (1, 8))(beat))
    joined = keras.layers.Concatenate()([pooled, keras.layers.Dense(4)(rhythm)])
    own: Any = keras.Model([beat, rhythm], keras.layers.Dense(5, name="logits")(joined))
    found = equalize_channels(own, INPUTS).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(found, own.get_weights(), strict=True))
