"""`ecg-edge report`: make a session's report again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecg_edge.ecg.files import write_json
from ecg_edge.host.cli import console


def report(
    session: Annotated[Path, typer.Argument(metavar="SESSION", help="A folder that a replay has written.")],
    data: console.DataOption = None,
    run: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A recipe's run folder: its figures go in too.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Also draw the most varied ten seconds, on white.")
    ] = None,
    json: console.JsonOption = None,
) -> None:
    """Write report.html into a session's folder: one file, readable without a network."""
    from ecg_edge.host.report.html import read_results, write_picture, write_report

    path = write_report(session, data=data, run_folder=run)
    console.out.print(f"Report:  {path}", markup=False)
    if picture:
        write_picture(session, picture, data)
        console.out.print(f"Picture: {picture}", markup=False)
    if json:
        write_json(json, read_results(session))
