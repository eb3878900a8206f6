"""Tables of `ecg-edge evaluate classifier`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ecg_edge.ecg.figures import of_these_records, percent
from ecg_edge.host.cli import console
from ecg_edge.host.cli.tables import ResultTable, ratio
from ecg_edge.host.evaluation.classifier import repeats

Row = Mapping[str, Any]

_RESTS_ON: Final = ("test set", "peaks", "from s", "patients")
_CLASSES: Final = {"veb": "Ventricular ectopic beats", "sveb": "Supraventricular ectopic beats"}
_INT8: Final = "int8"


def every_table(figures: Mapping[str, Any], per_record: bool) -> Iterator[ResultTable]:
    """Make the tables that have rows."""
    rows = [row for row in figures["rows"] if row["network"] == _INT8]
    first = [row for row in rows if row["start_s"] == min(one["start_s"] for one in rows)]
    whole = [row for row in first if row["classes"] and not repeats(row)]
    tables = [
        *(_ectopic(rows, kind) for kind in _CLASSES),
        _overall(rows),
        _labels(first),
        *map(_confusion, whole),
        _first_beats(figures.get("first_beats")),
        _never_learned(figures.get("never_learned")),
        _float(figures.get("int8_against_float", ())),
        *(_reliability(row) for row in whole if row["peaks"] == "detected"),
        *((_records(rows),) if per_record else ()),
    ]
    yield from (table for table in tables if table.row_count)


def notes(figures: Mapping[str, Any]) -> Iterator[str]:
    """Name the rows whose patients trained the network, and those that lack short records."""
    for row in figures["rows"]:
        first = _first_of(figures["rows"], row)
        if row["seen_in_training"] and row["network"] == _INT8 and row is first:
            seen = of_these_records(len(row["seen_in_training"]), len(row["records"]))
            yield f"{row['group']}: the network was trained on the patients of {seen}."
        short, all_of = len(first["records"]) - len(row["records"]), len(first["records"])
        if short and (row["network"], row["peaks"]) == (first["network"], first["peaks"]):
            missing = of_these_records(short, all_of)
            yield f"{row['group']}: the rows from {row['start_s']:g} s lack {missing}, which ended before."


def _first_of(rows: Sequence[Row], like: Row) -> Row:
    return min((row for row in rows if row["group"] == like["group"]), key=lambda row: row["start_s"])


def _rests_on(row: Row) -> list[str]:
    return [row["group"], row["peaks"], f"{row['start_s']:g}", str(row["patients"])]


def _ectopic(rows: Sequence[Row], kind: str) -> ResultTable:
    """EC57's figures of VEB or SVEB: gross and mean over patients, each with its interval."""
    names = (f"{kind}_se", f"{kind}_ppv")
    headers = [
        header for way in ("", "mean ") for rate in ("Se", "+P") for header in (f"{way}{rate} %", "95 %")
    ]
    table = console.table(
        f"{_CLASSES[kind]} by EC57, int8: gross, and mean over patients",
        *_RESTS_ON,
        "beats",
        *headers,
        keys=4,
    )
    before = ""
    for row in rows:
        if before and row["database"] != before:
            table.add_section()
        before = row["database"]
        cells = [
            cell for way in ("gross", "average") for name in names for cell in _with_interval(row, way, name)
        ]
        table.add_row(*_rests_on(row), str(row["counts"][names[0]][1]), *cells)
    return table


def _with_interval(row: Row, way: str, name: str) -> tuple[str, str]:
    low_high = row["intervals"][way].get(name)
    return percent(row[way][name], 1), interval(low_high)


def interval(low_high: Sequence[float] | None, scale: float = 100.0) -> str:
    """Write an interval such as "88-95"; empty where there is none."""
    if low_high is None or any(value is None or math.isnan(value) for value in low_high):
        return ""
    if scale == 1:
        return "-".join(f"{value:.2f}" for value in low_high)
    return "-".join(f"{scale * value:.0f}" for value in low_high)


def _overall(rows: Sequence[Row]) -> ResultTable:
    """Macro-F1, jk and calibration of each test set."""
    columns = ("beats", "unclassified %", "macro-F1", "95 %", "kappa", "jk", "95 %", "ECE %")
    table = console.table("Labels, index jk and calibration, int8", *_RESTS_ON, *columns, keys=4)
    for row in rows:
        gross, classes = row["intervals"]["gross"], row["classes"]
        table.add_row(
            *_rests_on(row),
            *(str(row["beats"]), percent(row["unclassified"], 1)),
            *(ratio(classes["macro_f1"] if classes else None), interval(gross.get("macro_f1"), 1)),
            *(ratio(row["jk"]["kappa"]), ratio(row["jk"]["jk"]), interval(gross.get("jk"), 1)),
            percent(row["calibration"]["ece"], 1),
        )
    return table


