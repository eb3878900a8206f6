"""Quantize a network to int8 throughout: weights, activations, inputs and outputs.

The scales of the inputs are fixed: the device's signal path writes both tensors with them. The calibration
beats contain the extremes of both tensors, so that the converter derives these scales. Channels are scaled to
use their whole range, weights are rounded so that logits change least relative to each other where labels are
near, and what still shifts them on average there is taken off their bias.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ecg_edge.ecg.errors import BundleError
from ecg_edge.ecg.files import locked_folder, replacing
from ecg_edge.quantize.bundle.engines import BEAT_INPUTS, beat_inputs
from ecg_edge.quantize.codegen.flatbuffer import parse_network
from ecg_edge.quantize.equalize import equalize_channels
from ecg_edge.quantize.interface import check_inputs
from ecg_edge.quantize.reference import run_litert
from ecg_edge.quantize.rounding import round_weights
from ecg_edge.training import train
from ecg_edge.training.beats import Beats, dequantize
from ecg_edge.training.datasets import training_beats
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.progress import SILENT, Progress
from ecg_edge.training.runs import Run
from ecg_edge.training.tf_logging import suppress_native_stderr

COMPARED_BEATS: Final = 16_000
"""Training beats by which weights are rounded and the logits compared with the float network's."""
LOWEST_LOGIT: Final = -8.0
"""Lower logits do not set the step of the output: such a label has a probability below 0.1 %."""
NEAR: Final = 2.0  # a logit so far below the largest one may become the label by its rounding


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
    order = np.random.default_rng(seed).permutation(len(beats))
    chosen = _without_low_logits(network, beats[order[:calibration_beats]])
    compared = beats[order[:COMPARED_BEATS]]
    calibration = dict(zip(BEAT_INPUTS, dequantize(*with_extremes(chosen.beat, chosen.rhythm)), strict=True))
    scaled = equalize_channels(network, dequantize(compared.beat, compared.rhythm))
    close = close_beats(network, beats, COMPARED_BEATS, seed)
    rounded = round_weights(scaled, dequantize(close.beat, close.rhythm))
    shift = logits_shift(convert(rounded, calibration), compared, _logits(network, compared))
    last = rounded.layers[-1]
    kernel, bias = last.get_weights()
    last.set_weights([kernel, bias - shift])
    flatbuffer = convert(rounded, calibration)
    check_inputs(parse_network(flatbuffer), "quantized network")
    return flatbuffer


def close_beats(network: KerasModel, beats: Beats, count: int, seed: int) -> Beats:
    """Draw beats near the border of two labels: by p (1 - p), p the more probable one's share of the two.

    Parameters
    ----------
    network : KerasModel
    beats : Beats
        All are taken where there are no more than `count`.
    count : int
    seed : int
    """
    if len(beats) <= count:
        return beats
    logits = np.sort(_logits(network, beats), axis=1).astype(np.float64)
    margins = np.minimum(logits[:, -1] - logits[:, -2], 100.0)  # no weight is 0
    weights = np.cosh(margins / 2) ** -2.0
    chosen = np.random.default_rng(seed).choice(len(beats), count, replace=False, p=weights / weights.sum())
    return beats[chosen]


def _logits(network: KerasModel, beats: Beats) -> npt.NDArray[np.float32]:
    return network.predict(list(dequantize(beats.beat, beats.rhythm)), batch_size=1024, verbose=0)


def _without_low_logits(network: KerasModel, beats: Beats) -> Beats:
    """Leave out beats with logits below `LOWEST_LOGIT`; all stay where none would."""
    chosen = _logits(network, beats).min(axis=1) >= LOWEST_LOGIT
    return beats[chosen] if chosen.any() else beats


def logits_shift(flatbuffer: bytes, beats: Beats, wanted: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Compute by how much each int8 logit is too high on average, over beats whose label it may decide.

    These are the beats in which it and another one are the largest or within `NEAR` of it; all, where there
    are none. Of equal logits the device takes the first, N. Half a step on the others makes up for that.

    Parameters
    ----------
    flatbuffer : bytes
    beats : Beats
    wanted : ndarray of float32, shape (n, classes)
        The float network's logits of the beats.

    Returns
    -------
    ndarray of float32, shape (classes,)
    """
    parsed = parse_network(flatbuffer)
    quantization = parsed.tensors[parsed.output_order[0]].quantization
    if quantization is None:
        raise BundleError("quantized network: its output is not quantized. Quantize it to int8.")
    step, zero = float(quantization.scales[0]), int(quantization.zero_points[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(flatbuffer)
        logits = (run_litert(path, beat_inputs(beats.features)).astype(np.float32) - zero) * step
    near = wanted > wanted.max(axis=1, keepdims=True) - NEAR
    near &= near.sum(axis=1, keepdims=True) > 1
    near |= ~near.any(axis=0)
    shift = np.mean(logits - wanted, axis=0, where=near)
    shift[1:] -= step / 2
    return cast(npt.NDArray[np.float32], shift)


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
