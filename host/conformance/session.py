"""A session folder: everything that one replay leaves behind.

sessions/20260131T101500Z-emulator/
    results.json               the verdict, of the session and of each record (see `results.SessionResults`)
    beats.csv                  every beat as the device reported it
    events.csv                 every rhythm event as the device reported it
    strips.csv                 every result of the morphology network as the device reported it
    annotations/mitdb/100.dev  the device's labels as WFDB annotation files
    frames.log.gz              every frame: seconds, direction (> to the device), encoded bytes in hexadecimal
    resume.json                what a resumed replay needs
    report.html                made by `ecg-edge report`

It is written after each record, results.json last, so that a replay that is killed leaves a session with the
records before.
"""

from __future__ import annotations

import csv
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.annotations import write_annotations
from ecg_edge.ecg.figures import share
from ecg_edge.ecg.files import write_json, writing
from ecg_edge.ecg.records import Record
from ecg_edge.host.conformance.accuracy import (
    STARTS_S,
    LabelledRecord,
    RecordScore,
    device_annotations,
    reference_annotations,
    score_groups,
    score_record,
    summarize_scores,
)
from ecg_edge.host.conformance.beats_csv import BEAT_COLUMNS, beat_rows, signed
from ecg_edge.host.conformance.comparison import (
    FIELDS,
    Comparison,
    Difference,
    EventDifference,
    StripDifference,
)
from ecg_edge.host.conformance.events_csv import EVENT_COLUMNS, event_rows
from ecg_edge.host.conformance.folder import (
    ANNOTATIONS_NAME,
    BEATS_NAME,
    EVENTS_NAME,
    RESULTS_NAME,
    STRIPS_NAME,
)
from ecg_edge.host.conformance.results import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    SCHEMA_VERSION,
    AlarmFigures,
    AlarmResults,
    BeatDifferenceResult,
    EventDifferenceResult,
    HostResults,
    LinkTotals,
    RecordResults,
    SessionResults,
    StripDifferenceResult,
    Ticks,
    Totals,
    Verdict,
    subject_of,
)
from ecg_edge.host.conformance.strips_csv import STRIP_COLUMNS, strip_rows
from ecg_edge.host.evaluation.alarms import Burden, Truth, burden_figures, burdens_of
from ecg_edge.host.evaluation.stream import alarms_of
from ecg_edge.host.link.client import Progress
from ecg_edge.host.link.messages import LABEL_UNCLASSIFIABLE, Beat, Done, Info, Morphology
from ecg_edge.host.link.transports import port_kind
from ecg_edge.host.reference.morphology import count_labels
from ecg_edge.host.reference.rhythm_events import count_kinds
from ecg_edge.quantize.bundle.manifest import Bundle

ANNOTATOR: Final = "dev"


@dataclass(frozen=True)
class Origin:
    """Place that a stream comes from.

    Attributes
    ----------
    file : str
        Name of the record's files; the stream's own name when empty.
    from_s : float
        Time in the record at which the stream begins, in seconds.
    reference : str or None
        Annotator; None: "atr", else the one named after the lead.
    scale : float
        Factor of the amplitude; negative: inverted.
    whole : bool
        The annotations cover the whole record; else from the first beat to the last.
    """

    file: str = ""
    from_s: float = 0.0
    reference: str | None = None
    scale: float = 1.0
    whole: bool = True


