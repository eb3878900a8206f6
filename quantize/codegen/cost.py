"""Which layers take the sparse form: a model of what each form costs, and the choice between them.

Instructions are counted on emulated cores (QEMU, `-O2`): Cortex-M4 for the ARM DSP form, Cortex-M3 for the
portable one. `tests/support/fit_cost.py` measures random layers and fits the factors below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.codegen import sparse
from ecg_edge.quantize.codegen.flatbuffer import Network
from ecg_edge.quantize.codegen.ir import KernelVariant, Program, Records, Step
from ecg_edge.quantize.codegen.lower import lower

Policy = Literal["cheapest", "never", "always"]
"""Layers in sparse form: those that it pays for, none, or all that have one."""


@dataclass(frozen=True)
class Cost:
    """Bytes of constants and code, and instructions of a run, of one layer or of a network."""

    bytes: int
    instructions: int


@dataclass(frozen=True)
class Choice:
    """Choice between the dense and the sparse form of a layer.

    Attributes
    ----------
    index : int
        Of the operator.
    name : str
        The layer's name in network.c.
    zeros, zero_blocks : float
        Share of the weights, and of the blocks of four, that are zero.
    dense, sparse : Cost
        Bytes of weights, without code; instructions of the layer.
    is_sparse : bool
        Whether the generated C holds the sparse form.
    """

    index: int
    name: str
    zeros: float
    zero_blocks: float
    dense: Cost
    sparse: Cost
    is_sparse: bool


@dataclass(frozen=True)
class Shape:
    """Sizes that determine a layer's instructions; `blocks` counts those that the kernel reads."""

    positions: int
    channels: int
    window_blocks: int
    blocks: int


