"""Comparison of training on records and on synthetic ECG."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge.ecg.synthetic.population import make_virtual_patients
from ecg_edge.training import datasets
from ecg_edge.training.beats import Beats
from ecg_edge.training.recipes import Data, Model, Recipe

RECIPE = Recipe(
    "trial",
    data=Data(extra=("virtual",), keep_every_nth_normal=3),
    model=Model(filters=(4, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=4, head_units=8),
)


@pytest.fixture(scope="module")
def virtual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("virtual")
    make_virtual_patients(root, patients=3, minutes=0.5)
    return root


@pytest.fixture
def beats(virtual: Path, monkeypatch: pytest.MonkeyPatch) -> Beats:
    monkeypatch.setattr(datasets, "virtual_root", lambda: virtual)
    assert not datasets.missing_extra(RECIPE, virtual)
    return datasets.extra_beats(RECIPE, virtual, ())[0]


def test_a_recipe_names_virtual_patients(beats: Beats, virtual: Path) -> None:
    assert set(beats.symbols.tolist()) == set("NLRAV")
    assert set(beats.records.tolist()) == {f"virtual/{40_000_000 + n}" for n in range(3)}
    every = replace(RECIPE, data=replace(RECIPE.data, keep_every_nth_normal=1))
    more = datasets.extra_beats(every, virtual, ())[0]
    assert (more.symbols == "N").sum() > 2 * (beats.symbols == "N").sum()


@pytest.mark.tensorflow
def test_adaptation_takes_the_statistics_and_leaves_the_network(beats: Beats) -> None:
    pytest.importorskip("tf_keras")
    from ecg_edge.training import networks, transfer

    network: Any = networks.build(RECIPE.model)
    before = network.get_weights()
    labels = transfer.adapted_to_all(network, beats)
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
    transfer.take_statistics(network, beats)
    np.testing.assert_array_equal(labels, transfer.as_it_is(network, beats))
    first = network.get_layer("normalization_1")
    values = network.get_layer("convolution_1")(transfer.dequantize(beats.beat, beats.rhythm)[0])
    np.testing.assert_allclose(first.moving_mean, values.numpy().mean((0, 1, 2)), atol=1e-4)


@pytest.mark.tensorflow
def test_the_table_has_a_line_a_row() -> None:
    pytest.importorskip("tf_keras")
    from ecg_edge.training import transfer

    rates = {"se": 0.5, "ppv": None}
    scores = {
        "accuracy": 0.75,
        "macro_f1": 0.5,
        "per_class": {"L": {"f1": None}, "R": {"f1": 0.25}},
        "aami": {"S": rates, "V": rates},
    }
    row = {"trained on": "records", "tested": "as it is", "seed": 1, "scores": scores}
    assert transfer.table([row]).splitlines()[2] == (
        "| records | as it is | 1 | 0.750 | 0.500 | - | 0.250 | 0.500/- | 0.500/- |"
    )
