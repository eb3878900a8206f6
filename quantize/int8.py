"""Quantize a network to int8 throughout: weights, activations, inputs and outputs.

The scales of the inputs are fixed: the device's signal path writes both tensors with them. The calibration
beats contain the extremes of both tensors, so that the converter derives these scales.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ecg_edge.ecg.files import locked_folder, replacing
from ecg_edge.quantize.bundle.engines import BEAT_INPUTS
from ecg_edge.quantize.codegen.flatbuffer import parse_network
from ecg_edge.quantize.interface import check_inputs
from ecg_edge.training import train
from ecg_edge.training.beats import Beats, dequantize
from ecg_edge.training.datasets import training_beats
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.progress import SILENT, Progress
from ecg_edge.training.runs import Run
from ecg_edge.training.tf_logging import suppress_native_stderr


def quantize(run: Run, progress: Progress = SILENT) -> bytes:
    """Quantize the pruned network of a run folder, and save the int8 one.

    Parameters
    ----------
    run : Run
    progress : Progress, optional

    Returns
    -------
    bytes
        The flatbuffer.

    Raises
    ------
    EcgEdgeError
        When there is no pruned network.
    """
    pruned = run.require("prune")
    with locked_folder(run.folder.path):
        beats = training_beats(run.recipe, run.data_root, progress.on_record)
        recipe = run.recipe
        network = train.load(pruned)
        if recipe.quantize.aware_epochs:
            from ecg_edge.quantize.aware import train_aware  # late: takes seconds, and few recipes need it

            network = train_aware(network, recipe, train.examples(recipe, beats), progress.on_epoch)
        flatbuffer = quantize_network(network, beats, recipe.quantize.calibration_beats, recipe.seed)
        with replacing(run.folder.int8) as partial:
            partial.write_bytes(flatbuffer)
        return flatbuffer


def quantize_network(network: KerasModel, beats: Beats, calibration_beats: int, seed: int) -> bytes:
    """Convert a network to an int8 flatbuffer, calibrated on a random choice of `beats`.

    Raises
    ------
    BundleError
        When the inputs' scales are not the signal path's.
    """
    chosen = np.random.default_rng(seed).permutation(len(beats))[:calibration_beats]
    beat, rhythm = with_extremes(beats.beat[chosen], beats.rhythm[chosen])
    flatbuffer = convert(network, dict(zip(BEAT_INPUTS, dequantize(beat, rhythm), strict=True)))
    check_inputs(parse_network(flatbuffer), "quantized network")
    return flatbuffer


def with_extremes(
    beat: npt.NDArray[np.int8], rhythm: npt.NDArray[np.int8]
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Copy beats, the first with -128 and 127 in both tensors, so that each spans its whole range.

    Parameters
    ----------
    beat, rhythm : ndarray of int8, shapes (n, 128, 2) and (n, 27)
    """
    beat, rhythm = beat.copy(), rhythm.copy()
    beat[0, :2, 0] = -128, 127
    rhythm[0, :2] = -128, 127
    return beat, rhythm


def convert(network: KerasModel, inputs: Mapping[str, npt.NDArray[np.float32]]) -> bytes:
    """Convert a network, calibrated on inputs by their names, each of shape (n, ...)."""

    def calibration() -> Iterator[dict[str, npt.NDArray[np.float32]]]:
        for number in range(len(next(iter(inputs.values())))):
            yield {name: values[number : number + 1] for name, values in inputs.items()}

    with tempfile.TemporaryDirectory() as folder, suppress_native_stderr():
        tf.saved_model.save(network, folder, signatures=_signature(network, inputs))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())


def _signature(network: KerasModel, inputs: Mapping[str, npt.NDArray[np.float32]]) -> Any:
    """Trace the network on one row of each input, with named inputs and output."""

    def infer(*values: Any) -> dict[str, Any]:
        return {"logits": network(list(values), training=False)}

    return tf.function(
        infer,
        input_signature=[
            tf.TensorSpec((1, *values.shape[1:]), tf.float32, name=name) for name, values in inputs.items()
        ],
    )
