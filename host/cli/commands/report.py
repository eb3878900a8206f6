"""`ecg-edge report`: write the HTML report of a replay session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress, TaskID

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console, options
from ecg_edge.host.conformance.parquet import write_parquet

EXAMPLES: Final = ("ecg-edge report runs/session --picture strip.png",)


def report(
    session: Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of a replay session.")],
    data: options.DataOption = None,
    run: options.RunOption = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="PNG",
            callback=console.check_output,
            help="Also save a PNG of the 10 s segment with the most beat classes.",
        ),
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            callback=console.check_output,
            help="Also write all beats as Parquet; needs the extra parquet.",
        ),
    ] = None,
    json: options.JsonOption = None,
) -> None:
    """Write report.html into the folder of a replay session: one file that needs no network."""
    from ecg_edge.host.report.html import read_results, write_picture, write_report

    read_results(session)  # first: a folder without them is refused at once
    evaluation, verify = run_scores(run)
    with console.progress_bar() as bar:
        path = write_report(
            session,
            data=data,
            evaluation=evaluation,
            verify=verify,
            morphology_training=morphology_training(run),
            on_progress=_shown(bar),
        )
    console.out.print(f"Report:  {path}", markup=False)
    if picture:
        write_picture(session, picture, data)
        console.out.print(f"Picture: {picture}", markup=False)
    if parquet:
        count = write_parquet(session, read_results(session), parquet)
        console.out.print(f"Parquet: {parquet}, {count:,} beats", markup=False)
    if json:
        write_json(json, read_results(session))


def run_scores(run: Path | None) -> tuple[Path | None, Path | None]:
    """Return evaluation.json and verify.json of a run folder, whose scores a report shows."""
    from ecg_edge.training.runs import RunFolder

    if run is None or morphology_training(run):
        return None, None
    return RunFolder(run).evaluation, RunFolder(run).verify


def morphology_training(run: Path | None) -> tuple[Path, Path] | None:
    """Return history.json and evaluation.json of a run folder of a morphology network."""
    from ecg_edge.training.runs import RunFolder

    if run is None or '"kind": "morphology"' not in _text(RunFolder(run).history):
        return None
    return RunFolder(run).history, RunFolder(run).evaluation


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _shown(bar: Progress) -> Callable[[str, int, int], None]:
    """Make a callback that shows each part of the work as a bar."""
    tasks: dict[str, TaskID] = {}

    def show(part: str, done: int, total: int) -> None:
        if part not in tasks and total:
            tasks[part] = bar.add_task(part, total=total, note="")
        if total:
            bar.update(tasks[part], completed=done)

    return show
