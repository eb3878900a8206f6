"""Compare architectures on the same strips: accuracy, size, work, and whether the device can run them.

    python -m ecg_edge.host.pipeline.morphology.architectures --patients 2000 --epochs 8 --json out.json

Each network is trained alike, for a few epochs of a part of the recipe's patients: enough to compare, not the
best that each can reach. One takes beats with their context, the inputs of the beat classifier, instead of a
strip; its answer for a strip is the mean of its logits over the strip's beats.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
import numpy.typing as npt
import tf_keras as keras

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.firmware import STRIP_SECONDS, process
from ecg_edge.quantize.bundle.engines import BEAT_INPUTS, TflmEngine
from ecg_edge.quantize.bundle.manifest import STRIP_INPUT
from ecg_edge.quantize.codegen.flatbuffer import read_network
from ecg_edge.quantize.codegen.generate import generate
from ecg_edge.quantize.int8 import convert, with_extremes
from ecg_edge.quantize.morphology import with_extremes as strip_extremes
from ecg_edge.training import networks
from ecg_edge.training.beats import dequantize
from ecg_edge.training.morphology import network as morphology
from ecg_edge.training.morphology.dataset import StripSet, cached_set, training_ranges
from ecg_edge.training.morphology.evaluation import Conditions
from ecg_edge.training.morphology.patients import SEEDS, Ranges, example
from ecg_edge.training.morphology.recipe import MorphologyRecipe, load_morphology_recipe
from ecg_edge.training.morphology.train import fit_network, millivolts, predict
from ecg_edge.training.recipes import Model, find_recipe
from ecg_edge.training.runs import DEFAULT_RUNS
from ecg_edge.training.train import make_repeatable

layers = keras.layers
BATCH: Final = 128


class Row(TypedDict):
    """One architecture: accuracy in per cent of held-out strips at 20 dB; what of it the device can run."""

    architecture: str
    accuracy: float
    parameters: int
    multiply_accumulates: int
    int8_bytes: int | None
    tflm: str
    generated_c: str
    int8_accuracy: float | None


def shipped(recipe: MorphologyRecipe) -> Any:
    """The recipe's own network."""
    return morphology.build(recipe.model)


def _stem(model: Any, filters: tuple[int, ...] = (12, 16, 24, 32)) -> tuple[Any, Any]:
    """The first convolutions of the recipe's network: 57 vectors of 32."""
    strip = keras.Input(morphology.STRIP_SHAPE, name=STRIP_INPUT)
    x = strip
    for number, (filter_count, kernel) in enumerate(zip(filters, (7, 5, 5, 5), strict=True), start=1):
        x = morphology.convolution(x, number, filter_count, kernel, 2)
    return strip, layers.Reshape((x.shape[2], x.shape[3]))(x)


def cnn_lstm(recipe: MorphologyRecipe) -> Any:
    """Convolutions, then an LSTM of 48 units over their 57 steps."""
    strip, x = _stem(recipe)
    x = layers.Dropout(recipe.model.dropout)(layers.LSTM(48)(x))
    return keras.Model(strip, layers.Dense(len(MORPHOLOGY), name="logits")(x), name="cnn_lstm")


def transformer(recipe: MorphologyRecipe) -> Any:
    """Convolutions, then two blocks of attention with two heads over their 57 steps."""
    strip, x = _stem(recipe)
    places = layers.Embedding(x.shape[1], x.shape[2])(np.arange(x.shape[1])[None])
    x = x + places
    for _ in range(2):
        attended = layers.MultiHeadAttention(2, 16)(x, x)
        x = layers.LayerNormalization()(x + attended)
        x = layers.LayerNormalization()(x + layers.Dense(32)(layers.Dense(64, activation="relu")(x)))
    x = layers.Dropout(recipe.model.dropout)(layers.GlobalAveragePooling1D()(x))
    return keras.Model(strip, layers.Dense(len(MORPHOLOGY), name="logits")(x), name="transformer")


