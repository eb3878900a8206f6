"""The two networks that engines are compared on are the ones that build_networks.py describes."""

from __future__ import annotations

from typing import Any

import pytest

from ecg_edge.quantize.bench.measure import NETWORKS
from ecg_edge.quantize.codegen.generate import generate

MACS = {"conv": 179_792, "sep": 138_224}


def shapes(model: bytes) -> list[tuple[Any, ...]]:
    """Operator, its options, and the shapes of its inputs and output, for each operator."""
    program = generate(model).program
    tensors = program.network.tensors
    return [
        (
            step.operator.name,
            step.operator.options,
            [tensors[index].shape for index in step.operator.inputs if index >= 0],
            tensors[step.operator.outputs[0]].shape,
            step.macs,
        )
        for step in program.steps
    ]


@pytest.mark.parametrize("name", MACS)
def test_multiply_accumulates(name: str) -> None:
    assert generate((NETWORKS / f"{name}.tflite").read_bytes()).program.macs == MACS[name]


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", MACS)
def test_committed_file_has_the_shapes_of_the_script(name: str) -> None:
    pytest.importorskip("tf_keras")
    from tests.support.build_networks import build

    assert shapes(build(name)) == shapes((NETWORKS / f"{name}.tflite").read_bytes())
