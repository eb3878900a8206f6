"""Tables whose numbers are never cut, and tables that several commands print."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ecg_edge.ecg.figures import percent

if TYPE_CHECKING:
    from ecg_edge.training.metrics import AamiScore, EvaluationRow, Rates

_UNBOUNDED = 10_000  # columns, wider than any table
_PROSE_WIDTH = 24  # columns that text needs at least
_NOTE_WIDTH = 100  # columns of a note at most


class ResultTable:
    """A table of figures that fits any terminal.

    Where the natural width does not fit, headers are broken at their spaces; where that does not suffice, the
    columns are spread over several tables that repeat the key columns. Cells are never shortened.

    Parameters
    ----------
    title : str
        Line above the table.
    columns : sequence of str
        Headers.
    keys : int
        Number of leading columns that name a row; they are aligned left and repeated.
    prose : bool
        The last column is text that is aligned left and may be wrapped.
    note : str
        Text below the table that explains its columns.
    """

    def __init__(
        self, title: str, columns: Sequence[str], keys: int = 1, prose: bool = False, note: str = ""
    ) -> None:
        self.title, self.columns, self.keys, self.prose = title, tuple(columns), keys, prose
        self.note = note
        self._rows: list[tuple[tuple[str, ...], bool]] = []

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return len(self._rows)

    def add_row(self, *cells: str, end_section: bool = False) -> None:
        """Append a row, with a blank line below it where a section ends."""
        self._rows.append((cells, end_section))

    def add_section(self) -> None:
        """End a section after the last row."""
        if self._rows:
            self._rows[-1] = (self._rows[-1][0], True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table | Text]:
        """Yield the table, or its parts, and the note."""
        yield from self._tables(console, options)
        if self.note:
            yield Text(textwrap.fill(self.note, min(options.max_width, _NOTE_WIDTH)) + "\n", "dim")

    def _tables(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        every = range(len(self.columns))
        for broken in (False, True):
            if self._fits(every, broken, console, options):
                yield self._table(every, broken, self.title)
                return
        yield from self._parts(console, options)

    def _parts(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        """Tables of as many columns as fit, each with the key columns."""
        keys, part, title = list(range(self.keys)), list[int](), self.title
        for column in range(self.keys, len(self.columns)):
            if part and not self._fits([*keys, *part, column], True, console, options):
                yield self._table([*keys, *part], True, title)
                part, title = [], ""
            part.append(column)
        yield self._table([*keys, *part], True, title)

    def _fits(self, columns: Sequence[int], broken: bool, console: Console, options: ConsoleOptions) -> bool:
        table = self._table(columns, broken, "")
        wanted = Measurement.get(console, options.update(max_width=_UNBOUNDED), table)
        return (wanted.minimum if self.prose else wanted.maximum) <= options.max_width

    def _table(self, columns: Sequence[int], broken: bool, title: str) -> Table:
        result = Table(
            title=title or None,
            title_justify="left",
            title_style="bold",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        for number in columns:
            prose = self.prose and number == len(self.columns) - 1
            header = self.columns[number].replace(" ", "\n") if broken else self.columns[number]
            left = prose or number < self.keys
            justify: Literal["left", "right"] = "left" if left else "right"
            width = _PROSE_WIDTH if prose else None
            result.add_column(header, justify=justify, no_wrap=not prose, overflow="fold", min_width=width)
        for cells, end_section in self._rows:
            shown = [cells[number] if number < len(cells) else "" for number in columns]
            result.add_row(*shown, end_section=end_section)
        return result


def evaluation_tables(rows: Sequence[EvaluationRow]) -> Group:
    """Make two tables of evaluation rows.

    Parameters
    ----------
    rows : sequence of EvaluationRow
        Figures by protocol and engine.

    Returns
    -------
    Group
        Accuracy and macro-F1 by protocol and engine; sensitivity and predictivity by class, int8 only.
    """
    overall = ResultTable(
        "Beat classification on the test set: of all beats, and the mean over records",
        ("protocol", "engine", "beats", "accuracy %", "macro-F1", "mean accuracy %", "mean macro-F1"),
        keys=2,
    )
    for figures in rows:
        overall.add_row(*_overall_cells(figures))
    classes = ResultTable(
        "Each class, int8: of all beats, and the mean over records",
        ("protocol", "class", "beats", "Se %", "+P %", "mean Se %", "mean +P %"),
        keys=2,
    )
    for figures in rows:
        if figures["engine"] == "int8":
            _add_classes(classes, figures)
    return Group(overall, classes) if classes.row_count else Group(overall)


def ratio(value: float | None) -> str:
    """Write macro-F1, 0 to 1, or "-" where there is none."""
    return "-" if value is None or value != value else f"{value:.3f}"


def _overall_cells(figures: EvaluationRow) -> list[str]:
    scores = [
        text
        for part in (figures, figures["record_average"])
        for text in (percent(part["accuracy"], 2), ratio(part["macro_f1"]))
    ]
    return [figures["protocol"], figures["engine"], str(figures["n_beats"]), *scores]


def _add_classes(table: ResultTable, figures: EvaluationRow) -> None:
    mean = figures["record_average"]
    scores: list[tuple[str, AamiScore, Rates]] = [
        (label, score, mean["per_class"][label]) for label, score in figures["per_class"].items()
    ]
    scores += [(f"AAMI {name}", score, mean["aami"][name]) for name, score in figures["aami"].items()]
    for name, score, average in scores:
        cells = [percent(part[key], 2) for part in (score, average) for key in ("se", "ppv")]
        table.add_row(figures["protocol"], name, str(score["n"]), *cells)
    table.add_section()
