"""Write the bundle of a recipe's run: its int8 model with what is known of its training and its figures."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecg_edge.ecg.errors import BundleError
from ecg_edge.ecg.labels import LABELS
from ecg_edge.quantize.bundle.engines import beat_inputs
from ecg_edge.quantize.bundle.manifest import Bundle
from ecg_edge.quantize.export.bundle import export_bundle
from ecg_edge.training.beats import Beats
from ecg_edge.training.datasets import training_beats
from ecg_edge.training.recipes import Recipe

MODEL_FILE: Final = Path("quantize") / "model.tflite"
FLOAT_FILE: Final = Path("prune") / "model.keras"
EVALUATION_FILE: Final = Path("evaluation.json")
BUNDLE_FOLDER: Final = Path("bundle")
GOLDEN_CANDIDATES: Final = 200  # beats of each class that golden vectors are chosen from

TOOLS: Final = (
    "ecg-edge",
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "tflite-micro",
    "numpy",
)


def export_run(
    recipe: Recipe,
    data_root: Path,
    run_dir: Path,
    out: Path | None = None,
    on_record: Callable[[str], None] | None = None,
) -> Bundle:
    """Export `quantize/model.tflite` of a run folder.

    Parameters
    ----------
    recipe : Recipe
    data_root : Path
        Folder of the databases: golden vectors are beats of the training side.
    run_dir : Path
        The run's folder.
    out : Path, optional
        The bundle's folder; by default `bundle` in the run's folder.
    on_record : callable, optional
        Called with each record's name before it is read.

    Raises
    ------
    BundleError, ToolError
        See `export_bundle`.
    """
    beats = training_beats(recipe, data_root, on_record)
    candidates = beats[_of_every_class(beats)]
    float_model = run_dir / FLOAT_FILE
    return export_bundle(
        run_dir / MODEL_FILE,
        out or run_dir / BUNDLE_FOLDER,
        name=recipe.name,
        labels=LABELS,
        golden_inputs=beat_inputs(candidates.features),
        training=_training(recipe, beats),
        metrics=_metrics(run_dir / EVALUATION_FILE),
        tools=tool_versions(),
        float_model=float_model if float_model.is_file() else None,
    )


def tool_versions() -> dict[str, str]:
    """Versions of Python and of the packages that take part in making a bundle."""
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in TOOLS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _of_every_class(beats: Beats) -> Any:
    chosen = [np.flatnonzero(beats.labels == label)[:GOLDEN_CANDIDATES] for label in range(len(LABELS))]
    return np.sort(np.concatenate(chosen))


def _training(recipe: Recipe, beats: Beats) -> dict[str, Any]:
    return {
        "recipe": recipe.name,
        "description": recipe.description,
        "database": recipe.data.database,
        "split": recipe.data.split,
        "peaks": recipe.data.peaks,
        "records": sorted(set(beats.records.tolist())),
        "beats": {label: int(np.sum(beats.labels == index)) for index, label in enumerate(LABELS)},
        "seed": recipe.seed,
    }


def _metrics(path: Path) -> dict[str, Any]:
    """Protocol, then engine, then figure: the main ones of `evaluation.json`."""
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        metrics: dict[str, Any] = {}
        for row in rows:
            metrics.setdefault(row["protocol"], {})[row["engine"]] = _figures(row)
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path}: damaged ({error}). Make it again with `ecg-edge quantize`.") from error
    return metrics


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    figures = {"beats": row["n_beats"], "accuracy": row["accuracy"], "macro_f1": row["macro_f1"]}
    for label, values in row["per_class"].items():
        figures[f"{label} Se"], figures[f"{label} +P"] = values["se"], values["ppv"]
    return figures
