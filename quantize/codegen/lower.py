"""From a network to a program: each operator is checked and becomes kernel calls."""

from __future__ import annotations

from collections.abc import Callable

from ecg_edge.quantize.codegen import lower_shapes as shapes
from ecg_edge.quantize.codegen import lower_weights as weights
from ecg_edge.quantize.codegen.flatbuffer import Network, Operator
from ecg_edge.quantize.codegen.ir import KernelVariant, Program, Step, UnsupportedError, require

LOWERINGS: dict[str, Callable[[Program, Operator], Step]] = {
    "ADD": shapes.lower_add,
    "AVERAGE_POOL_2D": shapes.lower_pool,
    "CONCATENATION": shapes.lower_concatenation,
    "CONV_2D": weights.lower_conv,
    "DEPTHWISE_CONV_2D": weights.lower_depthwise,
    "EXPAND_DIMS": shapes.lower_reshape,
    "FULLY_CONNECTED": weights.lower_fully_connected,
    "LOGISTIC": shapes.lower_lookup,
    "MAX_POOL_2D": shapes.lower_pool,
    "MEAN": shapes.lower_mean,
    "PAD": shapes.lower_pad,
    "QUANTIZE": shapes.lower_lookup,
    "RELU": shapes.lower_lookup,
    "RELU6": shapes.lower_lookup,
    "RESHAPE": shapes.lower_reshape,
    "SOFTMAX": shapes.lower_softmax,
    "SQUEEZE": shapes.lower_reshape,
}


TWO_INPUTS = frozenset({"ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "PAD"})


def lower(network: Network, form: KernelVariant, sparse: frozenset[int] = frozenset()) -> Program:
    """Lower every operator, in order, for one form of the kernels.

    Parameters
    ----------
    network : Network
    form : KernelVariant
    sparse : frozenset of int
        Indices of the operators that take the sparse form where there is one for them.

    Raises
    ------
    UnsupportedError
        Names the first operator that cannot be run, its index and why.
    """
    program = Program(network, form, sparse)
    for operator in network.operators:
        lowering = LOWERINGS.get(operator.name)
        if lowering is None:
            raise UnsupportedError(
                f"operator {operator.index} ({operator.name}): no kernel for it. "
                f"Supported: {', '.join(LOWERINGS)}. Change the model."
            )
        needed = 2 if operator.name in TWO_INPUTS else 1
        require(len(operator.inputs) >= needed, operator, f"it has {len(operator.inputs)} inputs")
        require(len(operator.outputs) == 1, operator, f"it has {len(operator.outputs)} outputs, not one")
        program.steps.append(lowering(program, operator))
    return program
