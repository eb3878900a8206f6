"""A session folder: everything that one replay leaves behind.

sessions/20260131T101500Z-emulator/
    results.json        the verdict, and each record's (see `Session.results`)
    beats.csv           every beat as the device reported it
    events.csv          every rhythm event as the device reported it
    annotations/100.dev the device's labels as WFDB annotation files
    frames.log.gz       every frame: seconds, direction (> to the device), encoded bytes in hexadecimal
    report.html         made by `ecg-edge report`
"""

from __future__ import annotations

import csv
import gzip
import platform
import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ecg_edge.ecg.annotations import write_annotations
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.records import Record
from ecg_edge.host.conformance.accuracy import LabelledRecord, device_annotations, score_device, score_groups
from ecg_edge.host.conformance.comparison import Comparison, Difference, EventDifference
from ecg_edge.host.conformance.events_csv import EVENT_COLUMNS, EVENTS_NAME, event_row
from ecg_edge.host.link.client import Progress
from ecg_edge.host.link.messages import LABEL_UNCLASSIFIABLE, Beat, Done, Info
from ecg_edge.host.link.transports import port_kind
from ecg_edge.host.reference.rhythm_events import count_kinds
from ecg_edge.quantize.bundle.manifest import Bundle

SCHEMA_VERSION = 2
RESULTS_NAME = "results.json"
BEATS_NAME = "beats.csv"
FRAMES_NAME = "frames.log.gz"
REPORT_NAME = "report.html"
ANNOTATOR = "dev"
UNCLASSIFIABLE_NAME = "unclassifiable"

BEAT_COLUMNS = (
    "database",
    "record",
    "beat_index",
    "r_sample",
    "rr_samples",
    "flags",
    "quality",
    "label",
    "confidence",
    "input_crc32",
    "output",
)


@dataclass(frozen=True)
class RecordRun:
    """One record as it went: what was streamed, what came back, how it compares."""

    record: Record
    progress: Progress
    comparison: Comparison

    @property
    def lost_samples(self) -> int:
        """Samples that the device had not taken at the end."""
        return len(self.record.samples) - self.progress.samples_taken

    @property
    def bad_signal_s(self) -> float:
        """Time in which the device called the signal bad."""
        ends = [change.sample for change in self.progress.changes]
        if len(ends) % 2:
            ends.append(self.progress.samples_taken)
        return sum(ends[1::2]) / self.record.fs_hz - sum(ends[::2]) / self.record.fs_hz

    @property
    def labelled(self) -> LabelledRecord:
        """The record with the device's beats, for scoring."""
        beats = sorted(self.progress.beats, key=lambda beat: beat.r_sample)
        return LabelledRecord(self.record, beats, self.progress.samples_taken)

    @property
    def passed(self) -> bool:
        """Whether the record streamed to its end and nothing at all differs."""
        return self.progress.done is not None and self.lost_samples == 0 and self.comparison.agrees


def session_folder(root: Path, port: str) -> Path:
    """A new folder's path under `root`, named by the time (UTC) and the port."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    kind = port_kind(port)
    name = re.sub(r"[^A-Za-z0-9]+", "-", port).strip("-") if kind in ("serial", "socket") else kind
    return root / f"{stamp}-{name}"


class FrameLog:
    """Raw frames, one a line, compressed."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.open(path, "wt", compresslevel=1, encoding="ascii")  # noqa: SIM115
        self._began = time.monotonic()

    def __call__(self, direction: str, encoded: bytes) -> None:
        """Write one frame; direction is ">" to the device and "<" from it."""
        frame = encoded.rstrip(b"\0").hex()
        self._file.write(f"{time.monotonic() - self._began:.6f} {direction} {frame}\n")

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


