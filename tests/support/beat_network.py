"""A small beat classifier and a small morphology network with random weights, made without TensorFlow."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ecg_edge.quantize.bundle.manifest import Bundle
from ecg_edge.quantize.export.bundle import export_bundle, random_inputs, random_strips
from tests.support.random_networks import SAME, Builder, T, options

LABELS = ("N", "L", "R", "A", "V")
MORPHOLOGY_LABELS = ("normal", "arrhythmia", "st-depression", "st-elevation", "t-inversion")


def beat_network(
    seed: int = 1,
    *,
    beat_scale: float = 1 / 20,
    rhythm_first: bool = False,
    labels: int = 5,
    names: tuple[str, str] = ("beat", "rhythm"),
) -> bytes:
    """Inputs beat and rhythm, one convolution, mean, concatenation, one dense layer: a `.tflite` file."""
    b = Builder(seed)
    beat = b.input((1, 1, 128, 2), beat_scale, 0)
    rhythm = b.input((1, 27), 1 / 64, 0)
    for tensor, name in ((beat, names[0]), (rhythm, names[1])):
        b.tensors[tensor.index].name = f"serving_default_{name}:0"
    if rhythm_first:
        b.inputs.reverse()
    features = _mean(b, _conv(b, beat), rhythm)
    both = b.activation((1, 8 + 27), 1 / 64, 0)
    b.operator("CONCATENATION", [features.index, rhythm.index], both, options("ConcatenationOptions", axis=1))
    logits = _dense(b, both, labels)
    b.tensors[logits.index].name = "StatefulPartitionedCall/logits:0"
    return b.finish([logits])


def morphology_network(seed: int = 1, *, strip_scale: float = 1 / 50, points: int = 900) -> bytes:
    """Input strip, one convolution, mean, one dense layer: a `.tflite` file."""
    b = Builder(seed)
    strip = b.input((1, 1, points, 1), strip_scale, 0)
    b.tensors[strip.index].name = "serving_default_strip:0"
    output = b.activation((1, 8), 1 / 512, 0)
    features = b.operator("MEAN", [_conv(b, strip).index, b.ints([1, 2])], output, options("ReducerOptions"))
    logits = _dense(b, features, len(MORPHOLOGY_LABELS))
    b.tensors[logits.index].name = "StatefulPartitionedCall/logits:0"
    return b.finish([logits])


def _conv(b: Builder, source: T) -> T:
    _, _, points, channels = source.shape
    weights = b.rng.integers(-127, 128, (8, 1, 7, channels)).astype(np.int8)
    scales = b.rng.uniform(1e-3, 3e-3, 8)
    index = b.tensor(weights.shape, scales, np.zeros(8), data=weights)
    bias = b.tensor(
        (8,), scales * source.scale, np.zeros(8), dtype=2, data=np.arange(-400, 400, 100, np.int32)
    )
    output = b.activation((1, 1, points // 2, 8), 0.03, -128)
    settings = options("Conv2DOptions", padding=SAME, strideH=1, strideW=2, fusedActivationFunction=1)
    return b.operator("CONV_2D", [source.index, index, bias], output, settings)


def _mean(b: Builder, source: T, like: T) -> T:
    output = b.activation((1, 8), like.scale, like.zero_point)
    return b.operator("MEAN", [source.index, b.ints([1, 2])], output, options("ReducerOptions"))


def _dense(b: Builder, source: T, labels: int) -> T:
    weights = b.rng.integers(-127, 128, (labels, source.shape[1])).astype(np.int8)
    index = b.tensor(weights.shape, b.rng.uniform(0.01, 0.03, labels), np.zeros(labels), data=weights)
    output = b.activation((1, labels), 70 * 70 * math.sqrt(16) * source.scale * 0.02 / 60, 3)
    return b.operator("FULLY_CONNECTED", [source.index, index], output, options("FullyConnectedOptions"))


def export_random(folder: Path, name: str, seed: int, *, strips: bool = False) -> Bundle:
    """Export a beat classifier, or a morphology network, with random weights."""
    source = folder / f"{name}.tflite"
    source.write_bytes(morphology_network(seed) if strips else beat_network(seed))
    return export_bundle(
        source,
        folder / name.split("-")[0],
        name=name,
        labels=MORPHOLOGY_LABELS if strips else LABELS,
        golden_inputs=random_strips(60) if strips else random_inputs(60),
        training={},
        metrics={},
        tools={},
    )
