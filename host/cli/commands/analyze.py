"""`ecg-edge analyze`: a report on one's own recordings, which need no annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.databases import find_data_root
from ecg_edge.ecg.errors import OutputError, RecordError, ToolError
from ecg_edge.ecg.figures import duration_text, percent
from ecg_edge.ecg.files import check_writable_folder, write_json
from ecg_edge.ecg.selection import select_records
from ecg_edge.host.analysis.device import DeviceReport, run_device
from ecg_edge.host.analysis.figures import Figures, figures_of
from ecg_edge.host.analysis.files import write_files
from ecg_edge.host.analysis.reading import ADU, RATES_HZ, UNITS, Reading, is_own, read_own
from ecg_edge.host.cli import console, options
from ecg_edge.host.conformance.replay import MAINS_HZ
from ecg_edge.host.recording.record_writer import BEATS
from ecg_edge.host.recording.recording import is_recording
from ecg_edge.host.reference.labels import check_signal_path
from ecg_edge.quantize.bundle.engines import Engine, GeneratedEngine, reference_engine
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE, C_FOLDER, Bundle, load_bundle

EXAMPLES: Final = (
    "ecg-edge analyze night.hea",
    "ecg-edge analyze mitdb/213 --data data",
    "ecg-edge analyze night.csv --rate 250 --unit mV --pdf",
    "ecg-edge analyze sketch.txt --rate 500 --gain 1365 --out analysis",
)


def analyze(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="WFDB record or recording, EDF, CSV or text with one sample a line, or .mat of a challenge; "
            "or records and databases by name (213, mitdb/213, mitdb).",
        ),
    ],
    data: options.DataOption = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the results.")] = Path("analysis"),
    lead: Annotated[
        str,
        typer.Option(
            "--lead",
            metavar="NAME",
            help="Lead or column, by name or number; auto chooses an ECG lead, or the only column.",
        ),
    ] = "auto",
    rate_hz: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="HZ",
            help=f"Samples a second, {RATES_HZ[0]:g} to {RATES_HZ[1]:g}, where the file does not state it.",
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(metavar="UNIT", help=f"Unit of such a file: {', '.join(UNITS)}, or {ADU} with --gain."),
    ] = None,
    gain: Annotated[
        float | None,
        typer.Option(metavar="ADU", help="ADC units per millivolt of such a file."),
    ] = None,
    mains_hz: options.MainsOption = MAINS_HZ,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write the page as PDF too; needs Chromium.")] = False,
    model: Annotated[
        Path, options.model_option("Model bundle that labels the beats.", options.BOARD_DEFAULT)
    ] = BOARD_BUNDLE,
    any_signal_path: options.AnySignalPathOption = False,
    json: options.JsonOption = None,
) -> None:
    """Report what the device would tell of your own recordings: no annotations are needed.

    For each file: a page (NAME.html) with signal quality, heart rate by hour, beats, episodes of rhythm,
    strips on ECG paper, RR intervals and variability; annotations (NAME.dev, NAME.rhy) and tables (CSV).
    Not a medical device.
    """
    from ecg_edge.host.report.analysis_page import write_page
    from ecg_edge.host.report.pdf import require_browser, write_pdf

    paths = [path for name in files for path in _paths(name, data)]
    names = _names(paths)
    if pdf:
        require_browser()
    bundle = load_bundle(model)
    if not any_signal_path:
        check_signal_path(bundle)
    _refuse_recordings(out, names)
    check_writable_folder(out)
    engine = _engine(bundle)
    reading = Reading(lead, rate_hz, unit, gain)
    results: dict[str, Any] = {}
    for path, name in zip(paths, names, strict=True):
        with _shown(name) as progress:
            report = run_device(
                read_own(path, reading), engine, bundle.manifest.labels, mains_hz, on_progress=progress
            )
        record = report.own.record
        figures = figures_of(report, bool(bundle.manifest.trained_on(record.database, [record.name])))
        is_replaced = (out / f"{name}.html").exists()
        written = write_files(report, out, name)
        page = write_page(report, figures, bundle.manifest, engine.name, out / f"{name}.html")
        if pdf:
            with console.step("Printing the page"):
                written.append(write_pdf(page, out / f"{name}.pdf"))
        _show(report, figures, name)
        console.out.print(f"Report:  {page}{', replaced' * is_replaced}", markup=False)
        console.out.print(f"Files:   {', '.join(str(one) for one in written)}", markup=False)
        results[name] = {"file": path, "lead": record.lead, "report": page, **figures}
    if json:
        write_json(json, results)


def _paths(name: str, data: Path | None) -> list[Path]:
    """A file by its path; else the records that a name stands for, as in every command."""
    path = Path(name)
    if path.is_dir() or is_own(path) or find_data_root(data) is None:
        return [path]
    return [record.root / record.database / record.name for record in select_records([name], data)]


def _names(paths: list[Path]) -> list[str]:
    """Names of the results, one for each file."""
    names = [path.stem if path.suffix else path.name for path in paths]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise RecordError(
            f"Two files are called {double}: their results would have one name. Analyze them apart, "
            "each with a folder of its own: --out."
        )
    return names


def _refuse_recordings(out: Path, names: list[str]) -> None:
    """Refuse to replace what a device told: NAME.dev and NAME.rhy of a recording."""
    for name in names:
        if is_recording(out / name):
            raise OutputError(
                f"{out / name}.{BEATS}: holds the beats of a recording, by its device. Name another folder "
                "with --out."
            )


def _engine(bundle: Bundle) -> Engine:
    """The device's own C, which labels a day in seconds; without a compiler the reference."""
    try:
        return GeneratedEngine(bundle.path / C_FOLDER)
    except ToolError:
        return reference_engine(bundle)


@contextmanager
def _shown(name: str) -> Iterator[Callable[[float], None]]:
    with console.progress_bar() as bar:
        task = bar.add_task(name, total=100, note="%")
        yield lambda share: bar.update(task, completed=100 * share)


def _show(report: DeviceReport, figures: Figures, name: str) -> None:
    quality = figures["quality"]
    rates = [_text(figures[key]) for key in ("mean_bpm", "lowest_bpm", "highest_bpm")]
    rows = {
        "length": f"{duration_text(quality['duration_s'])}, lead {report.own.record.lead}",
        "readable": percent(quality["readable_s"] / quality["duration_s"], 1, " %"),
        "heart rate": "-" if figures["mean_bpm"] is None else f"{rates[0]} ({rates[1]} to {rates[2]})",
        "beats": ", ".join(f"{label} {count:,}" for label, count in figures["beats"].items()) or "none",
        "fibrillation": percent(figures["fibrillation_share"], 1, " % of the readable time, suspected"),
    }
    for kind in figures["kinds"]:
        longest = f"longest {kind['longest_s']:.1f} s"
        rows[kind["kind"]] = f"{kind['episodes']:,}, {longest}, {kind['priority']} priority"
    table = console.table(f"{name}: what the device would report", "figure", "value", prose=True)
    for label, value in rows.items():
        table.add_row(label, value)
    console.out.print(table)
    for limit in figures["limits"]:
        console.warn(f"{name}: {limit}.")


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
