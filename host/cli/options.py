"""Options and arguments shared by several commands: one name for one thing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.cli import console


def _board_rate(fs_hz: int) -> int:
    # For start-up time: firmware imports numpy.
    from ecg_edge.firmware import BOARD_RATES_HZ

    if fs_hz not in BOARD_RATES_HZ:
        raise typer.BadParameter(f"{fs_hz}; a board samples at {', '.join(map(str, BOARD_RATES_HZ))} Hz")
    return fs_hz


JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        callback=console.set_json,
        help="Write the figures to FILE as JSON ('-': standard output; text then goes to standard error).",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of the databases, with mitdb/100.dat and so on. Else ECG_EDGE_DATA.",
    ),
]


def model_option(text: str) -> Any:
    """Make the option --model of a command, whose default is the shipped bundle.

    Parameters
    ----------
    text : str
        Line of help, without the default.
    """
    return typer.Option("--model", metavar="DIR", show_default="models/nlrav", help=text)


def _complete_records(incomplete: str) -> list[str]:
    """List databases and records of this computer whose names begin with `incomplete`."""
    # For start-up time: only a shell that completes asks for it.
    from ecg_edge.ecg.databases import databases_in, find_data_root, records_in

    try:
        root = find_data_root(None)
    except EcgEdgeError:  # a completion has no place for errors
        root = None
    databases = databases_in(root) if root else []
    names = ["all", *databases]
    if root:
        names += [f"{database}/{name}" for database in databases for name in records_in(root, database)]
    return [name for name in names if name.startswith(incomplete)]


def records_argument(default: str = "") -> Any:
    """Make the argument RECORDS of a command.

    Parameters
    ----------
    default : str
        Records that the command takes when none is named; empty when one must be named.
    """
    text = "Records (100, mitdb/100), databases (mitdb), all, or paths of .hea and .edf files."
    return typer.Argument(
        metavar="RECORDS",
        autocompletion=_complete_records,
        help=f"{text} Else {default}." if default else text,
    )


RunsOption = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder of the recipes' runs.")]
PerRecordOption = Annotated[bool, typer.Option("--per-record", help="Print the figures of every record too.")]


def _mains_rate(mains_hz: int) -> int:
    if mains_hz not in (50, 60):
        raise typer.BadParameter(f"{mains_hz}; the mains frequency is 50 or 60 Hz")
    return mains_hz


LeadOption = Annotated[
    str,
    typer.Option("--lead", metavar="NAME", help="Lead, by its name in the header; auto chooses an ECG lead."),
]
MainsOption = Annotated[
    int,
    typer.Option(
        "--mains", metavar="HZ", callback=_mains_rate, help="Mains frequency to suppress, 50 or 60 Hz."
    ),
]
RateOption = Annotated[
    int,
    typer.Option(
        "--fs",
        metavar="HZ",
        callback=_board_rate,
        help="Sampling rate of the board, 250, 360 or 500 Hz; records are resampled to it.",
    ),
]


def _existing_run(folder: Path | None) -> Path | None:
    if folder is not None and not folder.is_dir():
        raise typer.BadParameter(
            f"{folder} is no folder; name the run folder of a recipe, such as runs/nlrav"
        )
    return folder


RunOption = Annotated[
    Path | None,
    typer.Option(
        "--run",
        metavar="DIR",
        callback=_existing_run,
        help="Run folder of a recipe, whose scores the report shows.",
    ),
]
