"""One offline HTML file about a session: verdict, device, pictures, accuracy, method, limits."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from ecg_edge.ecg.databases import find_data_root
from ecg_edge.ecg.errors import EcgEdgeError, RecordError
from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import write_text
from ecg_edge.host.conformance.accuracy import MISSED, NO_BEAT, LabelledRecord
from ecg_edge.host.conformance.beats_csv import read_beats
from ecg_edge.host.conformance.events_csv import read_events
from ecg_edge.host.conformance.folder import BEATS_NAME, EVENTS_NAME, REPORT_NAME, RESULTS_NAME, STRIPS_NAME
from ecg_edge.host.conformance.replay import read_stream
from ecg_edge.host.conformance.results import SCHEMA_VERSION, RecordResults, SessionResults, summary_of
from ecg_edge.host.conformance.strips_csv import read_strips
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.rhythm_events import describe
from ecg_edge.host.report.strips import Strip, beat_kinds, clock, confusion_svg, replay_picture, strip_svg
from ecg_edge.host.report.timeline import morphology_svg, rhythm_example_svg, rhythm_examples, timeline_svg
from ecg_edge.host.report.training_section import training_section

OnProgress = Callable[[str, int, int], None]  # part of the work, steps done, steps in all

STRIP_S = 5.0
PICTURE_S = 10.0

T = TypeVar("T")

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def no_progress(part: str, done: int, total: int) -> None:
    """Ignore the progress."""


def tracked(part: str, steps: Sequence[T], on_progress: OnProgress) -> Iterator[T]:
    """Go through `steps` and report each."""
    for done, step in enumerate(steps):
        on_progress(part, done, len(steps))
        yield step
    on_progress(part, len(steps), len(steps))


@dataclass(frozen=True)
class Example:
    """A strip with its title and caption."""

    title: str
    caption: str
    svg: str


def write_report(
    session: Path,
    *,
    items: Sequence[LabelledRecord] | None = None,
    data: Path | None = None,
    evaluation: Path | None = None,
    verify: Path | None = None,
    morphology_training: tuple[Path, Path] | None = None,
    on_progress: OnProgress = no_progress,
) -> Path:
    """Write report.html into a session's folder.

    Parameters
    ----------
    session : Path
        The session's folder.
    items : sequence of LabelledRecord, optional
        The records with the device's beats; else read from the session and from `data`.
    data : Path, optional
        Folder of the databases, for the strips. Without records the report has no strips and states this.
    evaluation, verify : Path, optional
        evaluation.json and verify.json of a recipe's run, whose scores go into the report.
    morphology_training : (Path, Path), optional
        history.json and evaluation.json of a morphology network's run.
    on_progress : callable
        Called with the current part of the work, its steps done, and all of its steps.

    Raises
    ------
    EcgEdgeError
        When the folder is not a session's, or a file in it is damaged.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 0.1 s: only where a page is made

    results = read_results(session)
    if items is None:
        items = read_items(session, results, data, on_progress)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(percent=percent, number=_number)
    context = _context(session, results, items, on_progress)
    figures = {"evaluation": evaluation, "verify": verify}
    context |= {name: path and _read_json(path) for name, path in figures.items()}
    context["training"] = morphology_training and training_section(*morphology_training)
    page = environment.get_template("report.html").render(**context)
    path = session / REPORT_NAME
    write_text(path, page)
    return path


def _context(
    session: Path,
    results: SessionResults,
    items: Sequence[LabelledRecord],
    on_progress: OnProgress,
) -> dict[str, Any]:
    scores, labels = results["scores"], results["device"]["labels"]
    shown = "DS2" if "DS2" in scores else "all"
    right, wrong, outside = examples(items, labels, on_progress)
    events = read_events(session / EVENTS_NAME)
    return {
        "session": session.name,
        "results": results,
        "summary": summary_of(results),
        "shown": shown,
        "scored": scores.get(shown),
        "confusion": confusion_svg(scores[shown]["classes"]["confusion"]) if shown in scores else None,
        "right": right,
        "wrong": wrong,
        "outside": outside,
        "timelines": _timelines(results, events, on_progress),
        "morphology": _morphology(session, results, on_progress),
        "rhythm_examples": _rhythm_examples(items, events, labels, on_progress),
        "has_strips": bool(items),
    }


def _timelines(
    results: SessionResults, events: dict[tuple[str, str], list[RhythmEvent]], on_progress: OnProgress
) -> list[tuple[str, str]]:
    """Draw the rhythm of each record that has events; names and pictures."""
    places = [(entry, (entry["database"], entry["record"])) for entry in results["records"]]
    return [
        ("/".join(place), timeline_svg(events[place], entry["samples"], entry["fs_hz"]))
        for entry, place in tracked("drawing rhythms", places, on_progress)
        if place in events
    ]


def _morphology(
    session: Path, results: SessionResults, on_progress: OnProgress
) -> list[tuple[RecordResults, str]]:
    """Draw the labels of the strips of each record that has any; its results and the picture."""
    labels = results["device"]["morphology_labels"]
    found = read_strips(session / STRIPS_NAME, labels)
    entries = [entry for entry in results["records"] if entry["morphology"]]
    return [
        (entry, morphology_svg(strips, labels, entry["samples"], entry["fs_hz"]))
        for entry in tracked("drawing strips' labels", entries, on_progress)
        for strips in [found[entry["database"], entry["record"]]]
    ]


def _rhythm_examples(
    items: Sequence[LabelledRecord],
    events: dict[tuple[str, str], list[RhythmEvent]],
    labels: Sequence[str],
    on_progress: OnProgress,
) -> list[Example]:
    """Draw a strip of each kind of event."""
    found = []
    for example in tracked("drawing events", rhythm_examples(items, events), on_progress):
        record = example.item.record
        caption = f"{record.database} {record.name}: {describe(example.episode, record.fs_hz).strip()}"
        caption += f", {example.episode.priority} priority"
        title = f"{example.episode.name} ({example.count} in all)"
        found.append(Example(title, caption, rhythm_example_svg(example, labels)))
    return found