@dataclass(frozen=True)
class Model:
    """Instructions of a kernel: call + edge * blocks of a window + positions * (position + window * blocks of
    a window + output * channels + block * blocks of all channels), positions filled up to a multiple of
    `group`. `edge` is what windows cost more that reach into the padding. `code` is in bytes.
    """

    code: int
    call: float
    edge: float
    position: float
    window: float
    output: float
    block: float
    group: int = 1

    def instructions(self, shape: Shape) -> int:
        """Estimate the instructions of one layer."""
        positions = -(-shape.positions // self.group) * self.group
        each = self.position + self.window * shape.window_blocks
        each += self.output * shape.channels + self.block * shape.blocks
        return round(self.call + self.edge * shape.window_blocks + positions * each)


# The model may err by 10 % (tests/support/fit_cost.py prints the errors): a sparse layer must be faster by
# more than that to be chosen.
MARGIN = 0.9
SPARSE_KERNELS = frozenset({sparse.CONVOLUTION, sparse.FOUR, sparse.FULLY_CONNECTED})
# Instructions per call, edge, position, window block, output and weight block, as fitted to measured layers
# and rounded. A kernel that changes needs a new fit.
MODELS: dict[KernelVariant, dict[str, Model]] = {
    KernelVariant.ARM_DSP: {
        "ecg_nn_conv_paired_s8": Model(2270, 40, 90, 7, 6.5, 9.5, 3.0, group=2),
        "ecg_nn_depthwise_paired_s8": Model(1416, 300, 0, 0, 0, 15.5, 0, group=4),
        "ecg_nn_conv_1xn_s8": Model(516, 0, 0, 0, 0, 63, 12),
        "ecg_nn_fully_connected_s8": Model(628, 0, 0, 40, 0, 34, 8),
        sparse.FOUR: Model(412, 120, 70, 8, 6.5, 10, 4.1, group=4),
        sparse.FULLY_CONNECTED: Model(280, 0, 0, 54, 0, 30, 13),
    },
    KernelVariant.PORTABLE: {
        "ecg_nn_conv_block_s8": Model(1000, 163, 15, 57, 0.3, 14, 8.2, group=2),
        "ecg_nn_conv_1xn_s8": Model(412, 13, 0, 57, 0, 48, 21),
        "ecg_nn_fully_connected_s8": Model(224, 0, 0, 39, 0, 48, 20),
        sparse.CONVOLUTION: Model(392, 0, 0, 100, 4, 45, 20),
        sparse.FULLY_CONNECTED: Model(324, 0, 0, 54, 0, 40, 20),
    },
}


def choose(
    network: Network, form: KernelVariant, policy: Policy = "cheapest"
) -> tuple[Program, tuple[Choice, ...]]:
    """Lower a network for one form of the kernels, each layer as it costs less.

    Three ways are compared: all layers dense; sparse those that are then faster and no larger; sparse all
    that have the form, which may spare a dense kernel's code. Taken is the one with the smallest product of
    bytes (weights and the kernels' code) and instructions, if it is also faster than all dense.

    Returns
    -------
    Program
    tuple of Choice
        One for each layer that has both forms; empty with the policy "never", for the unsigned form, whose
        sparse kernels are not measured, and for Helium, whose dense
        kernels are about as fast as sparse ones.
    """
    dense = lower(network, form)
    if policy == "never" or form not in MODELS:
        return dense, ()
    other = lower(network, form, frozenset(operator.index for operator in network.operators))
    choices = _choices(dense, other)
    every = frozenset(choice.index for choice in choices)
    chosen = every if policy == "always" else _cheapest(dense, other, choices)
    program = lower(network, form, chosen) if chosen else dense
    return program, tuple(replace(choice, is_sparse=choice.index in chosen) for choice in choices)


def _choices(dense: Program, other: Program) -> tuple[Choice, ...]:
    return tuple(
        _choice(dense, a, other, b)
        for a, b in zip(dense.steps, other.steps, strict=True)
        if b.calls and b.calls[0].kernel in SPARSE_KERNELS
    )


def _choice(dense: Program, a: Step, other: Program, b: Step) -> Choice:
    weights = _weights(dense, a)
    blocks = sparse.in_blocks(weights).any(axis=2)
    zeros = float(np.mean(weights == 0)), float(np.mean(~blocks))
    return Choice(a.operator.index, a.calls[0].layer.name, *zeros, _cost(dense, a), _cost(other, b), False)


def _cheapest(dense: Program, other: Program, choices: tuple[Choice, ...]) -> frozenset[int]:
    """Indices of the operators to be sparse."""
    none: frozenset[int] = frozenset()
    better = frozenset(
        c.index for c in choices if _is_faster(c.sparse, c.dense) and c.sparse.bytes <= c.dense.bytes
    )
    every = frozenset(c.index for c in choices)
    totals = {chosen: _total(dense, other, choices, chosen) for chosen in (none, better, every)}
    allowed = [none, *(chosen for chosen in (better, every) if _is_faster(totals[chosen], totals[none]))]
    return min(allowed, key=lambda chosen: totals[chosen].bytes * totals[chosen].instructions)


def _is_faster(cost: Cost, other: Cost) -> bool:
    return cost.instructions <= MARGIN * other.instructions


def _total(dense: Program, other: Program, choices: tuple[Choice, ...], chosen: frozenset[int]) -> Cost:
    """Sum the costs of the layers that have both forms, and the code of all kernels."""
    steps = [b if a.operator.index in chosen else a for a, b in zip(dense.steps, other.steps, strict=True)]
    kernels = {call.kernel for step in steps for call in step.calls}
    code = sum(model.code for kernel, model in MODELS[dense.form].items() if kernel in kernels)
    costs = [choice.sparse if choice.index in chosen else choice.dense for choice in choices]
    return Cost(code + sum(cost.bytes for cost in costs), sum(cost.instructions for cost in costs))


def _cost(program: Program, step: Step) -> Cost:
    call = step.calls[0]
    model = MODELS[program.form][call.kernel]
    return Cost(_weight_bytes(program, call.layer.name), model.instructions(shape_of(program, step)))


def shape_of(program: Program, step: Step) -> Shape:
    """The shape of a layer with weights."""
    weights = _weights(program, step)
    channels, window_blocks, _ = sparse.in_blocks(weights).shape
    is_sparse = step.calls[0].kernel in SPARSE_KERNELS
    blocks = int(sparse.kept_blocks(weights).sum()) if is_sparse else channels * window_blocks
    positions = program.network.tensors[step.operator.outputs[0]].elements // channels
    return Shape(positions, channels, window_blocks, blocks)


def _weights(program: Program, step: Step) -> npt.NDArray[np.int8]:
    """Weights of a layer, (channels, taps)."""
    weights = program.network.tensors[step.operator.inputs[1]]
    return np.asarray(weights.data, np.int8).reshape(weights.shape[0], -1)


def _weight_bytes(program: Program, layer: str) -> int:
    """Bytes of a layer's weights and, in the sparse form, their places."""
    names = (f"{layer}_weights", f"{layer}_places")
    tables = [table.values for table in program.tables if table.name in names]
    return sum(values.size for values in tables if not isinstance(values, Records))
