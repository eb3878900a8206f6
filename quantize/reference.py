"""Engines that need TensorFlow, imported only where one runs: the float network, and LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError
from ecg_edge.firmware import STRIP_POINTS
from ecg_edge.quantize.bundle.engines import BEAT_INPUTS, Inputs, Int8Array
from ecg_edge.quantize.bundle.manifest import STRIP_INPUT
from ecg_edge.quantize.codegen.flatbuffer import read_network
from ecg_edge.training.tf_logging import silence_tensorflow, suppress_native_stderr


def run_float(model_path: Path, inputs: Inputs) -> npt.NDArray[np.float32]:
    """Compute the float network's logits, (n, labels), for the real values of int8 inputs."""
    silence_tensorflow()
    import tf_keras as keras

    try:
        network = keras.models.load_model(model_path, compile=False)
    except (OSError, ValueError) as error:
        raise BundleError(f"{model_path}: not a Keras network ({error}). Train the model again.") from error
    logits = network.predict(_real(inputs), batch_size=1024, verbose=0)
    return np.asarray(logits, np.float32)


def _real(inputs: Inputs) -> dict[str, npt.NDArray[np.float32]]:
    """Real values of int8 inputs, in the shapes of the float networks."""
    from ecg_edge.training.beats import dequantize
    from ecg_edge.training.morphology.train import millivolts

    if STRIP_INPUT in inputs:
        return {STRIP_INPUT: millivolts(inputs[STRIP_INPUT].reshape(-1, STRIP_POINTS))}
    return dict(zip(BEAT_INPUTS, dequantize(inputs["beat"], inputs["rhythm"]), strict=True))


def run_litert(model_path: Path, inputs: Inputs) -> Int8Array:
    """Compute the logits of LiteRT's reference kernels, (n, labels).

    The default kernels (XNNPACK) differ from TFLM by one step on a few per cent of inputs; some of these
    requantize in floating point, and differ more rarely.
    """
    interpreter = _litert_interpreter(model_path)
    network = read_network(model_path)
    feeds = []
    for name, values in inputs.items():
        index = network.inputs[name]
        feeds.append((index, values.reshape(len(values), *network.tensors[index].shape)))
    output = network.output_order[0]
    count = len(feeds[0][1])
    logits = np.empty((count, network.tensors[output].elements), np.int8)
    for row in range(count):
        for index, values in feeds:
            interpreter.set_tensor(index, values[row])
        interpreter.invoke()
        logits[row] = interpreter.get_tensor(output).reshape(-1)
    return logits


def _litert_interpreter(model_path: Path) -> Any:
    silence_tensorflow()
    import tensorflow as tf

    try:
        with suppress_native_stderr():
            interpreter = tf.lite.Interpreter(
                str(model_path), experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF
            )
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise BundleError(
            f"{model_path}: LiteRT cannot run it ({error}). Export the bundle again."
        ) from error
    return interpreter
