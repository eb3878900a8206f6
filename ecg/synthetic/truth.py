"""What is true of a synthetic record: beats with the bounds of their waves, P waves, and the rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ecg_edge.ecg.annotations import Annotations


class Beat(NamedTuple):
    """One beat, as the heart made it: in front of noise and filters.

    Attributes
    ----------
    sample : int
        R peak: the largest deflection of the QRS complex in the first lead.
    symbol : str
        WFDB symbol.
    qrs_on, qrs_off, t_on, t_peak, t_off : int
        Samples of the QRS complex's onset and end, and of the T wave's onset, peak and end.
    st_60_mv, st_80_mv : float
        First lead, 60 and 80 ms after the J point (the end of the QRS complex), in mV from the level at its
        onset.
    t_mv : float
        Height of the T wave in the first lead, in mV.
    """

    sample: int
    symbol: str
    qrs_on: int
    qrs_off: int
    t_on: int
    t_peak: int
    t_off: int
    st_60_mv: float
    st_80_mv: float
    t_mv: float


class PWave(NamedTuple):
    """Samples of a P wave's onset, centre and end."""

    on: int
    peak: int
    off: int


class RhythmChange(NamedTuple):
    """Sample of a change of rhythm, and the rhythm as WFDB names it."""

    sample: int
    rhythm: str


@dataclass
class Truth:
    """Truth of a record or of a segment of it; nothing lies outside of the signal.

    Attributes
    ----------
    beats : list of Beat
    p_waves : list of PWave
    changes : list of RhythmChange
    """

    beats: list[Beat] = field(default_factory=list)
    p_waves: list[PWave] = field(default_factory=list)
    changes: list[RhythmChange] = field(default_factory=list)

    def extend(self, other: Truth) -> None:
        """Append the truth of the next segment."""
        self.beats += other.beats
        self.p_waves += other.p_waves
        self.changes += other.changes

    def before(self, end: int) -> Truth:
        """Leave out what is not before sample `end`, and waves that end behind it."""
        return Truth(
            [beat for beat in self.beats if beat.sample < end],
            [wave for wave in self.p_waves if wave.off < end],
            [change for change in self.changes if change.sample < end],
        )

    def annotations(self) -> Annotations:
        """Beats and rhythms as in an `atr` file; "[" and "]" around ventricular flutter and fibrillation."""
        rows = [(beat.sample, beat.symbol, "") for beat in self.beats]
        inside = False
        for change in self.changes:
            without_beats = change.rhythm in ("(VFL", "(VFIB")
            if without_beats != inside:
                rows.append((change.sample, "[" if without_beats else "]", ""))
            inside = without_beats
            rows.append((change.sample, "+", change.rhythm))
        return _annotations(rows)

    def wave_annotations(self, length: int) -> Annotations:
        """Bounds and peaks of the waves as in ludb: "(", "p", "N" or "t", ")", before sample `length`."""
        marks: list[tuple[int, str, int, int]] = [(on, "p", peak, off) for on, peak, off in self.p_waves]
        for beat in self.beats:
            marks.append((beat.qrs_on, "N", beat.sample, beat.qrs_off))
            marks.append((beat.t_on, "t", beat.t_peak, beat.t_off))
        rows = []
        for on, symbol, peak, off in marks:
            if on >= 0 and off < length:
                rows += [(on, "(", ""), (peak, symbol, ""), (off, ")", "")]
        return _annotations(rows)


def _annotations(rows: Sequence[tuple[int, str, str]]) -> Annotations:
    ordered = sorted(rows, key=lambda row: row[0])
    return Annotations.of(
        [row[0] for row in ordered], [row[1] for row in ordered], aux=[row[2] for row in ordered]
    )
