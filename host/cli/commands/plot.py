"""`ecg-edge plot`: a segment of a record with detector internals, or the detector's errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from ecg_edge.ecg.errors import BundleError, EcgEdgeError, ToolError
from ecg_edge.ecg.files import replacing, write_json, writing_bytes
from ecg_edge.ecg.selection import RecordName, select_records
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.tables import ResultTable
from ecg_edge.host.evaluation.inspection import FALSE, MISSED, DetectionError, Inspection, inspect_record
from ecg_edge.host.evaluation.sources import REFERENCE
from ecg_edge.host.reference.decisions import Labeller
from ecg_edge.host.report.inspection_plot import Segment, draw, samples_of
from ecg_edge.host.report.strips import clock
from ecg_edge.host.report.window import has_screen, show
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, load_bundle

EXAMPLES: Final = (
    "ecg-edge plot 207 --from 5:12 --to 5:22 --out 207.png",
    "ecg-edge plot mitdb/203 --missed --plot missed.pdf",
)
SECONDS: Final = 10.0  # shown when --to is left out
_SIZE: Final = (12.0, 7.5)  # inches
_DPI: Final = 120
_SUFFIXES: Final = (".png", ".svg", ".pdf")
_MINUS: Final = "\N{MINUS SIGN}"


class Page(NamedTuple):
    """A figure to be drawn."""

    found: Inspection
    segment: Segment
    name: str


def plot(
    ctx: typer.Context,
    records: Annotated[
        list[str],
        options.records_argument(),
    ],
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="T", help="Start in s, mm:ss or hh:mm:ss. Else 0."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="T", help=f"End, as --from. Else {SECONDS:.0f} s later.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="PNG, SVG or PDF file. Else a window; without a screen a PNG in this folder."
        ),
    ] = None,
    missed: Annotated[bool, typer.Option("--missed", help="List missed beats.")] = False,
    false_positives: Annotated[
        bool, typer.Option("--false-positives", help="List false detections.")
    ] = False,
    errors: Annotated[bool, typer.Option("--errors", help="List missed beats and false detections.")] = False,
    plot_to: Annotated[
        Path | None,
        typer.Option("--plot", metavar="PATH", help="Plot each error into a folder, or all into one PDF."),
    ] = None,
    step: Annotated[
        bool, typer.Option("--show", help="Step through the errors in a window: arrow keys, q to quit.")
    ] = False,
    model: Annotated[
        Path,
        options.model_option("Model bundle that labels the beats if it fits the signal path."),
    ] = SHIPPED_BUNDLE,
    data: options.DataOption = None,
    lead: options.LeadOption = "auto",
    mains_hz: options.MainsOption = 60,
    json: options.JsonOption = None,
) -> None:
    """Plot a segment with detector internals, or list missed and false beats.

    The plot has signal, candidates with their scores, detections against annotations, and signal quality.
    With --missed, --false-positives or --errors a table lists the errors, each with the nearest candidate and
    its score.
    """
    named = ctx.get_parameter_source("model")
    if named is not None and named.name == "COMMANDLINE":
        load_bundle(model)  # only a model that nobody named may be missing
    selected = select_records(records, data, REFERENCE)
    inspect = partial(_inspect, model, lead, mains_hz)
    kinds = (MISSED,) * (missed or errors) + (FALSE,) * (false_positives or errors)
    if not kinds:
        if plot_to or step:
            raise typer.BadParameter(
                "--plot and --show are for errors: add --missed, --false-positives or --errors; one segment "
                "has --out"
            )
        _plot_segment(selected, (start, end), out, inspect, json)
        return
    if step and not has_screen():
        raise EcgEdgeError("--show: matplotlib has no screen here. Draw into a folder: --plot DIR.")
    if start or end or out:
        raise typer.BadParameter("--from, --to and --out are for one segment; errors have --plot and --show")
    inspections = map(inspect, console.track(selected, "records"))
    _list_errors(inspections, kinds, plot_to, step, json)


def _inspect(model: Path, lead: str, mains_hz: int, record: RecordName) -> Inspection:
    labeller = _labeller(model)
    return inspect_record(record.root, record.database, record.name, labeller, lead=lead, mains_hz=mains_hz)


@cache
def _labeller(model: Path) -> Labeller | None:
    """Labeller of the model, or None and a note: a plot without labels is still of use."""
    try:
        return Labeller(model)
    except (BundleError, ToolError) as error:
        console.note(f"without labels: {error}")
        return None


# ---- one segment --------------------------------------------------------------------------------------


def _plot_segment(
    records: Sequence[RecordName],
    times: tuple[str | None, str | None],
    out: Path | None,
    inspect: Callable[[RecordName], Inspection],
    json: Path | None,
) -> None:
    if len(records) != 1:
        raise typer.BadParameter(
            "name one record, or list errors with --missed, --false-positives or --errors"
        )
    record = records[0]
    start_s, end_s = parse_times(*times)
    _check_suffix(out)
    found = inspect(record)
    if start_s >= found.record.duration_s:
        end_text = clock(found.record.duration_s)
        raise typer.BadParameter(f"{found.name} ends at {end_text}", param_hint="--from")
    segment = Segment(start_s, min(end_s, found.record.duration_s))
    if not len(samples_of(found, segment)):
        raise typer.BadParameter("the segment has no sample; make it longer", param_hint="--to")
    name = f"{record.database}-{record.name}-{_file_time(start_s)}.png"
    file = _show_or_save(Page(found, segment, name), out)
    if json:
        write_json(json, {"record": found.name, "start_s": start_s, "end_s": segment.end_s, "file": file})


def _show_or_save(page: Page, out: Path | None) -> Path | None:
    """Show the page in a window where there is a screen and no file is named; else save it."""
    if out is None and has_screen():
        show([_drawer(page)], _SIZE)
        return None
    path = out or Path(page.name)
    _save(_drawn(page), path)
    if out is None:
        console.note("No screen here: the picture is in this folder; --out FILE names another.")
    console.out.print(str(path), markup=False)
    return path


def parse_times(start: str | None, end: str | None) -> tuple[float, float]:
    """Read --from and --to as seconds."""
    start_s = 0.0 if start is None else parse_time(start, "--from")
    end_s = start_s + SECONDS if end is None else parse_time(end, "--to")
    if end_s <= start_s:
        raise typer.BadParameter(f"{end} does not lie after {start or 0}", param_hint="--to")
    return start_s, end_s


def parse_time(text: str, option: str) -> float:
    """Read a time in s, mm:ss or hh:mm:ss, with or without a fraction of a second."""
    parts = text.split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    good = 1 <= len(values) <= 3 and all(0 <= value < float("inf") for value in values)
    if not good or any(value >= 60 for value in values[1:]) or any(value % 1 for value in values[:-1]):
        raise typer.BadParameter(
            f"{text!r} is not a time; write seconds, mm:ss or hh:mm:ss", param_hint=option
        )
    return float(sum(value * 60**power for power, value in enumerate(reversed(values))))


# ---- errors -------------------------------------------------------------------------------------------


def _list_errors(
    inspections: Iterator[Inspection],
    kinds: tuple[str, ...],
    plot_to: Path | None,
    step: bool,
    json: Path | None,
) -> None:
    listed: list[tuple[str, DetectionError]] = []
    pages: list[Page] = []
    with _saver(plot_to) as save:
        for found in inspections:
            errors = found.errors(kinds)
            listed += [(found.name, error) for error in errors]
            for error in errors if plot_to else ():
                save(_page(found, error))
            pages += [_page(found, error) for error in errors] if step else []
    _print_errors(listed, kinds)
    if json:
        write_json(json, [_as_dict(name, error) for name, error in listed])
    if step:
        _step_through(pages)


def _page(found: Inspection, error: DetectionError) -> Page:
    time_s, kind = error.outcome.time_s, error.outcome.kind
    start_s = min(max(0.0, time_s - SECONDS / 2), max(0.0, found.record.duration_s - SECONDS))
    what = f"{kind} {error.outcome.symbol}".strip()
    title = f"{what} at {clock(time_s)}: {sentence(error)}"
    segment = Segment(start_s, min(start_s + SECONDS, found.record.duration_s), time_s, title)
    name = f"{found.name.replace('/', '-')}-{_file_time(time_s)}-{kind}.png"
    return Page(found, segment, name)


def sentence(error: DetectionError) -> str:
    """Describe the candidate of an error."""
    if error.offset_ms is None or error.height is None:
        return error.reason
    score = "" if error.score is None else f", score {error.score:+.1f}".replace("-", _MINUS)
    height = f"{100 * error.height:.0f} % of the usual height"
    return f"{error.reason} (candidate {error.offset_ms:+.0f} ms, {height}{score})".replace("-", _MINUS)


def _print_errors(listed: Sequence[tuple[str, DetectionError]], kinds: tuple[str, ...]) -> None:
    counts = ", ".join(f"{sum(e.outcome.kind == kind for _, e in listed)} {kind}" for kind in kinds)
    table = ResultTable(
        f"Errors of the detector that EC57 counts: {counts}",
        ("record", "time", "kind", "annotation", "candidate ms", "amplitude %", "x noise", "score", "reason"),
        keys=3,
        prose=True,
    )
    for name, error in listed:
        outcome = error.outcome
        table.add_row(name, clock(outcome.time_s), outcome.kind, outcome.symbol, *_cells(error), error.reason)
    console.out.print(table)


def _cells(error: DetectionError) -> list[str]:
    def cell(value: float | None, form: str, factor: float = 1) -> str:
        return "" if value is None else format(value * factor, form)

    return [
        cell(error.offset_ms, "+.0f"),
        cell(error.height, ".0f", 100),
        cell(error.noise, ".1f"),
        cell(error.score, "+.1f"),
    ]


def _as_dict(name: str, error: DetectionError) -> dict[str, object]:
    return {
        "record": name,
        "time_s": error.outcome.time_s,
        "kind": error.outcome.kind,
        "annotation": error.outcome.symbol or None,
        "candidate_ms": error.offset_ms,
        "height": error.height,
        "above_noise": error.noise,
        "score": error.score,
        "why": error.reason,
    }


# ---- pictures -----------------------------------------------------------------------------------------


def _drawn(page: Page) -> Figure:
    figure = Figure(figsize=_SIZE)
    draw(page.found, page.segment, figure)
    return figure


def _check_suffix(path: Path | None) -> None:
    if path is not None and path.suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(f"{path}: the name ends in {', '.join(_SUFFIXES)}", param_hint="--out")


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=_DPI, facecolor="white")


@contextmanager
def _saver(path: Path | None) -> Iterator[Callable[[Page], None]]:
    """Yield a function that saves a page into the folder `path`, or appends it to that PDF."""
    if path is None or path.suffix.lower() != ".pdf":
        yield lambda page: _save(_drawn(page), (path or Path()) / page.name)
        return
    with writing_bytes(path) as file:
        content = BytesIO()  # a write that fails leaves PdfPages with a broken stream and an open file
        with PdfPages(content) as pdf:
            yield lambda page: pdf.savefig(_drawn(page), facecolor="white")
        file.write(content.getbuffer())


def _step_through(pages: Sequence[Page]) -> None:
    if pages:
        show([_drawer(page) for page in pages], _SIZE)


def _drawer(page: Page) -> Callable[[Figure], None]:
    return lambda figure: draw(page.found, page.segment, figure)


def _file_time(time_s: float) -> str:
    """E.g. "0512.3" for 5:12.3, so that files sort by time."""
    tenths = round(time_s * 10)
    return f"{tenths // 600:02d}{tenths % 600 / 10:04.1f}"
