"""Files of an analysis: annotations in WFDB's format, and tables of beats and episodes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.ecg.files import writing
from ecg_edge.ecg.rates import convert_samples
from ecg_edge.host.analysis.device import DeviceReport
from ecg_edge.host.live.items import LeadChange, QualityChange
from ecg_edge.host.recording.record_writer import BEATS, RHYTHM
from ecg_edge.host.recording.rhythm_notes import RhythmNotes

BEAT_COLUMNS: Final = ("seconds", "sample", "label", "rr_ms", "quality", "flags", "p_wave")
EPISODE_COLUMNS: Final = (
    *("start_s", "end_s", "kind", "priority", "beats", "rate_bpm", "shortest_rr_ms", "longest_rr_ms"),
    *("irregularity_percent", "confidence_percent", "cut"),
)


def write_files(report: DeviceReport, folder: Path, name: str) -> list[Path]:
    """Write NAME.dev, NAME.rhy, NAME-beats.csv and NAME-episodes.csv; return their paths.

    The sample numbers of the annotation files, and those in the table of beats, count at the file's own rate.
    """
    write_annotations(folder, name, BEATS, beat_annotations(report), report.own.own_hz)
    write_annotations(folder, name, RHYTHM, rhythm_annotations(report), report.own.own_hz)
    tables = folder / f"{name}-beats.csv", folder / f"{name}-episodes.csv"
    _write(tables[0], BEAT_COLUMNS, _beat_rows(report))
    _write(tables[1], EPISODE_COLUMNS, _episode_rows(report))
    return [folder / f"{name}.{BEATS}", folder / f"{name}.{RHYTHM}", *tables]


def beat_annotations(report: DeviceReport) -> Annotations:
    """Make an annotation of each beat, at the file's own rate."""
    return Annotations.of(_own_samples(report), report.symbols)


def rhythm_annotations(report: DeviceReport) -> Annotations:
    """Make annotations of rhythm, signal quality and electrodes, as a recording has them."""
    notes = RhythmNotes(report.fs_hz)
    for sample, reasons, bad in report.processed.changes.tolist():
        notes.take(QualityChange(sample, bool(bad), reasons))
    for start, end in report.own.off_spans.tolist():
        notes.take(LeadChange(start, 1))
        notes.take(LeadChange(end, 0))
    for event in report.events:
        notes.take(event)
    return notes.annotations().at_rate(report.fs_hz, report.own.own_hz)


def _own_samples(report: DeviceReport) -> Any:
    return convert_samples(report.beats["r_sample"], report.fs_hz, report.own.own_hz)


def _write(path: Path, columns: tuple[str, ...], rows: Any) -> None:
    with writing(path, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def _beat_rows(report: DeviceReport) -> Any:
    beats, fs_hz = report.beats, report.fs_hz
    return zip(
        (beats["r_sample"] / fs_hz).round(3).tolist(),
        _own_samples(report).tolist(),
        report.symbols.tolist(),
        (beats["rr_samples"] * (1000 / fs_hz)).round(1).tolist(),
        beats["quality"].tolist(),
        beats["flags"].tolist(),
        beats["p_wave"].tolist(),
        strict=True,
    )


def _episode_rows(report: DeviceReport) -> Any:
    for episode in report.episodes:
        event, fs_hz = episode.event, report.fs_hz
        times = [round(sample / fs_hz, 3) for sample in (episode.onset, episode.end)]
        intervals = [round(1000 * rr / fs_hz, 1) for rr in (event.shortest_rr, event.longest_rr)]
        evidence = [event.irregularity_permille / 10, event.confidence, int(episode.cut)]
        yield [
            *times,
            episode.name,
            episode.priority,
            event.beats,
            event.rate_x10 / 10,
            *intervals,
            *evidence,
        ]
