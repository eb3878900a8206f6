"""`evaluate classifier` on small records of every test set: rows, what they rest on, and the schema."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.ecg.errors import BundleError, OutputError, RecordError
from ecg_edge.host.cli.commands.evaluate import classifier as classifier_command
from ecg_edge.host.cli.main import app
from ecg_edge.host.evaluation import classifier
from ecg_edge.host.evaluation.strips import REFERENCE_NAME
from tests.support.simulated import FS_HZ, HashEngine, make_bundle, make_ecg
from tests.support.wfdb_files import write_record

RECORDS = {
    "mitdb": ("100", "232", "102", "101"),
    "svdb": ("801", "800"),
    "nstdb": ("118e12", "119e_6"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of a minute; 102 is paced, 101 is of DS1, svdb/800 for development."""
    root = tmp_path_factory.mktemp("records")
    for database, names in RECORDS.items():
        for seed, name in enumerate(names):
            samples, peaks = make_ecg(60.0, seed)
            write_record(root / database, name, samples, rest=" 16 0 0 0 0 MLII")
            beat = "/" if name == "102" else "N"
            symbols = [("V", "A", "F")[k % 3] if k % 10 == 9 else beat for k in range(len(peaks))]
            write_annotations(root / database, name, "atr", Annotations.of(peaks, symbols), FS_HZ)
    for name in ("A00004", "A00012"):
        write_record(root / "cinc2017", name, make_ecg(15.0)[0], rest=" 16 0 0 0 0 ECG")
    (root / "cinc2017" / REFERENCE_NAME).write_text("A00004,N\nA00012,A\n")
    return root


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle whose engine is the hash engine."""
    monkeypatch.setattr(classifier, "_engine", lambda folder: HashEngine())
    return make_bundle(tmp_path / "bundle").path


def run(root: Path, bundle: Path, *words: str) -> tuple[str, dict[str, Any]]:
    """Text and figures, in this process."""
    out = bundle / "figures.json"
    base = ("evaluate", "classifier", str(bundle), "--data", str(root), "--jobs", "1", "--resamples", "20")
    done = CliRunner().invoke(app, [*base, "--start-s", "0", "--start-s", "20", *words, "--json", str(out)])
    assert done.exit_code == 0, done.exception or done.output
    assert "nan" not in done.output
    return done.output, json.loads(out.read_text())


def test_every_protocol_in_one_run(root: Path, bundle: Path, project_root: Path) -> None:
    text, figures = run(root, bundle, "--per-record")
    schema = json.loads((project_root / "docs" / "reference" / "classifier.schema.json").read_text())
    jsonschema.validate(figures, schema)
    rests_on = [(row["group"], row["peaks"], row["start_s"], row["records"]) for row in figures["rows"]]
    assert ("DS2", "annotated", 0, ["100", "232"]) in rests_on
    assert ("DS2 without 232", "detected", 20, ["100"]) in rests_on
    assert ("svdb test", "detected", 0, ["801"]) in rests_on
    assert ("nstdb 12 dB", "detected", 20, ["118e12"]) in rests_on
    assert not any(record in ("101", "102", "800") for *_, records in rests_on for record in records)
    assert all((row["classes"] is not None) == (row["database"] == "mitdb") for row in figures["rows"])
    assert figures["first_beats"]["strips"] == 1
    kinds = figures["never_learned"]["kinds"]
    paced = kinds["paced"]
    assert paced["beats"] > 50 and paced["missed"] + sum(paced["answers"].values()) <= paced["beats"]
    assert kinds["fusion of ventricular and normal"]["beats"] > 0
    assert "Ventricular ectopic beats by EC57" in text and "Each record by EC57" in text


def test_the_page_and_the_model_card(root: Path, shipped_bundle: Path, tmp_path: Path) -> None:
    page, bundle = tmp_path / "page.html", shutil.copytree(shipped_bundle, tmp_path / "bundle")
    run(root, bundle, "--html", str(page), "--card", "--any-signal-path")
    html = page.read_text()
    assert not re.findall(r'(?:src|href)="(?!#)', html), "nothing from outside"
    ids = re.findall(r' id="([a-z]+)"', html)
    assert set(re.findall(r'href="#([a-z]+)"', html)) <= set(ids)
    for text in ("DS2 without 232, detected peaks", "svdb test, annotated peaks", "Average precision: VEB"):
        assert text in html
    assert html.count("<h3>Expected ") > 3
    assert "fusion of ventricular and normal" in html
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "## Evaluation: EC57, gross, from 20 s" in card and "| DS2 | detected |" in card
    assert "## Confusion matrix: DS2, detected peaks, from 0 s" in card
    assert "| paced |" in card and "Networks of the same recipe on folds by patient" in card


def test_annotated_peaks_miss_no_beat(root: Path, bundle: Path) -> None:
    _, figures = run(root, bundle, "--database", "mitdb")
    [row] = [r for r in figures["rows"] if (r["group"], r["peaks"], r["start_s"]) == ("DS2", "annotated", 0)]
    missed = [line[-1] for line in row["classes"]["confusion"]]
    assert sum(missed) == 0 and row["gross"]["qrs_se"] == 1
    assert row["detected"] == row["beats"]
    assert sum(map(sum, row["table"])) == row["beats"]
    assert "first_beats" not in figures


def test_the_development_part(root: Path, bundle: Path) -> None:
    _, figures = run(root, bundle, "--part", "development")
    assert {name for row in figures["rows"] for name in row["records"]} == {"101", "800"}
    assert {row["group"] for row in figures["rows"]} == {"DS1", "svdb development"}
    assert "nstdb" not in figures and "first_beats" not in figures


def test_int8_beside_the_float_network(
    root: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from ecg_edge.host.pipeline import float_network

    def logits(self: object, beats: np.ndarray) -> np.ndarray:
        return HashEngine().run({name: beats[name] for name in ("beat", "rhythm")}).astype(np.float32)

    monkeypatch.setattr(float_network.FloatNetwork, "logits", logits)
    monkeypatch.setattr(float_network.FloatNetwork, "load", lambda self: None)
    text, figures = run(root, bundle, "--database", "mitdb", "--float", str(tmp_path / "model.keras"))
    compared = figures["int8_against_float"]
    assert len(compared) == 8 and all(one["macro_f1"]["difference"] == 0 for one in compared)
    assert {row["network"] for row in figures["rows"]} == {"int8", "float"}
    assert "int8 against float" in text


def test_what_the_float_network_needs_is_looked_for_before_the_work(
    root: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ecg_edge.host.pipeline import float_network

    def no_tensorflow(path: Path) -> None:
        raise ModuleNotFoundError("No module named 'tf_keras'", name="tf_keras")

    monkeypatch.setattr(float_network, "_load", no_tensorflow)
    monkeypatch.setattr(classifier, "list_records", lambda *_: pytest.fail("the work has begun"))
    with pytest.raises(AssertionError, match="No module named 'tf_keras'"):
        run(root, bundle, "--database", "mitdb", "--float", "model.keras")


def test_patients_that_trained_are_named(root: Path, bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["training"] = {"database": "mitdb", "records": ["118", "svdb/801"]}
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    text, figures = run(root, bundle, "--database", "nstdb", "--database", "svdb")
    seen = {row["group"]: row["seen_in_training"] for row in figures["rows"]}
    assert seen == {
        "svdb test": ["801"],
        "nstdb 12 dB": ["118e12"],
        "nstdb -6 dB": [],
        "nstdb all": ["118e12"],
    }
    assert "nstdb all: the network was trained on the patients of 1 of these 2 records" in text


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A database that the project does not know: long, short, of rhythms alone, without annotations."""
    folder = tmp_path / "own" / "clinic without gaps"
    for name, seconds, marks in (("long", 60.0, "NLV"), ("short", 12.0, "NLA"), ("rhythm", 60.0, "+")):
        samples, peaks = make_ecg(seconds, len(name))
        write_record(folder, name, samples, rest=" 16 0 0 0 0 V5")
        symbols = [marks[k % len(marks)] for k in range(len(peaks))]
        write_annotations(folder, name, "atr", Annotations.of(peaks, symbols), FS_HZ)
    write_record(folder, "bare", make_ecg(60.0)[0], rest=" 16 0 0 0 0 V5")
    return folder.parent


