"""Blocks of zeros: how the sparse form stores weights, and when the cost model takes it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip(
    "tflite_micro", reason="the tests build networks with the schema in the tflite-micro wheel"
)

from ecg_edge.quantize.bench.cores import M3, M4, Core
from ecg_edge.quantize.bench.measure import NETWORKS, load_subject, measure
from ecg_edge.quantize.bench.sparsity import measure_zeroed, zero_smallest_blocks
from ecg_edge.quantize.codegen.cost import choose
from ecg_edge.quantize.codegen.emit import table_bytes
from ecg_edge.quantize.codegen.flatbuffer import parse_network
from ecg_edge.quantize.codegen.generate import generate
from ecg_edge.quantize.codegen.ir import KernelVariant
from ecg_edge.quantize.codegen.sparse import kept_blocks, pack
from tests.support.fit_cost import layers_network

CONV = (NETWORKS / "conv.tflite").read_bytes()


def unpack(blocks: np.ndarray, places: np.ndarray, channels: int, taps: int) -> np.ndarray:
    """Weights from blocks and places, read as the header describes them."""
    weights, channel = np.zeros((channels, -(-taps // 4) * 4), np.int8), 0
    for number, place in enumerate(places.tolist()):
        at = 4 * (place & 127)
        weights[channel, at : at + 4] = blocks[4 * number : 4 * number + 4]
        channel += place < 0
    assert channel == channels
    return weights[:, :taps]


@pytest.mark.parametrize("taps", [1, 3, 4, 14, 40, 505, 508])
@pytest.mark.parametrize("density", [0.0, 0.05, 0.5, 1.0])
def test_packed_weights_hold_what_was_packed(taps: int, density: float) -> None:
    rng = np.random.default_rng(taps)
    for channels in (1, 5):
        weights = rng.integers(-128, 128, (channels, taps)).astype(np.int8)
        weights[rng.random(weights.shape) > density] = 0
        blocks, places = pack(weights)
        np.testing.assert_array_equal(unpack(blocks, places, channels, taps), weights)
        assert len(places) == len(blocks) // 4 == kept_blocks(weights).sum() <= channels * -(-taps // 4)


def test_a_channel_without_weights_has_one_block_of_zeros() -> None:
    blocks, places = pack(np.zeros((3, 20), np.int8))
    assert places.tolist() == [-128] * 3
    assert not blocks.any() and len(blocks) == 12


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
def test_the_smallest_blocks_of_a_file_become_zero(share: float) -> None:
    before, after = parse_network(CONV), parse_network(zero_smallest_blocks(CONV, share))
    for operator in before.operators:
        if operator.name != "CONV_2D":
            continue
        old, new = (
            np.abs(network.tensors[operator.inputs[1]].data.reshape(-1, 4).astype(int)).sum(axis=1)
            for network in (before, after)
        )
        if before.tensors[operator.inputs[1]].shape[-1] % 4 == 0:
            assert np.mean(new == 0) == pytest.approx(share, abs=0.02)
            assert not new.any() or new[new > 0].min() >= old[new == 0].max(initial=0)
            assert np.array_equal(new[new > 0], old[new > 0])


def test_a_network_without_zeros_is_dense() -> None:
    made = generate(CONV)
    assert made.source == generate(CONV, policy="never").source
    assert not any(choice.is_sparse for choices in made.choices.values() for choice in choices)


def test_zeros_cost_no_flash() -> None:
    sizes = []
    for share in (0.5, 0.7, 0.8, 0.9):
        made = generate(zero_smallest_blocks(CONV, share))
        sizes.append({form: len(table_bytes(program)) for form, program in made.programs.items()})
    # The portable dense kernel is so much faster than its sparse one that zeros pay later.
    for form, first in ((KernelVariant.ARM_DSP, 0), (KernelVariant.PORTABLE, 1)):
        assert all(small[form] < large[form] for large, small in pairwise(sizes[first:]))


def test_the_choice_names_its_layers_and_what_they_cost() -> None:
    program, choices = choose(parse_network(zero_smallest_blocks(CONV, 0.8)), KernelVariant.ARM_DSP)
    kernels = {step.operator.index: call.kernel for step in program.steps for call in step.calls}
    assert len(choices) == 6
    for choice in choices:
        assert choice.is_sparse == ("sparse" in kernels[choice.index])
        assert choice.zero_blocks == pytest.approx(0.8, abs=0.05)
        assert choice.sparse.bytes < 0.45 * choice.dense.bytes


@pytest.mark.device
@pytest.mark.parametrize(
    ("core", "form"), [(M4, KernelVariant.ARM_DSP), (M3, KernelVariant.PORTABLE)], ids=["m4", "m3"]
)
def test_the_model_is_right_to_within_its_margin_on_networks(
    core: Core, form: KernelVariant, tmp_path: Path
) -> None:
    needs(core)
    for name, share in (("conv", 0.0), ("conv", 0.8)):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(zero_smallest_blocks((NETWORKS / path.name).read_bytes(), share))
        subject = load_subject(path)
        figures, choices = measure(subject, core, tmp_path), subject.generated.choices[form]
        measured = {layer.index: layer.instructions for layer in figures.layers}
        for choice in choices:
            said = (choice.sparse if choice.is_sparse else choice.dense).instructions
            assert said == pytest.approx(measured[choice.index], rel=0.15), choice
        total = sum((c.sparse if c.is_sparse else c.dense).instructions for c in choices)
        assert total == pytest.approx(sum(measured[c.index] for c in choices), rel=0.1)


@pytest.mark.device
def test_at_80_percent_zeros_a_third_of_flash_and_instructions_is_saved(tmp_path: Path) -> None:
    needs(M4)
    measured = measure_zeroed(NETWORKS / "conv.tflite", (0.8,))[0.8]
    assert measured.zero_blocks == pytest.approx(0.8, abs=0.01)
    dense, chosen = measured.dense, measured.chosen
    assert chosen.instructions < 0.7 * dense.instructions
    assert chosen.code_bytes + chosen.weight_bytes < 0.7 * (dense.code_bytes + dense.weight_bytes)


def needs(core: Core) -> None:
    """Skip where the core's compiler or emulator is missing."""
    if core.missing():
        pytest.skip(f"{' and '.join(core.missing())} not installed")


def test_layers_of_every_density_have_both_forms() -> None:
    for density in (0.0, 0.2, 1.0):
        made = generate(layers_network(1, density), policy="always")
        assert all(len(made.choices[form]) == 6 for form in (KernelVariant.ARM_DSP, KernelVariant.PORTABLE))
