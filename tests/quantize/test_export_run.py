"""What a bundle says of the run it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecg_edge.ecg.errors import BundleError, EcgEdgeError, OutputError
from ecg_edge.quantize.export import run as export_run
from ecg_edge.training.recipes import Recipe
from ecg_edge.training.runs import Run, RunFolder


def evaluation_row(protocol: str, engine: str, accuracy: float) -> dict[str, object]:
    """A row as `evaluation.json` has it, with two of the classes."""
    per_class = {
        "N": {"n": 9, "se": 0.9, "ppv": 0.8, "f1": 0.85},
        "V": {"n": 0, "se": None, "ppv": None, "f1": None},
    }
    return {
        "protocol": protocol,
        "engine": engine,
        "n_beats": 10,
        "accuracy": accuracy,
        "macro_f1": 0.5,
        "per_class": per_class,
    }


def test_figures_stand_under_their_protocol_and_engine(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    rows = [
        evaluation_row("A", "pruned float", 0.9),
        evaluation_row("A", "int8", 0.8),
        evaluation_row("B", "int8", 0.7),
    ]
    path.write_text(json.dumps(rows))
    metrics = export_run.read_metrics(path)
    assert {protocol: list(engines) for protocol, engines in metrics.items()} == {
        "A": ["pruned float", "int8"],
        "B": ["int8"],
    }
    assert metrics["B"]["int8"] == {
        "beats": 10,
        "accuracy": 0.7,
        "macro_f1": 0.5,
        "N Se": 0.9,
        "N +P": 0.8,
        "V Se": None,
        "V +P": None,
    }


def test_a_run_without_an_evaluation_has_no_figures(tmp_path: Path) -> None:
    assert export_run.read_metrics(tmp_path / "evaluation.json") == {}


def test_a_damaged_evaluation_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text('[{"protocol": "A"}]')
    with pytest.raises(BundleError, match=r"evaluation\.json: damaged"):
        export_run.read_metrics(tmp_path / "evaluation.json")


def test_the_tools_have_versions() -> None:
    tools = export_run.tool_versions()
    assert tools["python"].count(".") == 1
    assert tools["numpy"]


def test_an_output_folder_below_a_file_is_refused_before_the_records_are_read(tmp_path: Path) -> None:
    run = Run(Recipe("trial"), tmp_path / "no records", RunFolder(tmp_path / "trial"))
    run.folder.int8.parent.mkdir(parents=True)
    run.folder.int8.touch()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        export_run.export_run(run, out=tmp_path / "file" / "bundle")


def test_a_run_without_an_int8_network_names_the_command(tmp_path: Path) -> None:
    run = Run(Recipe("trial"), tmp_path, RunFolder(tmp_path / "trial"))
    with pytest.raises(EcgEdgeError, match="ecg-edge quantize trial"):
        export_run.export_run(run, out=tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
