"""Every operator's output of the generated C is TFLM's, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is not installed (Linux on x86-64 only)")

from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from ecg_edge.quantize.bench.measure import NETWORKS
from ecg_edge.quantize.bench.reference import tflm_layers
from ecg_edge.quantize.codegen.flatbuffer import parse_network
from ecg_edge.quantize.codegen.generate import generate
from ecg_edge.quantize.codegen.ir import KernelVariant, Records
from ecg_edge.quantize.codegen.lower import LOWERINGS
from tests.support.harness import Compiled, compare, compare_batch
from tests.support.random_networks import SAME, Builder, options, random_network

BATCHES, BATCH = 5, 128  # of networks of all operators; test_kernels_rows.py has as many of convolutions


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_networks_give_tflms_bytes(batch: int, tmp_path: Path) -> None:
    compare_batch(random_network, range(batch * BATCH, (batch + 1) * BATCH), tmp_path)


def test_random_networks_hold_every_operator() -> None:
    seen = set()
    for seed in range(BATCH):
        network = parse_network(random_network(seed))
        seen |= {operator.name for operator in network.operators}
    assert seen == set(LOWERINGS)


@pytest.mark.parametrize("name", ["conv", "sep"])
def test_converted_conv1d_networks_give_tflms_bytes(name: str, tmp_path: Path) -> None:
    model = (NETWORKS / f"{name}.tflite").read_bytes()
    compiled = Compiled([generate(model, name)], tmp_path)
    rng = np.random.default_rng(7)
    for _ in range(50):
        compare(model, compiled, 0, rng)


def test_widest_accumulators_give_tflms_bytes(tmp_path: Path) -> None:
    models = [random_network(seed, operators=2) for seed in range(5000, 5024)]
    compiled = Compiled([generate(model) for model in models], tmp_path)
    for number, model in enumerate(models):
        network = compiled.networks[number].program.network
        for value in (-128, 127):
            inputs = {
                name: np.full(network.tensors[i].elements, value, np.int8)
                for name, i in network.inputs.items()
            }
            expected = tflm_layers(model, compiled.networks[number], inputs)
            for ours, reference in zip(compiled.run(number, inputs), expected, strict=True):
                np.testing.assert_array_equal(ours, reference)


def test_channels_without_weights_give_tflms_bytes(tmp_path: Path) -> None:
    """As converters write them: with a scale of 1, or one at which the bias is 2^30."""
    b = Builder(0)
    source = b.input((1, 1, 12, 2), 0.03, 15)
    data = b.rng.integers(-127, 128, (5, 1, 3, 2)).astype(np.int8)
    data[[1, 3, 4]] = 0
    scales = np.array([0.003, 1.0, 0.003, 1e-8, 1.0], np.float32)
    weights = b.tensor(data.shape, scales, np.zeros(5), data=data)
    bias = b.tensor(
        (5,),
        scales * np.float32(0.03),
        np.zeros(5),
        dtype=schema.TensorType.INT32,
        data=np.array([100, 3, -100, 1 << 30, -1000], np.int32),
    )
    settings = options("Conv2DOptions", padding=SAME, strideH=1, strideW=1)
    settings.dilationHFactor = settings.dilationWFactor = 1
    output = b.activation((1, 1, 12, 5), 0.012, -20)
    model = b.finish([b.operator("CONV_2D", [source.index, weights, bias], output, settings)])
    generated = generate(model)
    tables = generated.programs[KernelVariant.HELIUM].tables
    channels = next(table.values for table in tables if table.name.endswith("channels"))
    assert isinstance(channels, Records)
    assert np.all(channels.values[:, 2] < 0)
    compare(model, Compiled([generated], tmp_path), 0, np.random.default_rng(1))
