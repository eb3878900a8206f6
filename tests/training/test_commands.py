"""`ecg-edge train`, `prune` and `quantize` on six real records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecg_edge.host.cli.main import app

pytestmark = [pytest.mark.tensorflow, pytest.mark.records]
pytest.importorskip("tensorflow_model_optimization")


def run(command: str, data: Path, folder: Path) -> dict[str, object]:
    figures = folder / f"{command}.json"
    arguments = [command, "nlrav-tiny", "--data", str(data), "--runs", str(folder), "--json", str(figures)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(figures.read_text())


def test_a_tiny_recipe_goes_all_the_way(data_dir: Path, tmp_path: Path) -> None:
    history = run("train", data_dir, tmp_path)
    assert history["records"] == ["109", "118", "207", "209"]
    assert min(history["beats"].values()) > 100
    assert len(history["epochs"]["loss"]) == 2
    zeros = run("prune", data_dir, tmp_path)["sparsity"]
    assert zeros["convolution_2"] == pytest.approx(0.5, abs=0.02)
    rows = run("quantize", data_dir, tmp_path)["rows"]
    assert rows == json.loads((tmp_path / "nlrav-tiny" / "evaluation.json").read_text())
    assert {row["protocol"] for row in rows} == {
        "DS1->DS2 (6 records only), annotated peaks",
        "DS1->DS2 (6 records only), detector in the loop",
    }
    for peaks in ("annotated", "detected"):
        accuracy = {row["engine"]: row["accuracy"] for row in rows if row["peaks"] == peaks}
        assert accuracy["int8"] == pytest.approx(accuracy["pruned float"], abs=0.03)
