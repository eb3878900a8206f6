"""`ecg-edge detect`: score the signal path's R-peak detector on whole databases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import typer

from ecg_edge.firmware import (
    FLAG_FLAT,
    FLAG_LEADS_OFF,
    FLAG_SATURATED,
    FS_HZ,
    Beats,
    process,
)
from ecg_edge.host import console
from ecg_edge.host.annotations import Annotations, read_annotations, read_timing, write_annotations
from ecg_edge.host.commands.score import resolve_records, track
from ecg_edge.host.data import find_data_root
from ecg_edge.host.errors import RecordError
from ecg_edge.host.scoring import BeatComparison, compare_beats, match_beats, summarize, text
from ecg_edge.host.scoring.beats import MATCH_WINDOW_S
from ecg_edge.host.scoring.streams import LABEL_OF
from ecg_edge.training.records import load_record
from ecg_edge.training.splits import DS1, DS2

ANNOTATOR: Final = "edge"
REFERENCE: Final = "atr"
_BAD_SIGNAL: Final = FLAG_LEADS_OFF | FLAG_SATURATED | FLAG_FLAT
_NOISE_LEVELS: Final = {
    "24": "24 dB",
    "18": "18 dB",
    "12": "12 dB",
    "06": "6 dB",
    "00": "0 dB",
    "_6": "-6 dB",
}


@dataclass(frozen=True, eq=False)
class Detection:
    """What the detector made of one record.

    Attributes
    ----------
    comparison : BeatComparison
        Against the record's annotations.
    offsets_ms : ndarray of float64, shape (n,)
        Detected less annotated time of each matched beat.
    """

    comparison: BeatComparison
    offsets_ms: npt.NDArray[np.float64]


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
            help=f"Leave the beats as DIR/mitdb/100.{ANNOTATOR} for WFDB's programs.",
        ),
    ] = None,
    fs_hz: console.RateOption = FS_HZ,
    per_record: Annotated[
        bool, typer.Option("--per-record", help="Print a line for every record too.")
    ] = False,
    json: console.JsonOption = None,
) -> None:
    """Find the R peaks of whole records and score them by EC57: 150 ms, the first five minutes not scored.

    One lead: MLII where there is one, else the first. Without a DATABASE: mitdb, nstdb and svdb.
    """
    root = find_data_root(data)
    if root is None:
        raise RecordError(
            "no records found. Name their folder with --data, or get them: `ecg-edge data get`."
        )
    wanted = (databases or []) + (more or []) or ["mitdb", "nstdb", "svdb"]
    figures = {}
    for database, names in resolve_records(root, wanted, REFERENCE).items():
        found = {name: _detect(root, database, name, write_to, fs_hz) for name in track(names, database)}
        figures[database] = {
            group: group_figures(found, members) for group, members in group_records(database, names).items()
        }
        _print(database, found, figures[database], per_record, to_stderr=str(json) == "-")
    if json:
        console.write_json(json, figures)


def find_beats(root: Path, database: str, name: str, fs_hz: int = FS_HZ) -> Beats:
    """Run the signal path over one lead of a record, as a board of that rate would give it."""
    record = load_record(root, database, name, lead="auto", annotator=None, fs_hz=fs_hz)
    return process(record.samples, adu_per_mv=record.adu_per_mv, fs_hz=fs_hz)


def to_annotations(beats: Beats, fs_hz: float, board_hz: int = FS_HZ) -> Annotations:
    """Beats of a board as annotations of a record sampled at `fs_hz`: N, or Q where the signal was bad."""
    samples = np.floor(beats["r_sample"] * (fs_hz / board_hz) + 0.5).astype(np.int64)
    return Annotations.of(samples, np.where(beats["flags"] & _BAD_SIGNAL, "Q", "N"))


def group_records(database: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Records that are scored together, by name of the group; groups without records are left out.

    mitdb: DS1, on which thresholds are chosen, DS2, and all. nstdb: each signal-to-noise ratio, and all.
    """
    groups: dict[str, list[str]] = {}
    if database == "mitdb":
        groups = {"DS1": [n for n in names if n in DS1], "DS2": [n for n in names if n in DS2]}
    elif database == "nstdb":
        groups = {level: [n for n in names if n.endswith(end)] for end, level in _NOISE_LEVELS.items()}
    groups["all"] = list(names)
    return {group: members for group, members in groups.items() if members}


