"""Reference outputs of every layer: from TFLM where its wheel is installed, else from the generated C."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.quantize.bundle.compile import ECG_NN_INCLUDES, compile_library, ecg_nn_sources, load_library
from ecg_edge.quantize.bundle.engines import tflm_available
from ecg_edge.quantize.codegen.generate import Generated

Int8Array = npt.NDArray[np.int8]

TFLM_ARENA_BYTES = 4 << 20

_TRACE_SOURCE = """
static int8_t *trace_cursor;
void trace_to(int8_t *buffer);
void trace_to(int8_t *buffer) { trace_cursor = buffer; }
void ecg_nn_trace(int op_index, const int8_t *data, size_t bytes) {
    (void)op_index;
    for (size_t i = 0; i < bytes; ++i) { *trace_cursor++ = data[i]; }
}
"""


class Reference:
    """Compute every operator's output of one network, flat, in the operators' order.

    Attributes
    ----------
    name : str
        What it is, for reports.
    """

    def __init__(self, model: bytes, generated: Generated) -> None:
        self._model, self._generated = model, generated
        self._tflm = tflm_available()
        self.name = "TFLM" if self._tflm else "the generated C on this computer"

    def layers(self, inputs: dict[str, Int8Array]) -> list[Int8Array]:
        """Outputs for inputs by name."""
        if self._tflm:
            return tflm_layers(self._model, self._generated, inputs)
        return host_layers(self._generated, inputs)


def tflm_layers(model: bytes, generated: Generated, inputs: dict[str, Int8Array]) -> list[Int8Array]:
    """Output of every operator in TFLM."""
    network = generated.program.network
    interpreter = tflm(model)
    for place, name in enumerate(network.input_names):
        interpreter.set_input(inputs[name].reshape(network.tensors[network.inputs[name]].shape), place)
    interpreter.invoke()
    return [interpreter.GetTensor(o.outputs[0], 0)["tensor_data"].reshape(-1) for o in network.operators]


def tflm(model: bytes) -> Any:
    """TFLM with every tensor kept."""
    from tflite_micro import runtime

    keep = runtime.InterpreterConfig.kPreserveAllTensors
    return runtime.Interpreter.from_bytes(model, arena_size=TFLM_ARENA_BYTES, intrepreter_config=keep)


def host_layers(generated: Generated, inputs: dict[str, Int8Array]) -> list[Int8Array]:
    """Output of every operator of the generated C, compiled for this computer."""
    network = generated.program.network
    sizes = [network.tensors[o.outputs[0]].elements for o in network.operators]
    trace = np.zeros(sum(sizes), np.int8)
    outputs = [np.zeros(network.tensors[i].elements, np.int8) for i in network.outputs.values()]
    values = [np.ascontiguousarray(inputs[name].reshape(-1), np.int8) for name in network.inputs]
    arena = np.zeros(generated.plan.arena_bytes // 4 + 1, np.int32)
    library = _traced_library(generated)
    library.trace_to(ctypes.c_void_p(trace.ctypes.data))
    run = library[f"{generated.name}_run"]
    run(ctypes.c_void_p(arena.ctypes.data), pointers(values), pointers(outputs))
    return np.split(trace, np.cumsum(sizes)[:-1])


def pointers(arrays: Sequence[Int8Array]) -> ctypes.Array[ctypes.c_void_p]:
    """Make a C array of pointers to the data of arrays."""
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))


def _traced_library(generated: Generated) -> ctypes.CDLL:
    source = f"#define ECG_NN_TRACE\n{generated.source}{_TRACE_SOURCE}"
    with tempfile.TemporaryDirectory(prefix="ecg-edge-") as folder:
        generated.write(Path(folder))
        library = compile_library(ecg_nn_sources(), [Path(folder), *ECG_NN_INCLUDES], source)
    return load_library(library)
