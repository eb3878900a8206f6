"""`ecg-edge compare`: two sessions of the same records, or two boards or models on records named here."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.figures import counted
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import EXIT_INTERRUPTED, console, options
from ecg_edge.host.conformance.folder import RESULTS_NAME
from ecg_edge.host.conformance.results import SessionResults
from ecg_edge.host.conformance.two_sessions import RecordComparison, SessionSide, compare_sessions
from ecg_edge.quantize.bundle.manifest import MANIFEST_NAME

EXAMPLES: Final = (
    "ecg-edge compare sessions/20260131T101500Z-emulator sessions/20260131T110000Z-dev-ttyUSB0",
    "ecg-edge compare emulator /dev/ttyUSB0 100 213",
    "ecg-edge compare models/nlrav models/other 100 213",
)


def compare(
    first: Annotated[
        str,
        typer.Argument(metavar="A", help="Folder of a replay session, port of a device, or model bundle."),
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    records: Annotated[list[str] | None, options.records_argument()] = None,
    model: Annotated[
        Path | None,
        options.model_option("Model bundle on devices named by port.", options.DEVICE_DEFAULT),
    ] = None,
    data: options.DataOption = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", min=1.0, help="Replay only the first S seconds of each record."),
    ] = None,
    json: options.JsonOption = None,
) -> None:
    """Compare two sessions, boards, firmwares or models: beats, labels and events that differ.

    With RECORDS, a port or a bundle is replayed first, a bundle on a simulated device. Beats of the two
    belong together within 150 ms. Exits with 0 when nothing differs in the records that both have, else
    with 1.
    """
    settings = {"model": model, "data": data, "seconds": seconds}
    sides = [_side(name, records or [], settings) for name in (first, second)]
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


def _side(name: str, records: list[str], settings: dict[str, Any]) -> SessionSide:
    """Read a session; replay a port or a bundle to make one."""
    from ecg_edge.host.report.html import read_results

    folder = Path(name)
    if (folder / RESULTS_NAME).is_file() or (folder.is_dir() and not (folder / MANIFEST_NAME).is_file()):
        return SessionSide(folder, read_results(folder))
    if not records:
        raise EcgEdgeError(
            f"{name}: is no session. Name the records to replay to it too: `ecg-edge compare A B 100 213`."
        )
    return _replayed(name, records, settings)


def _replayed(name: str, records: list[str], settings: dict[str, Any]) -> SessionSide:
    from ecg_edge.ecg.selection import select_records
    from ecg_edge.host.cli.commands.replay import replay_and_show
    from ecg_edge.host.cli.port_choice import found_port
    from ecg_edge.host.cli.records import require_one_root

    is_bundle = (Path(name) / MANIFEST_NAME).is_file()
    port = "simulator" if is_bundle else found_port(name)
    selected = select_records(records, settings["data"], None)
    console.note(f"Replaying to {name}")
    outcome = replay_and_show(
        list(map(str, selected)),
        port=port,
        model=Path(name) if is_bundle else settings["model"],
        data=require_one_root(selected),
        seconds=settings["seconds"],
        report=False,
    )
    if outcome.error:
        raise outcome.error
    if outcome.cancelled:
        raise typer.Exit(EXIT_INTERRUPTED)
    return SessionSide(outcome.session.folder, outcome.results)


def _describe(results: SessionResults) -> str:
    device = results["device"]
    return (
        f"{device['board']}, firmware {device['firmware_version']}, engine {device['engine']}, "
        f"model {results['bundle']} {results['model_sha256'][:12]}"
    )


def _verdict(found: list[RecordComparison]) -> str:
    if all(record.is_equal for record in found):
        beats = sum(record.beats for record in found)
        return f"EQUAL: {beats:,} beats and all rhythm events of {counted(len(found), 'record')}."
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
