"""The page of an analysis: one offline HTML file, and PDF of it by a browser."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecg_edge.ecg.figures import duration_text
from ecg_edge.ecg.files import write_text
from ecg_edge.ecg.labels import BEAT_SYMBOLS
from ecg_edge.host.analysis.device import DeviceReport
from ecg_edge.host.analysis.figures import VENTRICULAR_KINDS, Figures, Hour
from ecg_edge.host.analysis.highlights import Highlight, highlights
from ecg_edge.host.analysis.hrv import LEAST_INTERVALS
from ecg_edge.host.report.charts import rhythm_svg
from ecg_edge.host.report.page import Example, render
from ecg_edge.host.report.paper import Letter, PaperStrip, Shade, clock_text, paper_svg
from ecg_edge.quantize.bundle.manifest import Manifest

LISTED: Final = 100
"""Episodes in the page's table: the most urgent ones, then the longest. The CSV file has all."""

LABEL_TEXTS: Final = {
    "N": "normal",
    "L": "left bundle branch block",
    "R": "right bundle branch block",
    "A": "supraventricular premature",
    "V": "ventricular",
    "Q": "unclassifiable: bad signal, or the average beat is not known yet",
}
_URGENCY: Final = ("high", "medium", "low", "none", "technical")


def write_page(report: DeviceReport, figures: Figures, manifest: Manifest, engine: str, path: Path) -> Path:
    """Write the page.

    Parameters
    ----------
    report : DeviceReport
    figures : Figures
        Of the report.
    manifest : Manifest
        The model's.
    engine : str
        Name of the engine that ran it.
    path : Path
        The HTML file.
    """
    write_text(path, render("analysis.html", _context(report, figures, manifest, engine)))
    return path


def _context(report: DeviceReport, figures: Figures, manifest: Manifest, engine: str) -> dict[str, Any]:
    own = report.own
    length_samples = len(own.record.samples)
    events = [event for event in report.events if event.end <= length_samples]
    shown = sorted(
        report.episodes, key=lambda one: (_URGENCY.index(one.priority), -(one.end - one.onset), one.onset)
    )[:LISTED]
    return {
        "name": own.path.name,
        "least_intervals": LEAST_INTERVALS,
        "own": own,
        "own_hz": float(own.own_hz),
        "record": own.record,
        "started": own.started,
        "figures": figures,
        "labels": {label: LABEL_TEXTS.get(label, "other") for label in figures["beats"]},
        "attention": _attention(figures),
        "trend": rhythm_svg(events, length_samples, report.fs_hz, _trend_title(figures)),
        "hours": [_hour(report, hour) for hour in figures["hours"]],
        "ventricular": [
            kind for kind in figures["kinds"] if kind["kind"] in _names_of(report, VENTRICULAR_KINDS)
        ],
        "episodes": shown,
        "episode_count": len(report.episodes),
        "examples": [_example(report, one) for one in highlights(report)],
        "model": manifest,
        "engine": engine,
        "version": version("ecg-edge"),
    }


def _names_of(report: DeviceReport, kinds: tuple[int, ...]) -> set[str]:
    return {episode.name for episode in report.episodes if episode.event.kind in kinds}


def _attention(figures: Figures) -> list[str]:
    """Sentences on what is most worth a look: events of high priority, then what limits the report."""
    found = [
        f"{kind['kind']}: {kind['episodes']:,} episode{'s' * (kind['episodes'] > 1)}, "
        f"the longest {duration_text(kind['longest_s'])}"
        for kind in figures["kinds"]
        if kind["priority"] == "high"
    ]
    if figures["fibrillation_s"]:
        found.append(f"atrial fibrillation suspected for {duration_text(figures['fibrillation_s'])}")
    found += figures["limits"]
    return found


def _trend_title(figures: Figures) -> str:
    kinds = ", ".join(f"{kind['kind']} {kind['episodes']}" for kind in figures["kinds"]) or "no episodes"
    mean = figures["mean_bpm"]
    rate = f"mean {mean:.0f} beats a minute" if mean else "no heart rate known"
    return f"Heart rate over the recording, {rate}; episodes: {kinds}"


def _hour(report: DeviceReport, hour: Hour) -> dict[str, Any]:
    """An hour with its name: the time of day where it is known."""
    started = report.own.started
    name = f"{hour['hour']}:00"
    if started is not None:
        name = f"{started + timedelta(hours=hour['hour']):%H:%M}"
    return {**hour, "name": name}


def _example(report: DeviceReport, one: Highlight) -> Example:
    place = clock_text(one.start_s, report.own.started)
    record, fs_hz = report.own.record, report.fs_hz
    first, last = round(one.start_s * fs_hz), round((one.start_s + one.seconds) * fs_hz)
    low, high = np.searchsorted(report.beats["r_sample"], [first, last])
    peaks = report.beats["r_sample"][low:high].tolist()
    labels = report.symbols[low:high].tolist()
    title = f"{one.title}. Strip of {one.seconds:.0f} s from {place}; beats {' '.join(labels) or 'none'}"
    strip = PaperStrip(
        *(record.samples, fs_hz, record.adu_per_mv, one.start_s, one.seconds, title),
        above=[Letter(peak, _letter(label)) for peak, label in zip(peaks, labels, strict=True)],
        shades=[Shade(max(one.marked[0], first), min(one.marked[1], last))],
        above_name="",
    )
    return Example(one.title, f"From {place}. Rests on: {one.rests_on}.", paper_svg(strip))


def _letter(label: str) -> str:
    return label if label in BEAT_SYMBOLS else "?"
