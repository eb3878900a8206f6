"""A search for settings: the best is found, an interrupted one goes on, and two workers share a database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecg_edge.ecg.errors import RecipeError, ToolError
from ecg_edge.ecg.parallel import Workers
from ecg_edge.ecg.scoring.labelling import save_labellings
from ecg_edge.host.cli.main import app
from ecg_edge.host.evaluation.classifier import ANNOTATED, DETECTED
from ecg_edge.host.pipeline import patient_folds
from ecg_edge.host.pipeline.patient_folds import FoldTask
from ecg_edge.training.recipes import load_recipe
from tests.ecg.test_scoring_classifier import labelled
from tests.support.postgresql import postgresql
from tests.support.simulated import make_database

pytestmark = pytest.mark.slow
pytest.importorskip("optuna")

RECORDS = ("100", "109", "124", "203", "207")
RECIPE = """
[data]
records = ["100", "109", "124", "203", "207"]
[training]
epochs = 2
[tune]
trials = 6
figures = ["gross veb_se"]
[tune.space]
training.epochs = { low = 1, high = 4 }
training.schedule = ["cosine", "constant"]
"""


def made(task: FoldTask) -> None:
    """Labels that are better the more epochs the recipe has."""
    epochs = task.recipe.training.epochs
    if epochs == 3:
        raise RecipeError("training diverged")
    names = [name for names in task.fold.test.values() for name in names]
    found = [labelled("NVVVVA", "N" + "V" * epochs + "N" * (4 - epochs) + "A", f"mitdb/{n}") for n in names]
    for network in ("float", "int8"):
        for peaks in (ANNOTATED, DETECTED):
            save_labellings(task.path(network, peaks), found, task.key)


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """Words of the command, with records of DS1's four folds."""
    make_database(tmp_path / "data", RECORDS, 10.0)
    (tmp_path / "my.toml").write_text(RECIPE)
    places = ["--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    return ["tune", str(tmp_path / "my.toml"), *places]


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.exception or done.output
    return done.output


def test_the_best_recipe_is_found_and_written(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_folds, "run_fold", made)
    text = run(*words, "--json", str(tmp_path / "t.json"))
    figures = json.loads((tmp_path / "t.json").read_text())
    trials = figures["trials"]
    assert len(trials) == 6
    assert trials[0]["values"] == {"training.epochs": 2, "training.schedule": "cosine"}, "the recipe's own"
    assert trials[0]["value"] == 0.5
    assert all(one["error"] for one in trials if one["values"]["training.epochs"] == 3)
    best = max((one for one in trials if one["state"] == "complete"), key=lambda one: one["value"])
    assert figures["best"] == best["number"]
    recipe = load_recipe(tmp_path / "runs" / "my" / "tune" / "best.toml")
    assert recipe.training.epochs == best["values"]["training.epochs"]
    assert "best of" in text and str(tmp_path) in text.replace("\n", "")


def test_a_search_goes_on(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folds: list[str] = []

    def counted(task: FoldTask) -> None:
        folds.append(str(task.folder))
        made(task)

    monkeypatch.setattr(patient_folds, "run_fold", counted)
    run(*words, "--trials", "2")
    before = len(folds)
    run(*words, "--trials", "2")
    assert len(folds) == before
    run(*words, "--trials", "3", "--json", str(tmp_path / "t.json"))
    assert len(folds) > before
    assert len(json.loads((tmp_path / "t.json").read_text())["trials"]) == 3


@pytest.mark.parametrize(
    ("before", "after", "nouns"),
    [
        ('"gross veb_se"', '"gross veb_f2"', "no figure 'gross veb_f2'; there are gross qrs_se"),
        ("trials = 6", 'trials = 6\nfolds = "patients5 without 9"', "no fold '9'; there are 1, 2, 3, 4, 5"),
        ("training.epochs =", 'model.architecture = ["cnn", "trees"]\ntraining.epochs =', "'trees'"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_the_first_training(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, nouns: str
) -> None:
    monkeypatch.setattr(patient_folds, "run_fold", lambda task: pytest.fail("a training has begun"))
    (tmp_path / "my.toml").write_text(RECIPE.replace(before, after))
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, RecipeError) and nouns in str(done.exception)


def test_more_trials_in_the_recipe_go_on_with_its_study(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_folds, "run_fold", made)
    (tmp_path / "my.toml").write_text(RECIPE.replace("trials = 6", "trials = 2"))
    run(*words)
    (tmp_path / "my.toml").write_text(RECIPE.replace("trials = 6", "trials = 3"))
    assert "2 of 3 trials are finished" in run(*words)


def test_another_search_is_another_study(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_folds, "run_fold", made)
    run(*words, "--trials", "2")
    (tmp_path / "my.toml").write_text(RECIPE.replace("high = 4", "high = 2"))
    run(*words, "--trials", "1", "--json", str(tmp_path / "t.json"))
    assert len(json.loads((tmp_path / "t.json").read_text())["trials"]) == 1


def test_what_cannot_be_searched(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_folds, "run_fold", made)
    (tmp_path / "my.toml").write_text(RECIPE.replace("gross veb_se", "speed"))
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, RecipeError) and "'speed'" in str(done.exception)
    (tmp_path / "my.toml").write_text(RECIPE)
    done = CliRunner().invoke(app, [*words, "--storage", "postgresql://nobody:secret@127.0.0.1:1/none"])
    assert isinstance(done.exception, (ToolError, ModuleNotFoundError))  # without the driver: its extra
    assert "secret" not in str(done.exception)


def test_folds_without_one_hold_none_of_its_patients() -> None:
    names = {"mitdb": ("109", "118", "207", "214", "232"), "svdb": (), "nstdb": ()}
    from ecg_edge.ecg.splits import five_patient_folds, without_fold

    folds = without_fold(five_patient_folds(names), "2")
    assert [fold.name for fold in folds] == ["1", "3", "4", "5"]
    assert all("118" not in fold.train["mitdb"] + fold.test["mitdb"] for fold in folds)


WORKER = """
import sys
from ecg_edge.host.cli.main import main
from ecg_edge.host.pipeline import patient_folds
from tests.host.test_tuning import made
patient_folds.run_fold = made
main(sys.argv[1:])
"""


def shared(url: str, folder: Path, name: str) -> list[str]:
    return ["--storage", url, "--trials", "8", "--json", str(folder / f"{name}.json")]


def test_two_workers_share_a_postgresql_database(
    words: list[str], tmp_path: Path, project_root: Path
) -> None:
    pytest.importorskip("psycopg")
    with postgresql() as url:
        workers = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    WORKER,
                    *words[:-1],
                    str(tmp_path / name),
                    *shared(url, tmp_path, name),
                ],
                cwd=project_root,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(project_root), *sys.path[1:]])},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name in ("a", "b")
        ]
        outputs = [worker.communicate(timeout=200)[0] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0], outputs
        both = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("a", "b")]
        later = max(both, key=lambda one: len(one["trials"]))
        assert len({one["study"] for one in both}) == 1
        assert len(later["trials"]) >= 8
        numbers = [one["number"] for one in later["trials"]]
        assert numbers == list(range(len(numbers)))
        by_worker = [len(list((tmp_path / name / "my" / "tune").glob("trial-*"))) for name in ("a", "b")]
        assert min(by_worker) >= 1, "both took part"
        assert max(one["value"] or 0 for one in later["trials"]) >= 0.5


