"""Every operator's output of the generated C is TFLM's, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is not installed (Linux on x86-64 only)")

from harness import Compiled, compare, compare_batch
from random_networks import random_network

from ecg_edge.quantize.bench.reference import tflm_layers
from ecg_edge.quantize.codegen.generate import generate
from ecg_edge.quantize.codegen.lower import LOWERINGS
from ecg_edge.quantize.flatbuffer import parse_network

NETWORKS = Path(__file__).parent / "networks"
BATCHES, BATCH = 9, 128  # of networks of all operators; test_kernels_rows.py has as many of convolutions


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
