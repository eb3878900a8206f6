"""How every command speaks: text on the terminal, JSON to a file.

Results go to `out` (standard output); progress, notes and warnings go to `err` (standard error), so that
`--json -` leaves standard output to the JSON alone. Rich itself respects NO_COLOR and writes no control
codes where there is no terminal.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ecg_edge.host.errors import EcgEdgeError

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


def write_json(path: Path | str, obj: Any) -> None:
    """Write `obj` as JSON to a file, whose folder is made when missing, or to standard output for "-".

    Dataclasses, paths and numpy values are written as what they hold; figures that are not finite as null.
    """
    text = json.dumps(_plain(obj), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EcgEdgeError(f"{target}: cannot be written ({error.strerror}). Name another file.") from None


def _plain(value: Any) -> Any:
    """`value` with only what JSON knows."""
    if hasattr(value, "__dataclass_fields__"):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