def plain_deep_cnn(recipe: MorphologyRecipe) -> Any:
    """Convolutions with pooling, all values of the last one into a wide dense layer."""
    strip = keras.Input(morphology.STRIP_SHAPE, name=STRIP_INPUT)
    x = strip
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, (1, 5), padding="same", activation="relu")(x)
        x = layers.MaxPooling2D((1, 4))(x)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(0.5)(x)
    return keras.Model(strip, layers.Dense(len(MORPHOLOGY), name="logits")(x), name="plain_deep_cnn")


STRIP_NETWORKS: Final[dict[str, Callable[[MorphologyRecipe], Any]]] = {
    "CNN, mean and maximum (shipped)": shipped,
    "CNN and LSTM": cnn_lstm,
    "convolutions and transformer": transformer,
    "plain deep CNN, flattened": plain_deep_cnn,
}


def multiply_accumulates(network: Any) -> int:
    """Count multiply-accumulate operations, those of sequences and attention included."""
    total = 0
    for layer in network.layers:
        weights = sum(int(np.prod(w.shape)) for w in layer.trainable_weights if len(w.shape) > 1)
        if isinstance(layer, layers.Conv2D):
            total += int(layer.output_shape[2]) * weights
        elif isinstance(layer, layers.LSTM):
            total += int(layer.input_shape[1]) * weights
        elif isinstance(layer, layers.MultiHeadAttention):
            steps, width = int(layer.output_shape[1]), int(layer.output_shape[2])
            total += steps * weights + 2 * steps * steps * width
        elif isinstance(layer, layers.Dense):
            total += weights * int(np.prod(layer.output_shape[1:-1], initial=1))
    return total


def compare_strips(name: str, recipe: MorphologyRecipe, own: StripSet, held: StripSet, test: StripSet) -> Row:
    """Train one network on strips and look at its int8 form."""
    make_repeatable(recipe.seed)
    network = STRIP_NETWORKS[name](recipe)
    fit_network(network, recipe, own, held, recipe.training.epochs, recipe.training.learning_rate)
    found = predict(network, test.strips).argmax(1)
    row = _row(name, network, float(np.mean(found == test.labels)))
    inputs = {STRIP_INPUT: millivolts(strip_extremes(own.strips[:300]))}
    return _with_device(row, network, inputs, {STRIP_INPUT: test.strips}, test.labels)


def _row(name: str, network: Any, accuracy: float) -> Row:
    return {
        "architecture": name,
        "accuracy": accuracy,
        "parameters": int(network.count_params()),
        "multiply_accumulates": multiply_accumulates(network),
        "int8_bytes": None,
        "tflm": "not converted",
        "generated_c": "not converted",
        "int8_accuracy": None,
    }


def _with_device(
    row: Row,
    network: Any,
    calibration: dict[str, npt.NDArray[np.float32]],
    inputs: dict[str, npt.NDArray[np.int8]],
    labels: npt.NDArray[np.int64] | None,
) -> Row:
    """Quantize, and try TFLM and the generated C."""
    try:
        flatbuffer = convert(network, calibration)
    except Exception as error:  # any failure of the converter is a result
        return {**row, "tflm": f"converter: {_short(error)}"}
    row = {**row, "int8_bytes": len(flatbuffer)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(flatbuffer)
        try:
            # The parser of the generated C does not read all files that TFLM runs.
            names = list(inputs) if len(inputs) == 1 else read_network(path).input_names
            logits = TflmEngine(path, names).run(inputs)
            row = {**row, "tflm": "runs"}
            if labels is not None:
                row = {**row, "int8_accuracy": float(np.mean(logits.argmax(1) == labels))}
        except Exception as error:
            row = {**row, "tflm": _short(error)}
    try:
        generate(flatbuffer, row["architecture"])
        return {**row, "generated_c": "runs"}
    except EcgEdgeError as error:
        return {**row, "generated_c": _short(error)}


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


@dataclass(frozen=True, eq=False)
class BeatSet:
    """Beats with their context; `strip` is the number of the strip that each belongs to."""

    beat: npt.NDArray[np.int8]
    rhythm: npt.NDArray[np.int8]
    strip: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]


