"""The two engines on this computer, without TensorFlow: TFLM from its wheel, and the generated C.

Both take the network's inputs by name and give the logits that the device must give.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError, ToolError
from ecg_edge.quantize.bundle.compile import ECG_NN_INCLUDES, compile_library, ecg_nn_sources, load_library
from ecg_edge.quantize.bundle.manifest import C_FOLDER, MANIFEST_NAME, MODEL_NAME, Bundle

Int8Array: TypeAlias = npt.NDArray[np.int8]
Inputs: TypeAlias = Mapping[str, Int8Array]
"""Arrays by the names of a network's inputs, each of shape (n, ...)."""

BEAT_INPUTS: Final = ("beat", "rhythm")
"""Inputs of a beat classifier: the fields of the signal path's beats that it reads."""

# One call for all rows: a call from Python costs more than a small network.
_BATCH_SOURCE = """
#include "network.h"

#define NETWORK {name}_network

size_t batch_input_count(void) {{ return NETWORK.input_count; }}
size_t batch_output_count(void) {{ return NETWORK.output_count; }}
size_t batch_arena_bytes(void) {{ return NETWORK.arena_bytes; }}
size_t batch_input_bytes(size_t place) {{ return NETWORK.inputs[place].bytes; }}
size_t batch_output_bytes(void) {{ return NETWORK.outputs[0].bytes; }}
const char *batch_input_name(size_t place) {{ return NETWORK.inputs[place].name; }}

void batch_run(int32_t *arena, const int8_t *const inputs[], int8_t *output, size_t count) {{
    for (size_t row = 0; row < count; ++row) {{
        const int8_t *row_inputs[{prefix}_INPUTS];
        int8_t *const row_outputs[] = {{output + row * NETWORK.outputs[0].bytes}};
        for (size_t place = 0; place < NETWORK.input_count; ++place) {{
            row_inputs[place] = inputs[place] + row * NETWORK.inputs[place].bytes;
        }}
        NETWORK.run(arena, row_inputs, row_outputs);
    }}
}}
"""


class Engine(Protocol):
    """An implementation of int8 inference for one network."""

    @property
    def name(self) -> str:
        """Name in reports."""

    def run(self, inputs: Inputs) -> Int8Array:
        """Compute the outputs of n inputs, (n, outputs) int8."""


def beat_inputs(beats: npt.NDArray[np.void]) -> dict[str, Int8Array]:
    """Select a beat classifier's inputs from beats of the signal path."""
    return {name: beats[name] for name in BEAT_INPUTS}


class TflmEngine:
    """TensorFlow Lite Micro's reference kernels, from the tflite-micro wheel (Linux on x86-64).

    Parameters
    ----------
    model_path : Path
        The int8 `.tflite` file.
    input_names : sequence of str
        Names of the inputs in the file's own order: the wheel numbers inputs and does not name them.

    Raises
    ------
    ToolError
        When the wheel is not installed.
    BundleError
        When TFLM cannot run the model.

    Attributes
    ----------
    shapes : dict of str to list of int
        The model's shape of each input.
    """

    name = "tflm"

    def __init__(self, model_path: Path, input_names: Sequence[str]) -> None:
        self._interpreter = _tflm_interpreter(model_path)
        self.shapes: dict[str, list[int]] = {
            name: self._interpreter.get_input_details(place)["shape"].tolist()
            for place, name in enumerate(input_names)
        }

    def run(self, inputs: Inputs) -> Int8Array:
        """Compute the outputs of n inputs, (n, outputs) int8."""
        count = _count_rows(inputs, self.shapes)
        ordered = [
            np.ascontiguousarray(inputs[name]).reshape(count, *shape) for name, shape in self.shapes.items()
        ]
        outputs = [self._invoke([values[row] for values in ordered]) for row in range(count)]
        return np.concatenate(outputs) if outputs else np.zeros((0, self._output_size()), np.int8)

    def _invoke(self, inputs: Sequence[Int8Array]) -> Int8Array:
        for place, values in enumerate(inputs):
            self._interpreter.set_input(values, place)
        self._interpreter.invoke()
        output: Int8Array = self._interpreter.get_output(0)
        return output.reshape(1, -1)

    def _output_size(self) -> int:
        return int(np.prod(self._interpreter.get_output_details(0)["shape"]))


