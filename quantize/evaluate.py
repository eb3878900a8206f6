"""Score the networks of a run folder: float, pruned and int8, under each protocol of the recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.training.datasets import test_sides
from ecg_edge.training.metrics import EVALUATION_NAME, Predict, Row, float_engine, row
from ecg_edge.training.recipes import Recipe


def evaluate(
    recipe: Recipe, data_root: Path, run_dir: Path, on_record: Callable[[str], None] | None = None
) -> list[Row]:
    """Score the networks of a run folder and write `evaluation.json`.

    Returns
    -------
    list of dict
        One row a protocol and engine: see `row`. "float unpruned" is the trained network, "float" the pruned
        one, "int8" that one quantized.
    """
    engines = _engines(recipe, run_dir)
    rows = [
        row(test, name, predict(test.beats))
        for test in test_sides(recipe, data_root, on_record)
        for name, predict in engines.items()
    ]
    (run_dir / EVALUATION_NAME).write_text(json.dumps(rows, indent=2, allow_nan=False) + "\n")
    return rows


def _engines(recipe: Recipe, run_dir: Path) -> dict[str, Predict]:
    """The networks that the run folder holds."""
    from ecg_edge.quantize import int8, prune
    from ecg_edge.training import train

    flatbuffer = run_dir / int8.MODEL_FILE
    if not flatbuffer.is_file():
        raise EcgEdgeError(f"{flatbuffer}: not found. Make it with `ecg-edge quantize {recipe.name}`.")
    return {
        "float unpruned": float_engine(train.load(run_dir / train.MODEL_FILE, f"train {recipe.name}")),
        "float": float_engine(train.load(run_dir / prune.MODEL_FILE, f"prune {recipe.name}")),
        "int8": int8_engine(flatbuffer),
    }


def int8_engine(flatbuffer: Path) -> Predict:
    """Labels by the int8 network: TFLM where its wheel exists, LiteRT's reference kernels elsewhere."""
    from ecg_edge.quantize.bundle.engines import TflmEngine, beat_inputs, tflm_available
    from ecg_edge.quantize.codegen.flatbuffer import read_network
    from ecg_edge.quantize.reference import run_litert

    if tflm_available():
        run = TflmEngine(flatbuffer, read_network(flatbuffer).input_names).run
    else:
        run = partial(run_litert, flatbuffer)
    return lambda beats: np.asarray(run(beat_inputs(beats.features)).argmax(1), np.int64)
