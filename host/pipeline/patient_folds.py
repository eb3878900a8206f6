"""A recipe scored on patients that took no part in its training: five folds, or one fold a patient.

Every fold goes the whole way of the recipe, training, pruning and quantization, and labels its test records
as the device does: detector, int8 network, label rule. What the recipe chooses by itself (when to stop) it
chooses on patients of the training set. A finished fold is kept in the run folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecg_edge import firmware
from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.errors import RecipeError, RecordError
from ecg_edge.ecg.labels import LABELS
from ecg_edge.ecg.parallel import Workers
from ecg_edge.ecg.scoring.classifier import RATES, score_classifier
from ecg_edge.ecg.scoring.labelling import Labelling, load_labellings, save_labellings
from ecg_edge.ecg.splits import (
    Part,
    PatientFold,
    ds1_patient_folds,
    five_patient_folds,
    leave_one_patient_out,
    part_of,
    part_title,
    without_fold,
)
from ecg_edge.firmware.binding.rhythm import rhythm_fingerprint
from ecg_edge.host.evaluation.classifier import (
    ANNOTATED,
    DETECTED,
    FLOAT,
    INT8,
    Int8Network,
    Network,
    Task,
    label,
)
from ecg_edge.host.evaluation.detector import group_records
from ecg_edge.host.evaluation.sources import Source
from ecg_edge.training.beats import Beats
from ecg_edge.training.recipes import CNN, TRAINING_FORMAT, TREES, Recipe, folds_sha256
from ecg_edge.training.runs import Run

PATIENTS5: Final = "patients5"
LEAVE_ONE_OUT: Final = "leave-one-out"
DS1: Final = "ds1"
WITHOUT: Final = " without "
STARTS_S: Final = (0.0, 300.0)
_NETWORKS: Final = (FLOAT, INT8)
_PARTS: Final[tuple[Part, ...]] = ("test", "development")
_MOST_KEPT: Final = 5  # training sets in memory, 20 to 40 MB each


def folds_of(division: str, root: Path) -> tuple[PatientFold, ...]:
    """List the folds of a division of the records at hand.

    Raises
    ------
    RecordError
        When a fold would have no record of mitdb to train or to test on.
    """
    mitdb = records_in(root, "mitdb")
    name, _, held = division.partition(WITHOUT)
    if division == LEAVE_ONE_OUT:
        folds = leave_one_patient_out(mitdb)
    elif division == DS1:
        folds = ds1_patient_folds(mitdb)
    elif name == PATIENTS5:
        found = {name: records_in(root, name) for name in ("mitdb", "svdb", "nstdb")}
        _check_numbers(root, found["svdb"])
        folds = five_patient_folds(found)
        if division != PATIENTS5:
            if held not in (numbers := [fold.name for fold in folds]):
                raise RecipeError(f"{division}: no fold {held!r}; there are {', '.join(numbers)}.")
            folds = without_fold(folds, held)
    else:
        names = ", ".join((DS1, PATIENTS5, f"{PATIENTS5}{WITHOUT}1", LEAVE_ONE_OUT))
        raise RecipeError(f"{division}: no division by patient; there are {names}.")
    if len(folds) < 2 or any(not (fold.train["mitdb"] and fold.test["mitdb"]) for fold in folds):
        raise RecordError(f"{root}: too few records of mitdb for the division {division}. Get all of them.")
    return folds


def _check_numbers(root: Path, names: Sequence[str]) -> None:
    """Check that the records of svdb have numbers, by which they are divided."""
    if odd := [name for name in names if not name.isdecimal()]:
        raise RecordError(
            f"{root / 'svdb'}: {odd[0]} is no number, and the folds divide svdb by its records' numbers. Put "
            "records of your own into another folder."
        )


@dataclass(frozen=True)
class FoldTask:
    """One fold of one seed.

    Attributes
    ----------
    recipe : Recipe
        The recipe with this seed.
    root : Path
        Folder of the databases.
    fold : PatientFold
        Records to train and to test on.
    folder : Path
        Where the labels of its test records are kept.
    """

    recipe: Recipe
    root: Path
    fold: PatientFold
    folder: Path

    @property
    def key(self) -> str:
        """Hash of everything that the labels depend on. A fold divides the records itself."""
        data = replace(self.recipe.data, split="patient")
        recipe = replace(self.recipe, name="", description="", data=data)
        code = (TRAINING_FORMAT, firmware.fingerprint(), rhythm_fingerprint())
        records = (sorted(self.fold.train.items()), sorted(self.fold.test.items()))
        return hashlib.sha256(repr((*code, recipe.to_toml(), *records, STARTS_S)).encode()).hexdigest()

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks that are scored: the device runs convolutions only."""
        return _NETWORKS if self.recipe.model.architecture == CNN else (FLOAT,)

    def path(self, network: str, peaks: str) -> Path:
        """Return the file of the labels of one network."""
        return self.folder / f"{network}-{peaks}.npz"

    def load(self) -> dict[tuple[str, str], list[Labelling]] | None:
        """Read the labels by network and peaks; None when the fold is not finished."""
        wanted = [(network, peaks) for network in self.networks for peaks in (ANNOTATED, DETECTED)]
        found = {one: load_labellings(self.path(*one), self.key) for one in wanted}
        return {one: kept for one, kept in found.items() if kept is not None} if all(found.values()) else None