def test_a_database_of_ones_own(own: Path, bundle: Path, project_root: Path, tmp_path: Path) -> None:
    name, page = "clinic without gaps", tmp_path / "page.html"
    text, figures = run(own, bundle, "--database", name, "--per-record")
    jsonschema.validate(
        figures, json.loads((project_root / "docs" / "reference" / "classifier.schema.json").read_text())
    )
    rests_on = {(row["group"], row["peaks"], row["start_s"]): row["records"] for row in figures["rows"]}
    assert rests_on == {
        **{(name, peaks, 0.0): ["long", "short"] for peaks in ("annotated", "detected")},
        **{(name, peaks, 20.0): ["long"] for peaks in ("annotated", "detected")},
    }
    assert figures["part"] == "all" and {row["part"] for row in figures["rows"]} == {"all"}
    assert f"{name}: left out, without annotated beats (.atr): bare, rhythm" in text
    assert f"{name}: the rows from 20 s lack 1 of these 2 records, which ended before." in text
    [row] = [row for row in figures["rows"] if (row["peaks"], row["start_s"]) == ("annotated", 0)]
    assert row["patients"] == 2 and row["classes"]["per_class"]["L"]["n"] > 0, "the annotations tell L from N"
    run(own, bundle, "--database", name, "--html", str(page))
    assert f"{name}/short, from 0 s" in page.read_text() and f"{name}/long<" in page.read_text()


