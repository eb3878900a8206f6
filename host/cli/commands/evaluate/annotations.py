"""`ecg-edge evaluate annotations`: compare annotation files beat by beat and run by run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypedDict

import typer

from ecg_edge.ecg import scoring
from ecg_edge.ecg.annotations import read_annotations
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.records import read_timing
from ecg_edge.ecg.scoring.protocol import LEARNING_S, MATCH_WINDOW_S
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.records import RecordFolder, select_folders

EXAMPLES: Final = (
    "ecg-edge evaluate annotations mitdb -t qrs",
    "ecg-edge evaluate annotations mitdb/100 mitdb/207 -t qrs --per-record --json scores.json",
)

LARGEST_WINDOW_MS: Final = 10_000.0
"""Largest --match-window-ms: longer than the interval between any two beats."""


@dataclass(frozen=True)
class Rules:
    """Rules of the comparison.

    Attributes
    ----------
    reference, test : str
        Names of the annotators.
    start_s, match_window_s : float
        As in `scoring.compare_beats`.
    """

    reference: str
    test: str
    start_s: float
    match_window_s: float


class _Limits(TypedDict):
    fs_hz: float
    start_s: float
    end_s: float
    match_window_s: float


@dataclass(frozen=True)
class Scores:
    """Results of the records of one database."""

    beats: scoring.Summary
    veb_runs: scoring.RunSummary
    sveb_runs: scoring.RunSummary

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for a JSON file."""
        runs = {"veb_runs": self.veb_runs.as_dict(), "sveb_runs": self.sveb_runs.as_dict()}
        return self.beats.as_dict() | runs


def evaluate(
    records: Annotated[list[str], options.records_argument()],
    test: Annotated[str, typer.Option("--test", "-t", metavar="ANNOTATOR", help="Annotator to score.")],
    reference: Annotated[
        str, typer.Option("--reference", "-r", metavar="ANNOTATOR", help="Reference annotator.")
    ] = "atr",
    data: options.DataOption = None,
    test_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with mitdb/100.ANNOTATOR and so on. Else that of --data."),
    ] = None,
    start_s: Annotated[
        float,
        typer.Option(
            min=0,
            max=options.LONGEST_START_S,
            metavar="S",
            help="Learning time in s, at least 0; nothing before it is scored.",
        ),
    ] = LEARNING_S,
    match_window_ms: Annotated[
        float,
        typer.Option(
            min=0,
            max=LARGEST_WINDOW_MS,
            metavar="MS",
            help="Largest distance of two annotations of one beat, in ms.",
        ),
    ] = 1000 * MATCH_WINDOW_S,
    per_record: options.PerRecordOption = False,
    json: options.JsonOption = None,
) -> None:
    """Score beat labels against annotations, as WFDB's bxb, rxr and sumstats do (ANSI/AAMI EC57).

    Prints a table of beats, of shutdown, and of ventricular and supraventricular runs for each database.
    """
    rules = Rules(reference, test, start_s, match_window_ms / 1000)
    results = {
        folder.database: _score_folder(folder, test_dir or folder.root, rules)
        for folder in select_folders(records, data, reference)
    }
    for database, scores in results.items():
        console.out.print(_text(database, scores, rules, per_record), markup=False)
    if json:
        write_json(json, {database: scores.as_dict() for database, scores in results.items()})


def _score_folder(folder: RecordFolder, test_root: Path, rules: Rules) -> Scores:
    results = [
        (name, _score_record(folder.path, test_root / folder.database, name, rules))
        for name in console.track(folder.names, f"{folder.database} {rules.test}")
    ]
    return Scores(
        scoring.summarize([(name, result[0]) for name, result in results]),
        scoring.summarize_runs([(name, result[1]) for name, result in results]),
        scoring.summarize_runs([(name, result[2]) for name, result in results]),
    )


def _score_record(
    folder: Path, test_folder: Path, name: str, rules: Rules
) -> tuple[scoring.BeatComparison, scoring.RunComparison, scoring.RunComparison]:
    timing = read_timing(folder, name)
    reference = read_annotations(folder, name, rules.reference, timing.fs_hz)
    test = read_annotations(test_folder, name, rules.test, timing.fs_hz)
    limits: _Limits = {
        "fs_hz": timing.fs_hz,
        "start_s": rules.start_s,
        "end_s": timing.length_s,
        "match_window_s": rules.match_window_s,
    }
    return (
        scoring.compare_beats(reference, test, **limits),
        scoring.compare_runs(reference, test, kind="veb", **limits),
        scoring.compare_runs(reference, test, kind="sveb", **limits),
    )


def _text(database: str, scores: Scores, rules: Rules, per_record: bool) -> str:
    summaries = [
        f"{database}: {rules.test} against {rules.reference}\n",
        scoring.text.beat_summary(scores.beats),
        scoring.text.shutdown_summary(scores.beats),
        "(VE run detection)\n" + scoring.text.run_summary(scores.veb_runs),
        scoring.text.run_summary(scores.sveb_runs),
    ]
    details = [
        scoring.text.beat_report(name, rules.reference, rules.test, result, sveb=True)
        for name, result in (scores.beats.records if per_record else ())
    ]
    return "\n".join(details + summaries)
