"""Run generated networks on this computer and in TFLM, and give every operator's output."""

from __future__ import annotations

import atexit
import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.bench.reference import pointers, tflm_layers
from ecg_edge.quantize.bundle.compile import ECG_NN_INCLUDES, ecg_nn_sources, find_compiler
from ecg_edge.quantize.codegen.cost import Policy
from ecg_edge.quantize.codegen.generate import Generated, generate

WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
# Undefined behaviour ends the process.
CHECKS = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
INCLUDES = tuple(f"-I{path}" for path in ECG_NN_INCLUDES)

TRACE_SOURCE = """
#include <stddef.h>
#include <stdint.h>
#include <string.h>
static int8_t *cursor;
void trace_to(int8_t *buffer);
void trace_to(int8_t *buffer) { cursor = buffer; }
void ecg_nn_trace(int op_index, const int8_t *data, size_t bytes);
void ecg_nn_trace(int op_index, const int8_t *data, size_t bytes) {
    (void)op_index;
    memcpy(cursor, data, bytes);
    cursor += bytes;
}
"""

GLOBALS = ("run", "checksum", "inputs", "outputs", "network")  # after the prefix

Int8Array = npt.NDArray[np.int8]

UNIT = 16  # networks that are compiled at a time: half of what a small one takes is the start of the compiler


class Compiled:
    """Several generated networks in one shared library."""

    def __init__(self, networks: Sequence[Generated], folder: Path) -> None:
        self.networks = networks
        sources = [folder / "trace.c"]
        sources[0].write_text(TRACE_SOURCE)
        for first in range(0, len(networks), UNIT):
            sources.append(folder / f"unit{first}.c")
            sources[-1].write_text(_unit(networks, range(first, min(first + UNIT, len(networks))), folder))
        library = folder / "networks.so"
        _compile_library([*sources, _kernels()], library)
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
        arena = np.zeros(generated.plan.arena_bytes // 4 + 1, np.int32)
        run = self._library[f"{generated.name}_run_{number}"]
        run(ctypes.c_void_p(arena.ctypes.data), pointers(values), pointers(outputs))
        layers = np.split(trace, np.cumsum(sizes)[:-1])
        assert np.array_equal(np.concatenate(outputs), _outputs_of(generated, layers))
        return layers

    def checksum(self, number: int) -> int:
        """CRC-32 of the constant tables of one network, as its own function computes it."""
        function = self._library[f"{self.networks[number].name}_checksum_{number}"]
        function.restype = ctypes.c_uint32
        return int(function())


def compare_batch(maker: Callable[[int], bytes], seeds: range, folder: Path) -> None:
    """Compare every layer of the networks of some seeds with TFLM, twice each.

    Every second network has all layers that can in the sparse form, whether it pays or not.
    """
    models = [maker(seed) for seed in seeds]
    policies: list[Policy] = ["cheapest" if seed % 2 else "always" for seed in seeds]
    made = [
        generate(model, f"seed {seed}", policy)
        for seed, model, policy in zip(seeds, models, policies, strict=True)
    ]
    compiled, layers = Compiled(made, folder), 0
    for number, model in enumerate(models):
        rng = np.random.default_rng(seeds[number])
        layers += sum(compare(model, compiled, number, rng) for _ in range(2))
    assert layers >= 2 * len(seeds)


def compare(model: bytes, compiled: Compiled, number: int, rng: np.random.Generator) -> int:
    """Run one network once on both engines; the number of layers compared."""
    generated = compiled.networks[number]
    inputs = random_inputs(generated, rng)
    expected, actual = tflm_layers(model, generated, inputs), compiled.run(number, inputs)
    for operator, reference, ours in zip(generated.program.network.operators, expected, actual, strict=True):
        np.testing.assert_array_equal(ours, reference, f"operator {operator.index} ({operator.name})")
    return len(expected)


@cache
def _kernels() -> Path:
    """The kernels in a shared library, compiled once a process."""
    library = Path(tempfile.mkdtemp()) / "libkernels.so"
    atexit.register(shutil.rmtree, library.parent)
    _compile_library(ecg_nn_sources(), library)
    return library


def _compile_library(sources: Sequence[Path], library: Path) -> None:
    command = [find_compiler(), *WARNINGS, *CHECKS, "-O1", "-fPIC", "-shared", "-DECG_NN_TRACE", *INCLUDES]
    command += [*map(str, sources), "-o", str(library), "-Wl,-rpath,/"]
    subprocess.run(command, check=True, capture_output=True, text=True)


def _unit(networks: Sequence[Generated], numbers: range, folder: Path) -> str:
    """C that holds several networks; what each defines gets a name of its own."""
    text = []
    for number in numbers:
        networks[number].write(folder / f"n{number}")
        layers = {
            call.layer.name for p in networks[number].programs.values() for s in p.steps for call in s.calls
        }
        own = [f"{networks[number].name}_{part}" for part in GLOBALS]
        for name in [*own, "tables", *sorted(layers)]:
            text.append(f"#undef {name}\n#define {name} {name}_{number}")
        macros = re.findall(r"#define (\w+)", networks[number].header)
        text.append(f'#include "n{number}/network.c"')
        text += [f"#undef {macro}" for macro in ["TRACE", *macros]]
    return "\n".join(text) + "\n"


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