def beat_set(part: str, patients: int, ranges: Ranges) -> BeatSet:
    """Find the beats of the last 10 s of each record as the device does."""
    beats, rhythms, numbers, labels = [], [], [], []
    for number in range(patients * len(MORPHOLOGY)):
        label = number % len(MORPHOLOGY)
        _, record = example(label, SEEDS[part] + number // len(MORPHOLOGY), ranges)
        found = process(record.samples[:, 0], adu_per_mv=record.adu_per_mv)
        found = found[found["r_sample"] >= len(record.samples) - STRIP_SECONDS * record.settings.fs_hz]
        beats.append(found["beat"])
        rhythms.append(found["rhythm"])
        numbers.append(np.full(len(found), number))
        labels.append(np.full(len(found), label))
    return BeatSet(*(np.concatenate(one) for one in (beats, rhythms, numbers, labels)))


def compare_beats(recipe: MorphologyRecipe, patients: int, test_patients: int) -> Row:
    """Train the beat classifier's network on beats with their context."""
    own = beat_set("train", patients, training_ranges(recipe.data))
    test = beat_set("test", test_patients, Conditions().ranges)
    make_repeatable(recipe.seed)
    network: Any = networks.build(Model(head_units=48))  # five labels there, five classes here
    network.compile(
        optimizer=keras.optimizers.Adam(0.003),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    epochs = max(1, recipe.training.epochs // 3)  # ten times as many beats as strips
    inputs = dequantize(own.beat, own.rhythm)
    network.fit(list(inputs), own.labels, epochs=epochs, batch_size=4 * BATCH, verbose=0)
    logits = network.predict(list(dequantize(test.beat, test.rhythm)), batch_size=1024, verbose=0)
    row = _row(
        "beat with its context, mean of a strip", network, _strip_accuracy(logits, test, test_patients)
    )
    beat, rhythm = with_extremes(own.beat[:300], own.rhythm[:300])
    calibration = dict(zip(BEAT_INPUTS, dequantize(beat, rhythm), strict=True))
    return _with_device(row, network, calibration, {"beat": test.beat[:64], "rhythm": test.rhythm[:64]}, None)


def _strip_accuracy(logits: npt.NDArray[np.float32], test: BeatSet, patients: int) -> float:
    """Accuracy of the mean logits of each strip; a strip without beats is wrong."""
    sums = np.zeros((patients * len(MORPHOLOGY), len(MORPHOLOGY)))
    np.add.at(sums, test.strip, logits)
    truth = np.tile(np.arange(len(MORPHOLOGY)), patients)
    return float(np.mean((sums.argmax(1) == truth) & sums.any(1)))


def main() -> None:
    """Train all, and print a line each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--patients", type=int, default=2000)
    options.add_argument("--test-patients", type=int, default=400)
    options.add_argument("--epochs", type=int, default=8)
    options.add_argument("--runs", type=Path, default=DEFAULT_RUNS, help="strips are kept here")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    loaded = load_morphology_recipe(find_recipe("morphology"))
    recipe = replace(loaded, training=replace(loaded.training, epochs=chosen.epochs, batch_size=BATCH))
    ranges = training_ranges(recipe.data)
    strips = chosen.runs / recipe.name / "strips"
    own = cached_set(strips, "train", chosen.patients, ranges)
    held = cached_set(strips, "validation", recipe.data.validation_patients, ranges)
    test = cached_set(strips, "test", chosen.test_patients, Conditions().ranges)
    rows = []
    for name in STRIP_NETWORKS:
        rows.append(compare_strips(name, recipe, own, held, test))
        print(rows[-1], flush=True)
    rows.append(compare_beats(recipe, chosen.patients, chosen.test_patients))
    print(rows[-1], flush=True)
    if chosen.json:
        write_json(chosen.json, rows)


if __name__ == "__main__":
    main()
