"""Tables that several commands print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecg_edge.training.metrics import Row


def evaluation_tables(rows: Sequence[Row]) -> Any:
    """Rich tables: one line a protocol and engine, and one a protocol and class for the int8 network."""
    from rich.console import Group
    from rich.table import Table

    overall = Table("protocol", "engine", title="Beat classification on the test side", title_justify="left")
    for column in ("beats", "accuracy", "macro-F1"):
        overall.add_column(column, justify="right")
    for figures in rows:
        overall.add_row(*_overall_cells(figures))
    classes = Table("protocol", "class", title="Class by class, int8", title_justify="left")
    for column in ("beats", "Se", "+P"):
        classes.add_column(column, justify="right")
    for figures in rows:
        if figures["engine"] == "int8":
            _add_classes(classes, figures)
    return Group(overall, classes) if classes.row_count else overall


def _overall_cells(figures: Row) -> list[str]:
    macro_f1 = "-" if figures["macro_f1"] is None else f"{figures['macro_f1']:.3f}"
    beats, accuracy = str(figures["n_beats"]), _percent(figures["accuracy"])
    return [figures["protocol"], figures["engine"], beats, accuracy, macro_f1]


def _add_classes(table: Any, figures: Row) -> None:
    named = {**figures["per_class"], **{f"AAMI {name}": value for name, value in figures["aami"].items()}}
    for name, value in named.items():
        cells = (figures["protocol"], name, str(value["n"]), _percent(value["se"]), _percent(value["ppv"]))
        table.add_row(*cells)
    table.add_section()


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"
