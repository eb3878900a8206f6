"""Stages that turn a recipe and records into a verified bundle.

A step names its function instead of importing it: TensorFlow takes seconds to import, and is needed only when
a step is not cached.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ecg_edge.ecg.files import PROJECT_ROOT
from ecg_edge.host.pipeline.dependencies import sources_of
from ecg_edge.host.pipeline.records import Records
from ecg_edge.host.pipeline.stages import Stage, hash_files, hash_value
from ecg_edge.training.progress import Progress
from ecg_edge.training.runs import Run
from ecg_edge.training.tf_logging import silence_tensorflow

TOOLS: Final = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy", "scipy", "tflite-micro")


@dataclass(frozen=True)
class Step:
    """A stage of every recipe.

    Attributes
    ----------
    name : str
    module, function : str
        Function of (run, progress) that does the step. The outputs depend on the source of its module, and on
        that of every module it imports.
    sections : tuple of str
        Keys and sections of the recipe that the outputs depend on.
    needs : tuple of str
        Files that the outputs depend on: properties of `RunFolder`.
    makes : str
        File or folder that the step makes: a property of `RunFolder`.
    """

    name: str
    module: str
    function: str
    sections: tuple[str, ...]
    needs: tuple[str, ...]
    makes: str

    def run(self, run: Run, progress: Progress) -> None:
        """Import the function and call it."""
        silence_tensorflow()
        getattr(importlib.import_module(self.module), self.function)(run, progress)


_DATA = ("seed", "data")
_NETWORKS = ("trained", "pruned", "int8")
TRAIN_STEPS: Final = (
    Step(
        name="train",
        module="ecg_edge.training.train",
        function="train",
        sections=(*_DATA, "name", "model", "training", "augment"),
        needs=(),
        makes="trained",
    ),
    Step(
        name="prune",
        module="ecg_edge.quantize.prune",
        function="prune",
        sections=(*_DATA, "training", "augment", "prune"),
        needs=("trained",),
        makes="pruned",
    ),
    Step(
        name="quantize",
        module="ecg_edge.quantize.int8",
        function="quantize",
        sections=(*_DATA, "quantize"),
        needs=("pruned",),
        makes="int8",
    ),
    Step(
        name="evaluate",
        module="ecg_edge.quantize.evaluate",
        function="evaluate",
        sections=_DATA,
        needs=_NETWORKS,
        makes="evaluation",
    ),
)
"""Steps of every recipe."""

RELEASE_STEPS: Final = (
    Step(
        name="export",
        module="ecg_edge.quantize.export.run",
        function="export_run",
        sections=(*_DATA, "name", "description"),
        needs=("pruned", "int8", "evaluation"),
        makes="bundle",
    ),
    Step(
        name="verify",
        module="ecg_edge.quantize.verify",
        function="verify_run",
        sections=_DATA,
        needs=("bundle",),
        makes="verify",
    ),
)
"""Steps of the recipe whose network runs on the device."""


def stage_of(step: Step, run: Run, progress: Progress) -> Stage:
    """Make the stage of a step for one recipe."""
    return Stage(
        name=f"{run.recipe.name} {step.name}",
        inputs=lambda: _inputs(step, run),
        outputs=(_path(run, step.makes),),
        action=lambda: step.run(run, progress),
    )


def _path(run: Run, name: str) -> Path:
    path: Path = getattr(run.folder, name)
    return path


def _inputs(step: Step, run: Run) -> dict[str, str]:
    from ecg_edge.firmware import fingerprint  # late: `doctor` reports an extension that is not built

    recipe = dataclasses.asdict(run.recipe)
    return {
        **hash_files(sources_of(step.module), PROJECT_ROOT),
        **hash_files((_path(run, name) for name in step.needs), PROJECT_ROOT),
        **{f"{section} of the recipe": hash_value(recipe[section]) for section in step.sections},
        "records": hash_value(_record_hashes(run)),
        "signal path as built": f"{fingerprint():08x}",  # its source may be newer than the extension
        "versions of the tools": hash_value(_versions()),
    }


def _record_hashes(run: Run) -> dict[str, str]:
    databases = (run.recipe.data.database, *run.recipe.data.extra)
    return {name: Records(run.data_root, name).fingerprint for name in databases}


def _versions() -> dict[str, str]:
    versions = {}
    for name in TOOLS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "none"
    return versions
