"""The kernels on emulated ARM microcontrollers, with the DSP extension and without: TFLM's bytes on all."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is not installed (Linux on x86-64 only)")

import arm
from harness import random_inputs, tflm_layers
from random_networks import random_network

from ecg_edge.host.bundle import load_bundle
from ecg_edge.host.golden import load_golden
from ecg_edge.quantize.codegen.generate import Generated, generate

pytestmark = [
    pytest.mark.device,
    pytest.mark.skipif(shutil.which(arm.COMPILER) is None, reason=f"{arm.COMPILER} is not installed"),
    pytest.mark.skipif(shutil.which(arm.QEMU) is None, reason=f"{arm.QEMU} is not installed"),
]

NETWORKS = Path(__file__).parent / "networks"
SMALL_ARENA = 1200  # bytes: all networks of an image are in its memory at once


def random_case(number: int, model: bytes, generated: Generated, rng: np.random.Generator) -> arm.Case:
    """Random inputs of a network and TFLM's output of every layer."""
    inputs = random_inputs(generated, rng)
    ordered = [inputs[name] for name in generated.program.network.inputs]
    return arm.Case(number, ordered, tflm_layers(model, generated, inputs))


@pytest.mark.parametrize("board", [arm.M4, arm.M3, arm.M7, arm.M33], ids=lambda board: board.flags[0])
def test_random_networks_give_tflms_bytes(board: arm.Board, tmp_path: Path) -> None:
    models = [random_network(seed) for seed in range(9000, 9040)]
    generated = [generate(model) for model in models]
    small = [n for n, made in enumerate(generated) if made.plan.arena_bytes <= SMALL_ARENA]
    rng = np.random.default_rng(11)
    cases = [
        random_case(place, models[n], generated[n], rng) for place, n in enumerate(small) for _ in range(2)
    ]
    assert len(cases) > 40
    assert arm.run_on(board, [generated[n] for n in small], cases, tmp_path).differing == 0


@pytest.mark.parametrize("name", ["conv", "sep"])
def test_converted_conv1d_networks_give_tflms_bytes(name: str, tmp_path: Path) -> None:
    model = (NETWORKS / f"{name}.tflite").read_bytes()
    generated = generate(model)
    rng = np.random.default_rng(5)
    cases = [random_case(0, model, generated, rng) for _ in range(10)]
    assert arm.run_on(arm.M4, [generated], cases, tmp_path).differing == 0


def test_the_dsp_kernels_take_less_than_half_the_portable_ones_instructions(
    shipped_bundle: Path, tmp_path: Path
) -> None:
    bundle = load_bundle(shipped_bundle)
    model, golden = bundle.model_path.read_bytes(), load_golden(bundle)
    generated = generate(model)
    inputs = {"beat": golden.beat[0].reshape(-1), "rhythm": golden.rhythm[0]}
    case = arm.Case(0, list(inputs.values()), tflm_layers(model, generated, inputs))
    portable = arm.Board(
        arm.M4.machine, (*arm.M4.flags, "-DECG_NN_PORTABLE"), arm.M4.flash, arm.M4.ram, arm.M4.tick_hz
    )
    with_dsp, without = (
        arm.run_on(board, [generated], [case], tmp_path).instructions.sum() for board in (arm.M4, portable)
    )
    assert with_dsp < 0.5 * without
