"""A network that ignores a part of its inputs, other architectures, and the lead of a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg_edge import firmware
from ecg_edge.ecg.errors import RecipeError
from ecg_edge.training.beats import Beats, dequantize
from ecg_edge.training.inputs import PARTS, hide
from ecg_edge.training.recipes import Model, Recipe, Training, changed
from tests.support.made_beats import made_beats

RECIPE = Recipe(
    "trial",
    model=Model(filters=(4, 8), kernels=(7, 5), strides=(4, 4), rhythm_units=4, head_units=8),
    training=Training(epochs=3, batch_size=16, learning_rate=0.01),
)


def test_parts_are_hidden_in_a_copy() -> None:
    beats = made_beats(20)
    beat, rhythm = hide(beats.beat, beats.rhythm, ("average beat",))
    assert not beat[:, :, 1].any() and np.array_equal(beat[:, :, 0], beats.beat[:, :, 0])
    assert not rhythm[:, [5, 6, 7]].any() and np.array_equal(rhythm[:, 0], beats.rhythm[:, 0])
    assert beats.beat[:, :, 1].any(), "the beats themselves stay"


def test_every_feature_is_in_a_part() -> None:
    parts = [part for name, part in PARTS.items() if name != "rhythm features"]
    features = {at for part in parts for at in part.features}
    assert features == set(range(firmware.RHYTHM_FEATURES))


@pytest.mark.tensorflow
def test_a_network_ignores_what_its_recipe_leaves_out() -> None:
    from ecg_edge.training import train

    beats = made_beats(200)
    recipe = replace(RECIPE, model=replace(RECIPE.model, without=("average beat", "last 32 intervals")))
    network = train.fit(recipe, beats)
    hidden = hide(beats.beat, beats.rhythm, recipe.model.without)
    whole, without = (network.predict(dequantize(*one)) for one in ((beats.beat, beats.rhythm), hidden))
    np.testing.assert_allclose(whole, without, atol=1e-5)
    other = hide(beats.beat, beats.rhythm, ("beat",))
    assert np.abs(network.predict(dequantize(*other)) - whole).max() > 0.1


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["cnn-lstm", "transformer"])
def test_other_architectures_learn(name: str) -> None:
    from ecg_edge.training import train

    beats = made_beats(400)
    settings = replace(RECIPE.training, epochs=8)
    network = train.fit(changed(replace(RECIPE, training=settings), {"model.architecture": name}), beats)
    found = network.predict(dequantize(beats.beat, beats.rhythm)).argmax(1)
    assert np.mean(found == beats.labels) > 0.6, "five classes"


@pytest.mark.tensorflow
def test_trees_learn_and_are_no_network() -> None:
    from ecg_edge.training import train
    from ecg_edge.training.trees import fit_trees

    beats = made_beats(400)
    recipe = changed(RECIPE, {"model.architecture": "trees"})
    trees = fit_trees(train.examples(recipe, beats), (), seed=1)
    assert np.mean(trees.logits(beats.beat, beats.rhythm).argmax(1) == beats.labels) > 0.9
    assert trees.logits(beats.beat[:0], beats.rhythm[:0]).shape == (0, 5)
    with pytest.raises(RecipeError, match="trees are no network"):
        train.fit(recipe, beats)


@pytest.mark.parametrize(("key", "value"), [("model.without", ["nothing"]), ("model.architecture", "rnn")])
def test_an_unknown_name_lists_the_known_ones(key: str, value: object) -> None:
    with pytest.raises(RecipeError, match=r"average beat|cnn-lstm"):
        changed(RECIPE, {key: value})


def test_a_recipe_chooses_the_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    from ecg_edge.training import datasets

    asked: list[tuple[str, object]] = []

    def load(root: Path, database: str, records: object, peaks: str, **words: object) -> Beats:
        asked.append((database, words["lead"]))
        return made_beats(20)

    monkeypatch.setattr(datasets, "load_beats", load)
    recipe = changed(RECIPE, {"data.lead": "1"})
    for database in ("mitdb", "svdb", "synth"):
        datasets._beats_of(recipe, Path(), ("100",), "detected", None, database)
    assert asked == [("mitdb", "1"), ("svdb", "1"), ("synth", "auto")]
