"""What a bundle says of the run it comes from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge.ecg.errors import BundleError, EcgEdgeError, OutputError
from ecg_edge.firmware import BEAT_DTYPE
from ecg_edge.firmware.binding.rhythm import rhythm_fingerprint
from ecg_edge.quantize.bundle.manifest import load_bundle
from ecg_edge.quantize.export import run as export_run
from ecg_edge.quantize.export.model_card import CHOICE, model_card
from ecg_edge.training import recipes
from ecg_edge.training.beats import Beats
from ecg_edge.training.recipes import OwnDatabase, Recipe, folds_sha256
from ecg_edge.training.runs import Run, RunFolder
from tests.support.simulated import make_bundle


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


def folds(recipe: Recipe, seeds: tuple[int, ...] = (1, 2)) -> dict[str, Any]:
    """What `train --folds` writes, as far as the card reads it."""
    figures = {name: {"by_seed": [0.5 + 0.1 * seed for seed in seeds]} for name in export_run._SPREAD}
    row = {**export_run._ROW, "group": "mitdb and svdb", "patients": 101, "figures": figures}
    other = {name: {"by_seed": [0.9 - 0.1 * seed for seed in seeds]} for name in CHOICE}
    part = {**row, "group": "mitdb and svdb, development part", "figures": other}
    own = {**row, "group": "mitdb", "figures": {"macro_f1": {"by_seed": [0.6] * len(seeds)}}}
    return {
        "division": "patients5",
        "seeds": list(seeds),
        "made_by_sha256": folds_sha256(recipe),
        "rhythm_fingerprint": rhythm_fingerprint(),
        "spread": [{**row, "network": "float"}, row, part, own],
    }


def test_the_spread_is_that_of_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, recipe = tmp_path / "patients5.json", Recipe("trial", seed=2)
    assert export_run.read_spread(path, recipe) is None
    path.write_text(json.dumps(folds(recipe)))
    spread = export_run.read_spread(path, replace(recipe, seed=1, name="other"))
    assert spread is not None and spread["seeds"] == [1, 2] and spread["patients"] == 101
    assert spread["figures"]["gross veb_se"] == pytest.approx([0.6, 0.7])
    other = replace(recipe, training=replace(recipe.training, epochs=3))
    assert export_run.read_spread(path, other) is None, "of another recipe"
    every_patient = replace(recipe, data=replace(recipe.data, split="all"))
    assert export_run.read_spread(path, every_patient) == spread, "folds divide the records themselves"
    monkeypatch.setattr(recipes, "TRAINING_FORMAT", recipes.TRAINING_FORMAT + 1)
    assert export_run.read_spread(path, recipe) is None, "of another version of the training"
    monkeypatch.undo()
    path.write_text(json.dumps({**folds(recipe), "rhythm_fingerprint": 1}))
    assert export_run.read_spread(path, recipe) is None, "of other rhythm rules"
    path.write_text(json.dumps({**folds(recipe), "spread": []}))
    with pytest.raises(BundleError, match=r"patients5\.json: damaged"):
        export_run.read_spread(path, recipe)


@pytest.mark.parametrize(
    ("seed", "text"), [(1, "is the best of 2"), (2, "is number 2 of 2"), (3, "is none of")]
)
def test_the_card_tells_the_spread_and_where_the_seed_stands(tmp_path: Path, seed: int, text: str) -> None:
    path, recipe = tmp_path / "patients5.json", Recipe("trial", seed=2)
    path.write_text(json.dumps(folds(recipe)))
    spread = export_run.read_spread(path, recipe)
    assert spread is not None
    manifest = replace(make_bundle(tmp_path / "bundle").manifest, training={"seed": seed, "spread": spread})
    card = model_card(manifest, 1, 1)
    assert "| gross veb se | 0.65 | 0.07071 | 0.6 | 0.7 | 0.6 | 0.7 |" in card
    assert f"seed, {seed}, {text}" in card and "not measured: take that over seeds" in card
    assert "by the mean F1 of VEB and SVEB of the development part" in card or seed == 3


def test_seeds_are_compared_by_all_patients_where_the_folds_have_one_part(tmp_path: Path) -> None:
    path, recipe = tmp_path / "patients5.json", Recipe("trial")
    found = folds(recipe)
    rows = [row for row in found["spread"] if not row["group"].endswith("part")]
    path.write_text(json.dumps({**found, "spread": rows}))
    spread = export_run.read_spread(path, recipe)
    manifest = replace(make_bundle(tmp_path / "bundle").manifest, training={"seed": 2, "spread": spread})
    assert "seed, 2, is the best of 2 by the mean F1 of VEB and SVEB in these folds." in model_card(
        manifest, 1, 1
    )


def test_the_card_compares_the_folds_of_another_machine(tmp_path: Path) -> None:
    run, here = Run(Recipe("trial"), tmp_path, RunFolder(tmp_path / "runs")), tmp_path / "here"
    with pytest.raises(BundleError, match="both need `ecg-edge train"):
        export_run._spread(run, make_bundle(here).path)
    path = export_run.folder_of_folds(run) / "patients5.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(folds(run.recipe)))
    spread = export_run._spread(run, None)
    assert spread is not None and "elsewhere" not in spread
    figures = {name: [0.62, 0.6] for name in spread["figures"]}
    manifest_path = here / "manifest.json"
    manifest = json.loads(manifest_path.read_text())

    def write(**changes: object) -> None:
        training = {"spread": {**spread, "figures": figures, **changes}}
        manifest_path.write_text(json.dumps({**manifest, "training": training}))

    write()
    both = export_run._spread(run, here)
    assert both == {**spread, "elsewhere": figures}
    card = model_card(replace(load_bundle(here).manifest, training={"seed": 1, "spread": both}), 1, 1)
    assert "| seed 2 | mean difference elsewhere | largest difference of a seed |" in card
    assert "| gross veb se | 0.65 | 0.07071 | 0.6 | 0.7 | 0.6 | 0.7 | -0.04 | 0.1 |" in card
    assert "compare them with seeds 1, 2 of the same recipe" in card
    assert "on another machine" in card and "not measured" not in card and "may be A" not in card
    del both["rhythm_fingerprint"]
    card = model_card(replace(load_bundle(here).manifest, training={"seed": 1, "spread": both}), 1, 1)
    assert "A beat in suspected fibrillation may be A in them" in card
    write(seeds=[3, 2])
    part = export_run._spread(run, here)
    assert part is not None and set(map(tuple, part["elsewhere"].values())) == {(None, 0.6)}
    card = model_card(replace(load_bundle(here).manifest, training={"seed": 1, "spread": part}), 1, 1)
    assert "| gross veb se | 0.65 | 0.07071 | 0.6 | 0.7 | 0.6 | 0.7 | -0.1 | 0.1 |" in card
    assert "compare them with seed 2 of the same recipe" in card
    for changes in (
        {"patients": 90},
        {"seeds": [3, 4]},
        {"division": "ds1"},
        {"made_by_sha256": "0"},
        {"rhythm_fingerprint": 1},
    ):
        write(**changes)
        with pytest.raises(BundleError, match="of other seeds or records"):
            export_run._spread(run, here)


def test_the_card_says_that_no_record_judges_a_network_of_every_patient(tmp_path: Path) -> None:
    manifest = make_bundle(tmp_path / "bundle").manifest
    title = "## What its records can tell"
    assert title in model_card(replace(manifest, training={"split": "all"}), 1, 1)
    assert title not in model_card(replace(manifest, training={"split": "patient"}), 1, 1)


def test_the_tools_have_versions() -> None:
    tools = export_run.tool_versions()
    assert tools["python"].count(".") == 1
    assert tools["numpy"]


def test_records_of_ones_own_are_named_by_their_folder(tmp_path: Path) -> None:
    own = {"heart": OwnDatabase(folder="/else/clinic"), "plain": OwnDatabase()}
    run = Run(Recipe("trial", databases=own), tmp_path, RunFolder(tmp_path / "trial"))
    records = np.array(["100", "svdb/800", "heart/data/1", "plain/p1"])
    beats = Beats(np.zeros(4, BEAT_DTYPE), np.array(list("NNNN")), records)
    training = export_run._training(run, beats, None)
    assert training["records"] == ["100", "clinic/data/1", "plain/p1", "svdb/800"]
    manifest = replace(load_bundle(make_bundle(tmp_path / "bundle").path).manifest, training=training)
    assert manifest.trained_on("clinic", ["data/1", "p2"]) == ["data/1"]


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
