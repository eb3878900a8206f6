"""`ecg-edge compare`: two sessions of the same records."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.conformance.results import SessionResults
from ecg_edge.host.conformance.two_sessions import RecordComparison, SessionSide, compare_sessions

EXAMPLES: Final = (
    "ecg-edge compare sessions/20260131T101500Z-emulator sessions/20260131T110000Z-dev-ttyUSB0",
)


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of a replay session.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of another one.")],
    json: options.JsonOption = None,
) -> None:
    """Compare two sessions, of two boards, firmwares or models: beats, labels and events that differ.

    Beats of the two belong together within 150 ms. Exits with 0 when nothing differs in the records that both
    have, else with 1.
    """
    from ecg_edge.host.report.html import read_results

    sides = [SessionSide(folder, read_results(folder)) for folder in (first, second)]
    found = compare_sessions(*sides)
    for name, side in zip("AB", sides, strict=True):
        console.out.print(f"{name}: {side.folder} ({_describe(side.results)})", markup=False)
    _show(found)
    is_equal = all(record.is_equal for record in found)
    console.out.print(_verdict(found), style="bold green" if is_equal else "bold red", markup=False)
    if json:
        write_json(json, _figures(sides, found))
    if not is_equal:
        raise typer.Exit(1)


def _describe(results: SessionResults) -> str:
    device = results["device"]
    return (
        f"{device['board']}, firmware {device['firmware_version']}, engine {device['engine']}, "
        f"model {results['bundle']} {results['model_sha256'][:12]}"
    )


def _verdict(found: list[RecordComparison]) -> str:
    if all(record.is_equal for record in found):
        beats = sum(record.beats for record in found)
        return f"EQUAL: {beats:,} beats and all rhythm events of {len(found)} records."
    labels = sum(record.labels for record in found)
    alone = sum(record.only_first + record.only_second for record in found)
    events = sum(record.events_only_first + record.events_only_second for record in found)
    return f"DIFFERENT: {labels:,} labels, {alone:,} beats that one alone has, {events:,} such rhythm events."


def _show(found: list[RecordComparison]) -> None:
    table = console.table(
        "Records that both have, the most different first",
        *("record", "beats of both", "equal", "other label", "only A", "only B"),
        *("events of both", "only A", "only B"),
    )
    for one in sorted(found, key=lambda one: -(one.labels + one.only_first + one.only_second)):
        beats = (one.beats, one.equal, one.labels, one.only_first, one.only_second)
        events = (one.events, one.events_only_first, one.events_only_second)
        table.add_row(f"{one.database}/{one.record}", *(f"{count:,}" for count in (*beats, *events)))
    console.out.print(table)
    confusion = sum((record.confusion for record in found), Counter[tuple[str, str]]())
    if confusion:
        labels = console.table("Beats with another label", "A", "B", "beats", keys=2)
        for (one_label, other_label), count in confusion.most_common():
            labels.add_row(one_label or "-", other_label or "-", f"{count:,}")
        console.out.print(labels)


def _figures(sides: list[SessionSide], found: list[RecordComparison]) -> dict[str, Any]:
    records = []
    for one in found:
        confusion = [{"first": a, "second": b, "beats": n} for (a, b), n in one.confusion.most_common()]
        records.append({**asdict(one), "confusion": confusion, "equal_in_all": one.is_equal})
    return {
        "equal": all(record.is_equal for record in found),
        "first": sides[0].folder,
        "second": sides[1].folder,
        "records": records,
    }