def test_figures_of_short_records_are_not_lost_beside_long_ones(
    own: Path, shipped_bundle: Path, tmp_path: Path
) -> None:
    page, bundle = tmp_path / "page.html", shutil.copytree(shipped_bundle, tmp_path / "bundle")
    (own / "strips").mkdir()
    for file in (own / "clinic without gaps").glob("short.*"):
        shutil.copy(file, own / "strips")
    named = ["--database", "clinic without gaps", "--database", "strips"]
    run(own, bundle, *named, "--any-signal-path", "--html", str(page), "--card")
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "| strips, from 0 s | detected |" in card and "| clinic without gaps | detected |" in card
    assert "nan" not in card
    assert "strips, from 0 s</th>" in page.read_text()


def test_the_page_lists_the_records_of_whole_databases(root: Path, bundle: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    run(root, bundle, "--database", "svdb", "--part", "all", "--html", str(page))
    table = page.read_text().partition('id="records"')[2]
    assert "svdb/800" in table and "svdb/801" in table


def test_matrices_from_another_start(root: Path, bundle: Path) -> None:
    words = ["--data", str(root), "--jobs", "1", "--resamples", "0", "--database", "mitdb", "--start-s", "20"]
    done = CliRunner().invoke(app, ["evaluate", "classifier", str(bundle), *words])
    assert "DS2, annotated peaks, from 20 s: answers in columns" in done.output
    assert "Each label, int8" in done.output


def test_a_float_network_without_labels_to_compare(
    root: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from ecg_edge.host.pipeline import float_network

    monkeypatch.setattr(float_network.FloatNetwork, "load", lambda self: None)
    text, figures = run(root, bundle, "--database", "svdb", "--float", str(tmp_path / "model.keras"))
    assert "nothing to compare" in text and figures["int8_against_float"] == []


def test_what_cannot_be_scored(root: Path, bundle: Path, tmp_path: Path) -> None:
    base = ["evaluate", "classifier", str(bundle), "--data", str(root)]
    done = CliRunner().invoke(app, [*base, "--database", "none"])
    assert done.exit_code == 2 and "test sets are mitdb, svdb" in done.output
    told = re.sub(r"[│\s]+", " ", done.output)
    assert "each folder of records in" in told and "cinc2017, mitdb, nstdb, svdb" in told
    nothing = CliRunner().invoke(app, [*base, "--database", "qtdb"])
    assert isinstance(nothing.exception, RecordError)
    strips = make_bundle(tmp_path / "strips", strips=True).path
    other = CliRunner().invoke(app, ["evaluate", "classifier", str(strips), "--data", str(root)])
    assert isinstance(other.exception, BundleError)


@pytest.fixture
def figures_of(root: Path, shipped_bundle: Path, tmp_path: Path) -> Callable[..., str]:
    """Run the command with the shipped network; gives its JSON."""

    def figures(*words: str) -> str:
        out = tmp_path / "figures.json"
        options = ["--database", "mitdb", "--resamples", "0", "--any-signal-path", "--json", str(out)]
        base = ["evaluate", "classifier", str(shipped_bundle), "--data", str(root), *options]
        done = CliRunner().invoke(app, [*base, *words])
        assert done.exit_code == 0, done.exception or done.output
        return out.read_text()

    return figures


@pytest.mark.slow
def test_two_processes_give_the_same_figures(figures_of: Callable[..., str]) -> None:
    assert figures_of("--jobs", "1") == figures_of("--jobs", "2")


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_figures(
    figures_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch, project_root: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(project_root), *sys.path[1:]]))
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(n_workers=2, **options) as cluster:
        assert figures_of("--dask", cluster.scheduler_address) == figures_of("--jobs", "1")


def test_a_page_that_cannot_be_written_is_refused_before_the_scoring(
    root: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    scored: list[object] = []
    monkeypatch.setattr(classifier_command, "_Run", lambda *given: scored.append(given))
    page = tmp_path / "file" / "page.html"
    words = ["evaluate", "classifier", str(bundle), "--data", str(root), "--html", str(page)]
    assert isinstance(CliRunner().invoke(app, words).exception, OutputError)
    assert not scored
