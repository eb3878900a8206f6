"""Quantize a network to int8 throughout: weights, activations, inputs and outputs.

The scales of the inputs are not the converter's to choose: the device's signal path writes both tensors with
fixed scales. The calibration beats hold the extremes of both, which makes the converter find just those.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ecg_edge import firmware
from ecg_edge.ecg.errors import ComparisonError
from ecg_edge.quantize import prune
from ecg_edge.quantize.codegen.flatbuffer import Network, parse_network
from ecg_edge.training import train
from ecg_edge.training.beats import Beats, real_values
from ecg_edge.training.datasets import training_beats
from ecg_edge.training.networks import BEAT_SHAPE, RHYTHM_SHAPE
from ecg_edge.training.recipes import Recipe
from ecg_edge.training.tf_logging import quiet

MODEL_FILE: Final = Path("quantize") / "model.tflite"
INPUT_SCALES: Final = {"beat": firmware.BEAT_SCALE, "rhythm": firmware.RHYTHM_SCALE}


def quantize(
    recipe: Recipe, data_root: Path, run_dir: Path, on_record: Callable[[str], None] | None = None
) -> bytes:
    """Quantize `prune/model.keras` of the run folder and save it as `quantize/model.tflite`.

    Returns
    -------
    bytes
        The flatbuffer.
    """
    network = train.load(run_dir / prune.MODEL_FILE, f"prune {recipe.name}")
    beats = training_beats(recipe, data_root, on_record)
    flatbuffer = quantize_network(network, beats, recipe.quantize.calibration_beats, recipe.seed)
    path = run_dir / MODEL_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(flatbuffer)
    return flatbuffer


def quantize_network(network: Any, beats: Beats, calibration_beats: int, seed: int) -> bytes:
    """The int8 flatbuffer of a network, calibrated on some of `beats`.

    Raises
    ------
    ComparisonError
        When the inputs' scales are not the signal path's.
    """
    chosen = np.random.default_rng(seed).permutation(len(beats))[:calibration_beats]
    beat, rhythm = with_extremes(beats.beat[chosen], beats.rhythm[chosen])
    flatbuffer = _convert(network, *real_values(beat, rhythm))
    check_inputs(flatbuffer)
    return flatbuffer


def with_extremes(
    beat: npt.NDArray[np.int8], rhythm: npt.NDArray[np.int8]
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """The same beats, the first with -128 and 127 in both tensors, so that each spans its whole range.

    Parameters
    ----------
    beat, rhythm : ndarray of int8, shapes (n, 128, 2) and (n, 8)
    """
    beat, rhythm = beat.copy(), rhythm.copy()
    beat[0, :2, 0] = -128, 127
    rhythm[0, :2] = -128, 127
    return beat, rhythm


def check_inputs(flatbuffer: bytes) -> None:
    """Raise ComparisonError unless both inputs have the signal path's scale and the zero point 0."""
    network = parse_network(flatbuffer)
    for name, wanted in INPUT_SCALES.items():
        scale, zero_point = input_quantization(network, name)
        if zero_point != 0 or not np.isclose(scale, wanted, rtol=1e-6, atol=0):
            raise ComparisonError(
                f"the quantized network's input {name} has scale {scale:.8g} and zero point {zero_point}; "
                f"the signal path writes {wanted:.8g} and 0. The calibration beats must hold -128 and 127."
            )


def input_quantization(network: Network, name: str) -> tuple[float, int]:
    """Scale and zero point of an input."""
    quantization = network.tensors[network.inputs[name]].quantization
    if quantization is None:
        raise ComparisonError(f"the network's input {name} is not quantized.")
    return float(quantization.scales[0]), int(quantization.zero_points[0])


def _convert(network: Any, beat: npt.NDArray[np.float32], rhythm: npt.NDArray[np.float32]) -> bytes:
    def calibration() -> Iterator[dict[str, npt.NDArray[np.float32]]]:
        for number in range(len(beat)):
            yield {"beat": beat[number : number + 1], "rhythm": rhythm[number : number + 1]}

    with tempfile.TemporaryDirectory() as folder, quiet():
        tf.saved_model.save(network, folder, signatures=_signature(network))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def _signature(network: Any) -> Any:
    """The network on one beat, its inputs and its output by name."""

    def infer(beat: Any, rhythm: Any) -> dict[str, Any]:
        return {"logits": network([beat, rhythm], training=False)}

    beat = tf.TensorSpec((1, *BEAT_SHAPE), tf.float32, name="beat")
    rhythm = tf.TensorSpec((1, *RHYTHM_SHAPE), tf.float32, name="rhythm")
    return tf.function(infer, input_signature=[beat, rhythm])
