"""How every command speaks: text on the terminal, JSON to a file.

Results go to `out` (standard output); progress, notes and warnings go to `err` (standard error), so that
`--json -` leaves standard output to the JSON alone. Rich itself respects NO_COLOR and writes no control
codes where there is no terminal.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

TABLE_WIDTH = (
    120  # columns a table may take, in a narrow terminal too: no figure is cut; COLUMNS overrides it
)


def _console(stream: TextIO, stderr: bool) -> Console:
    console = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if "COLUMNS" not in os.environ and (not stream.isatty() or console.width < TABLE_WIDTH):
        console.width = TABLE_WIDTH
    return console


out = _console(sys.stdout, stderr=False)
err = _console(sys.stderr, stderr=True)

JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the figures to FILE as JSON ('-': standard output)."),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder with mitdb/100.dat and so on. Else ECG_EDGE_DATA."),
]


def _board_rate(fs_hz: int) -> int:
    from ecg_edge.firmware import BOARD_RATES_HZ

    if fs_hz not in BOARD_RATES_HZ:
        raise typer.BadParameter(f"{fs_hz}; a board samples at {', '.join(map(str, BOARD_RATES_HZ))} Hz")
    return fs_hz


RateOption = Annotated[
    int,
    typer.Option(
        "--fs",
        metavar="HZ",
        callback=_board_rate,
        help="Resample the records to the rate of a board first: 250, 360 or 500.",
    ),
]


def note(text: str) -> None:
    """Write one line to standard error as it is, without markup."""
    err.print(text, markup=False)


def warn(text: str) -> None:
    """Write one conspicuous line to standard error."""
    err.print(f"warning: {text}", style="yellow", markup=False)


def progress_bar(unit: str = "") -> Progress:
    """Progress on standard error; off a terminal only the last state of each task is written."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:.0f}/{task.total:.0f}" + (f" {unit}" if unit else "")),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=err,
        transient=err.is_terminal,
    )


def table(title: str, *columns: str) -> Table:
    """An empty table with the first column to the left and the others to the right."""
    result = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for number, column in enumerate(columns):
        result.add_column(column, justify="left" if number == 0 else "right")
    return result
