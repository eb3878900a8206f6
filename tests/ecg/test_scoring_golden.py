"""The whole comparison with what WFDB's C programs printed for real detectors on real records.

ECG_EDGE_GOLDEN names a folder with ec57/<database>/: annotation files REC.NAME, and the programs' output for
them: REC.NAME.bxb.txt, bxb.NAME.txt, shutdown.NAME.txt, rxr.veb.txt, rxr.sveb.txt, sumstats.NAME.txt,
sumstats.shutdown.NAME.txt.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecg_edge.ecg.annotations import Annotations, read_annotations
from ecg_edge.ecg.records import Timing, read_timing
from ecg_edge.ecg.scoring import compare_beats, compare_runs, summarize, text

pytestmark = pytest.mark.records

RUN_ANNOTATOR = "osea"  # the one that tells V from N, for which there are run-by-run files


@pytest.fixture(scope="module")
def golden() -> Path:
    folder = os.environ.get("ECG_EDGE_GOLDEN")
    if not folder or not (Path(folder) / "ec57").is_dir():
        pytest.skip("ECG_EDGE_GOLDEN does not name a folder with ec57/")
    return Path(folder) / "ec57"


Pairs = dict[str, tuple[Annotations, Annotations, Timing]]


def read_pairs(data_dir: Path, golden: Path, database: str, annotator: str) -> Pairs:
    """Reference, test annotations and timing of each record that the golden folder has."""
    names = sorted(path.name.partition(".")[0] for path in (golden / database).glob(f"*.{annotator}.bxb.txt"))
    timings = {name: read_timing(data_dir / database, name) for name in names}
    return {
        name: (
            read_annotations(data_dir / database, name, "atr", timing.fs_hz),
            read_annotations(golden / database, name, annotator, timing.fs_hz),
            timing,
        )
        for name, timing in timings.items()
    }


CASES = [(db, name) for db in ("mitdb", "nstdb", "svdb") for name in ("gqrs", "osea", "sqrs", "wqrs")]


@pytest.mark.slow
@pytest.mark.parametrize("database, annotator", [case for case in CASES if case != ("svdb", "osea")])
def test_equal_to_the_c_programs(data_dir: Path, golden: Path, database: str, annotator: str) -> None:
    pairs = read_pairs(data_dir, golden, database, annotator)
    assert pairs
    folder = golden / database
    results = [
        (name, compare_beats(reference, test, fs_hz=timing.fs_hz, end_s=timing.length_s))
        for name, (reference, test, timing) in pairs.items()
    ]
    for name, result in results:
        expected = (folder / f"{name}.{annotator}.bxb.txt").read_text()
        assert text.beat_report(name, "atr", annotator, result) == expected
    summary = summarize(results)
    assert text.beat_lines(results) == (folder / f"bxb.{annotator}.txt").read_text()
    assert text.shutdown_lines(results) == (folder / f"shutdown.{annotator}.txt").read_text()
    assert text.beat_summary(summary) == (folder / f"sumstats.{annotator}.txt").read_text()
    assert text.shutdown_summary(summary) == (folder / f"sumstats.shutdown.{annotator}.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("database", ["mitdb", "nstdb"])
@pytest.mark.parametrize("kind", ["veb", "sveb"])
def test_runs_equal_to_the_c_programs(data_dir: Path, golden: Path, database: str, kind: str) -> None:
    pairs = read_pairs(data_dir, golden, database, RUN_ANNOTATOR)
    results = [
        (name, compare_runs(reference, test, fs_hz=timing.fs_hz, kind=kind, end_s=timing.length_s))
        for name, (reference, test, timing) in pairs.items()
    ]
    assert text.run_lines(results) == (golden / database / f"rxr.{kind}.txt").read_text()
