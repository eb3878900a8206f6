"""The steps after training of a morphology network: prune, quantize, score, export."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.files import check_writable_folder, locked_folder, write_json
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.quantize.bundle.engines import TflmEngine, tflm_available
from ecg_edge.quantize.bundle.manifest import STRIP_INPUT, Bundle
from ecg_edge.quantize.codegen.flatbuffer import parse_network
from ecg_edge.quantize.export.bundle import export_bundle
from ecg_edge.quantize.export.run import read_metrics, tool_versions
from ecg_edge.quantize.interface import check_inputs
from ecg_edge.quantize.reference import run_litert
from ecg_edge.training.metrics import FLOAT, INT8, PRUNED
from ecg_edge.training.morphology.evaluation import Conditions, Predict, Row, score, test_set
from ecg_edge.training.morphology.train import (
    MorphologyRun,
    class_counts,
    fit_network,
    millivolts,
    predict,
)
from ecg_edge.training.progress import SILENT, Progress
from ecg_edge.training.train import load, make_repeatable, save

GOLDEN_CANDIDATES: Final = 500  # strips to choose golden vectors from


def prune(run: MorphologyRun, progress: Progress = SILENT) -> dict[str, float]:
    """Prune the trained network of a run folder, and save the pruned one.

    Returns
    -------
    dict of str to float
        Share of zeros in the kernel of each layer, and under "all" in all kernels together.
    """
    from ecg_edge.quantize.prune import pruned_copy, sparsity  # late: tfmot is slow to import

    trained, recipe = run.folder.require("train", run.recipe.name), run.recipe
    with locked_folder(run.folder.path):
        own, validation = run.training_set(progress), run.validation_set(progress)

        def fine_tune(network: Any, pruning: Any) -> None:
            settings = recipe.prune
            fit_network(
                *(network, recipe, own, validation, settings.epochs, settings.learning_rate),
                *(progress.on_epoch, (pruning,)),
            )

        make_repeatable(recipe.seed)
        steps = -(-len(own) // recipe.training.batch_size)
        pruned = pruned_copy(load(trained), recipe.prune, steps, fine_tune)
        save(pruned, run.folder.pruned)
        zeros = sparsity(pruned)
        write_json(run.folder.sparsity, zeros)
        return zeros


def quantize(run: MorphologyRun, progress: Progress = SILENT) -> bytes:
    """Quantize the pruned network of a run folder, and save the int8 one."""
    from ecg_edge.quantize.int8 import convert  # late: TensorFlow is slow to import

    pruned, recipe = run.folder.require("prune", run.recipe.name), run.recipe
    with locked_folder(run.folder.path):
        own = run.training_set(progress)
        chosen = np.random.default_rng(recipe.seed).permutation(len(own))[
            : recipe.quantize.calibration_strips
        ]
        flatbuffer = convert(load(pruned), {STRIP_INPUT: millivolts(with_extremes(own.strips[chosen]))})
        check_inputs(parse_network(flatbuffer), "quantized network")
        run.folder.int8.parent.mkdir(parents=True, exist_ok=True)
        run.folder.int8.write_bytes(flatbuffer)
        return flatbuffer


def with_extremes(strips: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Copy strips, the first with -128 and 127, so that the converter derives the input's fixed scale."""
    strips = strips.copy()
    strips[0, :2] = -128, 127
    return strips


def evaluate(run: MorphologyRun, progress: Progress = SILENT) -> list[Row]:
    """Score the networks of a run folder on held-out patients at the stated noise; write evaluation.json."""
    folder = run.folder
    engines: dict[str, Predict] = {
        FLOAT: partial(predict, load(folder.require("train", run.recipe.name))),
        PRUNED: partial(predict, load(folder.require("prune", run.recipe.name))),
        INT8: int8_predict(folder.require("quantize", run.recipe.name)),
    }
    with locked_folder(folder.path):
        conditions = Conditions()
        test = test_set(conditions, run.recipe.data.test_patients, progress.on_record)
        rows = [score(test, engine, name, conditions) for name, engine in engines.items()]
        write_json(folder.evaluation, rows)
        return rows


def int8_predict(flatbuffer: Path) -> Predict:
    """Make the prediction function of an int8 network: TFLM where its wheel exists, else LiteRT."""
    tflm = tflm_available()
    run = TflmEngine(flatbuffer, [STRIP_INPUT]).run if tflm else partial(run_litert, flatbuffer)
    return lambda strips: run({STRIP_INPUT: strips})


def export(run: MorphologyRun, progress: Progress = SILENT, out: Path | None = None) -> Bundle:
    """Export the int8 network of a run folder as a bundle; its golden vectors are validation strips."""
    model, folder, recipe = run.folder.require("quantize", run.recipe.name), run.folder, run.recipe
    bundle = check_writable_folder(out or folder.bundle)
    with locked_folder(folder.path):
        own, validation = run.training_set(progress), run.validation_set(progress)
        return export_bundle(
            model,
            bundle,
            name=recipe.name,
            labels=MORPHOLOGY,
            golden_inputs={STRIP_INPUT: validation.strips[:GOLDEN_CANDIDATES]},
            training={
                "recipe": recipe.name,
                "description": recipe.description,
                "database": "synth",
                "split": "virtual patients",
                "records": [],
                "strips": class_counts(own),
                "seed": recipe.seed,
            },
            metrics=read_metrics(folder.evaluation),
            tools=tool_versions(),
            float_model=folder.pruned,
        )