def _labels(rows: Sequence[Row]) -> ResultTable:
    table = console.table(
        "Each label, int8", *_RESTS_ON[:3], "label", "beats", "Se %", "+P %", "F1 %", keys=4
    )
    for row in rows:
        if row["classes"]:
            for label, score in row["classes"]["per_class"].items():
                rates = [percent(score[name], 1) for name in ("se", "ppv", "f1")]
                table.add_row(*_rests_on(row)[:3], label, str(score["n"]), *rates)
            table.add_section()
    return table


def _confusion(row: Row) -> ResultTable:
    classes = row["classes"]
    title = f"{row['group']}, {row['peaks']} peaks, from {row['start_s']:g} s: answers in columns, int8"
    table = console.table(title, "annotated", *classes["columns"])
    for name, counts in zip(classes["rows"], classes["confusion"], strict=True):
        table.add_row(name, *map(str, counts))
    return table


def _first_beats(figures: Row | None) -> ResultTable:
    strips = figures["strips"] if figures else 0
    title = f"Labels by number of the beat in {strips} normal strips of cinc2017, detected peaks"
    table = console.table(title, "beat", "beats", "V %", "A %", "unclassified %")
    for number, one in (figures["by_number"] if figures else {}).items():
        table.add_row(number, str(one["beats"]), *(percent(one[k], 2) for k in ("v", "a", "unclassified")))
    return table


def _never_learned(figures: Row | None) -> ResultTable:
    kinds = figures["kinds"] if figures else {}
    labels = list(next(iter(kinds.values()))["answers"]) if kinds else []
    table = console.table(
        "Beats of kinds that were never learned, detected peaks, from 0 s",
        *("kind", "beats", "unclassified %", "labelled %", "missed", *labels),
    )
    for kind, one in kinds.items():
        shares = [percent(one[name], 1) for name in ("unclassified", "mislabelled")]
        table.add_row(
            kind, str(one["beats"]), *shares, str(one["missed"]), *map(str, one["answers"].values())
        )
    return table


def _float(comparisons: Sequence[Row]) -> ResultTable:
    table = console.table(
        "int8 against float, percentage points",
        *_RESTS_ON[:3],
        "figure",
        "float",
        "int8",
        "int8 - float",
        keys=4,
    )
    for one in comparisons:
        for name, value in one.items():
            if isinstance(value, dict):
                cells = [percent(value[key], 2) for key in ("float", "int8", "difference")]
                table.add_row(one["group"], one["peaks"], f"{one['start_s']:g}", name, *cells)
        table.add_section()
    return table


def _reliability(row: Row) -> ResultTable:
    title = (
        f"{row['group']}, {row['peaks']} peaks, from {row['start_s']:g} s: probability of the answered class "
        "(N, S, V) and share of hits"
    )
    table = console.table(title, "probability %", "beats", "mean %", "hits %")
    for one in row["calibration"]["bins"]:
        if one["beats"]:
            place = f"{100 * one['low']:.0f} to {100 * one['high']:.0f}"
            table.add_row(
                place, str(one["beats"]), percent(one["confidence"], 1), percent(one["accuracy"], 1)
            )
    return table


def _records(rows: Sequence[Row]) -> ResultTable:
    names = ("veb_se", "veb_ppv", "sveb_se", "sveb_ppv")
    headers = ("VEB", "VEB Se %", "VEB +P %", "SVEB", "SVEB Se %", "SVEB +P %", "unclassified %")
    table = console.table("Each record by EC57, int8", *_RESTS_ON[:3], "record", *headers, keys=4)
    for row in rows:
        for title, one in row["by_record"].items() if not repeats(row) else ():
            rates = {name: percent(one[name], 1) for name in names}
            veb, sveb = (str(one["counts"][name][1]) for name in ("veb_se", "sveb_se"))
            cells = (veb, rates["veb_se"], rates["veb_ppv"], sveb, rates["sveb_se"], rates["sveb_ppv"])
            table.add_row(*_rests_on(row)[:3], title, *cells, percent(one["unclassified"], 1))
        table.add_section()
    return table