def test_a_journal_is_shared_by_processes(words: list[str], tmp_path: Path) -> None:
    from ecg_edge.host.pipeline import tuning
    from ecg_edge.training.recipes import find_recipe
    from ecg_edge.training.runs import Run, RunFolder
    from ecg_edge.training.search import load_search

    path = find_recipe(str(tmp_path / "my.toml"))
    run = Run(load_recipe(path), tmp_path / "data", RunFolder(tmp_path / "runs" / "my"))
    first, second = (tuning.open_study(run, load_search(path)) for _ in range(2))
    trial = first.ask()
    assert [one.number for one in second.get_trials()] == [trial.number]
    assert Workers(1).jobs == 1


def test_a_comparison_of_variants(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def counted(task: FoldTask) -> None:
        done.append(task.folder.parts[-5])
        made(task)

    monkeypatch.setattr(patient_folds, "run_fold", counted)
    (tmp_path / "my.toml").write_text(RECIPE + "[ablation.longer]\ntraining.epochs = 4\n")
    out = tmp_path / "a.json"
    command = ["ablate", *words[1:], "--jobs", "1", "--seeds", "2", "--json", str(out)]
    text = run(*command)
    assert sorted(set(done)) == ["longer", "recipe"] and len(done) == 2 * 2 * 4
    figures = json.loads(out.read_text())
    assert list(figures["variants"]) == ["recipe", "longer"] and figures["seeds"] == [1, 2]
    assert "longer" in text and "+33.3" in text, "VEB F1 rises from 2 of 4 found to 4 of 4"
    run(*command)
    assert len(done) == 16, "finished folds are kept"
