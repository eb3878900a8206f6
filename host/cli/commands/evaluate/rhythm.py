"""`ecg-edge evaluate rhythm`: rhythm events on whole records against annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.annotations import write_annotations
from ecg_edge.ecg.figures import counted
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.scoring import text
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli import rhythm_tables as tables
from ecg_edge.host.cli.records import select_sources
from ecg_edge.host.evaluation import rhythm as rhythms
from ecg_edge.host.evaluation import strips
from ecg_edge.host.evaluation.detector import group_sources
from ecg_edge.host.evaluation.restarts import Plan
from ecg_edge.host.evaluation.rhythm import RecordRhythm, RhythmScores
from ecg_edge.host.evaluation.sources import Conditions, Source
from ecg_edge.host.evaluation.strips import Strip
from ecg_edge.host.reference.labels import check_signal_path
from ecg_edge.host.reference.rhythm_events import Episode, describe, episodes
from ecg_edge.quantize.bundle.engines import Engine, reference_engine
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, Bundle, load_bundle

ANNOTATOR: Final = "rhythm"
EXAMPLES: Final = (
    "ecg-edge evaluate rhythm mitdb/201 --events",
    "ecg-edge evaluate rhythm vfdb cinc2017 --part test --json rhythm.json",
    "ecg-edge evaluate rhythm mitdb --restart 60",
)
_BATCH: Final = 32  # records whose beats the network labels in one run


@dataclass(frozen=True)
class _Request:
    """Options that hold for each record."""

    engine: Engine
    labels: Sequence[str]
    conditions: Conditions
    starts_s: Sequence[float]
    plan: Plan | None
    events: bool
    write_to: Path | None


def evaluate(
    records: Annotated[
        list[str] | None,
        options.records_argument("mitdb"),
    ] = None,
    model: Annotated[Path, options.model_option("Model bundle that labels the beats.")] = SHIPPED_BUNDLE,
    data: options.DataOption = None,
    part: options.PartOption = options.Part.all,
    lead: options.LeadsOption = None,
    mains_hz: options.MainsOption = 60,
    fs: options.BoardRateOption = "360",
    reference: options.ReferenceOption = None,
    scale: options.ScaleOption = 1.0,
    invert: options.InvertOption = False,
    start_s: options.StartOption = None,
    restart: options.RestartOption = None,
    first: options.FirstOption = None,
    any_signal_path: options.AnySignalPathOption = False,
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
    """Score rhythm events of whole records, from the start and after EC57's five minutes.

    Detector and network are in the loop, as on the device. By what the records are annotated with: episodes
    and durations as epicmp, couplets and runs as rxr; alarms in ventricular rhythms and asystole; alarms an
    hour that the annotations do not confirm; events on short strips with one label each (cinc2017). Of
    records without annotations, events are counted.
    """
    conditions = options.conditions(lead, fs, mains_hz, reference, scale, invert)
    selected = select_sources(records or ["mitdb"], data, conditions, part.value)
    bundle = load_checked(model, any_signal_path=any_signal_path)
    request = _Request(
        *(reference_engine(bundle), bundle.manifest.labels, conditions, options.starts(start_s)),
        *(options.plan(restart, first), events, write_to),
    )
    figures: dict[str, Any] = {}
    for (root, database), sources in selected.items():
        labels = strips.read_labels(root / database)
        if labels is None:
            figures[database] = _evaluate_records(request, database, sources, bundle, per_record)
        else:
            figures[database] = _evaluate_strips(request, database, sources, labels)
    if json:
        write_json(json, {"model_sha256": bundle.manifest.model_sha256, **figures})


def load_checked(model: Path, *, any_signal_path: bool = False) -> Bundle:
    """Load the bundle and check that its signal path is this computer's."""
    bundle = load_bundle(model)
    if not any_signal_path:
        check_signal_path(bundle)
    return bundle


def _analyze(request: _Request, database: str, sources: Sequence[Source]) -> Iterator[RecordRhythm]:
    """Analyze the leads, several in one run of the network; list their episodes when asked to."""
    waiting = iter(console.track(sources, database, lambda source: source.title))
    while batch := list(islice(waiting, _BATCH)):
        for watched in rhythms.analyze(batch, request.conditions, request.engine, request.labels):
            if request.events:
                name = f"{database}/{watched.source.title}"
                _list(name, episodes(watched.report.events), watched.record.fs_hz)
            if request.write_to:
                target = request.write_to / database
                write_annotations(
                    target, watched.source.name, ANNOTATOR, watched.annotations, watched.timing.fs_hz
                )
            yield watched


def _evaluate_records(
    request: _Request, database: str, sources: Sequence[Source], bundle: Bundle, per_record: bool
) -> dict[str, Any]:
    """Score and print the records of one database."""
    found: dict[Source, RhythmScores] = {}
    listed: dict[str, list[Episode]] = {}
    for watched in _analyze(request, database, sources):
        scores = rhythms.score(watched, request.starts_s)
        if request.plan:
            mains_hz = request.conditions.mains_hz
            alarms = rhythms.restart_alarms(watched, request.plan, mains_hz, request.engine, request.labels)
            scores = replace(scores, restarts=alarms)
        found[watched.source] = scores
        if request.events:
            listed[watched.source.title] = episodes(watched.report.events)
    figures: dict[str, Any] = {
        "groups": {
            group: rhythms.summarize([found[source] for source in members], request.starts_s)
            for group, members in group_sources(database, list(found)).items()
        },
        "records": {
            source.title: rhythms.summarize([scores], request.starts_s) for source, scores in found.items()
        },
    }
    if request.events:
        figures["events"] = listed
    _print(database, bundle, found, figures["groups"], per_record)
    return figures


def _evaluate_strips(
    request: _Request, database: str, sources: Sequence[Source], labels: Mapping[str, str]
) -> dict[str, Any]:
    """Score and print strips with one label each."""
    known = [source for source in sources if source.name in labels]
    if len(known) < len(sources):
        console.note(
            f"{database}: {strips.REFERENCE_NAME} lacks {counted(len(sources) - len(known), 'record')}"
        )
    found: dict[Source, Strip] = {}
    for watched in _analyze(request, database, known):
        source = watched.source
        found[source] = strips.strip_of(source.name, labels[source.name], watched.report)
    groups = {
        group: strips.strip_figures([found[source] for source in members])
        for group, members in group_sources(database, known).items()
    }
    for table in tables.strip_tables(database, groups):
        console.out.print(table)
    return {"groups": groups}


def _list(name: str, found: Sequence[Episode], fs_hz: int) -> None:
    console.out.print(f"{name}: min:s, length, event, evidence", style="bold", markup=False)
    for episode in found:
        console.out.print(f"  {describe(episode, fs_hz)}", markup=False)


def _print(
    database: str,
    bundle: Bundle,
    found: Mapping[Source, RhythmScores],
    groups: Mapping[str, dict[str, Any]],
    per_record: bool,
) -> None:
    if per_record:
        row = next(iter(rhythms.episode_rows()))
        for start in dict.fromkeys(start for scores in found.values() for start in scores.scores):
            lines = [
                (source.title, scores.scores[start].episodes[row])
                for source, scores in found.items()
                if start in scores.scores
            ]
            console.out.print(f"{database}: from {start:g} s", markup=False)
            console.out.print(text.episode_lines(lines), markup=False)
    for table in tables.record_tables(database, bundle.manifest, list(found.values()), groups):
        console.out.print(table)
    for line in tables.missing(database, list(found.values())):
        console.out.print(line, markup=False)
