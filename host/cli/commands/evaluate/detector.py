"""`ecg-edge evaluate detector`: score the beat detector on whole records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.annotations import write_annotations
from ecg_edge.ecg.figures import of_these_records
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.records import read_timing
from ecg_edge.ecg.scoring import text
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli import detector_tables as tables
from ecg_edge.host.cli.records import select_sources
from ecg_edge.host.evaluation.detector import Detection, detect, group_figures, group_sources
from ecg_edge.host.evaluation.restarts import restart_figures
from ecg_edge.host.evaluation.sources import Source
from ecg_edge.host.reference.decisions import Labeller

ANNOTATOR: Final = "edge"
SILENT_ANNOTATOR: Final = "silent"
DATABASES: Final = ("mitdb", "nstdb", "svdb")
EXAMPLES: Final = (
    "ecg-edge evaluate detector mitdb/100",
    "ecg-edge evaluate detector ludb --lead all",
    "ecg-edge evaluate detector qtdb --restart 60 --model models/nlrav --json detector.json",
)


def evaluate(
    records: Annotated[
        list[str] | None,
        options.records_argument("mitdb, nstdb, svdb"),
    ] = None,
    data: options.DataOption = None,
    part: options.PartOption = options.Part.all,
    write_to: Annotated[
        Path | None,
        typer.Option(
            "--write-annotations",
            metavar="DIR",
            help=f"Write every beat to DIR/mitdb/100.{ANNOTATOR}, and the beats in good signal to "
            f"100.{SILENT_ANNOTATOR}, for WFDB's programs. One lead only.",
        ),
    ] = None,
    lead: options.LeadsOption = None,
    mains_hz: options.MainsOption = 60,
    fs: options.BoardRateOption = "360",
    reference: options.ReferenceOption = None,
    scale: options.ScaleOption = 1.0,
    invert: options.InvertOption = False,
    start_s: options.StartOption = None,
    restart: options.RestartOption = None,
    first: options.FirstOption = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Model bundle that labels the beats; VEBs are then scored too."),
    ] = None,
    any_signal_path: options.AnySignalPathOption = False,
    per_record: options.PerRecordOption = False,
    json: options.JsonOption = None,
) -> None:
    """Score the beat detector on whole records by EC57, within 150 ms: from the start and after five minutes.

    Each group of records is scored twice: with every beat, and with the beats in bad signal withheld, whose
    time counts as shutdown. Each score has two rows: gross figures and the average of the people. Of records
    without annotations, beats are counted.
    """
    conditions = options.conditions(lead, fs, mains_hz, reference, scale, invert)
    plan = options.plan(restart, first)
    selected = select_sources(records or DATABASES, data, conditions, part.value)
    labeller = Labeller(model, any_signal_path=any_signal_path) if model else None
    if write_to and any(source.title != source.name for found in selected.values() for source in found):
        raise typer.BadParameter("annotation files hold one lead: name one with --lead", param_hint="--lead")
    figures: dict[str, Any] = {}
    starts = options.starts(start_s)
    for (_, database), sources in selected.items():
        found = {
            source: detect(source, conditions, starts, labeller, plan)
            for source in console.track(sources, database, lambda source: source.title)
        }
        if write_to:
            _write(write_to / database, list(found.values()))
        figures[database] = _figures(database, found, starts)
        _print(database, found, figures[database], starts, per_record)
        if labeller:
            names = list(dict.fromkeys(source.name for source in sources))
            console.out.print(_training(labeller, database, names), markup=False)
    if json:
        write_json(json, figures)


def _figures(database: str, found: Mapping[Source, Detection], starts: Sequence[float]) -> dict[str, Any]:
    """Figures by group: from each start, of fresh streams, and counts of records without annotations."""
    figures: dict[str, Any] = {}
    for group, members in group_sources(database, list(found)).items():
        detections = [found[source] for source in members]
        scored = [one for one in detections if one.scores]
        counted = [one for one in detections if not one.has_reference]
        figures[group] = {f"from_{start:g}_s": group_figures(scored, start) for start in starts}
        if restarts := [one.restarts for one in detections if one.restarts]:
            figures[group]["restart"] = restart_figures(restarts)
        if counted:
            figures[group]["without_reference"] = {one.source.title: tables.counts_of(one) for one in counted}
    return figures


def _print(
    database: str,
    found: Mapping[Source, Detection],
    figures: Mapping[str, Any],
    starts: Sequence[float],
    per_record: bool,
) -> None:
    if per_record:
        for start in starts:
            results = [
                (one.source.title, one.scores[start].every) for one in found.values() if start in one.scores
            ]
            if results:
                console.out.print(f"{database}: from {start:g} s", markup=False)
                console.out.print(text.beat_lines(results), markup=False)
    for table in tables.every_table(database, figures, starts):
        console.out.print(table)
    for line in tables.missing(database, figures["all"], starts, len(found)):
        console.out.print(line, markup=False)


def _write(folder: Path, found: Sequence[Detection]) -> None:
    for one in found:
        fs_hz = read_timing(one.source.folder, one.source.name).fs_hz
        for annotator, beats in zip((ANNOTATOR, SILENT_ANNOTATOR), one.annotations, strict=True):
            write_annotations(folder, one.source.name, annotator, beats, fs_hz)


def _training(labeller: Labeller, database: str, names: Sequence[str]) -> str:
    """Name the records whose patients the network was trained on."""
    seen = labeller.trained_on(database, names)
    if not seen:
        return f"Labels: {labeller.name}, which was trained on none of these records."
    why = ", by mitdb's 118 and 119 of which they are made" if database == "nstdb" else ""
    return f"Labels: {labeller.name}, which was trained on {of_these_records(len(seen), len(names))}{why}."