class GeneratedEngine:
    """The bundle's generated C with the portable kernels, compiled for this computer.

    Parameters
    ----------
    c_folder : Path
        Folder with network.c and network.h.

    Raises
    ------
    ToolError
        When there is no C compiler, or it reports an error.
    BundleError
        When the folder holds no network.
    """

    name = "generated"

    def __init__(self, c_folder: Path) -> None:
        name = network_name(c_folder / "network.h")
        sources = [c_folder / "network.c", *ecg_nn_sources()]
        batch = _BATCH_SOURCE.format(name=name, prefix=name.upper())
        library = load_library(compile_library(sources, [c_folder, *ECG_NN_INCLUDES], batch))
        if (outputs := int(library.batch_output_count())) != 1:
            raise BundleError(f"{c_folder}: the network has {outputs} outputs, not one. Use another model.")
        library.batch_input_name.restype = ctypes.c_char_p
        self._input_bytes: dict[str, int] = {
            library.batch_input_name(place).decode(): int(library.batch_input_bytes(place))
            for place in range(library.batch_input_count())
        }
        self._output_bytes = int(library.batch_output_bytes())
        self._arena = np.zeros(int(library.batch_arena_bytes()) // 4 + 1, np.int32)
        self._run = library.batch_run
        self._run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        self._run.restype = None

    def run(self, inputs: Inputs) -> Int8Array:
        """Compute the outputs of n inputs, (n, outputs) int8."""
        count = _count_rows(inputs, self._input_bytes)
        ordered = [
            np.ascontiguousarray(inputs[name]).reshape(count, size)
            for name, size in self._input_bytes.items()
        ]
        pointers = (ctypes.c_void_p * len(ordered))(*(values.ctypes.data for values in ordered))
        outputs = np.empty((count, self._output_bytes), np.int8)
        self._run(self._arena.ctypes.data, pointers, outputs.ctypes.data, count)
        return outputs


def tflm_available() -> bool:
    """Return True if the tflite-micro wheel is installed."""
    try:
        import tflite_micro  # noqa: F401
    except ImportError:
        return False
    return True


def reference_engine(bundle: Bundle) -> Engine:
    """Create the device's reference engine: TFLM where its wheel is installed, else the generated C."""
    if tflm_available():
        return tflm_engine(bundle)
    return GeneratedEngine(bundle.path / C_FOLDER)


def tflm_engine(bundle: Bundle) -> TflmEngine:
    """Create the TFLM engine of a bundle.

    Raises
    ------
    ToolError
        When the wheel is not installed.
    BundleError
        When TFLM cannot run the model, or the manifest gives its inputs in another order or other shapes.
    """
    engine = TflmEngine(bundle.model_path, bundle.manifest.input_names)
    for tensor in bundle.manifest.inputs:
        if (shape := engine.shapes[tensor.name]) != list(tensor.shape):
            raise BundleError(
                f"{bundle.path / MANIFEST_NAME}: inputs: {tensor.name} has the shape {list(tensor.shape)}, "
                f"but the input of {MODEL_NAME} in its place has {shape}. Export the bundle again."
            )
    return engine


def _tflm_interpreter(model_path: Path) -> Any:
    if not tflm_available():
        raise ToolError(
            "the tflite-micro wheel is not installed (it exists for Linux on x86-64 only). "
            "Install it with `pip install -e .`, or use the generated engine."
        )
    from tflite_micro import runtime

    try:
        return runtime.Interpreter.from_file(str(model_path))
    except (RuntimeError, ValueError) as error:
        raise BundleError(f"{model_path}: TFLM cannot run it ({error}). Export the bundle again.") from error


def _count_rows(inputs: Inputs, names: Collection[str]) -> int:
    """Number of rows of all inputs, after a check of their names, types and lengths."""
    if inputs.keys() != set(names):
        raise BundleError(
            f"the network's inputs are {', '.join(sorted(names))}, but {', '.join(sorted(inputs))} were "
            "given. Use a model with these inputs."
        )
    counts = {len(values) for values in inputs.values()}
    if len(counts) != 1 or any(values.dtype != np.int8 for values in inputs.values()):
        given = ", ".join(f"{name} {values.dtype}{values.shape}" for name, values in inputs.items())
        raise ValueError(f"inputs must be int8 arrays of the same length, not {given}")
    return counts.pop()


def network_name(header: Path) -> str:
    """Read the prefix of a generated network's C symbols from its network.h.

    Raises
    ------
    BundleError
        When the file is missing or no generated header.
    """
    try:
        text = header.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{header}: cannot be read ({error}). Export the bundle again.") from None
    found = re.search(r"^extern const ecg_nn_network_t (\w+)_network;$", text, re.MULTILINE)
    if found is None:
        raise BundleError(f"{header}: not the header of a generated network. Export the bundle again.")
    return found[1]
