"""Flash and instructions of a network on an emulated Cortex-M4: dense, and in the forms that are chosen."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import ComparisonError
from ecg_edge.quantize.bench.cores import M4
from ecg_edge.quantize.bench.measure import Figures, load_subject, measure, read_model
from ecg_edge.quantize.codegen import sparse
from ecg_edge.quantize.codegen.flatbuffer import parse_network
from ecg_edge.quantize.codegen.generate import generate

LEVELS: Final = (0.0, 0.5, 0.7, 0.8, 0.9)
WEIGHTED: Final = ("CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True)
class Measured:
    """One network.

    Attributes
    ----------
    zeros, zero_blocks : float
        Share of the weights of convolutions and fully connected layers, and of their blocks of four, that are
        zero.
    dense, chosen : Figures
        All layers dense; each layer in the form that the cost model chooses.
    """

    zeros: float
    zero_blocks: float
    dense: Figures
    chosen: Figures


def measure_forms(path: Path) -> Measured:
    """Measure an int8 `.tflite` file.

    Raises
    ------
    ComparisonError
        One of the two gives other bytes than the reference.
    ToolError
        The core's compiler or emulator is missing or fails.
    """
    subject, model = load_subject(path), read_model(path)
    with tempfile.TemporaryDirectory(prefix="ecg-edge-") as folder:
        dense, chosen = (
            measure(replace(subject, generated=generate(model, str(path), policy)), M4, Path(folder))
            for policy in ("never", "cheapest")
        )
    if not (dense.same_bits and chosen.same_bits):
        raise ComparisonError(f"{path}: the generated C gives other bytes than {subject.reference}.")
    return Measured(*_zeros(model), dense, chosen)


def measure_zeroed(path: Path, levels: Sequence[float]) -> dict[float, Measured]:
    """Measure a network after its smallest blocks were made zero, by level; nothing is trained."""
    measured = {}
    with tempfile.TemporaryDirectory(prefix="ecg-edge-") as folder:
        for level in levels:
            zeroed = Path(folder) / path.name
            zeroed.write_bytes(zero_smallest_blocks(read_model(path), level))
            measured[level] = measure_forms(zeroed)
    return measured


def zero_smallest_blocks(model: bytes, share: float) -> bytes:
    """The network with that share of each layer's blocks of four made zero: the smallest ones."""
    changed = bytearray(model)
    for weights in _weights(changed):
        sizes = np.abs(sparse.in_blocks(weights).astype(np.int32)).sum(axis=2)
        kept = np.ones(sizes.size, bool)
        kept[np.argsort(sizes, axis=None, kind="stable")[: round(share * sizes.size)]] = False
        mask = np.repeat(kept.reshape(sizes.shape), sparse.BLOCK, axis=1)[:, : weights.shape[1]]
        weights[~mask] = 0
    return bytes(changed)


def _weights(model: bytes | bytearray) -> list[sparse.Int8Array]:
    """Weights (channels, taps) of the layers that may be sparse, as they stand in the file."""
    network = parse_network(model)
    tensors = [network.tensors[op.inputs[1]] for op in network.operators if op.name in WEIGHTED]
    return [tensor.data.reshape(tensor.shape[0], -1) for tensor in tensors if tensor.data is not None]


def _zeros(model: bytes) -> tuple[float, float]:
    weights = _weights(model)
    blocks = [np.asarray(sparse.in_blocks(values).any(axis=2)) for values in weights]
    return _share_of_zeros(weights), _share_of_zeros(blocks)


def _share_of_zeros(arrays: Sequence[npt.NDArray[Any]]) -> float:
    return float(np.mean(np.concatenate([array.ravel() for array in arrays]) == 0))