@dataclass
class Session:
    """What a replay has gathered so far.

    Attributes
    ----------
    folder : Path
        Where it is written.
    port : str
        The port as the user named it.
    bundle : Bundle
        The model whose outputs the device must give.
    info : Info
        The device's handshake.
    engine : str
        Name of the reference engine.
    mains_hz : int
        The notch that START asked for.
    runs : list of RecordRun
        Finished records, and the one that was interrupted.
    interrupted : str or None
        Why the session ended early.
    """

    folder: Path
    port: str
    bundle: Bundle
    info: Info
    engine: str
    mains_hz: int
    runs: list[RecordRun] = field(default_factory=list)
    interrupted: str | None = None
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def passed(self) -> bool:
        """Whether every record passed and the session came to its end."""
        return self.interrupted is None and bool(self.runs) and all(run.passed for run in self.runs)

    def write(self) -> dict[str, Any]:
        """Write results.json, the tables and the annotation files; give what results.json holds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write_beats(self.folder / BEATS_NAME, self.runs, self.info.labels)
        _write_events(self.folder / EVENTS_NAME, self.runs)
        for run in self.runs:
            self._write_annotations(run)
        results = self.results()
        write_json(self.folder / RESULTS_NAME, results)
        return results

    def results(self) -> dict[str, Any]:
        """What results.json holds."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": _verdict(self.passed),
            "interrupted": self.interrupted is not None,
            "reason": self.interrupted,
            **_totals(self.runs),
            "model_sha256": self.info.model_sha256,
            "bundle": self.bundle.manifest.name,
            "bundle_path": str(self.bundle.path),
            "training": self.bundle.manifest.training,
            "metrics": self.bundle.manifest.metrics,
            "reference_engine": self.engine,
            "port": self.port,
            "port_kind": port_kind(self.port),
            "device": asdict(self.info),
            "mains_hz": self.mains_hz,
            "started": self.started.isoformat(timespec="seconds"),
            "host": _host(),
            "scores": score_groups([run.labelled for run in self.runs], self.info.labels),
            "records": [self._record_results(run) for run in self.runs],
        }

    def _record_results(self, run: RecordRun) -> dict[str, Any]:
        return {
            "database": run.record.database,
            "record": run.record.name,
            "lead": run.record.lead,
            "fs_hz": run.record.fs_hz,
            "seen_in_training": _was_trained_on(run.record, self.bundle.manifest.training),
            "verdict": _verdict(run.passed),
            "interrupted": run.progress.done is None,
            **_totals([run]),
            "first_differences": [_readable(difference) for difference in run.comparison.differences],
            "first_event_differences": [
                _readable_event_difference(difference) for difference in run.comparison.event_differences
            ],
            "episodes": count_kinds(run.progress.events),
            "scores": score_device([run.labelled], self.info.labels),
        }

    def _write_annotations(self, run: RecordRun) -> None:
        annotations = device_annotations(run.progress.beats, self.info.labels)
        folder = self.folder / "annotations" / run.record.database
        write_annotations(folder, run.record.name, ANNOTATOR, annotations, run.record.fs_hz)


def _verdict(passed: bool) -> str:
    return "pass" if passed else "fail"


def _was_trained_on(record: Record, training: dict[str, Any]) -> bool:
    same_database = training.get("database") == record.database
    return same_database and record.name in training.get("records", ())


