"""Tables of `ecg-edge evaluate detector`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecg_edge.ecg.figures import percent
from ecg_edge.host.cli import console
from ecg_edge.host.cli.tables import ResultTable
from ecg_edge.host.evaluation.detector import Detection

_LEAD = "lead "  # before the name of a lead's group
_RATES = ("qrs_se", "qrs_ppv", "qrs_f1", "veb_se", "veb_ppv")


def counts_of(detection: Detection) -> dict[str, float]:
    """Count the beats of a record without annotations: number, number a minute, share of bad signal."""
    beats = len(detection.annotations[0])
    return {
        "beats": beats,
        "beats_per_min": 60 * beats / detection.length_s,
        "length_s": detection.length_s,
        "bad_signal": detection.bad_s / detection.length_s,
    }


def every_table(database: str, figures: Mapping[str, Any], starts: Sequence[float]) -> Iterator[ResultTable]:
    """Make the tables of one database that have rows."""
    tables = (
        _score_table(database, figures, starts),
        _scored_table(database, figures, starts),
        _lead_table(database, figures, starts),
        _restart_table(database, figures),
        _called_v_table(database, figures),
        _count_table(database, figures["all"]),
    )
    yield from (table for table in tables if table.row_count)


def missing(
    database: str, figures: Mapping[str, Any], starts: Sequence[float], records: int
) -> Iterator[str]:
    """Explain figures of `records` records that are not there."""
    if counted := figures.get("without_reference", {}):
        yield f"{database}: no annotated beats in {len(counted)} of the records: counts only."
    scored = [start for start in starts if figures[f"from_{start:g}_s"] is not None]
    for start in starts:
        if start not in scored and len(counted) < records:
            yield (
                f"{database}: no record with annotated beats is longer than {start:g} s, so nothing is "
                "scored from there."
            )
    if "restart" in figures and not any(one["starts"] for one in figures["restart"]["first"].values()):
        yield f"{database}: no record is long enough for a start that could be scored."
    if any(_undefined(figures[f"from_{start:g}_s"]) for start in scored):
        yield "-: nothing to take a share of."


def _undefined(figures: Mapping[str, Any]) -> bool:
    return any(math.isnan(figures["gross"][name]) for name in _RATES if name in figures["gross"])


def _score_table(database: str, figures: Mapping[str, Any], starts: Sequence[float]) -> ResultTable:
    scored = [group[f"from_{start:g}_s"] for group in figures.values() for start in starts]
    veb = ("VEB Se %", "VEB +P %") if any(one and "veb_se" in one["gross"] for one in scored) else ()
    table = console.table(
        f"{database}: R peaks against the annotations",
        *("group", "from s", "figures", "Se %", "+P %", "F1 %", *veb, "RR error ms"),
        keys=3,
    )
    for group, by_start in figures.items():
        for start in starts:
            one = by_start[f"from_{start:g}_s"]
            if one is not None and group in _shown(figures):
                _add_rows(table, (group, f"{start:g}"), one)
        table.add_section()
    return table


def _shown(figures: Mapping[str, Any]) -> list[str]:
    """Leave out leads, which have their own table, and all records where another group has all of them."""
    groups = [group for group in figures if not group.startswith(_LEAD)]
    sizes = [_size(figures[group]) for group in groups]
    return groups[:-1] if len(groups) > 1 and sizes[-1] == max(sizes[:-1]) else groups


def _size(by_start: Mapping[str, Any]) -> int:
    scored = [one for name, one in by_start.items() if name.startswith("from_") and one is not None]
    return max((len(one["records"]) for one in scored), default=0)


def _add_rows(table: ResultTable, head: tuple[str, str], figures: Mapping[str, Any]) -> None:
    for reported, scores in (("", figures), ("good signal, ", figures["silent_in_bad_signal"])):
        for way in ("gross", "average"):
            table.add_row(*head, f"{reported}{way}", *_cells(scores[way]))


def _cells(figures: Mapping[str, float]) -> list[str]:
    rates = [percent(figures[name], 2) for name in _RATES if name in figures]
    return [*rates, _number(figures["rr_error_ms"], 2)]


def _scored_table(database: str, figures: Mapping[str, Any], starts: Sequence[float]) -> ResultTable:
    """Records and beats that are scored, offset of the R peaks, and share of time in bad signal."""
    table = console.table(
        f"{database}: what is scored, offset of the R peaks, and time in bad signal (shutdown)",
        *("group", "from s", "records", "beats", "offset ms", "shutdown %"),
        keys=2,
    )
    for group, by_start in figures.items():
        for start in starts:
            one = by_start[f"from_{start:g}_s"]
            if one is None or group not in _shown(figures):
                continue
            offset = _number(one["gross"]["offset_ms"], 1)
            share = percent(one["silent_in_bad_signal"]["gross"]["shutdown_share"], 2)
            table.add_row(group, f"{start:g}", str(len(one["records"])), str(one["beats"]), offset, share)
        table.add_section()
    return table


def _lead_table(database: str, figures: Mapping[str, Any], starts: Sequence[float]) -> ResultTable:
    table = console.table(
        f"{database}: R peaks by lead",
        *("lead", "from s", "records", "beats", "Se %", "+P %", "average Se %", "average +P %"),
        keys=2,
    )
    for group, by_start in figures.items():
        for start in starts:
            one = by_start[f"from_{start:g}_s"]
            if one is None or not group.startswith(_LEAD):
                continue
            rates = [percent(one[way][name], 2) for way in ("gross", "average") for name in _RATES[:2]]
            counts = (str(len(one["records"])), str(one["beats"]))
            table.add_row(group.removeprefix(_LEAD), f"{start:g}", *counts, *rates)
    return table


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _restart_table(database: str, figures: Mapping[str, Any]) -> ResultTable:
    table = console.table(
        f"{database}: fresh streams, each scored from its own start",
        *("group", "first", "starts", "beats", "Se %", "+P %", "starts with over 30 % too many beats"),
        keys=2,
    )
    for group, one in figures.items():
        if group not in _shown(figures):
            continue
        for length, scores in one.get("restart", {}).get("first", {}).items():
            rates = [percent(scores[name], 2) for name in ("qrs_se", "qrs_ppv")]
            head = (group, length.replace("_", " "), str(scores["starts"]), str(scores["beats"]))
            table.add_row(*head, *rates, str(scores["too_many"]))
        table.add_section()
    return table


def _called_v_table(database: str, figures: Mapping[str, Any]) -> ResultTable:
    """Share of beats annotated N or S that were called V, by their number in a fresh stream."""
    numbers = list(figures["all"].get("restart", {}).get("called_v", {}))
    table = console.table(
        f"{database}: normal and supraventricular beats called V, %, by their number in a fresh stream",
        *("group", *numbers),
    )
    for group, one in figures.items():
        called = one.get("restart", {}).get("called_v")
        if called and group in _shown(figures):
            table.add_row(group, *(percent(called[name]["share"], 2) for name in numbers))
    return table


def _count_table(database: str, figures: Mapping[str, Any]) -> ResultTable:
    table = console.table(
        f"{database}: without reference", *("record", "length s", "beats", "beats/min", "bad signal %")
    )
    for title, one in figures.get("without_reference", {}).items():
        table.add_row(
            *(title, f"{one['length_s']:.1f}", str(one["beats"])),
            *(f"{one['beats_per_min']:.0f}", percent(one["bad_signal"], 1)),
        )
    return table
