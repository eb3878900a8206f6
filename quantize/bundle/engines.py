"""The two engines on this computer, without TensorFlow: TFLM from its wheel, and the generated C.

Both take the beats as the signal path makes them and give the logits that the device must give.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError, ToolError
from ecg_edge.quantize.bundle.compile import ECG_NN, compile_library, ecg_nn_sources, load_library
from ecg_edge.quantize.bundle.manifest import C_FOLDER, MODEL_NAME, Bundle

Int8Array = npt.NDArray[np.int8]

# One call for all beats: a call from Python costs more than a small network.
_BATCH_SOURCE = """
#include "network.h"
#include <ecg_nn/ecg_nn.h>

void run_batch(const int8_t *beat, const int8_t *rhythm, int8_t *logits, size_t count);
void run_batch(const int8_t *beat, const int8_t *rhythm, int8_t *logits, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        network_run(beat, rhythm, logits);
        beat += NETWORK_BEAT_BYTES;
        rhythm += NETWORK_RHYTHM_BYTES;
        logits += NETWORK_OUTPUT_BYTES;
    }
}
"""


class Engine(Protocol):
    """What every engine can do."""

    @property
    def name(self) -> str:
        """Name in reports."""

    def run(self, beats: Int8Array, rhythm: Int8Array) -> Int8Array:
        """Logits of beats: (n, 128, 2) and (n, 8) int8 to (n, labels) int8."""


class TflmEngine:
    """TensorFlow Lite Micro's reference kernels, from the tflite-micro wheel (Linux on x86-64).

    Raises
    ------
    ToolError
        When the wheel is not installed.
    BundleError
        When TFLM cannot run the model.
    """

    name = "tflm"

    def __init__(self, model_path: Path) -> None:
        self._interpreter = _tflm_interpreter(model_path)
        details = [self._interpreter.get_input_details(i) for i in range(2)]
        sizes = [int(np.prod(detail["shape"])) for detail in details]
        # The flatbuffer's input order is the converter's choice; the beat is the larger of the two.
        self._beat = int(np.argmax(sizes))
        self._shapes = [tuple(int(n) for n in detail["shape"]) for detail in details]

    def run(self, beats: Int8Array, rhythm: Int8Array) -> Int8Array:
        """Logits of beats: (n, 128, 2) and (n, 8) int8 to (n, labels) int8."""
        _check_batch(beats, rhythm)
        beats = np.ascontiguousarray(beats, np.int8).reshape(len(beats), *self._shapes[self._beat])
        rhythm = np.ascontiguousarray(rhythm, np.int8).reshape(len(beats), *self._shapes[1 - self._beat])
        logits = [self._invoke(beat, features) for beat, features in zip(beats, rhythm, strict=True)]
        return np.concatenate(logits) if logits else np.zeros((0, self._labels()), np.int8)

    def _invoke(self, beat: Int8Array, rhythm: Int8Array) -> Int8Array:
        self._interpreter.set_input(beat, self._beat)
        self._interpreter.set_input(rhythm, 1 - self._beat)
        self._interpreter.invoke()
        logits: Int8Array = self._interpreter.get_output(0)
        return logits.reshape(1, -1)

    def _labels(self) -> int:
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
        When the folder is not that of a beat classifier.
    """

    name = "generated"

    def __init__(self, c_folder: Path) -> None:
        self._sizes = _network_sizes(c_folder / "network.h")
        sources = [c_folder / "network.c", *ecg_nn_sources()]
        library = load_library(compile_library(sources, [c_folder, ECG_NN / "include"], _BATCH_SOURCE))
        self._run = library.run_batch
        self._run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        self._run.restype = None

    def run(self, beats: Int8Array, rhythm: Int8Array) -> Int8Array:
        """Logits of beats: (n, 128, 2) and (n, 8) int8 to (n, labels) int8."""
        _check_batch(beats, rhythm)
        count = len(beats)
        beats = np.ascontiguousarray(beats, np.int8).reshape(count, self._sizes["BEAT"])
        rhythm = np.ascontiguousarray(rhythm, np.int8).reshape(count, self._sizes["RHYTHM"])
        logits = np.empty((count, self._sizes["OUTPUT"]), np.int8)
        self._run(beats.ctypes.data, rhythm.ctypes.data, logits.ctypes.data, count)
        return logits


def tflm_available() -> bool:
    """Whether the tflite-micro wheel is installed."""
    try:
        import tflite_micro  # noqa: F401
    except ImportError:
        return False
    return True


def reference_engine(bundle: Bundle) -> Engine:
    """The engine that the device is compared with: TFLM where its wheel exists, the generated C elsewhere."""
    if tflm_available():
        return TflmEngine(bundle.path / MODEL_NAME)
    return GeneratedEngine(bundle.path / C_FOLDER)


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


def _check_batch(beats: Int8Array, rhythm: Int8Array) -> None:
    if beats.dtype != np.int8 or rhythm.dtype != np.int8 or len(beats) != len(rhythm):
        raise ValueError(
            f"beats {beats.dtype}{beats.shape} and rhythm {rhythm.dtype}{rhythm.shape} "
            "must be int8 and equally many"
        )


def _network_sizes(header: Path) -> dict[str, int]:
    try:
        text = header.read_text(encoding="utf-8")
    except OSError as error:
        raise BundleError(f"{header}: cannot be read ({error.strerror}). Export the bundle again.") from error
    sizes = {name: int(size) for name, size in re.findall(r"#define NETWORK_(\w+)_BYTES (\d+)", text)}
    if not {"BEAT", "RHYTHM", "OUTPUT"} <= sizes.keys():
        raise BundleError(
            f"{header}: not the network of a beat classifier (inputs beat and rhythm). Export it again."
        )
    return sizes