def _host() -> dict[str, str]:
    return {
        "ecg_edge": version("ecg-edge"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _totals(runs: list[RecordRun]) -> dict[str, Any]:
    """The figures of all records together."""
    comparisons = [run.comparison for run in runs]
    signal_s = sum(run.progress.samples_taken / run.record.fs_hz for run in runs)
    seconds = sum(run.progress.seconds for run in runs)
    return {
        "beats": sum(c.beats for c in comparisons),
        "agreeing_beats": sum(c.agreeing for c in comparisons),
        "differing_bytes": sum(c.differing_bytes for c in comparisons),
        "lost_beats": sum(c.lost_beats for c in comparisons),
        "extra_beats": sum(c.extra_beats for c in comparisons),
        "differing_fields": _sum_fields(comparisons),
        "unclassifiable_beats": sum(
            b.label == LABEL_UNCLASSIFIABLE for run in runs for b in run.progress.beats
        ),
        "quality_changes": sum(c.changes for c in comparisons),
        "differing_changes": sum(c.differing_changes for c in comparisons),
        "bad_signal_s": round(sum(run.bad_signal_s for run in runs), 1),
        "events": sum(c.events for c in comparisons),
        "agreeing_events": sum(c.agreeing_events for c in comparisons),
        "lost_events": sum(c.lost_events for c in comparisons),
        "extra_events": sum(c.extra_events for c in comparisons),
        "differing_events": sum(c.differing_events for c in comparisons),
        "samples": sum(len(run.record.samples) for run in runs),
        "lost_samples": sum(run.lost_samples for run in runs),
        "seconds": round(seconds, 3),
        "realtime_factor": _ratio(signal_s, seconds),
        "link": _sum_links(runs),
        "ticks": _ticks([run.progress.done for run in runs if run.progress.done]),
    }


def _readable(difference: Difference) -> dict[str, Any]:
    return {
        "beat_index": difference.beat_index,
        "fields": difference.fields,
        "expected": _readable_beat(difference.expected),
        "device": _readable_beat(difference.device),
    }


def _readable_beat(beat: Beat | None) -> dict[str, Any] | None:
    if beat is None:
        return None
    crc32, output = f"{beat.input_crc32:08x}", signed(beat.output)
    names = ("r_sample", "rr_samples", "flags", "quality", "label")
    place = {name: getattr(beat, name) for name in names}
    return {**place, "input_crc32": crc32, "output": output}


def _readable_event_difference(difference: EventDifference) -> dict[str, Any]:
    both = {"expected": difference.expected, "device": difference.device}
    return {
        "event_index": difference.event_index,
        **{name: asdict(event) if event else None for name, event in both.items()},
    }


def signed(output: bytes) -> list[int]:
    """A model's output bytes as int8 values."""
    return [value - 256 if value > 127 else value for value in output]


def _ratio(numerator: float, denominator: float) -> float | None:
    return round(numerator / denominator, 2) if denominator > 0 else None


def _sum_fields(comparisons: list[Comparison]) -> dict[str, int]:
    names = comparisons[0].differing_fields if comparisons else {}
    return {name: sum(c.differing_fields[name] for c in comparisons) for name in names}


def _sum_links(runs: list[RecordRun]) -> dict[str, int]:
    """What went wrong on the line, though it was mended."""
    names = ("naks", "resends", "retransmitted_frames", "bad_frames", "sequence_gaps")
    totals = {name: sum(getattr(run.progress, name) for run in runs) for name in names}
    rejected = sum(run.progress.done.rejected_frames for run in runs if run.progress.done)
    return {**totals, "rejected_by_device": rejected}


def _ticks(done: list[Done]) -> dict[str, Any] | None:
    """The device's own timing: ticks as it counted them, and microseconds of its clock."""
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
        "core_us_per_sample": _ratio(core * us, samples),
        "engine_us_per_beat": _ratio(engine * us, beats),
    }


def label_name(beat: Beat, labels: tuple[str, ...]) -> str:
    """A beat's label as text; "" when the device's engine failed."""
    if beat.label < len(labels):
        return labels[beat.label]
    return UNCLASSIFIABLE_NAME if beat.label == LABEL_UNCLASSIFIABLE else ""


def _write_beats(path: Path, runs: Iterable[RecordRun], labels: tuple[str, ...]) -> None:
    with path.open("w", newline="", encoding="ascii") as file:
        writer = csv.writer(file)
        writer.writerow(BEAT_COLUMNS)
        for run in runs:
            writer.writerows(_row(run.record, beat, labels) for beat in run.progress.beats)


def _write_events(path: Path, runs: Iterable[RecordRun]) -> None:
    with path.open("w", newline="", encoding="ascii") as file:
        writer = csv.writer(file)
        writer.writerow(EVENT_COLUMNS)
        for run in runs:
            place = run.record.database, run.record.name
            writer.writerows(event_row(*place, event) for event in run.progress.events)


def _row(record: Record, beat: Beat, labels: tuple[str, ...]) -> tuple[object, ...]:
    place = (record.database, record.name, beat.beat_index, beat.r_sample, beat.rr_samples, beat.flags)
    output = " ".join(map(str, signed(beat.output)))
    said = (beat.quality, label_name(beat, labels), beat.confidence)
    return (*place, *said, f"{beat.input_crc32:08x}", output)
