"""The notebooks in `examples/` run from their first cell to their last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def run_notebook(path: Path) -> dict[str, Any]:
    """Execute a notebook's code cells in order and return the names that they define."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec"), names)
    return names


def test_a_detector_of_ones_own_is_scored(
    project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ECG_EDGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names = run_notebook(project_root / "examples" / "score_your_detector.ipynb")
    assert names["record"].database == "synth"
    assert names["result"].qrs_se > 0.9
    assert names["result"].qrs_ppv > 0.9


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_keras_model_of_ones_own_is_built_into_firmware(project_root: Path) -> None:
    pytest.importorskip("tf_keras")
    names = run_notebook(project_root / "examples" / "your_keras_model.ipynb")
    assert (names["folder"] / "bundle" / "c" / "network.c").is_file()


def test_notebooks_are_stored_without_outputs(project_root: Path) -> None:
    for path in (project_root / "examples").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") for cell in cells), path.name
