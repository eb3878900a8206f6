"""`evaluate detector` and `evaluate rhythm` on small records of every kind: what is printed and written."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.ecg.errors import RecordError
from ecg_edge.host.cli.detector_tables import every_table
from ecg_edge.host.cli.main import app
from ecg_edge.host.evaluation.strips import REFERENCE_NAME
from tests.support.simulated import FS_HZ, HashEngine, make_bundle, make_ecg
from tests.support.wfdb_files import write_record


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """vfdb/418 and /420 with rhythms only, cinc2017 with two strips, own/short of 9 s without annotations."""
    root = tmp_path_factory.mktemp("records")
    samples, peaks = make_ecg(90.0)
    for name in ("418", "420"):
        write_record(root / "vfdb", name, samples, rest=" 12 0 0 0 0 ECG")
        marks = Annotations.of([10, 14400, 21600], "+++", aux=["(N", "(VFL", "(N"])
        write_annotations(root / "vfdb", name, "atr", marks, FS_HZ)
    for name, seconds in (("A00004", 30), ("A00008", 9)):
        write_record(root / "cinc2017", name, samples[: seconds * FS_HZ], rest=" 16 0 7 0 0 ECG")
    (root / "cinc2017" / REFERENCE_NAME).write_text("A00004,A\nA00008,N\n")
    write_record(root / "own", "short", samples[: 9 * FS_HZ], rest=" 12 0 0 0 0 ECG")
    write_record(root / "own", "flat", np.zeros(9 * FS_HZ), rest=" 12 0 0 0 0 ECG")
    write_record(root / "own", "beats", samples, rest=" 12 0 0 0 0 ECG")
    write_annotations(root / "own", "beats", "atr", Annotations.of(peaks, ["N"] * len(peaks)), FS_HZ)
    return root


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle whose engine is the hash engine."""
    monkeypatch.setattr(
        "ecg_edge.host.cli.commands.evaluate.rhythm.reference_engine", lambda bundle: HashEngine()
    )
    return make_bundle(tmp_path / "bundle").path


def run(*words: str | Path) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert "nan" not in done.output.casefold().replace("nanometre", ""), done.output
    return done


def rhythm(root: Path, bundle: Path, *words: str) -> tuple[str, dict[str, Any]]:
    """Text and figures of `evaluate rhythm`."""
    out = bundle / "figures.json"
    done = run("evaluate", "rhythm", *words, "--data", root, "--model", bundle, "--json", out)
    assert done.exit_code == 0, done.exception or done.output
    return done.output, json.loads(out.read_text())


def test_rhythm_annotations_without_beats(root: Path, bundle: Path) -> None:
    text, figures = rhythm(root, bundle, "vfdb", "--restart", "30", "--first", "10")
    assert "share of annotated time that alarms name" in text and "alarms an hour" in text
    assert "no annotated beats, so runs are not scored" in text
    group = figures["vfdb"]["groups"]["all"]
    assert group["alarms"]["time"]["ventricular flutter"]["annotated_s"] == pytest.approx(40)
    assert group["restart"]["10_s"]["hours"] == pytest.approx(2 * 3 * 10 / 3600)
    assert list(figures["vfdb"]["groups"]) == ["development", "test", "all"]
    assert group["from_300_s"] is None and group["from_0_s"] is not None


def test_a_start_after_the_end_is_named(root: Path) -> None:
    done = run("evaluate", "detector", "own/beats", "own/flat", "--start-s", "91", "--data", root)
    assert "own: no record with annotated beats is longer than 91 s, so nothing is scored" in done.output
    assert "own: no annotated beats in 1 of the records" in done.output
    flat = run("evaluate", "detector", "own/flat", "--start-s", "91", "--data", root)
    assert "own: no annotated beats in 1 of the records" in flat.output and "longer than" not in flat.output


def test_a_part_of_a_database(root: Path, bundle: Path) -> None:
    _, figures = rhythm(root, bundle, "vfdb", "--part", "test")
    assert list(figures["vfdb"]["records"]) == ["420"]
    nothing = run("evaluate", "detector", "vfdb", "--part", "unused", "--data", root)
    assert isinstance(nothing.exception, RecordError) and "part" in str(nothing.exception)


def test_strips_with_one_label_each(root: Path, bundle: Path) -> None:
    text, figures = rhythm(root, bundle, "cinc2017")
    assert "strips with an event" in text and "atrial fibrillation (class A) against the rest" in text
    assert figures["cinc2017"]["groups"]["all"]["strips"] == {"N": 1, "A": 1, "O": 0, "~": 0}


@pytest.mark.parametrize("name", ["own/short", "own/flat"])
def test_a_short_record_without_annotations_is_counted(name: str, root: Path, bundle: Path) -> None:
    text, figures = rhythm(root, bundle, name)
    assert "no reference for this record: counts only" in text
    assert figures["own"]["groups"]["all"]["from_0_s"] is None
    done = run("evaluate", "detector", name, "--data", root, "--restart", "5")
    assert done.exit_code == 0 and "counts only" in done.output


def test_a_record_with_beats_alone(root: Path, bundle: Path) -> None:
    text, figures = rhythm(root, bundle, "own/beats")
    assert "no annotated rhythms, so episodes are not scored" in text
    assert "couplets and runs" in text and "segments" not in text
    assert figures["own"]["records"]["beats"]["alarms"]["burden"]["hours"] == pytest.approx(90 / 3600)


def test_detector_of_fresh_streams_and_starts(root: Path, tmp_path: Path) -> None:
    words = ("evaluate", "detector", "own/beats", "--data", root, "--start-s", "0", "--start-s", "30")
    out = tmp_path / "d.json"
    done = run(*words, "--restart", "30", "--first", "10", "--json", out)
    assert done.exit_code == 0 and "fresh streams" in done.output
    own = json.loads(out.read_text())["own"]
    for table in list(every_table("own", own, (0, 30)))[:2]:  # neither splits at 80 columns
        stream = io.StringIO()
        Console(file=stream, width=80).print(table)
        assert stream.getvalue().count("group") == 1
    figures = own["all"]
    assert figures["from_0_s"]["beats"] > figures["from_30_s"]["beats"] > 50
    assert figures["restart"]["first"]["10_s"]["starts"] == 3


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--fs", "128"), "250, 360, 500 Hz"),
        (("--fs", "fast"), "250, 360, 500 Hz"),
        (("--scale", "0"), "scale"),
        (("--start-s", "-1"), "start-s"),
        (("--restart", "0"), "restart"),
        (("--lead", ","), "no lead"),
        (("--part", "none"), "part"),
    ],
)
def test_values_out_of_range_are_refused(words: tuple[str, ...], reason: str, root: Path) -> None:
    done = run("evaluate", "detector", "own/beats", "--data", root, *words)
    assert done.exit_code == 2 and reason in done.output
