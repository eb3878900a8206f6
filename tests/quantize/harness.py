"""Run generated networks on this computer and in TFLM, and give every operator's output."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.host.compile import ECG_NN, ecg_nn_sources, find_compiler
from ecg_edge.quantize.bench.image import wrapper
from ecg_edge.quantize.codegen.generate import Generated

WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
# Undefined behaviour ends the process.
CHECKS = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
INCLUDE = f"-I{ECG_NN / 'include'}"

TRACE_SOURCE = """
#include <stddef.h>
#include <stdint.h>
#include <string.h>
static int8_t *cursor;
void trace_to(int8_t *buffer);
void trace_to(int8_t *buffer) { cursor = buffer; }
void network_trace(int op_index, const int8_t *data, size_t bytes);
void network_trace(int op_index, const int8_t *data, size_t bytes) {
    (void)op_index;
    memcpy(cursor, data, bytes);
    cursor += bytes;
}
"""

Int8Array = npt.NDArray[np.int8]


class Compiled:
    """Several generated networks in one shared library."""

    def __init__(self, networks: Sequence[Generated], folder: Path) -> None:
        self.networks = networks
        sources = [folder / "trace.c"]
        sources[0].write_text(TRACE_SOURCE)
        for number, generated in enumerate(networks):
            generated.write(folder / f"n{number}")
            sources.append(folder / f"wrap{number}.c")
            sources[-1].write_text(wrapper(number))
        library = folder / "networks.so"
        command = [find_compiler(), *WARNINGS, *CHECKS, "-O1", "-fPIC", "-shared", "-DNETWORK_TRACE", INCLUDE]
        subprocess.run(
            [*command, *map(str, [*sources, *ecg_nn_sources()]), "-o", str(library)],
            check=True,
            capture_output=True,
            text=True,
        )
        self._library = ctypes.CDLL(str(library))

    def run(self, number: int, inputs: dict[str, Int8Array]) -> list[Int8Array]:
        """Output of every operator of one network."""
        generated = self.networks[number]
        network = generated.program.network
        sizes = [network.tensors[o.outputs[0]].elements for o in network.operators]
        trace = np.zeros(sum(sizes), np.int8)
        outputs = [np.zeros(network.tensors[i].elements, np.int8) for i in network.outputs.values()]
        values = [np.ascontiguousarray(inputs[name]) for name in network.inputs]
        self._library.trace_to(ctypes.c_void_p(trace.ctypes.data))
        self._library[f"network_run_{number}"](*(ctypes.c_void_p(a.ctypes.data) for a in [*values, *outputs]))
        layers = np.split(trace, np.cumsum(sizes)[:-1])
        assert np.array_equal(np.concatenate(outputs), _outputs_of(generated, layers))
        return layers


def random_inputs(generated: Generated, rng: np.random.Generator) -> dict[str, Int8Array]:
    """Random, small or extreme values for every input."""
    network = generated.program.network
    low, high = [(-128, 128), (-12, 12), (-128, 128)][int(rng.integers(3))]
    extreme = rng.random() < 0.2
    return {
        name: rng.choice(np.array([-128, 127], np.int8), network.tensors[i].elements)
        if extreme
        else rng.integers(low, high, network.tensors[i].elements).astype(np.int8)
        for name, i in network.inputs.items()
    }


def _outputs_of(generated: Generated, layers: list[Int8Array]) -> Int8Array:
    network = generated.program.network
    by_tensor = {o.outputs[0]: layer for o, layer in zip(network.operators, layers, strict=True)}
    return np.concatenate([by_tensor[i] for i in network.outputs.values()])
