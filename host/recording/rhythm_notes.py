"""Rhythm, signal quality, electrodes and gaps of a recording, as WFDB annotations.

Rhythm events are notes with text at their onset, and rhythm changes ("+") where WFDB has a name for them;
"(N" then stands for no reported rhythm. A note of the morphology network stands where its label changes,
at the end of the strip. Bad signal is "~" with subtype 1. An electrode that is off, or a gap,
is "~" with subtype 17 (the signal cannot be read), and good again is "~" with subtype 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.figures import counted
from ecg_edge.firmware import (
    FLAG_BASELINE_JUMP,
    FLAG_FLAT,
    FLAG_LEADS_OFF,
    FLAG_MAINS_HUM,
    FLAG_MOTION,
    FLAG_MUSCLE_NOISE,
    FLAG_SATURATED,
)
from ecg_edge.firmware.binding.rhythm import END, HEART_RATE, kind_name
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import LONGEST_GAP_S, Gap, LeadChange, Mark, QualityChange, StripMark

RHYTHM_OF_KIND: Final = {
    "V run": "(VT",
    "ventricular tachycardia": "(VT",
    "ventricular fibrillation or flutter suspected": "(VFL",
    "S run": "(SVTA",
    "bigeminy": "(B",
    "trigeminy": "(T",
    "atrial fibrillation suspected": "(AFIB",
    "irregularly irregular": "(AFIB",
}
NO_RHYTHM: Final = "(N"
BAD: Final = 0x01
UNREADABLE: Final = 0x11

_REASONS: Final = {
    FLAG_LEADS_OFF: "electrode off",
    FLAG_SATURATED: "saturated",
    FLAG_FLAT: "flat",
    FLAG_MAINS_HUM: "mains hum",
    FLAG_BASELINE_JUMP: "baseline jump",
    FLAG_MOTION: "motion",
    FLAG_MUSCLE_NOISE: "muscle noise",
}

Row = tuple[int, str, int, str]  # sample, symbol, subtype, text


def reasons_text(reasons: int) -> str:
    """Name the reasons of bad signal, e.g. "motion, muscle noise"."""
    return ", ".join(text for flag, text in _REASONS.items() if reasons & flag) or "noise"


@dataclass
class RhythmNotes:
    """Notes of one record, from its marks.

    Parameters
    ----------
    fs_hz : int
        Rate of the samples.
    """

    fs_hz: int
    _rows: list[Row] = field(default_factory=list)
    _episodes: dict[tuple[int, int], RhythmEvent] = field(default_factory=dict)
    _last_strip: str = ""

    def take(self, mark: Mark) -> bool:
        """Take a mark; True when it changes the notes."""
        if isinstance(mark, RhythmEvent) and mark.kind != HEART_RATE:
            self._episodes[mark.kind, mark.onset] = mark
        elif isinstance(mark, StripMark):
            return self._take_strip(mark)
        elif isinstance(mark, QualityChange):
            text = f"bad signal: {reasons_text(mark.reasons)}" if mark.bad else "good signal"
            self._rows.append((mark.sample, "~", BAD if mark.bad else 0, text))
        elif isinstance(mark, LeadChange):
            text = "electrode off" if mark.flags else "electrodes on"
            self._rows.append((mark.sample, "~", UNREADABLE if mark.flags else 0, text))
        elif isinstance(mark, Gap):
            self._rows += self._gap_rows(mark)
        else:
            return False
        return True

    def _take_strip(self, mark: StripMark) -> bool:
        changed = mark.label != self._last_strip
        if changed:
            self._rows.append((max(mark.sample, 1), '"', 0, f"morphology: {mark.label}"))
        self._last_strip = mark.label
        return changed

    def _gap_rows(self, gap: Gap) -> list[Row]:
        seconds = (gap.end - gap.start) / self.fs_hz
        how = "" if gap.exact else ", by the computer's clock"
        text = f"gap of {seconds:.3f} s{how}: {gap.reason}"
        end = (
            [] if seconds > LONGEST_GAP_S else [(gap.end, "~", 0, "end of the gap")]
        )  # else in the next record
        return [(gap.start, "~", UNREADABLE, text), *end]

    def annotations(self) -> Annotations:
        """Return all notes in the order of time."""
        events = sorted(self._episodes.values(), key=lambda event: event.onset)
        # Not at 0: the wfdb package takes notes there for a description of the file, and drops them.
        notes = [(max(event.onset, 1), '"', 0, event_text(event, self.fs_hz)) for event in events]
        rows = sorted([*self._rows, *notes, *_rhythm_rows(events)], key=lambda row: row[0])
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        return Annotations.of(columns[0], columns[1], columns[2], columns[3])


def _rhythm_rows(events: Iterable[RhythmEvent]) -> list[Row]:
    """Rhythm changes; where episodes overlap, the one that began last has the name."""
    changes: list[tuple[int, int, str]] = []
    for event in events:
        name = RHYTHM_OF_KIND.get(kind_name(event.kind))
        if name and not (event.phase == END and event.end <= event.onset):
            changes.append((event.onset, 1, name))
            if event.phase == END:
                changes.append((event.end, -1, name))
    active: list[str] = []
    rows: list[Row] = []
    for sample, step, name in sorted(changes):
        if step > 0:
            active.append(name)
        else:
            active.remove(name)
        rows.append((sample, "+", 0, active[-1] if active else NO_RHYTHM))
    return rows


def event_text(event: RhythmEvent, fs_hz: int) -> str:
    """Describe a rhythm event in one line, e.g. "V run: 1.8 s, 5 beats, 140/min"."""
    seconds = (event.end - event.onset) / fs_hz
    evidence = [f"{seconds:.1f} s" if event.phase == END else f"{seconds:.1f} s so far"]
    evidence += [counted(event.beats, "beat")] if event.beats else []
    evidence += [f"{event.rate_x10 / 10:.0f}/min"] if event.rate_x10 else []
    return f"{kind_name(event.kind)}: {', '.join(evidence)}"
