"""`ecg-edge train RECIPE --folds patients5`: a recipe on patients that took no part in its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import locked_folder, write_json
from ecg_edge.ecg.parallel import Workers
from ecg_edge.host.cli import console
from ecg_edge.host.cli.tables import ResultTable, ratio
from ecg_edge.host.pipeline import patient_folds
from ecg_edge.training.runs import Run

_RATES: Final = ("veb_se", "veb_ppv", "sveb_se", "sveb_ppv")
_HEADERS: Final = ("VEB Se %", "VEB +P %", "SVEB Se %", "SVEB +P %")


def score(run: Run, division: str, seeds: Sequence[int], workers: Workers, json: Path | None) -> None:
    """Train and score all folds of all seeds, print mean and spread over the seeds, and write the figures."""
    tasks = patient_folds.tasks_of(run, division, seeds)
    with locked_folder(run.folder.path), console.progress_bar("folds") as bar:
        shown = bar.add_task(f"{run.recipe.name}, {division}, {len(seeds)} seeds", total=len(tasks), note="")
        patient_folds.run_folds(tasks, workers, lambda task: bar.advance(shown))
    figures = patient_folds.figures_of(tasks, division)
    write_json(run.folder.path / "folds" / f"{division}.json", figures)
    for table in tables(figures):
        console.out.print(table)
    if json:
        write_json(json, figures)


def tables(figures: Mapping[str, Any]) -> list[ResultTable]:
    """Make the tables of a cross-validation: VEB and SVEB gross and by patient, and the labels."""
    made = [
        _ectopic(figures, "gross", "gross"),
        _ectopic(figures, "average", "mean over patients"),
        _labels(figures),
    ]
    return [table for table in made if table.row_count]


def _ectopic(figures: Mapping[str, Any], way: str, text: str) -> ResultTable:
    title = f"{figures['recipe']}, {figures['division']}: EC57, {text}; mean over {_seeds(figures)}"
    extra = ("VEB F1 %", "SVEB F1 %", "jk") if way == "gross" else ()
    table = console.table(
        title, "records", "peaks", "network", "from s", "patients", *_HEADERS, *extra, keys=5
    )
    for row in figures["spread"]:
        found = row["figures"]
        cells = [_percent(found[f"{way} {name}"]) for name in _RATES]
        if extra:
            cells += [_percent(found["gross veb_f1"]), _percent(found["gross sveb_f1"]), _ratio(found["jk"])]
        table.add_row(*_rests_on(row), *cells)
    return table


def _labels(figures: Mapping[str, Any]) -> ResultTable:
    rows = [row for row in figures["spread"] if "macro_f1" in row["figures"]]
    labels = [name for name in (rows[0]["figures"] if rows else ()) if name.startswith("f1 ")]
    title = f"{figures['recipe']}, {figures['division']}: labels; mean over {_seeds(figures)}"
    headers = ("accuracy %", "macro-F1", *(f"{name.upper()} %" for name in labels))
    table = console.table(title, "records", "peaks", "network", "from s", "patients", *headers, keys=5)
    for row in rows:
        found = row["figures"]
        cells = [_percent(found[name]) for name in labels]
        table.add_row(*_rests_on(row), _percent(found["accuracy"]), _ratio(found["macro_f1"]), *cells)
    return table


def _seeds(figures: Mapping[str, Any]) -> str:
    seeds = figures["seeds"]
    return f"{len(seeds)} seeds ± standard deviation" if len(seeds) > 1 else f"seed {seeds[0]}"


def _rests_on(row: Mapping[str, Any]) -> list[str]:
    return [row["group"], row["peaks"], row["network"], f"{row['start_s']:g}", str(row["patients"])]


def _percent(one: Mapping[str, Any]) -> str:
    return percent(one["mean"], 1) + ("" if one["sd"] is None else f" ± {percent(one['sd'], 1)}")


def _ratio(one: Mapping[str, Any]) -> str:
    return ratio(one["mean"]) + ("" if one["sd"] is None else f" ± {ratio(one['sd'])}")
