"""`ecg-edge run`: the pipeline from records to a verified device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.commands.replay import morphology_table, records_table, times_real_time
from ecg_edge.host.cli.tables import ResultTable, ratio
from ecg_edge.host.pipeline.stages import CACHED, DONE, FAILED, StageResult

if TYPE_CHECKING:
    from ecg_edge.host.pipeline.job import Summary
    from ecg_edge.quantize.verify import VerifyReport
    from ecg_edge.training.metrics import EvaluationRow

EXAMPLES: Final = ("ecg-edge run", "ecg-edge run 100 213 --force")


def run(
    records: Annotated[
        list[str] | None, typer.Argument(metavar="RECORDS", help="Records to replay. Else six of DS2.")
    ] = None,
    data: options.DataOption = None,
    runs: options.RunsOption = Path("runs"),
    morphology: options.MorphologyOption = None,
    force: Annotated[bool, typer.Option("--force", help="Ignore cached results; rerun every stage.")] = False,
    json: options.JsonOption = None,
) -> None:
    """Run the whole pipeline, from records to a verified device and a report; unchanged stages are cached.

    Stages: train by patient and by random split, prune, quantize, evaluate, export, verify the engines, build
    the firmware, boot it in the emulator, replay whole records, compare every output byte, score, report.
    Exits with 0 only when the device agreed on every byte.
    """
    from ecg_edge.host.pipeline import job as pipeline

    job = pipeline.Job(data, tuple(records or ()), runs, force, options.morphology_path(morphology))
    with StageDisplay() as display:
        summary = pipeline.run(job, display)
    _show(summary)
    if json:
        write_json(json, _figures(summary))
    if summary.error:
        raise summary.error


class StageDisplay:
    """One line per stage on standard error; on a terminal also the progress of the running stage."""

    def __init__(self) -> None:
        self._status, self._stage = console.err.status(""), ""

    def __enter__(self) -> StageDisplay:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def warn(self, text: str) -> None:
        """Show a warning that must not be overlooked."""
        bar = "!" * 78
        console.warn(f"{bar}\n{text}\n{bar}")

    def start(self, stage: str, number: int, total: int, detail: str) -> None:
        """Write a line when a stage starts."""
        self._stage = f"{number}/{total}  {stage}"
        console.err.print(f"start   {stage:24} stage {number} of {total}  ({detail})", markup=False)
        self.progress("")

    def progress(self, text: str) -> None:
        """Show the progress of the stage."""
        self._status.update(Text.assemble(self._stage, "  ", (text, "dim")))

    def end(self, result: StageResult) -> None:
        """Write the result of the stage."""
        colour = {CACHED: "dim", DONE: "green", FAILED: "red"}[result.status]
        reason = f"  ({result.reason})" if result.reason else ""
        line = f"{result.status:7} {result.name:24} {result.seconds:7.1f} s{reason}"
        console.err.print(line, style=colour, markup=False)


def _show(summary: Summary) -> None:
    """Print tables, verdict and the paths of session and report."""
    for protocol in dict.fromkeys(row["protocol"] for row in summary.evaluation):
        console.out.print(
            _evaluation_table([row for row in summary.evaluation if row["protocol"] == protocol])
        )
    console.out.print(_verify_table(summary.verify))
    console.out.print(records_table(summary.results))
    if summary.results["morphology"]:
        console.out.print(morphology_table(summary.results))
    if summary.records.synthetic:
        console.out.print("SYNTHETIC ECG: these figures do not hold for patients.", style="bold yellow")
    console.out.print(f"Session: {summary.session}\nReport:  {summary.report}", markup=False)
    style = "bold green" if summary.verdict == "pass" else "bold red"
    console.out.print(_verdict(summary), style=style, markup=False)


def _verdict(summary: Summary) -> str:
    results = summary.results
    strips = f"{results['strips']} strips, " if results["morphology"] else ""
    differing = results["differing_bytes"] + results["differing_strip_bytes"]
    return (
        f"{summary.verdict.upper()}: {results['beats']} beats on the device, {strips}"
        f"{differing} differing bytes, {results['lost_samples']} lost samples, "
        f"{times_real_time(results)} x real time"
    )


def _evaluation_table(rows: list[EvaluationRow]) -> ResultTable:
    """Figures of one protocol, one column per network; per class sensitivity and positive predictivity."""
    title = f"{rows[0]['protocol']}: {rows[0]['n_beats']} beats"
    table = console.table(title, "figure", *(row["engine"] for row in rows))
    table.add_row("accuracy %", *(percent(row["accuracy"], 2) for row in rows))
    table.add_row("macro-F1", *(ratio(row["macro_f1"]) for row in rows))
    for label in rows[0]["per_class"]:
        figures = [row["per_class"][label] for row in rows]
        table.add_row(
            f"{label}  Se / +P %", *(f"{percent(f['se'], 1)} / {percent(f['ppv'], 1)}" for f in figures)
        )
    return table


def _verify_table(report: VerifyReport) -> ResultTable:
    title = f"Engines against TFLM, {report.beats} beats ({report.source})"
    table = console.table(title, "engine", "same label %", "largest LSB", "differing bytes", "accuracy %")
    for engine in report.engines:
        table.add_row(
            engine.engine,
            percent(engine.label_agreement, 2),
            f"{engine.largest_difference_lsb:.3g}",
            "-" if engine.differing_bytes is None else str(engine.differing_bytes),
            percent(engine.accuracy, 2),
        )
    return table


def _figures(summary: Summary) -> dict[str, object]:
    """Figures for --json: the replay's results, and the stages that led to them."""
    return {
        **summary.results,
        "error": str(summary.error) if summary.error else None,
        "data": {"root": summary.records.root, "database": summary.records.database},
        "stages": summary.stages,
        "evaluation": summary.evaluation,
        "verify": summary.verify,
        "session": summary.session,
        "report": summary.report,
    }