def group_figures(found: dict[str, Detection], members: Sequence[str]) -> dict[str, Any]:
    """Gross, average and per-record figures of a group, with fractions for Se, +P and their F1."""
    summary = summarize([(name, found[name].comparison) for name in members])
    figures = summary.as_dict()
    offsets = np.concatenate([found[name].offsets_ms for name in members])
    return {
        "gross": _figures(figures["gross"]) | {"offset_ms": _median(offsets)},
        "average": _figures(figures["average"]),
        "records": {
            name: _figures(record) | {"offset_ms": _median(found[name].offsets_ms)}
            for name, record in figures["records"].items()
        },
        "beats": summary.gross_ratios["qrs_se"].total,
    }


def _detect(root: Path, database: str, name: str, write_to: Path | None, board_hz: int) -> Detection:
    folder = root / database
    timing = read_timing(folder, name)
    reference = read_annotations(folder, name, REFERENCE, timing.fs_hz)
    test = to_annotations(find_beats(root, database, name, board_hz), timing.fs_hz, board_hz)
    if write_to:
        write_annotations(write_to / database, name, ANNOTATOR, test, timing.fs_hz)
    comparison = compare_beats(reference, test, fs_hz=timing.fs_hz, end_s=timing.length_s)
    return Detection(comparison, _offsets_ms(reference, test, timing.fs_hz))


def _offsets_ms(reference: Annotations, test: Annotations, fs_hz: float) -> npt.NDArray[np.float64]:
    peaks = reference.samples[np.isin(reference.symbols, list(LABEL_OF))]
    pairs = match_beats(peaks, test.samples, round(MATCH_WINDOW_S * fs_hz))
    late: npt.NDArray[np.float64] = (test.samples[pairs[:, 1]] - peaks[pairs[:, 0]]).astype(np.float64)
    return late * (1000 / fs_hz)


def _figures(figures: dict[str, Any]) -> dict[str, float]:
    """Those of a detector, which does not tell beats apart."""
    chosen = {name: figures[name] for name in ("qrs_se", "qrs_ppv", "rr_error_ms", "shutdown_s")}
    both = figures["qrs_se"] + figures["qrs_ppv"]
    f1 = 2 * figures["qrs_se"] * figures["qrs_ppv"] / both if both > 0 else math.nan
    return chosen | {"qrs_f1": f1}


def _median(offsets_ms: npt.NDArray[np.float64]) -> float:
    return float(np.median(np.abs(offsets_ms))) if len(offsets_ms) else math.nan


def _print(
    database: str,
    found: dict[str, Detection],
    groups: dict[str, dict[str, Any]],
    per_record: bool,
    to_stderr: bool,
) -> None:
    where = console.err if to_stderr else console.out
    if per_record:
        results = [(name, detection.comparison) for name, detection in found.items()]
        where.print(text.beat_lines(results), markup=False)
    table = console.table(
        f"{database}: R peaks against {REFERENCE}, gross (below: average of the records)",
        *("records", "n", "beats", "Se %", "+P %", "F1 %", "RR err ms", "offset ms", "shutdown s"),
    )
    for group, figures in groups.items():
        counts = (str(len(figures["records"])), str(figures["beats"]))
        table.add_row(group, *counts, *_cells(figures["gross"]))
        table.add_row("", "", "", *_cells(figures["average"]), end_section=True)
    where.print(table)


def _cells(figures: dict[str, float]) -> list[str]:
    rates = [f"{100 * figures[name]:.2f}" for name in ("qrs_se", "qrs_ppv", "qrs_f1")]
    offset = f"{figures['offset_ms']:.1f}" if "offset_ms" in figures else ""
    return [*rates, f"{figures['rr_error_ms']:.2f}", offset, f"{figures['shutdown_s']:.0f}"]