# ---- reading a session ------------------------------------------------------------------------------


def read_results(session: Path) -> SessionResults:
    """Read results.json of a session's folder."""
    results = _read_json(session / RESULTS_NAME)
    if not isinstance(results, dict) or "verdict" not in results:
        raise EcgEdgeError(
            f"{session / RESULTS_NAME}: not found. Name a folder that `ecg-edge replay` has written."
        )
    if (found := results.get("schema_version")) != SCHEMA_VERSION:
        raise EcgEdgeError(
            f"{session / RESULTS_NAME}: schema version is {found!r}, this program reads {SCHEMA_VERSION}. "
            "Replay the records again."
        )
    return cast(SessionResults, results)


def _read_json(path: Path) -> Any:
    """Read a JSON file; None when there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise EcgEdgeError(f"{path}: damaged ({error}). Repeat the command that wrote it.") from error


def read_items(
    session: Path, results: SessionResults, data: Path | None, on_progress: OnProgress = no_progress
) -> list[LabelledRecord]:
    """Read a session's records and the device's beats; empty when the records are not on this computer."""
    root = find_data_root(data)
    if root is None:
        return []
    beats = read_beats(session / BEATS_NAME, results["device"]["labels"])
    items = []
    for entry in tracked("reading records", results["records"], on_progress):
        place = (entry["database"], entry["record"])
        record = read_stream(root, entry)
        items.append(LabelledRecord(record, beats.get(place, []), entry["taken_samples"]))
    return items


# ---- examples ---------------------------------------------------------------------------------------


def examples(
    items: Sequence[LabelledRecord], labels: Sequence[str], on_progress: OnProgress = no_progress
) -> tuple[list[Example], list[Example], list[Example]]:
    """Draw one strip of every kind of beat: correct label, wrong label, annotation outside the labels.

    Of each kind the middle one of all is shown, so that nothing is picked by eye.
    """
    kinds: dict[tuple[str, str], list[tuple[LabelledRecord, int]]] = defaultdict(list)
    for item in tracked("matching beats", items, on_progress):
        for annotated, reported, sample in beat_kinds(item, labels):
            kinds[annotated, reported].append((item, sample))
    known = {*labels, NO_BEAT}
    right: list[Example] = []
    wrong: list[Example] = []
    outside: list[Example] = []
    order = sorted(kinds, key=lambda kind: (-len(kinds[kind]), kind))
    for kind in tracked("drawing strips", order, on_progress):
        group = outside if kind[0] not in known else right if kind[0] == kind[1] else wrong
        group.append(_example(kind, kinds[kind], labels))
    return right, wrong, outside


def _example(
    kind: tuple[str, str], places: list[tuple[LabelledRecord, int]], labels: Sequence[str]
) -> Example:
    item, sample = places[len(places) // 2]
    at_s = sample / item.record.fs_hz
    start_s = min(max(0.0, at_s - STRIP_S / 2), max(0.0, item.samples / item.record.fs_hz - STRIP_S))
    title = f"{_annotated(kind[0])}, {_reported(kind[1])}"
    caption = f"{item.record.database} {item.record.name} at {clock(at_s)}; {len(places)} of this kind"
    return Example(title, caption, strip_svg(Strip(item, start_s, STRIP_S, sample), labels))


def _annotated(name: str) -> str:
    return "no beat annotated" if name == NO_BEAT else f"annotated {name}"


def _reported(name: str) -> str:
    if name == MISSED:
        return "missed by the device"
    return "not labelled by the device" if name == "?" else f"device label {name}"


# ---- the picture ------------------------------------------------------------------------------------


def write_picture(session: Path, path: Path, data: Path | None = None, count: int = 3) -> None:
    """Write a PNG of the most varied ten seconds of some of a session's records, on white.

    Parameters
    ----------
    session : Path
        The session's folder.
    path : Path
        The PNG file.
    data : Path, optional
        Folder of the databases.
    count : int
        How many records at most.

    Raises
    ------
    RecordError
        When the records are not on this computer.
    """
    results = read_results(session)
    items = read_items(session, results, data)
    if not items:
        raise RecordError("No records found to draw. Name their folder with --data.")
    labels, device = results["device"]["labels"], results["device"]
    strips = sorted((most_varied(item, labels) for item in items), key=lambda found: -found[0])[:count]
    board = f"{results['subject']} ({device['board']})"
    title = (
        f"Labels of the device (above) and annotations (below). {board}, model {results['bundle']}: "
        f"{results['beats']} beats replayed, {results['differing_bytes']} bytes differ from the reference"
    )
    replay_picture([strip for _, strip in strips], labels, path, title)


def most_varied(item: LabelledRecord, labels: Sequence[str]) -> tuple[int, Strip]:
    """Find the segment of `PICTURE_S` with the most annotated classes, the first of equals.

    From where EC57 scores on: before that the device may still be learning the patient's average beat.
    """
    kinds = beat_kinds(item, labels)
    window = round(PICTURE_S * item.record.fs_hz)
    begin = round(item.start_s * item.record.fs_hz)
    best, start = 0, begin
    for first in range(begin, max(item.samples - window, 0) + 1, window // 2):
        found = {kind[0] for kind in kinds if first <= kind[2] < first + window}
        if len(found) > best:
            best, start = len(found), first
    return best, Strip(item, start / item.record.fs_hz, PICTURE_S)


# ---- filters of the template ------------------------------------------------------------------------


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}".replace(",", "\u202f")
