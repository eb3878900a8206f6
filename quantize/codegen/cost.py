"""Which layers take the sparse form: a model of what each form costs, and the choice between them.

Instructions are counted on emulated cores (QEMU, `-O2`): Cortex-M4 for the ARM DSP form, Cortex-M3 for the
portable one. `tests/quantize/fit_cost.py` measures random layers and fits the factors below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.codegen import sparse
from ecg_edge.quantize.codegen.lower import lower
from ecg_edge.quantize.codegen.program import Form, Program, Step
from ecg_edge.quantize.flatbuffer import Network

Policy = Literal["cheapest", "never", "always"]
"""Layers in sparse form: those that it pays for, none, or all that have one."""


@dataclass(frozen=True)
class Cost:
    """Of one layer, or of a network: bytes of constants and code, instructions of a run."""

    bytes: int
    instructions: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.bytes + other.bytes, self.instructions + other.instructions)


@dataclass(frozen=True)
class Choice:
    """What was chosen for a layer that has both forms.

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
    """What a layer's instructions depend on; `blocks` are those that the kernel reads, of all channels."""

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
        """Of one layer."""
        positions = -(-shape.positions // self.group) * self.group
        each = self.position + self.window * shape.window_blocks
        each += self.output * shape.channels + self.block * shape.blocks
        return round(self.call + self.edge * shape.window_blocks + positions * each)


MARGIN = 0.9  # fewer instructions by as much as the model may err
SPARSE_KERNELS = frozenset({sparse.CONVOLUTION, sparse.FOUR, sparse.FULLY_CONNECTED})
MODELS: dict[Form, dict[str, Model]] = {
    Form.ARM_DSP: {
        "ecg_nn_conv_paired_s8": Model(1812, 40, 90, 7, 6.5, 9.5, 3.0, group=4),
        "ecg_nn_depthwise_paired_s8": Model(1416, 300, 0, 0, 0, 15.5, 0, group=4),
        "ecg_nn_conv_1xn_s8": Model(516, 0, 0, 0, 0, 63, 12),
        "ecg_nn_fully_connected_s8": Model(628, 0, 0, 40, 0, 34, 8),
        sparse.FOUR: Model(412, 120, 70, 8, 6.5, 10, 4.1, group=4),
        sparse.FULLY_CONNECTED: Model(280, 0, 0, 54, 0, 30, 13),
    },
    Form.PORTABLE: {
        "ecg_nn_conv_1xn_s8": Model(412, 13, 0, 57, 0, 48, 21),
        "ecg_nn_fully_connected_s8": Model(224, 0, 0, 39, 0, 48, 20),
        sparse.CONVOLUTION: Model(392, 0, 0, 100, 4, 45, 20),
        sparse.FULLY_CONNECTED: Model(324, 0, 0, 54, 0, 40, 20),
    },
}


def choose(network: Network, form: Form, policy: Policy = "cheapest") -> tuple[Program, tuple[Choice, ...]]:
    """Lower a network for one form of the kernels, each layer as it costs less.

    A layer is a candidate when its sparse form takes fewer instructions and no more bytes of weights. The
    candidates become sparse, all together, when that makes bytes times instructions of the layers that have
    both forms less, the code of the kernels they need included.

    Returns
    -------
    Program
    tuple of Choice
        One for each layer that has both forms; empty with the policy "never".
    """
    dense = lower(network, form)
    if policy == "never":
        return dense, ()
    other = lower(network, form, frozenset(operator.index for operator in network.operators))
    choices = _candidates(dense, other, policy)
    if policy == "cheapest" and not _pays(dense, other, choices):
        choices = tuple(replace(choice, is_sparse=False) for choice in choices)
    chosen = frozenset(choice.index for choice in choices if choice.is_sparse)
    return lower(network, form, chosen) if chosen else dense, choices


def _candidates(dense: Program, other: Program, policy: Policy) -> tuple[Choice, ...]:
    choices = []
    for a, b in zip(dense.steps, other.steps, strict=True):
        if b.calls and b.calls[0].kernel in SPARSE_KERNELS:
            choices.append(_choice(dense, a, other, b, policy))
    return tuple(choices)


def _choice(dense: Program, a: Step, other: Program, b: Step, policy: Policy) -> Choice:
    weights = _weights(dense, a)
    costs = _cost(dense, a), _cost(other, b)
    fewer = costs[1].instructions <= MARGIN * costs[0].instructions
    is_sparse = costs[1].bytes <= costs[0].bytes and fewer
    zeros = float(np.mean(weights == 0)), float(np.mean(~sparse.in_blocks(weights).any(axis=2)))
    return Choice(a.operator.index, a.calls[0].layer.name, *zeros, *costs, policy == "always" or is_sparse)


def _pays(dense: Program, other: Program, choices: tuple[Choice, ...]) -> bool:
    """Whether the candidates together make bytes times instructions less."""
    before, after = Cost(0, 0), Cost(0, 0)
    for choice in choices:
        before += choice.dense
        after += choice.sparse if choice.is_sparse else choice.dense
    before += _code(dense, [(dense, choice.index) for choice in choices])
    after += _code(dense, [(other if choice.is_sparse else dense, choice.index) for choice in choices])
    return after.bytes * after.instructions < before.bytes * before.instructions


def _code(dense: Program, layers: list[tuple[Program, int]]) -> Cost:
    """Bytes of code of the kernels that layers call."""
    kernels = {program.steps[index].calls[0].kernel for program, index in layers}
    return Cost(sum(MODELS[dense.form][kernel].code for kernel in kernels), 0)


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
    return sum(table.values.size for table in program.tables if table.name in names)
