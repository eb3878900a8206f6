"""Every verb names records in the same way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.files import PROJECT_ROOT
from ecg_edge.host.cli.main import app

SHIPPED = PROJECT_ROOT / "models" / "nlrav"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def figures(*words: str | Path) -> dict[str, dict[str, object]]:
    done = run(*words, "--json", "-", "-q")
    assert done.exit_code == 0, done.exception or done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["100", "mitdb/100", "mitdb"])
@pytest.mark.parametrize("verb", [("evaluate", "detector"), ("evaluate", "annotations", "-t", "atr")])
def test_scoring_takes_a_record_or_a_database(verb: tuple[str, ...], name: str, records: Path) -> None:
    assert set(figures(*verb, name, "--data", records)) == {"mitdb"}


def test_all_stands_for_every_record(records: Path) -> None:
    words = ("evaluate", "detector", "all", "--data", records)
    assert set(figures(*words)) == {"mitdb", "svdb", "own"}
    assert set(figures(*words, "--reference", "atr")) == {"mitdb", "svdb"}


def test_rhythm_of_one_record(records: Path) -> None:
    done = figures("evaluate", "rhythm", "100", "--data", records)
    assert list(done["mitdb"]["records"]) == ["100"]


def test_verify_takes_records_of_any_database(records: Path) -> None:
    done = figures("verify", SHIPPED, "svdb/800", "--data", records, "--beats", "50")
    assert (done["beats"], "svdb/800" in str(done["source"])) == (50, True)


def test_replay_takes_a_database(records: Path, tmp_path: Path) -> None:
    words = ("--port", "simulator", "--seconds", "20", "--no-report", "--out", tmp_path / "s")
    done = figures("replay", "mitdb", *words, "--data", records)
    assert [record["record"] for record in done["records"]] == ["100"]


def test_plot_takes_a_path(records: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.png"
    done = run("plot", records / "mitdb" / "100.hea", "--out", out)
    assert done.exit_code == 0 and out.stat().st_size > 20_000


def test_a_segment_is_of_one_record(records: Path) -> None:
    done = run("plot", "mitdb", "svdb", "--data", records)
    assert done.exit_code == 2 and "one record" in done.output


def test_events_of_a_record_without_annotations_are_counted_and_not_scored(records: Path) -> None:
    words = ("evaluate", "rhythm", "own/r1", "--data", records)
    done = figures(*words, "--events")
    assert done["own"]["records"]["r1"]["from_0_s"] is None and "r1" in done["own"]["events"]
    assert "no reference for this record: counts only" in run(*words).output
    assert isinstance(run(*words, "--reference", "atr").exception, RecordError)


@pytest.mark.parametrize(
    "verb", [("evaluate", "detector"), ("evaluate", "rhythm"), ("plot",), ("replay",), ("verify", SHIPPED)]
)
def test_an_unknown_record_is_refused_with_the_ways_to_name_one(
    verb: tuple[str | Path, ...], records: Path
) -> None:
    error = run(*verb, "999", "--data", records).exception
    assert isinstance(error, RecordError)
    assert "999" in str(error) and "mitdb/100" in str(error)
