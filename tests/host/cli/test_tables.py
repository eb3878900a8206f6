"""Tables at any width: no cell is cut, every column is shown."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from ecg_edge.host.cli.commands.replay import timing_table
from ecg_edge.host.cli.tables import ResultTable, evaluation_tables

HEADERS = ("record", "beats found", "differing bytes", "lost samples", "x real time", "verdict")
ROWS = (
    ("mitdb/100", "2,273", "0", "650000", "187.25", "pass"),
    ("mitdb/213", "3249", "12", "0", "99.95", "fail"),
)


def printed(table: object, width: int) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, soft_wrap=True, highlight=False).print(table)
    return stream.getvalue()


def made(prose: bool = False) -> ResultTable:
    table = ResultTable("Title", HEADERS, prose=prose)
    for row in ROWS:
        table.add_row(*row)
    return table


@pytest.mark.parametrize("width", [24, 30, 40, 60, 80, 120])
def test_every_cell_is_whole_at_every_width(width: int) -> None:
    text = printed(made(), width)
    words = text.split()
    assert all(cell in words for row in ROWS for cell in row)
    assert all(word in words for header in HEADERS for word in header.split())
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [30, 80, 200])
def test_the_note_stands_below_the_table_and_is_wrapped_at_spaces(width: int) -> None:
    table = ResultTable("Title", HEADERS, note="Equal: every byte is the reference's. " * 5)
    table.add_row(*ROWS[0])
    text = printed(table, width)
    assert text.index("2,273") < text.index("Equal:")
    assert max(map(len, text.splitlines())) <= width
    assert text.split().count("reference's.") == 5


@pytest.mark.parametrize(("port_kind", "counts"), [("pico", False), ("serial", True), ("socket", True)])
def test_only_where_qemu_may_be_the_device_its_instructions_are_named(port_kind: str, counts: bool) -> None:
    ticks: Any = {"core_us_per_sample": 3.5, "engine_us_per_beat": 280.0, "us_per_strip": None}
    assert ("--count-instructions" in timing_table(ticks, port_kind).note) is counts


def test_narrow_parts_repeat_the_key_column() -> None:
    assert printed(made(), 200).count("mitdb/100") == 1
    assert printed(made(), 40).count("mitdb/100") > 1


def test_wide_headers_stay_on_one_line() -> None:
    assert "differing bytes" in printed(made(), 120)
    assert "differing bytes" not in printed(made(), 60)


def test_the_last_column_of_text_is_wrapped_and_not_split_off() -> None:
    table = ResultTable("Title", ("record", "reason"), prose=True)
    table.add_row("100", "a reason of many words " * 8)
    text = printed(table, 60)
    assert text.count("100") == 1 and len(re.findall("many", text)) == 8


def test_macro_f1_is_a_ratio_and_accuracy_a_percentage() -> None:
    figures = {"n": 10, "se": 0.5, "ppv": None}
    average = {
        "accuracy": None,
        "macro_f1": 0.3333,
        "per_class": {"N": {"se": 0.25, "ppv": None}},
        "aami": {"S": {"se": 0.25, "ppv": None}},
    }
    row = {
        "protocol": "patient",
        "engine": "int8",
        "n_beats": 10,
        "accuracy": 0.9951,
        "macro_f1": 0.4721,
        "per_class": {"N": figures},
        "aami": {"S": figures},
        "record_average": average,
    }
    text = printed(evaluation_tables([row]), 120)
    assert "0.472" in text and "99.51" in text and "0.333" in text and "47.2" not in text
    assert re.search(r"AAMI S +10 +50\.00 +- +25\.00 +-", text)
