"""The stages that turn a recipe and records into a verified bundle; TensorFlow is imported when one runs."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecg_edge.ecg.files import PROJECT_ROOT, write_json
from ecg_edge.host.pipeline.dependencies import sources_of
from ecg_edge.host.pipeline.records import Records
from ecg_edge.host.pipeline.stages import Stage, hash_files, hash_value

if TYPE_CHECKING:
    from ecg_edge.training.recipes import Recipe

VERIFIED_BEATS = 10_000
EVALUATION_NAME, VERIFY_NAME, BUNDLE_NAME = "evaluation.json", "verify.json", "bundle"
TRAINED, PRUNED, INT8 = "train/model.keras", "prune/model.keras", "quantize/model.tflite"
TOOLS = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy", "scipy", "tflite-micro")


@dataclass(frozen=True)
class Learning:
    """A recipe on its way.

    Attributes
    ----------
    recipe : Recipe
    records : Records
    folder : Path
        The recipe's run folder.
    say : callable
        Told where a stage is.
    """

    recipe: Recipe
    records: Records
    folder: Path
    say: Callable[[str], None]

    def on_epoch(self, epoch: int, epochs: int, figures: Mapping[str, float]) -> None:
        """Say how an epoch went."""
        values = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        self.say(f"epoch {epoch}/{epochs}  {values}")

    def on_record(self, name: str) -> None:
        """Say which record is read."""
        self.say(f"record {name}")


def _train(run: Learning) -> None:
    from ecg_edge.training.train import train

    train(run.recipe, run.records.root, run.folder, run.on_epoch, run.on_record)


def _prune(run: Learning) -> None:
    from ecg_edge.quantize.prune import prune

    prune(run.recipe, run.records.root, run.folder, run.on_epoch, run.on_record)


def _quantize(run: Learning) -> None:
    from ecg_edge.quantize.int8 import quantize

    quantize(run.recipe, run.records.root, run.folder, run.on_record)


def _evaluate(run: Learning) -> None:
    from ecg_edge.quantize.evaluate import evaluate

    evaluate(run.recipe, run.records.root, run.folder, run.on_record)


def _export(run: Learning) -> None:
    from ecg_edge.quantize.export.run import export_run

    export_run(run.recipe, run.records.root, run.folder, on_record=run.on_record)


def _verify(run: Learning) -> None:
    """Compare the engines on beats of the test side, as the device's detector finds them."""
    import numpy as np

    from ecg_edge.quantize.bundle.engines import beat_inputs
    from ecg_edge.quantize.bundle.manifest import load_bundle
    from ecg_edge.quantize.verify import Beats, require_same_bytes, verify
    from ecg_edge.training.datasets import test_sides

    test = test_sides(run.recipe, run.records.root, run.on_record)[-1]
    chosen = np.linspace(0, len(test.beats) - 1, min(VERIFIED_BEATS, len(test.beats))).astype(np.int64)
    beats = test.beats[chosen]
    report = verify(
        load_bundle(run.folder / BUNDLE_NAME), Beats(beat_inputs(beats.features), beats.labels, test.protocol)
    )
    write_json(run.folder / VERIFY_NAME, report)
    require_same_bytes(report)


@dataclass(frozen=True)
class Step:
    """A stage of every recipe.

    Attributes
    ----------
    name : str
    module : str
        Whose source, with all that it imports, the outputs depend on.
    sections : tuple of str
        Keys and sections of the recipe that they depend on.
    needs : tuple of str
        Files of the run folder that they depend on.
    makes : str
        File or folder of the run folder.
    action : callable
    """

    name: str
    module: str
    sections: tuple[str, ...]
    needs: tuple[str, ...]
    makes: str
    action: Callable[[Learning], None]


_DATA = ("seed", "data")
LEARN = (
    Step(
        "train",
        "ecg_edge.training.train",
        (*_DATA, "name", "model", "training", "augment"),
        (),
        TRAINED,
        _train,
    ),
    Step(
        "prune",
        "ecg_edge.quantize.prune",
        (*_DATA, "training", "augment", "prune"),
        (TRAINED,),
        PRUNED,
        _prune,
    ),
    Step("quantize", "ecg_edge.quantize.int8", (*_DATA, "quantize"), (PRUNED,), INT8, _quantize),
    Step("evaluate", "ecg_edge.training.metrics", _DATA, (TRAINED, PRUNED, INT8), EVALUATION_NAME, _evaluate),
)
_MODELS = (PRUNED, INT8, EVALUATION_NAME)
DELIVER = (
    Step(
        "export",
        "ecg_edge.quantize.export.run",
        (*_DATA, "name", "description"),
        _MODELS,
        BUNDLE_NAME,
        _export,
    ),
    Step("verify", "ecg_edge.quantize.verify", _DATA, (BUNDLE_NAME,), VERIFY_NAME, _verify),
)


def stage_of(step: Step, run: Learning) -> Stage:
    """The stage of a step for one recipe."""

    def act() -> None:
        from ecg_edge.training.tf_logging import silence_tensorflow

        silence_tensorflow()
        step.action(run)

    return Stage(
        f"{run.recipe.name} {step.name}", lambda: _inputs(step, run), (run.folder / step.makes,), act
    )


def _inputs(step: Step, run: Learning) -> dict[str, str]:
    from ecg_edge.firmware import fingerprint

    recipe = dataclasses.asdict(run.recipe)
    return {
        **hash_files(sources_of(step.module), PROJECT_ROOT),
        **hash_files((run.folder / name for name in step.needs), PROJECT_ROOT),
        **{f"{section} of the recipe": hash_value(recipe[section]) for section in step.sections},
        "records": hash_value(_record_hashes(run)),
        "signal path as built": f"{fingerprint():08x}",  # its source may be newer than the extension
        "versions of the tools": hash_value(_versions()),
    }


def _record_hashes(run: Learning) -> dict[str, str]:
    databases = (run.records.database, *run.recipe.data.extra)
    return {name: Records(run.records.root, name).fingerprint for name in databases}


def _versions() -> dict[str, str]:
    versions = {}
    for name in TOOLS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "none"
    return versions