def seeds_of(recipe: Recipe, count: int | None) -> Sequence[int]:
    """Return the seeds 1 to `count`, whichever of them the recipe has; its own without a count."""
    return (recipe.seed,) if count is None else range(1, count + 1)


def tasks_of(run: Run, division: str, seeds: Sequence[int]) -> list[FoldTask]:
    """List the folds of all seeds."""
    folder = run.folder.path / "folds" / division
    return [
        FoldTask(
            replace(run.recipe, seed=seed), run.data_root, fold, folder / f"seed-{seed}" / f"fold-{fold.name}"
        )
        for seed in seeds
        for fold in folds_of(division, run.data_root)
    ]


def run_folds(
    tasks: Sequence[FoldTask], workers: Workers, on_fold: Callable[[FoldTask], None] = lambda task: None
) -> None:
    """Train and label every fold that is not finished yet.

    Parameters
    ----------
    tasks : sequence of FoldTask
        The folds.
    workers : Workers
        Where they run.
    on_fold : callable
        Called after each.
    """
    open_tasks = []
    for task in tasks:
        if task.load() is None:
            open_tasks.append(task)
        else:
            on_fold(task)
    for task, _ in zip(open_tasks, workers.map(run_fold, open_tasks), strict=True):
        on_fold(task)


def run_fold(task: FoldTask) -> None:
    """Train on a fold, prune and quantize, and keep the labels of its test records."""
    from ecg_edge.training.tf_logging import silence_tensorflow

    silence_tensorflow()
    _one_thread()
    with tempfile.TemporaryDirectory(prefix="ecg-edge-fold-") as folder:
        for network in _networks(task, _training_beats(task), Path(folder)):
            for peaks in (ANNOTATED, DETECTED):
                found = [label(one) for one in _test_tasks(task, network, peaks)]
                save_labellings(task.path(network.name, peaks), found, task.key)


def _one_thread() -> None:
    """Leave the other cores to other folds; sums then do not depend on the number of cores either."""
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # TensorFlow has begun already
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _training_beats(task: FoldTask) -> Beats:
    """Load the training set of a fold; the last ones are kept for the next recipe on the same beats."""
    from ecg_edge.training.cross_validation import patient_fold_beats

    recipe = task.recipe
    key = repr((recipe.data, recipe.databases, task.root, sorted(task.fold.train.items())))
    if key not in _kept:
        while len(_kept) >= _MOST_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = patient_fold_beats(recipe, task.root, task.fold)
    return _kept[key]


_kept: dict[str, Beats] = {}


def _networks(task: FoldTask, beats: Beats, folder: Path) -> Iterator[Network]:
    """Yield the float network as trained, then the int8 one."""
    from ecg_edge.host.pipeline.float_network import KerasNetwork, TreeNetwork
    from ecg_edge.quantize.aware import train_aware
    from ecg_edge.quantize.codegen.flatbuffer import parse_network
    from ecg_edge.quantize.codegen.generate import generate
    from ecg_edge.quantize.int8 import quantize_network
    from ecg_edge.quantize.prune import prune_network
    from ecg_edge.training import train
    from ecg_edge.training.trees import fit_trees

    recipe = task.recipe
    if recipe.model.architecture == TREES:
        trees = fit_trees(train.examples(recipe, beats), recipe.model.without, recipe.seed)
        yield TreeNetwork(trees, LABELS)
        return
    network = train.fit(recipe, beats)
    yield KerasNetwork(network, LABELS)
    if recipe.model.architecture != CNN:
        return
    if recipe.prune.sparsity > 0:
        network = prune_network(network, recipe, train.examples(recipe, beats))
    if recipe.quantize.aware_epochs > 0:
        network = train_aware(network, recipe, train.examples(recipe, beats))
    model = quantize_network(network, beats, recipe.quantize.calibration_beats, recipe.seed)
    generate(model).write(folder)
    yield Int8Network(folder, LABELS, *_output_scale(parse_network(model)))


def _output_scale(network: Any) -> tuple[float, int]:
    """Return step and zero point of the logits."""
    quantization = network.tensors[network.output_order[0]].quantization
    return float(quantization.scales[0]), int(quantization.zero_points[0])


def _test_tasks(task: FoldTask, network: Network, peaks: str) -> list[Task]:
    lead = task.recipe.data.lead
    return [
        Task(Source(task.root, database, name, lead, f"{database}/{name}"), peaks, network, STARTS_S)
        for database, names in task.fold.test.items()
        for name in names
    ]


# ---- figures ----------------------------------------------------------------------------------------


