"""One offline HTML file about a session: verdict, identities, pictures, accuracy, method, limits."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ecg_edge.ecg.databases import find_data_root
from ecg_edge.ecg.errors import EcgEdgeError, RecordError
from ecg_edge.ecg.files import write_text
from ecg_edge.ecg.records import load_record
from ecg_edge.host.conformance.accuracy import MISSED, NO_BEAT, LabelledRecord
from ecg_edge.host.conformance.beats_csv import read_beats
from ecg_edge.host.conformance.events_csv import read_events
from ecg_edge.host.conformance.folder import BEATS_NAME, EVENTS_NAME, REPORT_NAME, RESULTS_NAME
from ecg_edge.host.conformance.results import SCHEMA_VERSION, SessionResults, summary_of
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.rhythm_events import describe
from ecg_edge.host.report.strips import Strip, beat_kinds, confusion_svg, replay_picture, strip_svg
from ecg_edge.host.report.timeline import rhythm_example_svg, rhythm_examples, timeline_svg

EVALUATION_NAME = "evaluation.json"
VERIFY_NAME = "verify.json"
STRIP_S = 5.0
PICTURE_S = 10.0

_TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class Example:
    """A strip and what it is an example of."""

    title: str
    caption: str
    svg: str


def write_report(
    session: Path,
    *,
    items: Sequence[LabelledRecord] | None = None,
    data: Path | None = None,
    run_folder: Path | None = None,
) -> Path:
    """Write report.html into a session's folder.

    Parameters
    ----------
    session : Path
        The session's folder.
    items : sequence of LabelledRecord, optional
        The records with the device's beats; else read from the session and from `data`.
    data : Path, optional
        Folder of the databases, for the strips. Without records the report has no strips, and says so.
    run_folder : Path, optional
        The recipe's run, whose evaluation.json and verify.json go into the report.

    Raises
    ------
    EcgEdgeError
        When the folder is not a session's, or a file in it is damaged.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    results = read_results(session)
    if items is None:
        items = read_items(session, results, data)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(percent=_percent, number=_number)
    page = environment.get_template("report.html").render(**_context(session, results, items, run_folder))
    path = session / REPORT_NAME
    write_text(path, page)
    return path


def _context(
    session: Path, results: SessionResults, items: Sequence[LabelledRecord], run_folder: Path | None
) -> dict[str, Any]:
    scores, labels = results["scores"], results["device"]["labels"]
    shown = "DS2" if "DS2" in scores else "all"
    right, wrong, outside = examples(items, labels)
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
        "evaluation": _read_json(run_folder / EVALUATION_NAME) if run_folder else None,
        "verify": _read_json(run_folder / VERIFY_NAME) if run_folder else None,
        "timelines": _timelines(results, events),
        "rhythm_examples": _rhythm_examples(items, events, labels),
        "has_strips": bool(items),
    }


def _timelines(
    results: SessionResults, events: dict[tuple[str, str], list[RhythmEvent]]
) -> list[tuple[str, str]]:
    """Name and picture of each record that has events."""
    places = [(entry, (entry["database"], entry["record"])) for entry in results["records"]]
    return [
        ("/".join(place), timeline_svg(events[place], entry["samples"], entry["fs_hz"]))
        for entry, place in places
        if place in events
    ]


def _rhythm_examples(
    items: Sequence[LabelledRecord], events: dict[tuple[str, str], list[RhythmEvent]], labels: Sequence[str]
) -> list[Example]:
    """A strip of each kind of event."""
    found = []
    for example in rhythm_examples(items, events):
        record = example.item.record
        caption = f"{record.database} {record.name}: {describe(example.episode, record.fs_hz).strip()}"
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
    """What a JSON file holds; None when there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise EcgEdgeError(f"{path}: damaged ({error}). Run what made it again.") from error


def read_items(session: Path, results: SessionResults, data: Path | None) -> list[LabelledRecord]:
    """The session's records with the device's beats; empty when the records are not on this computer."""
    root = find_data_root(data)
    if root is None:
        return []
    beats = read_beats(session / BEATS_NAME, results["device"]["labels"])
    items = []
    for entry in results["records"]:
        place = (entry["database"], entry["record"])
        record = load_record(root, *place, entry["lead"], fs_hz=entry["fs_hz"])
        items.append(LabelledRecord(record, beats.get(place, []), entry["taken_samples"]))
    return items


# ---- examples ---------------------------------------------------------------------------------------


def examples(
    items: Iterable[LabelledRecord], labels: Sequence[str]
) -> tuple[list[Example], list[Example], list[Example]]:
    """One strip of every kind of beat: labelled right, labelled wrong, and annotated outside the labels.

    Of each kind the one in the middle is shown, so that nothing is picked by eye.
    """
    kinds: dict[tuple[str, str], list[tuple[LabelledRecord, int]]] = defaultdict(list)
    for item in items:
        for annotated, said, sample in beat_kinds(item, labels):
            kinds[annotated, said].append((item, sample))
    order = sorted(kinds, key=lambda kind: (-len(kinds[kind]), kind))
    known = {*labels, NO_BEAT}
    right = [kind for kind in order if kind[0] == kind[1]]
    wrong = [kind for kind in order if kind[0] != kind[1] and kind[0] in known]
    outside = [kind for kind in order if kind[0] not in known]
    return (
        [_example(kind, kinds[kind], labels) for kind in right],
        [_example(kind, kinds[kind], labels) for kind in wrong],
        [_example(kind, kinds[kind], labels) for kind in outside],
    )


def _example(
    kind: tuple[str, str], places: list[tuple[LabelledRecord, int]], labels: Sequence[str]
) -> Example:
    item, sample = places[len(places) // 2]
    at_s = sample / item.record.fs_hz
    start_s = min(max(0.0, at_s - STRIP_S / 2), max(0.0, item.samples / item.record.fs_hz - STRIP_S))
    title = f"{_annotated(kind[0])}, {_said(kind[1])}"
    caption = (
        f"{item.record.database} {item.record.name} at {int(at_s) // 60}:{at_s % 60:04.1f}; "
        f"{len(places)} of this kind"
    )
    return Example(title, caption, strip_svg(Strip(item, start_s, STRIP_S, sample), labels))


def _annotated(name: str) -> str:
    return "no beat annotated" if name == NO_BEAT else f"annotated {name}"


def _said(name: str) -> str:
    if name == MISSED:
        return "missed by the device"
    return "not labelled by the device" if name == "?" else f"device says {name}"


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
    board = f"{device['board']} in QEMU" if results["port_kind"] == "emulator" else device["board"]
    title = (
        f"Labels of the device (above) and annotations (below). {board}, model {results['bundle']}: "
        f"{results['beats']} beats replayed, {results['differing_bytes']} bytes differ from the reference"
    )
    replay_picture([strip for _, strip in strips], labels, path, title)


def most_varied(item: LabelledRecord, labels: Sequence[str]) -> tuple[int, Strip]:
    """The stretch of `PICTURE_S` with the most annotated classes, the first of equals.

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


def _percent(share: float | None, digits: int = 2) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}".replace(",", "\u202f")
