"""A part of a session as CSV, and as a WFDB record in a ZIP archive."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from ecg_edge.host.live.items import INVALID, Gap, Item, Mark, place_of
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.recording.recorder import Recorder
from ecg_edge.host.recording.recording import split_at_gaps

LONGEST_S: Final = 3600.0
"""Longest part to export, in seconds."""

_BLOCK: Final = 20_000  # lines at once


def csv_blocks(session: LiveSession, start: int, end: int) -> Iterator[str]:
    """Make blocks of lines: time, voltage, and the beat's symbol where there is one."""
    origin = session.origin
    first, samples = session.samples(start, end)
    symbols = {beat.sample: beat.symbol for beat in session.beats(start, end)}
    yield f"# {origin.name}, {origin.device}, {origin.fs_hz} Hz\n"
    yield "sample,time_s,ecg_mv,beat\n"
    for block in range(0, len(samples), _BLOCK):
        lines = []
        for sample, value in enumerate(samples[block : block + _BLOCK].tolist(), start=first + block):
            voltage = "" if value == INVALID else f"{value / origin.adu_per_mv:.4f}"
            lines.append(f"{sample},{sample / origin.fs_hz:.4f},{voltage},{symbols.get(sample, '')}\n")
        yield "".join(lines)


def wfdb_archive(session: LiveSession, start: int, end: int) -> bytes:
    """Make a ZIP archive with the record "ecg" and its annotations."""
    start = max(start, session.first)  # what lies before is no longer kept
    with tempfile.TemporaryDirectory(prefix="ecg-edge-") as folder:
        path = Path(folder) / "ecg"
        started = session.started + timedelta(seconds=start / session.origin.fs_hz)
        with Recorder(path, session.origin, started=started, first=start) as recorder:
            recorder.take(_items(session, start, end))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, file.name)
        return buffer.getvalue()


def _items(session: LiveSession, start: int, end: int) -> list[Item]:
    """Samples, gaps between them, and the marks that lie there."""
    first, samples = session.samples(start, end)
    items: list[Item] = []
    at = first
    for wave in split_at_gaps(first, samples):
        if wave.start > at:
            items.append(Gap(at, wave.start, "no samples", exact=False))
        items.append(wave)
        at = wave.end
    if at < first + len(samples):
        items.append(Gap(at, first + len(samples), "no samples", exact=False))
    marks: list[Mark] = [*session.beats(start, end), *session.events()]
    return [*items, *(mark for mark in marks if start <= place_of(mark) < end and not isinstance(mark, Gap))]