@dataclass(frozen=True, eq=False)
class RecordRun:
    """Result of replaying one record.

    Attributes
    ----------
    record : Record
    progress : Progress
        The stream as it went.
    comparison : Comparison
        Device against reference.
    labels : tuple of str
        The device's labels.
    cancelled : bool
        The user stopped the replay during this record.
    origin : Origin
        Place that the stream comes from.
    starts_s : tuple of float
        Starts of EC57's comparison in seconds.
    morphology_labels : tuple of str
        Labels of the device's morphology network; empty without one.
    """

    record: Record
    progress: Progress
    comparison: Comparison
    labels: tuple[str, ...]
    cancelled: bool = False
    origin: Origin = Origin()
    starts_s: tuple[float, ...] = STARTS_S
    morphology_labels: tuple[str, ...] = ()

    @property
    def lost_samples(self) -> int:
        """Number of samples that were sent and that the device did not take.

        Samples that were never sent are not lost, nor are those under way when the user stopped the replay.
        """
        sent = len(self.record.samples) if self.progress.done else self.progress.samples_sent
        return 0 if self.cancelled else sent - self.progress.samples_taken

    @property
    def bad_signal_s(self) -> float:
        """Time in seconds in which the device reported bad signal."""
        ends = [change.sample for change in self.progress.changes]
        if len(ends) % 2:
            ends.append(self.progress.samples_taken)
        return sum(ends[1::2]) / self.record.fs_hz - sum(ends[::2]) / self.record.fs_hz

    @property
    def verdict(self) -> Verdict:
        """Pass: streamed to the end, equal, at least one beat.

        Inconclusive: equal, but without a beat; or equal but for what a bad line lost in every pass.
        """
        if self.progress.done is None or self.lost_samples:
            return FAIL
        if not self.comparison.agrees:
            is_lost_on_line = self.comparison.is_only_lost and self.progress.last_losses > 0
            return INCONCLUSIVE if is_lost_on_line else FAIL
        return PASS if self.comparison.beats else INCONCLUSIVE

    @cached_property
    def labelled(self) -> LabelledRecord:
        """The record with the device's beats, for scoring."""
        beats = sorted(self.progress.beats, key=lambda beat: beat.r_sample)
        samples = self.progress.samples_taken
        return LabelledRecord(self.record, beats, samples, self.starts_s, self.origin.whole)

    # The session is written after each record: what one record contributes is computed once.

    @cached_property
    def score(self) -> RecordScore | None:
        """Counts for the scores; None without annotated beats."""
        return score_record(self.labelled, self.labels)

    @cached_property
    def burden(self) -> Burden:
        """Alarms by kind, and those that the annotations do not confirm."""
        item, fs_hz = self.labelled, self.record.fs_hz
        duration_s = item.samples / fs_hz
        known = len(self.record.annotation_samples) > 0
        truth = Truth.of(reference_annotations(item), fs_hz, duration_s) if known else None
        return burdens_of(alarms_of(self.progress.events, fs_hz), truth, duration_s)[0]

    @cached_property
    def beat_rows(self) -> str:
        """Lines of beats.csv."""
        return beat_rows(self.record.database, self.record.name, self.progress.beats, self.labels)

    @cached_property
    def event_rows(self) -> str:
        """Lines of events.csv."""
        return event_rows(self.record.database, self.record.name, self.progress.events)

    @cached_property
    def strip_rows(self) -> str:
        """Lines of strips.csv."""
        results, labels = self.progress.strips, self.morphology_labels
        return strip_rows(self.record.database, self.record.name, results, labels)