def figures_of(tasks: Sequence[FoldTask], division: str) -> dict[str, Any]:
    """Compute figures of each seed over all folds together, and their mean and spread over the seeds."""
    rows = []
    for seed in dict.fromkeys(task.recipe.seed for task in tasks):
        found = [task.load() for task in tasks if task.recipe.seed == seed]
        for network in tasks[0].networks:
            for peaks in (ANNOTATED, DETECTED):
                labelled = [one for fold in found if fold for one in fold[network, peaks]]
                rows += [{"seed": seed, "network": network, "peaks": peaks, **row} for row in _rows(labelled)]
    seeds = list(dict.fromkeys(row["seed"] for row in rows))
    recipe = tasks[0].recipe
    return {
        "recipe": recipe.name,
        "made_by_sha256": folds_sha256(recipe),
        "division": division,
        "rhythm_fingerprint": rhythm_fingerprint(),
        "seeds": seeds,
        "rows": rows,
        "spread": spread(rows),
    }


def _rows(found: Sequence[Labelling]) -> Iterator[dict[str, Any]]:
    for group, members in _groups(found).items():
        for start_s in STARTS_S:
            figures = score_classifier(
                members, LABELS, start_s, 0, classes=group.partition(",")[0] == "mitdb"
            )
            if figures is not None:
                yield {"group": group, "start_s": start_s, **figures}


def _groups(found: Sequence[Labelling]) -> dict[str, list[Labelling]]:
    """Group records: all patients, each database, their parts, and nstdb by signal-to-noise ratio.

    Recipes and seeds are compared on the development parts: figures of the test parts' patients are closer
    to those of strangers than figures of all patients.
    """
    by_database: dict[str, dict[str, Labelling]] = {}
    for one in found:
        database, _, name = one.title.partition("/")
        by_database.setdefault(database, {})[name] = one
    noisy = by_database.pop("nstdb", {})
    groups = {database: list(members.values()) for database, members in by_database.items()}
    if len(groups) > 1:
        groups = {" and ".join(groups): [one for members in groups.values() for one in members], **groups}
    for title, members in list(groups.items()):
        parts = {part_title(title, part): _of_part(members, part) for part in _PARTS}
        groups |= parts if all(parts.values()) else {}
    levels = group_records("nstdb", list(noisy)) if noisy else {}
    return groups | {f"nstdb {level}": [noisy[name] for name in names] for level, names in levels.items()}


def _of_part(found: Sequence[Labelling], part: Part) -> list[Labelling]:
    names = [one.title.split("/", 1) for one in found]
    return [
        one for one, (database, name) in zip(found, names, strict=True) if part_of(database, name) == part
    ]


def spread(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Compute mean, standard deviation and limits of the main figures over the seeds."""
    keys = ("group", "peaks", "start_s", "network")
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return [
        {
            **dict(zip(keys, group, strict=True)),
            "patients": members[0]["patients"],
            "figures": {
                name: _statistics([figures[name] for figures in map(main_figures, members)])
                for name in main_figures(members[0])
            },
        }
        for group, members in groups.items()
    ]


def figure_names(division: str, root: Path) -> list[str]:
    """Name the main figures of all records of a division: those of labels where they are mitdb's alone."""
    tested = {name for fold in folds_of(division, root) for name, records in fold.test.items() if records}
    of_labels = {
        "per_class": {label: {"f1": None} for label in LABELS},
        "macro_f1": None,
        "accuracy": None,
    }
    rates = dict.fromkeys(RATES, 0.0)
    row = {
        **{"gross": rates, "average": rates, "jk": {"jk": None}, "unclassified": None},
        **{"calibration": {"ece": None}, "classes": of_labels if tested <= {"mitdb", "nstdb"} else None},
    }
    return list(main_figures(row))


def main_figures(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Name the figures by which recipes are compared: gross, mean over patients, F1, jk, labels."""
    figures = {f"{way} {name}": row[way][name] for way in ("gross", "average") for name in RATES}
    for kind in ("veb", "sveb"):
        figures[f"gross {kind}_f1"] = _f1(row["gross"][f"{kind}_se"], row["gross"][f"{kind}_ppv"])
    classes = row["classes"]
    labels = {f"f1 {name}": one["f1"] for name, one in classes["per_class"].items()} if classes else {}
    return {
        **figures,
        "jk": row["jk"]["jk"],
        "unclassified": row["unclassified"],
        "ece": row["calibration"]["ece"],
        **({"macro_f1": classes["macro_f1"], "accuracy": classes["accuracy"]} if classes else {}),
        **labels,
    }


def _f1(se: float, ppv: float) -> float | None:
    return 2 * se * ppv / (se + ppv) if se + ppv > 0 else None


def _statistics(values: Sequence[float | None]) -> dict[str, Any]:
    defined = np.array([value for value in values if value is not None and value == value], np.float64)
    if not len(defined):
        return {"mean": None, "sd": None, "min": None, "max": None, "by_seed": list(values)}
    return {
        "mean": float(defined.mean()),
        "sd": float(defined.std(ddof=1)) if len(defined) > 1 else None,
        "min": float(defined.min()),
        "max": float(defined.max()),
        "by_seed": list(values),
    }
