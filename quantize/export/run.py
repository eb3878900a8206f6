"""Write the bundle of a recipe's run: its int8 model with what is known of its training and its figures."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecg_edge.ecg.errors import BundleError
from ecg_edge.ecg.files import check_writable_folder, locked_folder, read_json
from ecg_edge.ecg.labels import LABELS
from ecg_edge.ecg.splits import part_title
from ecg_edge.firmware.binding.rhythm import rhythm_fingerprint
from ecg_edge.quantize.bundle.engines import beat_inputs
from ecg_edge.quantize.bundle.manifest import Bundle, Spread, Training, load_bundle
from ecg_edge.quantize.export.bundle import export_bundle
from ecg_edge.quantize.export.model_card import CHOICE, CHOSEN_BY
from ecg_edge.training.beats import Beats
from ecg_edge.training.datasets import training_beats
from ecg_edge.training.progress import SILENT, Progress
from ecg_edge.training.recipes import OwnDatabase, Recipe, folds_sha256
from ecg_edge.training.runs import Run

GOLDEN_CANDIDATES: Final = 200  # beats of each class to choose golden vectors from

FOLDS: Final = "patients5"
_ROW: Final = {"network": "int8", "peaks": "detected", "start_s": 300.0}
_SPREAD: Final = (
    *(
        f"{way} {kind}_{rate}"
        for way in ("gross", "average")
        for kind in ("veb", "sveb")
        for rate in ("se", "ppv")
    ),
    "gross veb_f1",
    "gross sveb_f1",
    "jk",
)

TOOLS: Final = (
    "ecg-edge",
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "tflite-micro",
    "numpy",
)


def export_run(
    run: Run, progress: Progress = SILENT, out: Path | None = None, elsewhere: Path | None = None
) -> Bundle:
    """Export the int8 network of a run folder as a bundle; its golden vectors are beats of the training set.

    Parameters
    ----------
    run : Run
    progress : Progress, optional
    out : Path, optional
        Folder of the bundle; by default the one in the run folder.
    elsewhere : Path, optional
        Bundle of the same recipe whose folds by patient were trained on another machine; the card compares.

    Raises
    ------
    EcgEdgeError
        When there is no int8 network.
    BundleError, ToolError
        See `export_bundle`; and when the folds of `elsewhere` are not the same.
    """
    model, folder = run.require("quantize"), run.folder
    bundle = check_writable_folder(out or folder.bundle)  # before the records are read
    spread = _spread(run, elsewhere)
    with locked_folder(folder.path):
        beats = training_beats(run.recipe, run.data_root, progress.on_record)
        candidates = beats[_of_every_class(beats)]
        return export_bundle(
            model,
            bundle,
            name=run.recipe.name,
            labels=LABELS,
            golden_inputs=beat_inputs(candidates.features),
            training=_training(run, beats, spread),
            metrics=read_metrics(folder.evaluation),
            tools=tool_versions(),
            float_model=folder.pruned if folder.pruned.is_file() else None,
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


def _training(run: Run, beats: Beats, spread: Spread | None) -> Training:
    recipe = run.recipe
    training: Training = {
        "recipe": recipe.name,
        "description": recipe.description,
        "database": recipe.data.database,
        "split": recipe.data.split,
        "peaks": recipe.data.peaks,
        "records": sorted({_in_folder(name, recipe.databases) for name in set(beats.records.tolist())}),
        "beats": {label: int(np.sum(beats.labels == index)) for index, label in enumerate(LABELS)},
        "seed": recipe.seed,
    }
    return training if spread is None else {**training, "spread": spread}


def _in_folder(record: str, databases: Mapping[str, OwnDatabase]) -> str:
    """Name a training record by its folder, as `ecg-edge evaluate` does, not by its table of the recipe."""
    table, slash, name = record.partition("/")
    own = databases.get(table) if slash else None
    return f"{Path(own.folder).name}/{name}" if own and own.folder else record


def _spread(run: Run, elsewhere: Path | None) -> Spread | None:
    spread = read_spread(folder_of_folds(run) / f"{FOLDS}.json", run.recipe)
    if elsewhere is None:
        return spread
    other = load_bundle(elsewhere).manifest
    theirs = other.training.get("spread")
    if spread is None or theirs is None:
        raise BundleError(
            f"{elsewhere}: nothing to compare: both need `ecg-edge train RECIPE --folds patients5 --seeds 5` "
            "before `export`."
        )
    keys = ("division", "patients", "made_by_sha256", "rhythm_fingerprint")
    here, there = ([one.get(key) for key in keys] for one in (spread, theirs))
    no_seed = not set(spread["seeds"]) & set(theirs["seeds"])
    if here != there or no_seed:
        raise BundleError(
            f"{elsewhere}: its folds are of other settings, of another signal path or version of the "
            "training, of other rhythm rules, or of other seeds or records. Leave out --elsewhere."
        )
    by_seed = {
        name: dict(zip(theirs["seeds"], values, strict=True)) for name, values in theirs["figures"].items()
    }
    figures = {name: [found.get(seed) for seed in spread["seeds"]] for name, found in by_seed.items()}
    return {**spread, "elsewhere": figures}


def folder_of_folds(run: Run) -> Path:
    """Return the folder that `ecg-edge train RECIPE --folds patients5` writes to."""
    return run.folder.path / "folds"


def read_spread(path: Path, recipe: Recipe) -> Spread | None:
    """Read the figures by seed that `ecg-edge train RECIPE --folds patients5` wrote; None without them.

    Figures of other settings than the recipe's, but for the seed, of another signal path or version of the
    training, or of other rhythm rules do not count.
    """
    if not path.is_file():
        return None
    try:
        found = read_json(path)
        made_by = (found.get("made_by_sha256"), found.get("rhythm_fingerprint"))
        if made_by != (folds_sha256(recipe), rhythm_fingerprint()):
            return None
        rows = [row for row in found["spread"] if all(row[key] == value for key, value in _ROW.items())]
        whole, own = rows[0], next(row for row in rows if row["group"] == "mitdb")
        figures = {name: whole["figures"][name]["by_seed"] for name in _SPREAD}
        figures["macro_f1 of mitdb"] = own["figures"]["macro_f1"]["by_seed"]
        development = part_title(whole["group"], "development")
        for row in (row for row in rows if row["group"] == development):
            figures |= {f"{name}{CHOSEN_BY}": row["figures"][name]["by_seed"] for name in CHOICE}
        return {
            "division": found["division"],
            "seeds": found["seeds"],
            "patients": whole["patients"],
            "figures": figures,
            "made_by_sha256": found["made_by_sha256"],
            "rhythm_fingerprint": found["rhythm_fingerprint"],
        }
    except (ValueError, KeyError, IndexError, TypeError, StopIteration) as error:
        raise BundleError(
            f"{path}: damaged ({error!r}). Run `ecg-edge train RECIPE --folds patients5` again."
        ) from error


def read_metrics(path: Path) -> dict[str, Any]:
    """Read the main scores of `evaluation.json`, by protocol, network and name; empty when there is none."""
    if not path.is_file():
        return {}
    try:
        rows = read_json(path)
        metrics: dict[str, Any] = {}
        for row in rows:
            metrics.setdefault(row["protocol"], {})[row["engine"]] = _figures(row)
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path}: damaged ({error}). Make it again with `ecg-edge quantize`.") from error
    return metrics


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    counted = {key.removeprefix("n_"): row[key] for key in ("n_beats", "n_strips") if key in row}
    figures = {**counted, "accuracy": row["accuracy"], "macro_f1": row["macro_f1"]}
    for label, values in row["per_class"].items():
        figures[f"{label} Se"], figures[f"{label} +P"] = values["se"], values["ppv"]
    return figures
