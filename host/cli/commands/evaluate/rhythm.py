"""`ecg-edge evaluate rhythm`: rhythm events on whole records against annotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.annotations import write_annotations
from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.records import FS_HZ
from ecg_edge.ecg.scoring import text
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.records import RecordFolder, select_folders
from ecg_edge.host.cli.tables import ResultTable
from ecg_edge.host.evaluation import rhythm as rhythms
from ecg_edge.host.evaluation.detector import group_records
from ecg_edge.host.evaluation.rhythm import RhythmScores
from ecg_edge.host.reference.labels import check_signal_path
from ecg_edge.host.reference.rhythm_events import Episode, describe, episodes
from ecg_edge.quantize.bundle.engines import Engine, reference_engine
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, Bundle, load_bundle

ANNOTATOR: Final = "rhythm"
EXAMPLES: Final = (
    "ecg-edge evaluate rhythm mitdb/201 --events",
    "ecg-edge evaluate rhythm mitdb --json rhythm.json",
)
_FIBRILLATION: Final = "irregularly irregular"
_EPISODES: Final = ("episode_se", "episode_ppv", "duration_se", "duration_ppv")
_RUNS: Final = ("couplet_se", "couplet_ppv", "short_se", "short_ppv", "long_se", "long_ppv")


@dataclass(frozen=True)
class _Request:
    """Options that hold for each record."""

    engine: Engine
    labels: Sequence[str]
    lead: str
    mains_hz: int
    events: bool
    write_to: Path | None


def evaluate(
    records: Annotated[
        list[str] | None,
        options.records_argument("mitdb"),
    ] = None,
    model: Annotated[Path, options.model_option("Model bundle that labels the beats.")] = SHIPPED_BUNDLE,
    data: options.DataOption = None,
    lead: options.LeadOption = "auto",
    mains_hz: options.MainsOption = 60,
    events: Annotated[bool, typer.Option("--events", help="List every episode of each record.")] = False,
    per_record: options.PerRecordOption = False,
    write_to: Annotated[
        Path | None,
        typer.Option(
            "--write-annotations",
            metavar="DIR",
            help=f"Write beats and fibrillation to DIR/mitdb/100.{ANNOTATOR} for WFDB's programs.",
        ),
    ] = None,
    json: options.JsonOption = None,
) -> None:
    """Score rhythm events of whole records by EC57; the first five minutes are not scored.

    Detector and network are in the loop, as on the device. Atrial fibrillation, bigeminy and trigeminy are
    scored by episode and duration (as epicmp), couplets and runs as by rxr.
    """
    # Listing needs no annotations; scoring does.
    folders = select_folders(records or ["mitdb"], data, None if events else rhythms.REFERENCE)
    bundle = load_checked(model)
    request = _Request(reference_engine(bundle), bundle.manifest.labels, lead, mains_hz, events, write_to)
    figures: dict[str, Any] = {}
    for folder in folders:
        listed: dict[str, list[Episode]] = {}
        found = _score_folder(request, folder, listed)
        figures[folder.database] = _summaries(folder.database, found)
        if events:
            figures[folder.database]["events"] = listed
        if found:
            _print(folder.database, bundle, found, figures[folder.database]["groups"], per_record)
    if json:
        write_json(json, {"model_sha256": bundle.manifest.model_sha256, **figures})


def load_checked(model: Path) -> Bundle:
    """Load the bundle and check that its signal path is this computer's."""
    bundle = load_bundle(model)
    check_signal_path(bundle)
    return bundle


