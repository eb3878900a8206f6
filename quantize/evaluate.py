"""Score the networks of a run folder: float, pruned float and int8, under each protocol of the recipe."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ecg_edge.ecg.files import locked_folder, write_json
from ecg_edge.training.datasets import evaluation_sets
from ecg_edge.training.metrics import (
    FLOAT,
    INT8,
    PRUNED,
    EvaluationRow,
    Predict,
    float_engine,
    score_protocol,
)
from ecg_edge.training.progress import SILENT, Progress
from ecg_edge.training.runs import Run


def evaluate(run: Run, progress: Progress = SILENT) -> list[EvaluationRow]:
    """Score the networks of a run folder and write `evaluation.json`.

    Parameters
    ----------
    run : Run
    progress : Progress, optional

    Returns
    -------
    list of EvaluationRow
        One row per protocol and network.

    Raises
    ------
    EcgEdgeError
        When a network is missing.
    """
    engines = _engines(run)
    with locked_folder(run.folder.path):
        rows = [
            score_protocol(test, name, predict(test.beats))
            for test in evaluation_sets(run.recipe, run.data_root, progress.on_record)
            for name, predict in engines.items()
        ]
        write_json(run.folder.evaluation, rows)
        return rows


def _engines(run: Run) -> dict[str, Predict]:
    int8, trained, pruned = (run.require(step) for step in ("quantize", "train", "prune"))
    from ecg_edge.training import train  # late: imports TensorFlow

    return {
        FLOAT: float_engine(train.load(trained)),
        PRUNED: float_engine(train.load(pruned)),
        INT8: int8_engine(int8),
    }


def int8_engine(flatbuffer: Path) -> Predict:
    """Make the prediction function of an int8 network: TFLM where its wheel exists, else LiteRT."""
    # Late: the engines compile C, and LiteRT imports TensorFlow.
    from ecg_edge.quantize.bundle.engines import TflmEngine, beat_inputs, tflm_available
    from ecg_edge.quantize.codegen.flatbuffer import read_network
    from ecg_edge.quantize.reference import run_litert

    if tflm_available():
        run = TflmEngine(flatbuffer, read_network(flatbuffer).input_names).run
    else:
        run = partial(run_litert, flatbuffer)
    return lambda beats: np.asarray(run(beat_inputs(beats.features)).argmax(1), np.int64)
