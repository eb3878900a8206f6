"""Build networks/conv.tflite and networks/sep.tflite: the two shapes that inference engines are compared on.

    python tests/quantize/build_networks.py FOLDER

The weights are those that Keras starts with: instructions and bytes hardly depend on them. The committed
files came from an earlier TensorFlow; another version, or seed, gives other weights in the same shapes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.training.tf_logging import silence_tensorflow, suppress_native_stderr

INPUT_SHAPE = (256, 1)  # samples, channels
CLASSES = 5
CALIBRATION_INPUTS = 50

CONVOLUTIONS = ((7, 8), (5, 16), (5, 32), (3, 32))  # kernel width, filters; all of stride 2
SEPARABLE = ((2, 24), (2, 32), (1, 48))  # stride, filters; all of kernel width 9


def conv_network() -> Any:
    """Four convolutions, global average, two dense layers: 179,792 multiply-accumulates."""
    keras = _keras()
    x = beat = keras.Input(INPUT_SHAPE)
    for width, filters in CONVOLUTIONS:
        x = keras.layers.Conv1D(filters, width, 2, "same", activation="relu")(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    x = keras.layers.Dense(16, activation="relu")(x)
    return keras.Model(beat, keras.layers.Dense(CLASSES, activation="softmax")(x))


def sep_network() -> Any:
    """A convolution, three depthwise and pointwise pairs, global average, dense: 138,224."""
    keras = _keras()
    beat = keras.Input(INPUT_SHAPE)
    x = keras.layers.Conv1D(16, 7, 2, "same", activation="relu")(beat)
    for stride, filters in SEPARABLE:
        x = keras.layers.DepthwiseConv1D(9, stride, "same")(x)
        x = keras.layers.Conv1D(filters, 1, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(beat, keras.layers.Dense(CLASSES, activation="softmax")(x))


BUILDERS = {"conv": conv_network, "sep": sep_network}


def build(name: str, seed: int = 1) -> bytes:
    """The int8 flatbuffer of one of the two, with random weights."""
    keras = _keras()
    keras.utils.set_random_seed(seed)
    return _convert(BUILDERS[name](), np.random.default_rng(seed))


def _convert(network: Any, rng: np.random.Generator) -> bytes:
    import tensorflow as tf

    def calibration() -> Iterator[list[npt.NDArray[np.float32]]]:
        for _ in range(CALIBRATION_INPUTS):
            yield [rng.normal(0, 1, (1, *INPUT_SHAPE)).astype(np.float32)]

    with suppress_native_stderr():
        converter = tf.lite.TFLiteConverter.from_keras_model(network)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def _keras() -> Any:
    silence_tensorflow()
    import tf_keras

    return tf_keras


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description="Build conv.tflite and sep.tflite with random weights.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in BUILDERS:
        (folder / f"{name}.tflite").write_bytes(build(name))
        print(folder / f"{name}.tflite")


if __name__ == "__main__":
    main()
