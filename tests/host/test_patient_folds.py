"""Folds by patient: training without the test patients, figures over the seeds, and what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.parallel import Workers
from ecg_edge.ecg.scoring.labelling import Labelling, save_labellings
from ecg_edge.host.cli.main import app
from ecg_edge.host.evaluation.classifier import ANNOTATED, DETECTED
from ecg_edge.host.pipeline import patient_folds
from ecg_edge.host.pipeline.patient_folds import FoldTask
from ecg_edge.training.recipes import Model, Prune, Quantize, Recipe, Training
from ecg_edge.training.runs import Run, RunFolder
from tests.ecg.test_scoring_classifier import labelled
from tests.support.simulated import FS_HZ, make_ecg
from tests.support.wfdb_files import write_record

RECIPE = Recipe(
    "trial",
    model=Model(filters=(4, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=4, head_units=8),
    training=Training(epochs=1, batch_size=64),
    prune=Prune(sparsity=0.0),
    quantize=Quantize(calibration_beats=50),
)
RECORDS = {
    "mitdb": ("109", "118", "207", "214", "232"),
    "svdb": ("800", "804", "806", "812", "821"),
    "nstdb": ("118e12",),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of each fold in mitdb and in svdb, a minute each."""
    root = tmp_path_factory.mktemp("records")
    for database, names in RECORDS.items():
        for seed, name in enumerate(names):
            samples, peaks = make_ecg(60.0, seed)
            write_record(root / database, name, samples, rest=" 16 0 0 0 0 MLII")
            kinds = "NNNNSV" if database == "svdb" else "NNNLRAV"
            symbols = [kinds[k % len(kinds)] for k in range(len(peaks))]
            write_annotations(root / database, name, "atr", Annotations.of(peaks, symbols), FS_HZ)
    return root


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Run:
    return Run(RECIPE, root, RunFolder(tmp_path / "trial"))


def made(task: FoldTask) -> None:
    """A fold whose labels depend on the seed alone."""
    answers = {1: "NNNNSVA", 2: "NNNNSVV"}[task.recipe.seed]
    found: list[Labelling] = []
    for database, names in task.fold.test.items():
        for name in names:
            one = labelled("NNNNAVV", answers.replace("S", "A"), f"{database}/{name}")
            found.append(replace(one, comparisons={0.0: one.comparisons[0.0]}))
    for network in ("float", "int8"):
        for peaks in (ANNOTATED, DETECTED):
            save_labellings(task.path(network, peaks), found, task.key)


def test_finished_folds_are_kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def one(task: FoldTask) -> None:
        done.append(f"{task.recipe.seed} {task.fold.name}")
        made(task)

    monkeypatch.setattr(patient_folds, "run_fold", one)
    tasks = patient_folds.tasks_of(run, "patients5", [1, 2])
    patient_folds.run_folds(tasks[:7], Workers(1))
    assert done == ["1 1", "1 2", "1 3", "1 4", "1 5", "2 1", "2 2"]
    told: list[FoldTask] = []
    patient_folds.run_folds(tasks, Workers(1), told.append)
    assert done[7:] == ["2 3", "2 4", "2 5"] and len(told) == 10
    other = replace(run, recipe=replace(RECIPE, training=replace(RECIPE.training, epochs=2)))
    assert all(task.load() is None for task in patient_folds.tasks_of(other, "patients5", [1]))


def test_a_fold_is_the_same_whatever_its_recipe_is_called_and_divides_itself(run: Run) -> None:
    [task, *_] = patient_folds.tasks_of(run, "patients5", [1])
    data = replace(RECIPE.data, split="all")
    other = replace(RECIPE, name="other", description="every patient", data=data)
    assert replace(task, recipe=other).key == task.key
    assert replace(task, recipe=replace(RECIPE, seed=2)).key != task.key
    assert replace(task, recipe=replace(RECIPE, data=replace(data, lead="1"))).key != task.key


