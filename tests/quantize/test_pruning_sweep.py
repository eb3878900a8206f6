"""The table of accuracy, flash and instructions against sparsity."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.quantize.bench.cores import M4
from ecg_edge.training.recipes import Model, Prune, Recipe, Training
from ecg_edge.training.runs import Run, RunFolder
from tests.support.made_beats import made_beats

pytestmark = [pytest.mark.tensorflow, pytest.mark.device]
pytest.importorskip("tensorflow_model_optimization")

RECIPE = Recipe(
    "trial",
    model=Model(filters=(8, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=8, head_units=8),
    training=Training(epochs=2, batch_size=16, learning_rate=0.01),
    prune=Prune(epochs=1),
)


@pytest.mark.skipif(bool(M4.missing()), reason=f"{' and '.join(M4.missing())} not installed")
def test_a_sweep_is_one_row_a_level_and_trains_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ecg_edge.quantize import pruning_sweep as sweep

    monkeypatch.setattr(sweep, "fold_beats", lambda *_: (made_beats(200), made_beats(100, seed=2)))
    run = Run(RECIPE, tmp_path, RunFolder(tmp_path))
    reported: list[str] = []
    levels = sweep.sweep(run, folds=1, levels=(0.0, 0.75), report=reported.append)
    assert reported == ["fold1: train", "fold1: prune to 0%", "fold1: prune to 75%"]
    assert [level["sparsity"] for level in levels] == [0.0, 0.75]
    assert all(level["accuracy"]["n_beats"] == 100 for level in levels)
    dense, pruned = (level["measured"] for level in levels)
    assert dense.zero_blocks < 0.1 and pruned.zero_blocks > 0.5
    assert pruned.chosen.instructions < dense.chosen.instructions == dense.dense.instructions
    reported.clear()
    monkeypatch.setattr(sweep, "measure_forms", lambda path: path.name)
    again = sweep.sweep(run, folds=1, levels=(0.0, 0.75), report=reported.append)
    assert reported == []
    assert [level["accuracy"] for level in again] == [level["accuracy"] for level in levels]
    assert [level["measured"] for level in again] == ["0.tflite", "75.tflite"]
