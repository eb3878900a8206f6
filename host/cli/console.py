"""Terminal and JSON output shared by all commands.

Results go to `out` (standard output); progress, notes and warnings go to `err` (standard error). `--json -`
gives standard output to the JSON alone: `out` then writes to standard error. Rich itself respects NO_COLOR
and writes no control codes where there is no terminal.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.segment import Segment

from ecg_edge.ecg.files import check_writable_file
from ecg_edge.host.cli.tables import ResultTable

Name = TypeVar("Name")

_CONTROLS: Final = dict.fromkeys(code for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n")

WIDTH_OFF_TERMINAL = 120  # columns for files and pipes; COLUMNS overrides it


def printable(text: str) -> str:
    """Leave out control characters: those in a header or a file name would command the terminal."""
    return text.translate(_CONTROLS)


class _PlainConsole(Console):
    """A console whose text holds no control characters but Rich's own."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text), style, control)


def _console(stream: TextIO | None, stderr: bool) -> Console:
    console = _PlainConsole(stderr=stderr, soft_wrap=True, highlight=False)
    if "COLUMNS" not in os.environ and (stream is None or not stream.isatty()):
        console.width = WIDTH_OFF_TERMINAL
    return console


out = _console(sys.stdout, stderr=False)
err = _console(sys.stderr, stderr=True)
_warnings = _console(sys.stderr, stderr=True)


def set_quiet(wanted: bool) -> None:
    """Turn notes and progress off, or on again; the option -q of every command."""
    err.quiet = wanted
    out.stderr = out.quiet = False


def set_json(context: typer.Context, path: Path | None) -> Path | None:
    """Keep standard output free of text when the JSON goes there; the callback of --json."""
    out.stderr = str(path) == "-"
    out.quiet = out.stderr and err.quiet
    return path if out.stderr else check_output(context, path)


def check_output(context: typer.Context, path: Path | None) -> Path | None:
    """Refuse a file that cannot be written, before the work begins; the callback of options."""
    if path is not None and not context.resilient_parsing:  # a completion writes nothing
        check_writable_file(path)
    return path


def note(text: str) -> None:
    """Write one line to standard error without markup."""
    err.print(text, markup=False)


def warn(text: str) -> None:
    """Write one conspicuous line to standard error, in quiet mode too."""
    console = _warnings if err.quiet else err
    console.print(f"warning: {text}", style="yellow", markup=False)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show that a step of more than two seconds runs; off a terminal, write a line when it starts.

    Parameters
    ----------
    text : str
        The step, as a participle: "Building stm32f405".
    """
    if not err.is_terminal:
        note(f"{text} ...")
        yield
        return
    start = time.monotonic()
    with err.status(text):
        yield
    note(f"{text}: {time.monotonic() - start:.1f} s")


class TidyProgress(Progress):
    """Progress that leaves no line above an error."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            self.stop()
            return
        self.live.transient = True
        self.live.stop()  # `stop` ends with an empty line off a terminal


def progress_bar(unit: str = "") -> Progress:
    """Progress on standard error; off a terminal only the last state of each task is written."""
    return TidyProgress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:.0f}/{task.total:.0f}" + (f" {unit}" if unit else "")),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=err,
        transient=err.is_terminal,
    )


def track(names: Sequence[Name], description: str, title: Callable[[Name], str] = str) -> Iterator[Name]:
    """Iterate over records with a progress bar on standard error that shows the title of each."""
    with progress_bar("records") as bar:
        task = bar.add_task(description, total=len(names), note="")
        for name in names:
            bar.update(task, note=title(name))
            yield name
            bar.advance(task)


def table(title: str, *columns: str, keys: int = 1, prose: bool = False, note: str = "") -> ResultTable:
    """Make an empty table; see `ResultTable`."""
    return ResultTable(title, columns, keys=keys, prose=prose, note=note)


def examples(*commands: str) -> str:
    """Text below a command's help: one runnable command per line."""
    heading = "Example:" if len(commands) == 1 else "Examples:"
    return "\n\n".join(
        f"{heading if number == 0 else ''} {command}".strip() for number, command in enumerate(commands)
    )