def test_figures_are_of_all_folds_and_their_spread_of_the_seeds(run: Run) -> None:
    tasks = patient_folds.tasks_of(run, "patients5", [1, 2])
    for task in tasks:
        made(task)
    figures = patient_folds.figures_of(tasks, "patients5")
    groups = {row["group"] for row in figures["rows"]}
    whole = {"mitdb and svdb", "mitdb", "svdb"}
    parts = {f"{title}, {part} part" for title in whole for part in ("test", "development")}
    assert groups == whole | parts | {"nstdb 12 dB", "nstdb all"}
    patients = {row["group"]: row["patients"] for row in figures["spread"]}
    assert patients["mitdb and svdb, test part"] == 3, "214 and 232 of DS2, 821 of svdb's odd numbers"
    assert patients["mitdb and svdb, development part"] == 7
    labels = {row["group"] for row in figures["spread"] if "macro_f1" in row["figures"]}
    assert labels == {"mitdb", "mitdb, test part", "mitdb, development part"}
    [row] = [
        row
        for row in figures["spread"]
        if (row["group"], row["network"], row["peaks"]) == ("mitdb and svdb", "int8", "detected")
    ]
    assert row["patients"] == 10
    assert row["figures"]["gross veb_se"]["by_seed"] == [0.5, 1.0]
    assert row["figures"]["gross veb_se"]["mean"] == 0.75
    assert row["figures"]["gross veb_se"]["sd"] == pytest.approx(np.std([0.5, 1], ddof=1))
    assert row["figures"]["average sveb_ppv"]["max"] == 1
    assert "macro_f1" not in row["figures"], "svdb does not tell N, L and R apart"


def test_too_few_records_are_named(tmp_path: Path) -> None:
    (tmp_path / "mitdb").mkdir()
    with pytest.raises(RecordError, match="too few records"):
        patient_folds.folds_of("patients5", tmp_path)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_fold_from_records_to_int8_labels(run: Run) -> None:
    pytest.importorskip("tensorflow_model_optimization")
    task = patient_folds.tasks_of(run, "patients5", [1])[1]
    assert task.fold.test == {"mitdb": ("118",), "svdb": ("806", "821"), "nstdb": ("118e12",)}
    patient_folds.run_fold(task)
    found = task.load()
    assert found is not None and set(found) == {
        (n, p) for n in ("float", "int8") for p in (ANNOTATED, DETECTED)
    }
    titles = [one.title for one in found["int8", DETECTED]]
    assert titles == ["mitdb/118", "svdb/806", "svdb/821", "nstdb/118e12"]
    same = [
        np.mean(a.answer == b.answer)
        for a, b in zip(found["float", ANNOTATED], found["int8", ANNOTATED], strict=True)
    ]
    assert min(same) > 0.9


def test_the_command_prints_and_writes_the_spread(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_folds, "run_fold", made)
    recipe = tmp_path / "trial.toml"
    recipe.write_text("seed = 2\n[data]\ndatabase = 'mitdb'\nrecords = ['109', '118', '214']\n")
    words = ["train", str(recipe), "--data", str(root), "--runs", str(tmp_path), "--folds", "patients5"]
    done = CliRunner().invoke(
        app, [*words, "--seeds", "2", "--jobs", "1", "--json", str(tmp_path / "f.json")]
    )
    assert done.exit_code == 0, done.exception or done.output
    assert "mean over 2 seeds" in done.output and "±" in done.output
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["seeds"] == [1, 2], "whichever of them the recipe has"
    assert figures == json.loads((tmp_path / "trial" / "folds" / "patients5.json").read_text())
    done = CliRunner().invoke(app, [*words, "--jobs", "1", "--json", str(tmp_path / "one.json")])
    assert done.exit_code == 0, done.exception or done.output
    assert json.loads((tmp_path / "one.json").read_text())["seeds"] == [2], "the recipe's alone"
