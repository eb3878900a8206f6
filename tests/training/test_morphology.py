"""The morphology network: virtual patients, recipe, training, int8, and its .h5 as a user loads it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.errors import RecipeError
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.ecg.synthetic.generator import Settings, generate
from ecg_edge.firmware import STRIP_POINTS, strips
from ecg_edge.training.morphology.dataset import cached_set, generate_set, training_ranges
from ecg_edge.training.morphology.patients import (
    LEADS,
    SEEDS,
    Ranges,
    draw,
    draw_level,
    example,
    has_upright_r,
    shows_arrhythmia,
)
from ecg_edge.training.morphology.recipe import (
    MAX_WEIGHT_BYTES,
    MorphologyRecipe,
    StripData,
    StripModel,
    StripTraining,
    load_morphology_recipe,
)
from ecg_edge.training.recipes import SHIPPED, Prune, load_recipe, recipe_kind

TINY = MorphologyRecipe(
    "tiny",
    data=StripData(patients=12, validation_patients=2, test_patients=2, snr_db=(30.0, 40.0)),
    model=StripModel((4, 6), (7, 5), (4, 4), head_units=6),
    training=StripTraining(epochs=2, batch_size=16, learning_rate=0.01, folds=2),
    prune=Prune(sparsity=0.5, epochs=1),
)


def test_patients_of_training_validation_and_test_are_apart() -> None:
    sets = [generate_set(part, 3, Ranges()) for part in SEEDS]
    seeds = [set(one.patients.tolist()) for one in sets]
    assert not seeds[0] & seeds[1] and not seeds[1] & seeds[2] and not seeds[0] & seeds[2]
    assert sets[0].strips.shape == (15, STRIP_POINTS)
    assert sets[0].labels.tolist() == [0, 1, 2, 3, 4] * 3


def test_the_same_seed_gives_the_same_strip() -> None:
    for label in range(len(MORPHOLOGY)):
        np.testing.assert_array_equal(example(label, 7, Ranges())[0], example(label, 7, Ranges())[0])


@pytest.mark.parametrize("label", [2, 3, 4])
def test_drawn_levels_are_within_the_ranges_and_true(label: int) -> None:
    ranges = Ranges((40.0, 40.0), (0.12, 0.14), (0.22, 0.24), (0.32, 0.34))
    for seed in range(5):
        beats = draw(label, SEEDS["test"] + seed, ranges).truth.beats
        st, t = np.mean([b.st_60_mv for b in beats]), np.mean([b.t_mv for b in beats])
        level = {2: -st, 3: st, 4: -t}[label]
        low, high = {2: (0.12, 0.14), 3: (0.22, 0.24), 4: (0.32, 0.34)}[label]
        assert low - 0.02 < level < high + 0.02


def test_the_lead_has_an_upright_r_wave() -> None:
    for seed in range(20):
        settings = draw(0, SEEDS["test"] + seed, Ranges()).settings
        assert settings.leads[0] in LEADS
        assert has_upright_r(settings)


def test_a_strip_without_a_premature_beat_shows_no_arrhythmia() -> None:
    record = generate(Settings("atrial-premature", seed=4), 45)
    early = [beat.sample for beat in record.truth.beats if beat.symbol == "A"]
    shown = {
        int(last): shows_arrhythmia(record, int(last)) for last in strips(record.samples[:, 0])["sample"]
    }
    assert set(shown.values()) == {True, False}
    for last, is_shown in shown.items():
        assert is_shown == any(last - 3600 + 360 <= sample < last - 288 for sample in early)


@pytest.mark.parametrize(("kind", "shown"), [("normal", False), ("atrial-fibrillation", True)])
def test_lasting_rhythms_are_shown_in_every_strip(kind: str, shown: bool) -> None:
    record = generate(Settings(kind, seed=3), 30)
    assert {shows_arrhythmia(record, last) for last in range(3600, 10800, 1800)} == {shown}


def test_levels_of_a_test_are_those_asked_for() -> None:
    record = draw_level(SEEDS["test"], Ranges((60.0, 60.0)), st_mv=-0.05)
    assert np.mean([beat.st_60_mv for beat in record.truth.beats]) == pytest.approx(-0.05, abs=0.01)
    record = draw_level(SEEDS["test"], Ranges((60.0, 60.0)), t_mv=0.0)
    assert np.mean([beat.t_mv for beat in record.truth.beats]) == pytest.approx(0, abs=0.01)


def test_a_set_is_read_again_while_its_settings_stay(tmp_path: Path) -> None:
    ranges = training_ranges(TINY.data)
    first = cached_set(tmp_path, "validation", 2, ranges)
    (file,) = tmp_path.iterdir()
    np.savez(file, strips=first.strips * 0, labels=first.labels, patients=first.patients)
    assert not cached_set(tmp_path, "validation", 2, ranges).strips.any()
    assert cached_set(tmp_path, "validation", 2, dataclasses.replace(ranges, subtle=0.1)).strips.any()


def test_the_shipped_recipe_is_valid_and_fits() -> None:
    recipe = load_morphology_recipe(SHIPPED / "morphology.toml")
    assert recipe.model.weight_bytes <= MAX_WEIGHT_BYTES
    assert recipe_kind("morphology") == "morphology"
    assert recipe_kind("nlrav") == "beats"
    with pytest.raises(RecipeError, match="beat classifiers only"):
        load_recipe(SHIPPED / "morphology.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data]\nsnr_db = [10.0]", "two numbers"),
        ("[data]\nelevation_mv = [0.1, 3.0]", "data.elevation_mv must be"),
        ('[data]\nfront_ends = ["none"]', "front_ends must name"),
        ("[model]\nfilters = [8]", "one length"),
        ("[model]\nfilters = [99, 99]\nkernels = [9, 9]\nstrides = [2, 2]", "bytes of weights"),
        ("[data]\nleads = 3", "unknown key"),
        ("[training]\nfolds = 1", "training.folds must be"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(f'kind = "morphology"\n{text}\n')
    with pytest.raises(RecipeError, match=message):
        load_morphology_recipe(path)


def test_a_saved_recipe_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY.to_toml())
    assert load_morphology_recipe(path) == TINY
