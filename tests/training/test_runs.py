"""Run folders: checks of inputs and outputs before anything slow, and the lock on a folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ecg_edge.ecg.errors import EcgEdgeError, OutputError, RecipeError, RecordError
from ecg_edge.ecg.files import locked_folder
from ecg_edge.training.datasets import check_records
from ecg_edge.training.recipes import Data, Recipe
from ecg_edge.training.runs import Run, RunFolder, open_run


def test_a_run_has_the_name_of_its_recipe_and_a_folder_that_exists(
    synthetic_root: Path, tmp_path: Path
) -> None:
    run = open_run("synthetic", synthetic_root, tmp_path / "runs")
    assert run.recipe.name == "synthetic"
    assert run.folder.path == tmp_path / "runs" / "synthetic"
    assert list(run.folder.path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "/deeper/still"])
def test_runs_that_are_a_file_or_below_one_are_refused(
    synthetic_root: Path, tmp_path: Path, below: str
) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="file"):
        open_run("synthetic", synthetic_root, Path(f"{tmp_path}/file{below}"))
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_in_use_is_refused_until_it_is_free(synthetic_root: Path, tmp_path: Path) -> None:
    with locked_folder(tmp_path / "synthetic"), pytest.raises(OutputError, match="in use"):
        open_run("synthetic", synthetic_root, tmp_path)
    open_run("synthetic", synthetic_root, tmp_path)


@pytest.mark.parametrize("step", ["train", "prune", "quantize"])
def test_a_missing_network_names_its_command(tmp_path: Path, step: str) -> None:
    run = Run(Recipe("trial"), tmp_path, RunFolder(tmp_path / "trial"))
    with pytest.raises(EcgEdgeError, match=f"ecg-edge {step} trial"):
        run.require(step)


def test_a_network_that_exists_is_returned(tmp_path: Path) -> None:
    run = Run(Recipe("trial"), tmp_path, RunFolder(tmp_path / "trial"))
    run.folder.pruned.parent.mkdir(parents=True)
    run.folder.pruned.touch()
    assert run.require("prune") == tmp_path / "trial" / "prune" / "model.keras"


def test_a_missing_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"mitdb.101\.hea.*ecg-edge data get"):
        check_records(Recipe("trial"), tmp_path)


@pytest.mark.parametrize("suffix", ["dat", "atr"])
def test_a_missing_file_of_a_record_is_named(synthetic_root: Path, tmp_path: Path, suffix: str) -> None:
    shutil.copytree(synthetic_root / "synth", tmp_path / "synth")
    recipe = Recipe("trial", data=Data(database="synth"))
    check_records(recipe, tmp_path)
    (tmp_path / "synth" / f"s02.{suffix}").unlink()
    with pytest.raises(RecordError, match=rf"s02\.{suffix}.*ecg-edge data get"):
        check_records(recipe, tmp_path)


def test_a_record_outside_the_split_is_named_before_the_files(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.records.*102"):
        check_records(Recipe("trial", data=Data(records=("102",))), tmp_path)


COMMAND = """
import sys
from ecg_edge.host.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("imported" if "tensorflow" in sys.modules else "not imported")
"""


@pytest.mark.parametrize(
    ("command", "noun"), [("train", "file"), ("prune", "train nlrav-tiny"), ("quantize", "prune nlrav-tiny")]
)
def test_a_command_reports_what_is_missing_before_it_imports_tensorflow(
    tmp_path: Path, command: str, noun: str
) -> None:
    (tmp_path / "mitdb").mkdir()
    for name in ("109", "118", "207", "209", "100", "214"):
        for suffix in ("hea", "dat", "atr"):
            (tmp_path / "mitdb" / f"{name}.{suffix}").touch()
    runs = tmp_path / "runs"
    if command == "train":
        runs.write_text("a file")
    words = [command, "nlrav-tiny", "--data", str(tmp_path), "--runs", str(runs)]
    done = subprocess.run([sys.executable, "-c", COMMAND, *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert noun in done.stderr
    assert "Traceback" not in done.stderr
    assert "not imported" in done.stdout
