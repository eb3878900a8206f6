"""A database of one's own as training data: its folder, lead, annotator, labels and test records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.ecg.errors import RecipeError, RecordError
from ecg_edge.ecg.synthetic import textbook
from ecg_edge.training.datasets import evaluation_sets, training_beats
from ecg_edge.training.own_databases import names_of, own_beats, training_parts
from ecg_edge.training.recipes import Data, OwnDatabase, Recipe, load_recipe
from tests.support.simulated import make_database, make_ecg

OWN = OwnDatabase(
    folder="clinic", lead="II", annotator="ref", test=("p3",), labels={"N": "nB", "A": "S", "V": "V"}
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clinic/p1 to p3 at 250 Hz, lead II second, flat V5 first; mitdb/109 and /100."""
    root = make_database(tmp_path_factory.mktemp("records"), ("109", "100"), 20.0)
    folder = root / "clinic"
    folder.mkdir()
    for seed, name in enumerate(("p1", "p2", "p3")):
        samples, peaks = make_ecg(40.0, seed)
        at = np.arange(0, len(samples) - 1, 360 / 250)
        ecg = np.interp(at, np.arange(len(samples)), samples)
        wfdb.wrsamp(
            name,
            fs=250,
            units=["mV", "mV"],
            sig_name=["V5", "II"],
            d_signal=np.stack([np.zeros(len(ecg)), ecg], 1).astype(np.int64),
            fmt=["16", "16"],
            adc_gain=[200, 200],
            baseline=[0, 0],
            write_dir=str(folder),
        )
        symbols = ["nBSVL"[k % 5] for k in range(len(peaks))]
        write_annotations(folder, name, "ref", Annotations.of(peaks * 250 // 360, symbols), 250)
    return root


def test_records_train_or_test(root: Path) -> None:
    assert names_of("own", OWN, root) == (("p1", "p2"), ("p3",))
    assert names_of("own", replace(OWN, records=("p2", "p3")), root) == (("p2",), ("p3",))
    absolute = replace(OWN, folder=str(root / "clinic"))
    assert names_of("own", absolute, Path("elsewhere")) == (("p1", "p2"), ("p3",))
    for wrong in (replace(OWN, records=("p9",)), replace(OWN, annotator="atr"), replace(OWN, folder="none")):
        with pytest.raises(RecordError, match=r"databases\.own"):
            names_of("own", wrong, root)


@pytest.mark.parametrize("peaks", ["annotated", "detected"])
def test_symbols_become_labels(root: Path, peaks: str) -> None:
    beats = own_beats("own", OWN, root, peaks)
    assert set(beats.records.tolist()) == {"own/p1", "own/p2"}
    assert {"N", "A", "V", "?"} <= set(beats.symbols.tolist()) <= {"N", "A", "V", "?", ""}
    counts = {symbol: int((beats.symbols == symbol).sum()) for symbol in "NAV?"}
    assert counts["N"] > 1.5 * counts["A"] > 0
    assert len(beats.five_classes()) == counts["N"] + counts["A"] + counts["V"]
    assert beats.beat.std() > 5, "lead II, not the flat one"


def test_it_trains_and_has_figures_of_its_own(root: Path) -> None:
    recipe = Recipe("a", data=Data(peaks="annotated", records=("109", "100")), databases={"own": OWN})
    with pytest.raises(RecordError, match="no beats of class L, R"):
        training_beats(recipe, root)
    sets = evaluation_sets(recipe, root)
    own = [one for one in sets if one.split.startswith("own")]
    assert [one.peaks for one in own] == ["annotated", "detected"]
    assert set(own[0].beats.records.tolist()) == {"own/p3"}
    assert own[0].protocol == "own (1 test records), annotated peaks"
    assert len(sets) == 4


def test_a_database_may_only_test(root: Path) -> None:
    own = replace(OWN, test=("p1", "p2", "p3"))
    assert training_parts({"own": own}, root, ("annotated",)) == []


def test_a_database_of_which_no_beat_has_a_label_is_refused(root: Path) -> None:
    own = replace(OWN, labels={"N": "Q?"})
    with pytest.raises(RecordError, match=r"clinic: no training record has a beat of the symbols 'Q\?'"):
        training_parts({"own": own}, root, ("annotated", "detected"))


def test_a_folder_without_records_is_named(root: Path) -> None:
    with pytest.raises(RecordError, match="none: no record with annotations 'ref'"):
        names_of("own", replace(OWN, folder="none", test=()), root)


def test_every_nth_normal_beat(root: Path) -> None:
    from ecg_edge.training.own_databases import training_parts

    [every], [third] = (
        training_parts({"own": replace(OWN, keep_every_nth_normal=n)}, root, ("annotated",)) for n in (1, 3)
    )
    normal = [(beats.symbols == "N").sum() for beats in (every, third)]
    assert normal[1] < 0.5 * normal[0]
    assert (every.symbols == "V").sum() == (third.symbols == "V").sum()


def test_the_table_of_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('[databases.own]\nlead = "II"\nlabels = { N = "nB", V = "V" }\n')
    recipe = load_recipe(path)
    assert recipe.databases["own"] == OwnDatabase(lead="II", labels={"N": "nB", "V": "V"})
    path.write_text(recipe.to_toml())
    assert load_recipe(path) == recipe


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        ("[databases.own]\nleads = 'II'", "unknown key 'leads'"),
        ("[databases.own]\nlabels = { X = 'N' }", "labels must be of N, L, R, A, V"),
        ("[databases.own]\nlabels = { N = 'NS', A = 'S' }", "each symbol of one label"),
        ("[databases.own]\nlabels = { N = 3 }", "dict[str, str]"),
        ("[databases.own]\nlabels = { N = 'NX' }", "labels name symbols of beats"),
        ("[databases.svdb]\nlead = 'II'", "no known database"),
        ("[databases.own]\nkeep_every_nth_normal = 0", "keep_every_nth_normal"),
        ("databases = 3", "databases"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str, noun: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(RecipeError) as error:
        load_recipe(path)
    assert noun in str(error.value)


def test_synthetic_records_take_no_own_database(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(f"[data]\ndatabase = '{textbook.DATABASE}'\n[databases.own]\n")
    with pytest.raises(RecipeError, match="databases"):
        load_recipe(path)