def session_folder(root: Path, port: str) -> Path:
    """Name a new folder under `root` by the time (UTC) and the port."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    kind = port_kind(port)
    name = re.sub(r"[^A-Za-z0-9]+", "-", port).strip("-") if kind in ("serial", "socket") else kind
    folder, number = root / f"{stamp}-{name}", 2
    while folder.exists():  # another session of this second
        folder, number = root / f"{stamp}-{name}-{number}", number + 1
    return folder


@dataclass
class Session:
    """Records that a replay has streamed so far.

    Attributes
    ----------
    folder : Path
        Folder of the files.
    port : str
        The port as the user named it.
    bundle : Bundle
        The model whose outputs the device must give.
    info : Info
        The device's handshake.
    engine : str
        Name of the reference engine.
    mains_hz : int
        Mains frequency in START: 50 or 60 Hz.
    morphology : Bundle or None
        The second model whose outputs the device must give; None: not compared.
    runs : list of RecordRun
        Finished records, and the one that was interrupted.
    interrupted : str or None
        Reason of an early end.
    """

    folder: Path
    port: str
    bundle: Bundle
    info: Info
    engine: str
    mains_hz: int
    morphology: Bundle | None = None
    runs: list[RecordRun] = field(default_factory=list)
    interrupted: str | None = None
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the records; "fail" for a session that was interrupted."""
        verdicts = {run.verdict for run in self.runs}
        if self.interrupted is not None or FAIL in verdicts:
            return FAIL
        return PASS if verdicts == {PASS} else INCONCLUSIVE

    @property
    def passed(self) -> bool:
        """Every record was compared and passed, and the session came to its end."""
        return self.verdict == PASS

    def write(self) -> SessionResults:
        """Write annotation files, tables, and results.json; return the results."""
        for run in self.runs:
            self._write_annotations(run)
        _write_table(self.folder / BEATS_NAME, BEAT_COLUMNS, (run.beat_rows for run in self.runs))
        _write_table(self.folder / EVENTS_NAME, EVENT_COLUMNS, (run.event_rows for run in self.runs))
        _write_table(self.folder / STRIPS_NAME, STRIP_COLUMNS, (run.strip_rows for run in self.runs))
        results = self.results()
        write_json(self.folder / RESULTS_NAME, results)
        return results

    def write_running(self) -> None:
        """Write the session as one that has not ended, for the case that this process is killed."""
        self.interrupted = "the replay did not come to its end"
        try:
            self.write()
        finally:
            self.interrupted = None

    def results(self) -> SessionResults:
        """Make the content of results.json."""
        kind, manifest = port_kind(self.port), self.bundle.manifest
        scores = [run.score for run in self.runs if run.score]
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "interrupted": self.interrupted is not None,
            "reason": self.interrupted,
            "subject": subject_of(kind),
            **_totals(self.runs),
            "model_sha256": self.info.model_sha256,
            "bundle": manifest.name,
            "bundle_path": str(self.bundle.path),
            "morphology": self.morphology.manifest.name if self.morphology else None,
            "morphology_sha256": self.morphology.manifest.model_sha256 if self.morphology else None,
            "morphology_path": str(self.morphology.path) if self.morphology else None,
            "training": manifest.training,
            "metrics": manifest.metrics,
            "reference_engine": self.engine,
            "port": self.port,
            "port_kind": kind,
            "device": asdict(self.info),
            "mains_hz": self.mains_hz,
            "started": self.started.isoformat(timespec="seconds"),
            "host": _host(),
            "scores": score_groups(scores, self.info.labels),
            "alarms": _alarm_results(self.runs),
            "records": [self._record_results(run) for run in self.runs],
        }

    def _record_results(self, run: RecordRun) -> RecordResults:
        return {
            "database": run.record.database,
            "record": run.record.name,
            "file": run.origin.file or run.record.name,
            "from_s": run.origin.from_s,
            "reference": run.origin.reference,
            "scale": run.origin.scale,
            "lead": run.record.lead,
            "fs_hz": run.record.fs_hz,
            "seen_in_training": bool(
                self.bundle.manifest.trained_on(run.record.database, [run.origin.file or run.record.name])
            ),
            "verdict": run.verdict,
            "interrupted": run.progress.done is None,
            **_totals([run]),
            "first_differences": [_beat_difference(one) for one in run.comparison.differences],
            "first_event_differences": [_event_difference(one) for one in run.comparison.event_differences],
            "first_strip_differences": [_strip_difference(one) for one in run.comparison.strip_differences],
            "episodes": count_kinds(run.progress.events),
            "morphology": count_labels(run.progress.strips, run.morphology_labels),
            "scores": summarize_scores([run.score], run.labels) if run.score else None,
            "alarms": _alarm_results([run]),
        }

    def _write_annotations(self, run: RecordRun) -> None:
        folder = self.folder / ANNOTATIONS_NAME / run.record.database
        if (folder / f"{run.record.name}.{ANNOTATOR}").exists() and run is not self.runs[-1]:
            return  # written after that record
        annotations = device_annotations(run.progress.beats, run.labels)
        write_annotations(folder, run.record.name, ANNOTATOR, annotations, run.record.fs_hz)


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[str]) -> None:
    with writing(path, newline="") as file:
        csv.writer(file).writerow(columns)
        file.writelines(rows)


def _alarm_results(runs: Sequence[RecordRun]) -> AlarmResults:
    total = sum((run.burden for run in runs), Burden(0.0, {}, {}))
    kinds: dict[str, AlarmFigures] = {kind: {**figures} for kind, figures in burden_figures(total).items()}
    return {"hours": round(total.hours, 6), "kinds": kinds}


