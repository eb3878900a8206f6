"""`ecg-edge verify`: float, LiteRT, TFLM and generated C on the same beats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options

if TYPE_CHECKING:
    from ecg_edge.quantize.verify import EngineFigures, LabelledInputs, VerifyReport

EXAMPLES: Final = ("ecg-edge verify models/nlrav --golden", "ecg-edge verify models/nlrav mitdb/100")


def verify(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model bundle, such as models/nlrav.")],
    records: Annotated[
        list[str] | None,
        options.records_argument("those of DS2, else golden vectors"),
    ] = None,
    data: options.DataOption = None,
    beats: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Largest number of beats or synthetic strips, at least 1, chosen evenly."
        ),
    ] = 3000,
    golden: Annotated[
        bool, typer.Option("--golden", help="Use the golden vectors of the bundle only.")
    ] = False,
    float_model: Annotated[
        Path | None,
        typer.Option(
            "--float",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Float network. Else the one of the bundle.",
        ),
    ] = None,
    json: options.JsonOption = None,
) -> None:
    """Compare float, LiteRT, TFLM and generated C on the same beats, or strips of a morphology network.

    Exits with 1 when the generated C differs from TFLM in one byte.
    """
    from ecg_edge.quantize import verify as engines
    from ecg_edge.quantize.bundle.manifest import load_bundle

    loaded = load_bundle(model)
    if golden:
        chosen = None
    elif loaded.manifest.takes_strips:
        chosen = _strips(data, records or [], beats)
    else:
        chosen = _record_beats(data, records or [], beats, loaded.manifest.labels)
    with console.step("Running the engines"):
        report = engines.verify(loaded, chosen, float_model=float_model)
    _print(report)
    if json:
        write_json(json, report)
    engines.require_same_bytes(report)


def _record_beats(
    data: Path | None, names: list[str], limit: int, labels: tuple[str, ...]
) -> LabelledInputs | None:
    """Load beats of the records, of DS2 when none is named; None when no records are installed."""
    from ecg_edge.ecg.databases import find_data_root
    from ecg_edge.ecg.selection import select_records
    from ecg_edge.ecg.splits import DS2
    from ecg_edge.quantize.verify import record_beats

    if not names and find_data_root(data) is None:
        return None
    records = select_records(names or [f"mitdb/{name}" for name in DS2], data)
    source = " ".join(map(str, records)) if names else "mitdb, the records of DS2"
    return record_beats(records, labels, limit, source)


def _strips(data: Path | None, names: list[str], limit: int) -> LabelledInputs:
    """Load the strips of records, or generate some with their classes when none is named."""
    from ecg_edge.ecg.selection import select_records
    from ecg_edge.quantize.verify import record_strips, synthetic_strips

    return record_strips(select_records(names, data), " ".join(names)) if names else synthetic_strips(limit)


def _print(report: VerifyReport) -> None:
    labels = list(dict.fromkeys(name for figures in report.engines for name in figures.accuracy_by_label))
    table = console.table(
        f"{report.beats} beats: {report.source}",
        *("engine", "same label %", "largest LSB", "differing bytes"),
        *(["accuracy %", *(f"{label} %" for label in labels)] if labels else []),
    )
    for figures in report.engines:
        table.add_row(*_row(figures, labels))
    console.out.print(table)
    console.note(
        "Against TFLM: beats with the same label, largest difference of a logit in steps of the int8 output, "
        "differing output bytes."
    )
    for engine, reason in report.skipped.items():
        console.note(f"{engine} was not run: {reason}.")


def _row(figures: EngineFigures, labels: list[str]) -> list[str]:
    row = [
        figures.engine,
        percent(figures.label_agreement, 2),
        f"{figures.largest_difference_lsb:.3g}",
        "-" if figures.differing_bytes is None else str(figures.differing_bytes),
    ]
    if labels:
        row.append(percent(figures.accuracy, 2))
    return row + [percent(figures.accuracy_by_label.get(name), 1) for name in labels]
