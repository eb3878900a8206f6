"""`ecg-edge evaluate detector`: score the beat detector on whole records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.annotations import write_annotations
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.records import read_timing
from ecg_edge.ecg.scoring import text
from ecg_edge.firmware import FS_HZ
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.records import select_folders
from ecg_edge.host.cli.tables import ResultTable
from ecg_edge.host.evaluation.detector import (
    REFERENCE,
    Detection,
    DetectorFigures,
    detect_record,
    group_figures,
    group_records,
)
from ecg_edge.host.reference.labels import Labeller

ANNOTATOR: Final = "edge"
SILENT_ANNOTATOR: Final = "silent"
DATABASES: Final = ("mitdb", "nstdb", "svdb")
EXAMPLES: Final = (
    "ecg-edge evaluate detector mitdb/100",
    "ecg-edge evaluate detector mitdb nstdb svdb --model models/nlrav --json detector.json",
)


def evaluate(
    records: Annotated[
        list[str] | None,
        options.records_argument("mitdb, nstdb, svdb"),
    ] = None,
    data: options.DataOption = None,
    write_to: Annotated[
        Path | None,
        typer.Option(
            "--write-annotations",
            metavar="DIR",
            help=f"Write every beat to DIR/mitdb/100.{ANNOTATOR}, and the beats in good signal to "
            f"100.{SILENT_ANNOTATOR}, for WFDB's programs.",
        ),
    ] = None,
    lead: options.LeadOption = "auto",
    mains_hz: options.MainsOption = 60,
    fs_hz: options.RateOption = FS_HZ,
    model: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Model bundle that labels the beats; VEBs are then scored too."),
    ] = None,
    per_record: options.PerRecordOption = False,
    json: options.JsonOption = None,
) -> None:
    """Score the beat detector on whole records by EC57: 150 ms window, first five minutes not scored.

    Each group of records is scored twice: with
    every beat, and with the beats in bad signal withheld, whose time counts as shutdown. Each score has two
    rows: gross figures and the average of the records.
    """
    folders = select_folders(records or DATABASES, data, REFERENCE)
    labeller = Labeller(model) if model else None
    figures = {}
    for folder in folders:
        database, names = folder.database, folder.names
        found = {
            name: detect_record(folder.root, database, name, fs_hz, labeller, lead=lead, mains_hz=mains_hz)
            for name in console.track(names, database)
        }
        if write_to:
            _write(write_to / database, found, folder.path)
        figures[database] = {
            group: group_figures(found, members) for group, members in group_records(database, names).items()
        }
        if per_record:
            results = [(name, detection.comparison) for name, detection in found.items()]
            console.out.print(text.beat_lines(results), markup=False)
        console.out.print(_table(database, found, figures[database]))
        if labeller:
            console.out.print(_training(labeller, database, names), markup=False)
    if json:
        write_json(json, figures)


def _write(folder: Path, found: Mapping[str, Detection], records: Path) -> None:
    for name, detection in found.items():
        fs_hz = read_timing(records, name).fs_hz
        for annotator, beats in zip((ANNOTATOR, SILENT_ANNOTATOR), detection.annotations, strict=True):
            write_annotations(folder, name, annotator, beats, fs_hz)


def _table(
    database: str, found: Mapping[str, Detection], groups: Mapping[str, DetectorFigures]
) -> ResultTable:
    veb = ("VEB Se %", "VEB +P %") if all(detection.labelled for detection in found.values()) else ()
    table = console.table(
        f"{database}: R peaks against {REFERENCE}",
        *("records", "reported", "figures", "n", "beats", "Se %", "+P %", "F1 %", *veb),
        *("RR error ms", "offset ms", "shutdown s", "shutdown %"),
        keys=3,
    )
    for group, figures in groups.items():
        counts = (str(len(figures["records"])), str(figures["beats"]))
        for reported, scores in (("all", figures), ("good signal", figures["silent_in_bad_signal"])):
            table.add_row(group, reported, "gross", *counts, *_cells(scores["gross"]))
            table.add_row(group, reported, "average", *counts, *_cells(scores["average"]))
        table.add_section()
    return table


def _cells(figures: Mapping[str, float]) -> list[str]:
    names = ("qrs_se", "qrs_ppv", "qrs_f1", "veb_se", "veb_ppv")
    rates = [f"{100 * figures[name]:.2f}" for name in names if name in figures]
    offset = f"{figures['offset_ms']:.1f}" if "offset_ms" in figures else ""
    share = f"{100 * figures['shutdown_share']:.2f}" if "shutdown_share" in figures else ""
    return [*rates, f"{figures['rr_error_ms']:.2f}", offset, f"{figures['shutdown_s']:.0f}", share]


def _training(labeller: Labeller, database: str, names: Sequence[str]) -> str:
    """Name the records whose patients the network was trained on."""
    seen = labeller.trained_on(database, names)
    if not seen:
        return f"Labels: {labeller.name}, which was trained on none of these records."
    why = ", by mitdb's 118 and 119 of which they are made" if database == "nstdb" else ""
    return f"Labels: {labeller.name}, which was trained on {len(seen)} of these {len(names)} records{why}."