def _score_folder(
    request: _Request, folder: RecordFolder, listed: dict[str, list[Episode]]
) -> dict[str, RhythmScores]:
    """Scores of the records that have annotations; lists the episodes of each record when asked to."""
    found = {}
    for name in console.track(folder.names, folder.database):
        rhythm = rhythms.analyze_record(
            folder.root,
            folder.database,
            name,
            request.engine,
            request.labels,
            lead=request.lead,
            mains_hz=request.mains_hz,
        )
        if request.events:
            listed[name] = episodes(rhythm.events)
            _list(f"{folder.database}/{name}", listed[name])
        if request.write_to:
            target = request.write_to / folder.database
            write_annotations(target, name, ANNOTATOR, rhythm.annotations, rhythm.timing.fs_hz)
        if request.events and not (folder.path / f"{name}.{rhythms.REFERENCE}").is_file():
            console.note(f"{folder.database}/{name}: no annotations ({rhythms.REFERENCE}), not scored")
            continue
        found[name] = rhythms.score(rhythm, folder.path, name)
    return found


def _summaries(database: str, found: dict[str, RhythmScores]) -> dict[str, Any]:
    """Figures by group and by record."""
    groups = group_records(database, tuple(found)) if found else {}
    return {
        "groups": {
            group: rhythms.summarize({name: found[name] for name in members})
            for group, members in groups.items()
        },
        "records": {name: rhythms.summarize({name: scores}) for name, scores in found.items()},
    }


def _list(name: str, found: list[Episode]) -> None:
    console.out.print(f"{name}: min:s, length, event, evidence", style="bold", markup=False)
    for episode in found:
        console.out.print(f"  {describe(episode, FS_HZ)}", markup=False)


def _print(
    database: str,
    bundle: Bundle,
    found: dict[str, RhythmScores],
    groups: dict[str, dict[str, Any]],
    per_record: bool,
) -> None:
    if per_record:
        lines = [(name, scores.episodes[_FIBRILLATION]) for name, scores in found.items()]
        console.out.print(text.episode_lines(lines), markup=False)
    console.out.print(_episode_table(database, bundle, groups))
    console.out.print(_run_table(database, bundle, groups))
    console.out.print(_count_table(database, groups))


def _episode_table(database: str, bundle: Bundle, groups: dict[str, dict[str, Any]]) -> ResultTable:
    table = console.table(
        f"{database}: rhythm by episode and by duration, as epicmp; model {bundle.manifest.name}",
        *(
            "rhythm",
            "records",
            "n",
            "episodes",
            "episode Se %",
            "episode +P %",
            "duration Se %",
            "duration +P %",
            "annotated s",
            "found s",
        ),
        keys=2,
    )
    for kind in rhythms.NOTES:
        for group, figures in groups.items():
            one = figures[kind]
            rates = [percent(one[name], 1) for name in _EPISODES]
            head = (kind, group, str(figures["records"]), str(one["counts"]["episode_se"][1]))
            table.add_row(*head, *rates, f"{one['reference_s']:.0f}", f"{one['test_s']:.0f}")
        table.add_section()
    return table


def _run_table(database: str, bundle: Bundle, groups: dict[str, dict[str, Any]]) -> ResultTable:
    """Sensitivity, positive predictivity and number of annotated runs by length."""
    table = console.table(
        f"{database}: couplets and runs, as rxr, Se / +P in per cent (number annotated)",
        *("beats", "records", "couplets", "3 to 5 beats", "6 and more"),
        keys=2,
    )
    trained = bundle.manifest.training.get("database") == database
    for kind, name in (("veb_runs", "V"), ("sveb_runs", "S")):
        for group, figures in groups.items():
            note = " (trained on)" if trained and group == "DS1" else ""
            one = figures[kind]
            cells = [
                f"{percent(one[se], 0)} / {percent(one[ppv], 0)} ({one['counts'][se][1]})"
                for se, ppv in zip(_RUNS[::2], _RUNS[1::2], strict=True)
            ]
            table.add_row(name, group + note, *cells)
        table.add_section()
    return table


def _count_table(database: str, groups: dict[str, dict[str, Any]]) -> ResultTable:
    kinds = list(dict.fromkeys(kind for figures in groups.values() for kind in figures["episodes"]))
    table = console.table(f"{database}: episodes found", "event", *groups)
    for kind in kinds:
        table.add_row(kind, *(str(figures["episodes"].get(kind, 0)) for figures in groups.values()))
    return table
