"""The steps of recipes of morphology networks, behind `train`, `prune`, `quantize` and `export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console

if TYPE_CHECKING:
    from ecg_edge.host.cli.tables import ResultTable
    from ecg_edge.quantize.bundle.manifest import Bundle
    from ecg_edge.training.morphology.evaluation import Row
    from ecg_edge.training.morphology.train import MorphologyRun
    from ecg_edge.training.progress import Progress


def train(recipe: str, runs: Path, cross: bool, json: Path | None) -> None:
    """Train, or score the recipe on folds of its training patients."""
    run = _open(recipe, runs)
    from ecg_edge.training.morphology import train as steps

    figures: object
    if cross:
        folds = figures = steps.cross_validate(run, _progress())
        table = console.table(f"{run.recipe.name}: folds by virtual patient", "fold", "strips", "accuracy %")
        for fold in folds:
            table.add_row(str(fold["fold"]), str(fold["strips"]), percent(fold["accuracy"], 2))
        console.out.print(table)
    else:
        history = figures = steps.train(run, _progress())
        console.out.print(
            f"{history['parameters']} parameters, {history['multiply_accumulates']} multiply-accumulates"
        )
        console.out.print(f"Network: {run.folder.trained}, and as .h5", markup=False)
    if json:
        write_json(json, figures)


def prune(recipe: str, runs: Path) -> dict[str, float]:
    """Prune; return the share of zeros by layer."""
    run = _open(recipe, runs, needs=("train",))
    from ecg_edge.quantize import morphology

    return morphology.prune(run, _progress())


def quantize(recipe: str, runs: Path, json: Path | None) -> None:
    """Quantize, and score all networks of the run."""
    run = _open(recipe, runs, needs=("prune", "train"))
    from ecg_edge.quantize import morphology

    with console.step("Quantizing"):
        flatbuffer = morphology.quantize(run)
    console.note(f"{run.folder.int8}: {len(flatbuffer)} bytes")
    with console.step("Scoring the networks"):
        rows = morphology.evaluate(run)
    console.out.print(class_table(f"{rows[0]['protocol']}, {rows[0]['n_strips']} strips", rows))
    if json:
        write_json(json, {"model_bytes": len(flatbuffer), "rows": rows})


def export(recipe: str, runs: Path, out: Path | None) -> Bundle:
    """Export the bundle."""
    run = _open(recipe, runs, needs=("quantize",))
    from ecg_edge.quantize import morphology

    return morphology.export(run, out=out)


def class_table(title: str, rows: Sequence[Row], by: str = "engine") -> ResultTable:
    """Format accuracy, and sensitivity, predictivity and F1 of each class, a line a row."""
    names = list(rows[0]["per_class"])
    table = console.table(title, by, "accuracy %", *(f"{name} Se / +P / F1 %" for name in names))
    for row in rows:
        cells = [
            " / ".join(percent(value, 1) for value in (one["se"], one["ppv"], one["f1"]))
            for one in row["per_class"].values()
        ]
        table.add_row(
            row["engine"] if by == "engine" else row["protocol"], percent(row["accuracy"], 2), *cells
        )
    return table


def _open(recipe: str, runs: Path, needs: Sequence[str] = ()) -> MorphologyRun:
    from ecg_edge.training.tf_logging import silence_tensorflow

    silence_tensorflow()
    from ecg_edge.training.morphology.train import open_morphology_run

    run = open_morphology_run(recipe, runs)
    for step in needs:
        run.folder.require(step, run.recipe.name)
    console.note(f"Recipe {run.recipe.name}: synthetic ECG, run folder {run.folder.path}")
    return run


def _progress() -> Progress:
    from ecg_edge.training.progress import text_progress

    return text_progress(console.note)