def _host() -> HostResults:
    return {
        "ecg_edge": version("ecg-edge"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _totals(runs: list[RecordRun]) -> Totals:
    """Add up the figures of records."""
    comparisons = [run.comparison for run in runs]
    signal_s = sum(run.progress.samples_taken / run.record.fs_hz for run in runs)
    seconds = sum(run.progress.seconds for run in runs)
    labels = [beat.label for run in runs for beat in run.progress.beats]
    return {
        "beats": sum(c.beats for c in comparisons),
        "agreeing_beats": sum(c.agreeing for c in comparisons),
        "differing_bytes": sum(c.differing_bytes for c in comparisons),
        "lost_beats": sum(c.lost_beats for c in comparisons),
        "extra_beats": sum(c.extra_beats for c in comparisons),
        "differing_fields": {name: sum(c.differing_fields[name] for c in comparisons) for name in FIELDS},
        "unclassifiable_beats": labels.count(LABEL_UNCLASSIFIABLE),
        "quality_changes": sum(c.changes for c in comparisons),
        "differing_changes": sum(c.differing_changes for c in comparisons),
        "bad_signal_s": round(sum(run.bad_signal_s for run in runs), 1),
        "events": sum(c.events for c in comparisons),
        "agreeing_events": sum(c.agreeing_events for c in comparisons),
        "lost_events": sum(c.lost_events for c in comparisons),
        "extra_events": sum(c.extra_events for c in comparisons),
        "differing_events": sum(c.differing_events for c in comparisons),
        "strips": sum(c.strips for c in comparisons),
        "agreeing_strips": sum(c.agreeing_strips for c in comparisons),
        "differing_strip_bytes": sum(c.differing_strip_bytes for c in comparisons),
        "lost_strips": sum(c.lost_strips for c in comparisons),
        "extra_strips": sum(c.extra_strips for c in comparisons),
        "differing_strips": sum(c.differing_strips for c in comparisons),
        "samples": sum(len(run.record.samples) for run in runs),
        "taken_samples": sum(run.progress.samples_taken for run in runs),
        "lost_samples": sum(run.lost_samples for run in runs),
        "seconds": round(seconds, 3),
        "realtime_factor": share(signal_s, seconds, 2),
        "link": _sum_links(runs),
        "ticks": _ticks([run.progress.done for run in runs if run.progress.done]),
    }


def _beat_difference(difference: Difference) -> BeatDifferenceResult:
    return {
        "beat_index": difference.beat_index,
        "fields": list(difference.fields),
        "expected": _readable_beat(difference.expected),
        "device": _readable_beat(difference.device),
    }


def _readable_beat(beat: Beat | None) -> dict[str, Any] | None:
    if beat is None:
        return None
    fields = {name: getattr(beat, name) for name in FIELDS}
    return {**fields, "input_crc32": f"{beat.input_crc32:08x}", "output": signed(beat.output)}


def _event_difference(difference: EventDifference) -> EventDifferenceResult:
    return {
        "event_index": difference.event_index,
        "expected": asdict(difference.expected) if difference.expected else None,
        "device": asdict(difference.device) if difference.device else None,
    }


def _strip_difference(difference: StripDifference) -> StripDifferenceResult:
    return {
        "strip_index": difference.strip_index,
        "expected": _readable_strip(difference.expected),
        "device": _readable_strip(difference.device),
    }


def _readable_strip(result: Morphology | None) -> dict[str, Any] | None:
    if result is None:
        return None
    changes = {"input_crc32": f"{result.input_crc32:08x}", "output": signed(result.output)}
    return {**asdict(result), **changes}


def _sum_links(runs: list[RecordRun]) -> LinkTotals:
    progress = [run.progress for run in runs]
    return {
        "naks": sum(p.naks for p in progress),
        "resends": sum(p.resends for p in progress),
        "retransmitted_frames": sum(p.retransmitted_frames for p in progress),
        "bad_frames": sum(p.bad_frames for p in progress),
        "sequence_gaps": sum(p.sequence_gaps for p in progress),
        "repeated_frames": sum(p.repeated_frames for p in progress),
        "passes": sum(p.passes for p in progress),
        "rejected_by_device": sum(p.done.rejected_frames for p in progress if p.done),
    }


def _ticks(done: list[Done]) -> Ticks | None:
    if not done or not done[0].tick_hz:
        return None
    us = 1e6 / done[0].tick_hz
    core, engine = sum(d.core_ticks for d in done), sum(d.engine_ticks for d in done)
    samples, beats = sum(d.samples for d in done), sum(d.beats for d in done)
    return {
        "tick_hz": done[0].tick_hz,
        "core_ticks": core,
        "engine_ticks": engine,
        "engine_ticks_max": max(d.engine_ticks_max for d in done),
        "core_us_per_sample": share(core * us, samples, 2),
        "engine_us_per_beat": share(engine * us, beats, 2),
        "strip_ticks": (strips := sum(d.strip_ticks for d in done)),
        "strip_ticks_max": max(d.strip_ticks_max for d in done),
        "us_per_strip": share(strips * us, sum(d.strips for d in done), 2),
    }
