"""One offline HTML file about a session: two verdicts, records, rhythm, strips, method, limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from ecg_edge.ecg.databases import find_data_root
from ecg_edge.ecg.errors import EcgEdgeError, RecordError
from ecg_edge.ecg.figures import percent
from ecg_edge.ecg.files import read_json, write_text
from ecg_edge.ecg.typed_json import fault_in
from ecg_edge.host.conformance.accuracy import EC57_PROTOCOL, OTHER_BEAT, LabelledRecord
from ecg_edge.host.conformance.beats_csv import read_beats
from ecg_edge.host.conformance.events_csv import read_events
from ecg_edge.host.conformance.folder import BEATS_NAME, EVENTS_NAME, REPORT_NAME, RESULTS_NAME, STRIPS_NAME
from ecg_edge.host.conformance.replay import read_stream
from ecg_edge.host.conformance.results import (
    FAIL,
    MORPHOLOGY_CAUTION,
    PASS,
    SCHEMA_VERSION,
    ClassScores,
    RecordResults,
    SessionResults,
    record_word,
    summary_of,
    training_note,
    verdict_word,
)
from ecg_edge.host.conformance.strips_csv import read_strips
from ecg_edge.host.link.messages import Info, RhythmEvent
from ecg_edge.host.report.charts import labels_svg, rhythm_svg
from ecg_edge.host.report.examples import (
    Key,
    OnProgress,
    Replayed,
    beat_examples,
    by_record,
    rhythm_examples,
    tracked,
)
from ecg_edge.host.report.page import render
from ecg_edge.host.report.strips import Strip, beat_kinds, replay_picture
from ecg_edge.host.report.training_section import training_section

PICTURE_S = 10.0
LOW_ACCURACY: Final = 0.9
"""Five-class accuracy of a record below which the page calls for a look: an own choice."""
SHOWN_CHARTS: Final = 6
"""Rhythm charts that are not folded away: those of the records with the lowest accuracy."""


def no_progress(part: str, done: int, total: int) -> None:
    """Ignore the progress."""


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
    results = read_results(session)
    if items is None:
        items = read_items(session, results, data, on_progress)
    context = _context(session, results, items, on_progress)
    figures = {"evaluation": evaluation, "verify": verify}
    context |= {name: path and _read_json(path) for name, path in figures.items()}
    context["training"] = morphology_training and training_section(*morphology_training)
    path = session / REPORT_NAME
    write_text(path, render("report.html", context))
    return path


def _context(
    session: Path,
    results: SessionResults,
    items: Sequence[LabelledRecord],
    on_progress: OnProgress,
) -> dict[str, Any]:
    scores, labels = results["scores"], results["device"]["labels"]
    shown = "DS2" if "DS2" in scores else "all"
    events = read_events(session / EVENTS_NAME)
    replayed = [
        Replayed(item, labels, events.get((item.record.database, item.record.name), ())) for item in items
    ]
    return {
        "session": session.name,
        "results": results,
        "verdict": verdict_word(results),
        "record_word": record_word,
        "summary": summary_of(results),
        "accuracy": accuracy_of(results),
        "low": LOW_ACCURACY,
        "checked": sorted(results["records"], key=lambda entry: _ORDER.index(entry["verdict"])),
        "scored_records": by_accuracy(results),
        "shown": shown,
        "scored": scores.get(shown),
        "counted": counted_of(scores[shown]["classes"]) if shown in scores else None,
        "ec57_protocol": EC57_PROTOCOL.format(start="each of the times below, in"),
        "beats": beat_examples(replayed, labels, on_progress),
        "charts": _charts(results, events, by_record(replayed), on_progress),
        "shown_charts": SHOWN_CHARTS,
        "rhythm_examples": rhythm_examples(replayed, on_progress),
        "morphology_caution": MORPHOLOGY_CAUTION,
        "morphology": _morphology(session, results, on_progress),
        "has_strips": bool(items),
    }


_ORDER: Final = (FAIL, "inconclusive", PASS)


class Accuracy(NamedTuple):
    """Verdict on the device's labels against the annotations.

    Attributes
    ----------
    level : str
        "warn" where a record is below `LOW_ACCURACY`, else "pass".
    text : str
        One or two sentences.
    """

    level: str
    text: str


class Counted(NamedTuple):
    """Annotated beats of the labels, and of other kinds, which the accuracy leaves out.

    Attributes
    ----------
    beats, others : int
        Numbers of beats.
    labels : str
        The labels in words.
    """

    beats: int
    others: int
    labels: str

    @property
    def note(self) -> str:
        """What is left out, or ""."""
        return f"{self.others:,} annotated beats of other kinds are not in this share" if self.others else ""


def counted_of(classes: ClassScores) -> Counted:
    """Count the annotated beats on which the accuracy rests."""
    *first, last = classes["labels"]
    beats = sum(figures["annotated"] for figures in classes["labels"].values())
    matrix = classes["confusion"]
    others = sum(matrix["counts"][matrix["rows"].index(OTHER_BEAT)])
    return Counted(beats, others, f"{', '.join(first)} or {last}" if first else last)


def by_accuracy(results: SessionResults) -> list[RecordResults]:
    """List the records that have annotated beats, the lowest five-class accuracy first."""
    scored = [entry for entry in results["records"] if entry["scores"]]
    return sorted(scored, key=lambda entry: (_accuracy(entry), entry["record"]))


def _accuracy(entry: RecordResults) -> float:
    scores = entry["scores"]
    found = scores["classes"]["accuracy"] if scores else None
    return 1.0 if found is None else found


def accuracy_of(results: SessionResults) -> Accuracy | None:
    """Judge the labels against the annotations; None without annotated beats."""
    records = by_accuracy(results)
    if not records:
        return None
    whole = results["scores"]["all"]
    worst, value = records[0], _accuracy(records[0])
    low = sum(_accuracy(entry) < LOW_ACCURACY for entry in records)
    qrs = whole["ec57"][0]
    se, ppv = percent(qrs["qrs_se"]), percent(qrs["qrs_ppv"])
    counted = counted_of(whole["classes"])
    text = (
        f"{percent(whole['classes']['accuracy'], 1)}\u00a0% of the {counted.beats:,} beats annotated "
        f"{counted.labels} have their label; {counted.note + '; ' if counted.note else ''}"
        f"R peaks: sensitivity {se}\u00a0%, positive predictivity {ppv}\u00a0%. "
        f"Lowest: {percent(value, 1)}\u00a0% in {worst['database']}/{worst['record']}"
    )
    text += f"; {low} of {len(records)} records below {percent(LOW_ACCURACY, 0)}\u00a0%." if low else "."
    note = training_note(results["records"])
    return Accuracy("warn" if low else "pass", f"{text} {note}".strip())


class Chart(NamedTuple):
    """The rhythm of a record."""

    entry: RecordResults
    svg: str


def _charts(
    results: SessionResults,
    events: dict[Key, list[RhythmEvent]],
    replayed: dict[Key, Replayed],
    on_progress: OnProgress,
) -> list[Chart]:
    """Draw the rhythm of each record that has events, the lowest accuracy first."""
    records = sorted(results["records"], key=_accuracy)
    found = []
    for entry in tracked("drawing rhythms", records, on_progress):
        key = (entry["database"], entry["record"])
        if key in events:
            title = f"Heart rate and episodes of {'/'.join(key)}: {_counts(entry)}"
            false = replayed[key].false_episodes if key in replayed else ()
            found.append(
                Chart(entry, rhythm_svg(events[key], entry["samples"], entry["fs_hz"], title, false))
            )
    return found


def _counts(entry: RecordResults) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in entry["episodes"].items()) or "no episodes"


def _morphology(
    session: Path, results: SessionResults, on_progress: OnProgress
) -> list[tuple[RecordResults, str]]:
    """Draw the labels of the strips of each record that has any; its results and the picture."""
    labels = results["device"]["morphology_labels"]
    found = read_strips(session / STRIPS_NAME, labels)
    entries = [entry for entry in results["records"] if entry["morphology"]]
    drawn = []
    for entry in tracked("drawing strips' labels", entries, on_progress):
        key = (entry["database"], entry["record"])
        title = f"Labels of the morphology network in {'/'.join(key)}"
        drawn.append((entry, labels_svg(found[key], labels, entry["samples"], entry["fs_hz"], title)))
    return drawn


# ---- reading a session ------------------------------------------------------------------------------


def read_results(session: Path) -> SessionResults:
    """Read results.json of a session's folder.

    Raises
    ------
    EcgEdgeError
        When there is none, it is of another version, or a key is missing or has another type.
    """
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
    if fault := fault_in(results, SessionResults) or fault_in(results["device"], Info, "device"):
        raise EcgEdgeError(f"{session / RESULTS_NAME}: damaged: {fault}. Replay the records again.")
    return cast(SessionResults, results)


def _read_json(path: Path) -> Any:
    """Read a JSON file; None when there is none."""
    try:
        return read_json(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
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
        f"Labels of the device (above) and annotations (below): {board}, model {results['bundle']}: "
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
