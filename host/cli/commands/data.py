"""`ecg-edge data`: get, list and check ECG records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecg_edge.ecg import databases as records
from ecg_edge.ecg.download import UnreachableError
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.figures import counted
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.mirror import (
    BASE_URL,
    SUMS_NAME,
    CheckResult,
    check_database,
    download_database,
    unlisted_records,
)
from ecg_edge.host.cli import console, lazy, options
from ecg_edge.host.cli.tables import ResultTable

app = typer.Typer(
    help="Download, list and check ECG records.",
    no_args_is_help=True,
    add_completion=False,
    context_settings=lazy.CONTEXT,
    epilog=console.examples("ecg-edge data get mitdb"),
)


@app.command(epilog=console.examples("ecg-edge data get mitdb nstdb svdb"))
def get(
    databases: Annotated[
        list[str], typer.Argument(metavar="DATABASES", help=f"Of {', '.join(records.DATABASES)}.")
    ],
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the databases. Else the user's cache.")
    ] = None,
    url: Annotated[str, typer.Option(metavar="BASE", help="Server of the databases.")] = BASE_URL,
    json: options.JsonOption = None,
) -> None:
    """Download databases, resume interrupted downloads, and check every file's SHA-256.

    Without a network, files that are here are checked against the list of an earlier download.
    """
    root = to or records.cache_root()
    for name in databases:
        records.known_database(name)
    folders = {}
    for name in databases:
        try:
            folders[name] = download_with_progress(name, root, url)
            console.out.print(f"{folders[name]}: complete, all checksums match.", markup=False)
        except UnreachableError as error:
            folders[name] = _complete_here(name, _place_of(name, to), error)
        if absent := unlisted_records(name, folders[name].parent):
            known = len(records.DATABASES[name].records)
            console.warn(
                f"{url}: lists no file of {len(absent)} of the {known} records of {name}, such as "
                f"{absent[0]}: it has a part of the database, or the list was cut: run it again."
            )
        cite = records.DATABASES[name].cite
        console.note(f"Licence: ODC-By 1.0. Cite: {cite}; doi:{records.DATABASES[name].doi}.")
    if json:
        write_json(json, {"root": root, "databases": folders})


@app.command("list", epilog=console.examples("ecg-edge data list"))
def list_databases(data: options.DataOption = None, json: options.JsonOption = None) -> None:
    """List the known databases and the number of their records on this computer."""
    root = records.find_data_root(data)
    found = {name: records.records_in(root, name) if root else [] for name in records.DATABASES}
    table = console.table(
        f"Records in {root}" if root else "No records yet",
        "database",
        "records here",
        "size",
        "DOI",
        "title",
        prose=True,
    )
    for name, known in records.DATABASES.items():
        table.add_row(name, str(len(found[name])), f"{known.megabytes} MB", known.doi, known.title)
    console.out.print(table)
    if root is None:
        console.note("Get them with `ecg-edge data get mitdb`, or name their folder with --data.")
    if json:
        write_json(json, {"root": root, "records": found})


@app.command("check", epilog=console.examples("ecg-edge data check --json check.json"))
def check_databases(data: options.DataOption = None, json: options.JsonOption = None) -> None:
    """Check every record file against its SHA-256; exit with 2 when one is damaged."""
    root = records.require_data_root(data)
    results = {}
    for name in records.databases_in(root):
        with console.step(f"Checking {name}"):
            results[name] = check_database(name, root)
    console.out.print(_check_table(root, results))
    if json:
        write_json(json, {"root": root, "databases": {name: _figures(r) for name, r in results.items()}})
    damaged = [f"{root / name / file}" for name, result in results.items() for file in result.damaged]
    if damaged:
        raise RecordError(f"damaged: {', '.join(damaged)}. Delete them and run `ecg-edge data get` again.")


def _place_of(name: str, to: Path | None) -> Path:
    """Find the folder of databases that holds this one: `to`, else the user's cache, else ECG_EDGE_DATA."""
    root = to or records.cache_root()
    named = root if to or records.records_in(root, name) else records.find_data_root()
    return named or root


def _complete_here(name: str, root: Path, error: UnreachableError) -> Path:
    """Return the database's folder when its own list of checksums says that nothing is missing.

    Raises
    ------
    UnreachableError
        `error` with what is here.
    """
    folder, here = root / name, counted(len(records.records_in(root, name)), "record")
    if not (folder / SUMS_NAME).is_file():
        raise UnreachableError(f"{error} {folder}: {here} here, unchecked: there is no {SUMS_NAME}.")
    with console.step(f"Checking {name}"):
        result = check_database(name, root)
    if result.damaged or result.missing:
        counts = f"{counted(len(result.missing), 'file')} missing, {len(result.damaged)} damaged"
        raise UnreachableError(f"{error} {folder}: {here} here, {counts}.")
    console.out.print(
        f"{folder}: complete, all checksums of its own {SUMS_NAME} match; the server cannot be reached.",
        markup=False,
    )
    return folder


def download_with_progress(name: str, root: Path, url: str = BASE_URL) -> Path:
    """Download one database into `root` with a progress bar on standard error."""
    received = 0
    with console.progress_bar("files") as bar:
        task = bar.add_task(name, total=0, note="")

        def show(file: str, done: int, total: int, size: int) -> None:
            nonlocal received
            received += size
            bar.update(task, completed=done, total=total, note=f"{received / 1e6:.1f} MB  {file}")

        return download_database(name, root, url, show)


def _check_table(root: Path, results: dict[str, CheckResult]) -> ResultTable:
    table = console.table(f"Files in {root}", "database", "good", "damaged", "missing")
    for name, result in results.items():
        table.add_row(name, str(len(result.good)), str(len(result.damaged)), str(len(result.missing)))
    return table


def _figures(result: CheckResult) -> dict[str, object]:
    return {"good": len(result.good), "damaged": result.damaged, "missing": result.missing}
