"""The kernels on emulated cores, in every form that they have: TFLM's bytes on all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is not installed (Linux on x86-64 only)")

from ecg_edge.quantize.bench.cores import CORES, M4, Core
from ecg_edge.quantize.bench.image import Case, run_on
from ecg_edge.quantize.bench.measure import NETWORKS
from ecg_edge.quantize.bench.reference import tflm_layers
from ecg_edge.quantize.bundle.golden import load_golden
from ecg_edge.quantize.bundle.manifest import load_bundle
from ecg_edge.quantize.codegen.generate import Generated, generate
from ecg_edge.quantize.codegen.ir import KernelVariant
from tests.support.harness import WARNINGS, random_inputs
from tests.support.random_networks import random_network
from tests.support.random_rows import few_positions_network, random_row_network, widest_row_network

pytestmark = pytest.mark.device

SMALL_ARENA = 1200  # bytes: all networks of an image are in its memory at once


def needs(core: Core) -> None:
    """Skip where the core's compiler or emulator is missing."""
    if core.missing():
        pytest.skip(f"{' and '.join(core.missing())} not installed")


def random_case(number: int, model: bytes, generated: Generated, rng: np.random.Generator) -> Case:
    """Random inputs of a network and TFLM's output of every layer."""
    inputs = random_inputs(generated, rng)
    ordered = [inputs[name] for name in generated.program.network.inputs]
    return Case(number, ordered, tflm_layers(model, generated, inputs))


@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_random_networks_give_tflms_bytes(core: Core, tmp_path: Path) -> None:
    needs(core)
    models = [random_network(seed) for seed in range(9000, 9015)]
    models += [random_row_network(seed) for seed in range(25)]
    # Every second one with all layers that can in the sparse form.
    generated = [
        generate(model, policy="always" if n % 2 else "cheapest", name=f"n{n}")
        for n, model in enumerate(models)
    ]
    small = [n for n, made in enumerate(generated) if made.plan.arena_bytes <= SMALL_ARENA]
    rng = np.random.default_rng(11)
    cases = [
        random_case(place, models[n], generated[n], rng) for place, n in enumerate(small) for _ in range(2)
    ]
    assert len(cases) > 60
    outcome = run_on(core, [generated[n] for n in small], cases, tmp_path, extra=WARNINGS)
    assert outcome.differing == 0


def test_xtensa_without_assembly_gives_tflms_bytes(tmp_path: Path) -> None:
    core = CORES["xtensa"]
    needs(core)
    models = [random_row_network(seed) for seed in range(30)]
    generated = [generate(model, policy="never", name=f"n{n}") for n, model in enumerate(models)]
    small = [n for n, made in enumerate(generated) if made.plan.arena_bytes <= SMALL_ARENA]
    rng = np.random.default_rng(12)
    cases = [random_case(place, models[n], generated[n], rng) for place, n in enumerate(small)]
    windowed = ("-U__XTENSA_CALL0_ABI__",)  # as the ESP32 has it
    outcome = run_on(core, [generated[n] for n in small], cases, tmp_path, extra=WARNINGS + windowed)
    assert outcome.differing == 0


def test_the_longest_windows_in_pairs_give_tflms_bytes(tmp_path: Path) -> None:
    needs(M4)
    models = [widest_row_network(sign) for sign in (-1, 1)]
    generated = [generate(model, name=f"n{n}") for n, model in enumerate(models)]
    calls = [call for made in generated for call in made.programs[KernelVariant.ARM_DSP].steps[0].calls]
    assert [call.kernel for call in calls] == ["ecg_nn_conv_paired_s8"] * 2
    cases = []
    for number, made in enumerate(generated):
        for value in (-128, 127):
            inputs = {"t0": np.full(20 * 56, value, np.int8)}
            cases.append(Case(number, list(inputs.values()), tflm_layers(models[number], made, inputs)))
    assert run_on(M4, generated, cases, tmp_path).differing == 0


@pytest.mark.parametrize("core", ["m4", "rv32"])
def test_few_positions_give_tflms_bytes(core: str, tmp_path: Path) -> None:
    needs(CORES[core])
    rng = np.random.default_rng(3)
    models = [few_positions_network(count, channels) for count in range(1, 8) for channels in (6, 8)]
    generated = [generate(model, name=f"n{n}") for n, model in enumerate(models)]
    cases = [random_case(n, models[n], generated[n], rng) for n in range(len(models)) for _ in range(3)]
    assert run_on(CORES[core], generated, cases, tmp_path, extra=WARNINGS).differing == 0


def test_two_positions_take_less_than_four(tmp_path: Path) -> None:
    needs(M4)
    counts = {}
    for positions in (2, 4):
        model = few_positions_network(positions, 8)
        generated = generate(model, policy="never")
        case = random_case(0, model, generated, np.random.default_rng(3))
        counts[positions] = run_on(M4, [generated], [case], tmp_path / str(positions)).instructions
    assert counts[2] < 0.7 * counts[4]


@pytest.mark.parametrize("name", ["conv", "sep"])
def test_converted_conv1d_networks_give_tflms_bytes(name: str, tmp_path: Path) -> None:
    needs(M4)
    model = (NETWORKS / f"{name}.tflite").read_bytes()
    generated = generate(model)
    rng = np.random.default_rng(5)
    cases = [random_case(0, model, generated, rng) for _ in range(10)]
    assert run_on(M4, [generated], cases, tmp_path).differing == 0


def test_the_dsp_kernels_take_less_than_half_the_portable_ones_instructions(
    shipped_bundle: Path, tmp_path: Path
) -> None:
    needs(M4)
    bundle = load_bundle(shipped_bundle)
    model, golden = bundle.model_path.read_bytes(), load_golden(bundle)
    generated = generate(model)
    inputs = next(golden.rows())
    ordered = [inputs[name] for name in generated.program.network.inputs]
    case = Case(0, ordered, tflm_layers(model, generated, inputs))
    with_dsp = run_on(M4, [generated], [case], tmp_path / "dsp")
    portable = run_on(M4, [generated], [case], tmp_path / "portable", extra=("-DECG_NN_PORTABLE",))
    assert with_dsp.instructions < 0.5 * portable.instructions
