"""`ecg-edge detect`: score the signal path's R-peak detector on whole databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.annotations import read_timing, write_annotations
from ecg_edge.ecg.databases import find_data_root
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.scoring import text
from ecg_edge.firmware import FS_HZ
from ecg_edge.host.cli import console
from ecg_edge.host.cli.commands.score import resolve_records, track
from ecg_edge.host.evaluation.detector import (
    REFERENCE,
    Detection,
    detect_record,
    group_figures,
    group_records,
    to_annotations,
)
from ecg_edge.host.reference.labels import Labeller

__all__ = ["REFERENCE", "to_annotations"]

ANNOTATOR: Final = "edge"
SILENT_ANNOTATOR: Final = "silent"


def detect(
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[DATABASE]...", help="Databases, or records (mitdb/100).")
    ] = None,
    databases: Annotated[
        list[str] | None, typer.Option(metavar="DATABASE...", help="The same, as an option.")
    ] = None,
    data: console.DataOption = None,
    write_to: Annotated[
        Path | None,
        typer.Option(
            "--write-annotations",
            metavar="DIR",
            help=f"Leave every beat as DIR/mitdb/100.{ANNOTATOR}, and beats and shutdown of silence in bad "
            f"signal as 100.{SILENT_ANNOTATOR}, for WFDB's programs.",
        ),
    ] = None,
    fs_hz: console.RateOption = FS_HZ,
    model: Annotated[
        Path | None,
        typer.Option(metavar="BUNDLE", help="Label the beats with this bundle's network; scores VEBs too."),
    ] = None,
    per_record: Annotated[
        bool, typer.Option("--per-record", help="Print a line for every record too.")
    ] = False,
    json: console.JsonOption = None,
) -> None:
    """Find the R peaks of whole records and score them by EC57: 150 ms, the first five minutes not scored.

    One lead: MLII where there is one, else the first. Without a DATABASE: mitdb, nstdb and svdb. Each
    group of records has two lines: every beat reported, and silence in bad signal, whose time is shutdown.
    """
    root = find_data_root(data)
    if root is None:
        raise RecordError(
            "no records found. Name their folder with --data, or get them: `ecg-edge data get`."
        )
    wanted = (databases or []) + (more or []) or ["mitdb", "nstdb", "svdb"]
    labeller = Labeller(model) if model else None
    figures = {}
    for database, names in resolve_records(root, wanted, REFERENCE).items():
        found = {
            name: detect_record(root, database, name, fs_hz, labeller) for name in track(names, database)
        }
        if write_to:
            _write(write_to / database, found, root / database)
        figures[database] = {
            group: group_figures(found, members) for group, members in group_records(database, names).items()
        }
        where = console.err if str(json) == "-" else console.out
        if per_record:
            results = [(name, detection.comparison) for name, detection in found.items()]
            where.print(text.beat_lines(results), markup=False)
        where.print(_table(database, found, figures[database]))
        if labeller:
            where.print(_training(labeller, database, names), markup=False)
    if json:
        write_json(json, figures)


def _write(folder: Path, found: Mapping[str, Detection], records: Path) -> None:
    for name, detection in found.items():
        fs_hz = read_timing(records, name).fs_hz
        for annotator, beats in zip((ANNOTATOR, SILENT_ANNOTATOR), detection.annotations, strict=True):
            write_annotations(folder, name, annotator, beats, fs_hz)


def _table(database: str, found: Mapping[str, Detection], groups: Mapping[str, dict[str, Any]]) -> Any:
    veb = ("VEB Se %", "VEB +P %") if all(detection.labelled for detection in found.values()) else ()
    table = console.table(
        f"{database}: R peaks against {REFERENCE}, gross (below: average of the records)",
        *("records", "n", "beats", "reported", "Se %", "+P %", "F1 %", *veb),
        *("RR err ms", "offset ms", "shutdown s", "%"),
    )
    for group, figures in groups.items():
        counts = (str(len(figures["records"])), str(figures["beats"]))
        silent = figures["silent_in_bad_signal"]
        table.add_row(group, *counts, "every beat", *_cells(figures["gross"]))
        table.add_row("", "", "", "", *_cells(figures["average"]))
        table.add_row("", "", "", "silent in bad signal", *_cells(silent["gross"]))
        table.add_row("", "", "", "", *_cells(silent["average"]), end_section=True)
    return table


def _cells(figures: Mapping[str, float]) -> list[str]:
    names = ("qrs_se", "qrs_ppv", "qrs_f1", "veb_se", "veb_ppv")
    rates = [f"{100 * figures[name]:.2f}" for name in names if name in figures]
    offset = f"{figures['offset_ms']:.1f}" if "offset_ms" in figures else ""
    share = f"{100 * figures['shutdown_share']:.2f}" if "shutdown_share" in figures else ""
    return [*rates, f"{figures['rr_error_ms']:.2f}", offset, f"{figures['shutdown_s']:.0f}", share]


def _training(labeller: Labeller, database: str, names: Sequence[str]) -> str:
    """Whether the labels are of patients that the network has seen."""
    seen = labeller.trained_on(database, names)
    if not seen:
        return f"Labels: {labeller.name}, which was trained on none of these records."
    why = ", by mitdb's 118 and 119 of which they are made" if database == "nstdb" else ""
    return f"Labels: {labeller.name}, which was trained on {len(seen)} of these {len(names)} records{why}."
