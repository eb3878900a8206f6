"""Alarms in annotated ventricular rhythms and asystole: share of time, delay, and decisions by segment.

For databases with rhythm annotations, such as vfdb and mitdb. A rhythm annotation marks where a rhythm
begins; it lasts up to the next one. Two times of an alarm are kept apart: the time that it names (onset to
end), and the time in which it is in force (from telling its onset to telling its end).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.figures import share
from ecg_edge.ecg.records import Record
from ecg_edge.ecg.scoring.spans import Spans, as_spans, difference, intersection, total_s, union
from ecg_edge.host.evaluation.alarms import (
    ASYSTOLE_NOTES,
    FLUTTER_NOTES,
    MALIGNANT_NOTES,
    NOISE_NOTES,
    RUN,
    TECHNICAL,
    VENTRICULAR_FIBRILLATION,
    VENTRICULAR_TACHYCARDIA,
    VF_NOTES,
    VT_NOTES,
    Burden,
    Truth,
    burden_sum,
    burdens_of,
)
from ecg_edge.host.evaluation.stream import Alarm, Report

VENTRICULAR: Final = (VENTRICULAR_FIBRILLATION, VENTRICULAR_TACHYCARDIA, RUN)
ANY: Final = (*VENTRICULAR, "tachycardia", "asystole")
SHOCKABLE: Final = (VENTRICULAR_FIBRILLATION, VENTRICULAR_TACHYCARDIA)

RAPID_BPM: Final = 120
"""Lowest rate of a rapid ventricular tachycardia."""
RHYTHMS: Final = {
    "VF": VF_NOTES,
    "ventricular flutter": FLUTTER_NOTES,
    "VT": VT_NOTES,
    f"VT of {RAPID_BPM}/min and more": VT_NOTES,
    "asystole": ASYSTOLE_NOTES,
}
_RAPID_VT: Final = f"VT of {RAPID_BPM}/min and more"

LONG_S: Final = 5.0  # shortest episode whose delay is measured
ASYSTOLE_S: Final = 4.0  # shortest asystole that must be told
ASYSTOLE_DELAY_S: Final = 5.0
GAP_S: Final = 10.0  # time without an alarm that counts as one too long
SEGMENT_S: Final = 10.0
COARSE_MV: Final = 0.2  # peak to peak, of a fibrillation that must be found

# Goals: Kerber RE et al. Automatic external defibrillators for public access defibrillation:
# recommendations for specifying and reporting arrhythmia analysis algorithm performance. Circulation
# 95:1677-1682, 1997.
# Name, goal in per cent, and whether the rhythm is to be called shockable.
SEGMENT_CLASSES: Final[dict[str, tuple[int | None, bool]]] = {
    "coarse VF, flutter": (90, True),
    "rapid VT": (75, True),
    "normal rhythm": (99, False),
    "other rhythms": (95, False),
    "asystole": (95, False),
    "fine VF, under 0.2 mV": (None, True),
    "slower VT": (None, True),
}
_NORMAL_NOTES: Final = ("(N", "(NSR")


@dataclass
class RhythmTime:
    """Time of one annotated rhythm in seconds, and the parts of it that are named by alarms."""

    annotated_s: float = 0.0
    any_s: float = 0.0
    ventricular_s: float = 0.0
    bad_signal_s: float = 0.0
    beats: int = 0

    def add(self, other: RhythmTime) -> None:
        """Add the time of another record."""
        for name in ("annotated_s", "any_s", "ventricular_s", "bad_signal_s", "beats"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class VentricularScores:
    """Counts of one record, or of several.

    Attributes
    ----------
    time : dict of str to RhythmTime
        By the names of `RHYTHMS`.
    delays_s, ventricular_delays_s : list of float
        Delay of the first alarm in each ventricular episode of `LONG_S` and more; inf where none came. Of any
        alarm, and of ventricular ones.
    longest_gap_s : float
        Longest time in ventricular rhythms without any alarm in force.
    gaps : int
        Number of such times of `GAP_S` and more.
    asystoles, asystoles_told, asystoles_told_or_bad : int
        Asystoles of `ASYSTOLE_S` and more; told within `ASYSTOLE_DELAY_S` of their onset; told, or the signal
        was called bad by then.
    segments, called_shockable : dict of str to int
        Segments of `SEGMENT_S` by the names of `SEGMENT_CLASSES`; those with a shockable alarm in force at
        their end.
    burden, noise_burden : Burden
        Alarms in all other rhythms, and in what is annotated as noise.
    """

    time: dict[str, RhythmTime] = field(default_factory=lambda: {name: RhythmTime() for name in RHYTHMS})
    delays_s: list[float] = field(default_factory=list)
    ventricular_delays_s: list[float] = field(default_factory=list)
    longest_gap_s: float = 0.0
    gaps: int = 0
    asystoles: int = 0
    asystoles_told: int = 0
    asystoles_told_or_bad: int = 0
    segments: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SEGMENT_CLASSES, 0))
    called_shockable: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SEGMENT_CLASSES, 0))
    burden: Burden = field(default_factory=lambda: Burden(0.0, {}, {}))
    noise_burden: Burden = field(default_factory=lambda: Burden(0.0, {}, {}))

    def add(self, other: VentricularScores) -> None:
        """Add the counts of another record."""
        for name, time in other.time.items():
            self.time[name].add(time)
        for name in SEGMENT_CLASSES:
            self.segments[name] += other.segments[name]
            self.called_shockable[name] += other.called_shockable[name]
        for name in ("delays_s", "ventricular_delays_s", "gaps", "asystoles", "asystoles_told"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.asystoles_told_or_bad += other.asystoles_told_or_bad
        self.longest_gap_s = max(self.longest_gap_s, other.longest_gap_s)
        self.burden, self.noise_burden = self.burden + other.burden, self.noise_burden + other.noise_burden


def score_ventricular(report: Report, record: Record, truth: Truth) -> VentricularScores:
    """Score the alarms of one record.

    Parameters
    ----------
    report : Report
        The device's report.
    record : Record
        The signal that it is about.
    truth : Truth
        The record's annotations.
    """
    scores, alarms = VentricularScores(), report.alarms()
    rapid = _rapid_spans(record, truth.time_of(VT_NOTES))
    spans = {name: truth.time_of(notes) for name, notes in RHYTHMS.items()} | {_RAPID_VT: rapid}
    for name, one in spans.items():
        scores.time[name] = _time(one, report, alarms)
    _score_delays(scores, alarms, truth)
    _score_gaps(scores, alarms, [spans["VF"], spans["ventricular flutter"], rapid])
    _score_asystole(scores, alarms, report, truth)
    _score_segments(scores, alarms, record, truth, rapid)
    scores.burden, scores.noise_burden = burdens_of(alarms, truth, truth.duration_s)
    return scores


# ---- parts ------------------------------------------------------------------------------------------


def _named(alarms: Iterable[Alarm], kinds: Sequence[str]) -> Spans:
    return as_spans((alarm.onset_s, alarm.end_s) for alarm in alarms if alarm.name in kinds)


def _in_force(alarms: Iterable[Alarm], kinds: Sequence[str]) -> Spans:
    return as_spans((alarm.told_s, alarm.over_s) for alarm in alarms if alarm.name in kinds)


def _bad_spans(report: Report) -> Spans:
    return as_spans((report.heard.processed.bad_spans / report.heard.fs_hz).tolist())


def _time(spans: Spans, report: Report, alarms: Sequence[Alarm]) -> RhythmTime:
    times = report.beat_times_s
    return RhythmTime(
        annotated_s=total_s(spans),
        any_s=total_s(intersection(spans, _named(alarms, ANY))),
        ventricular_s=total_s(intersection(spans, _named(alarms, VENTRICULAR))),
        bad_signal_s=total_s(intersection(spans, _bad_spans(report))),
        beats=sum(int(((times >= onset) & (times < end)).sum()) for onset, end in spans.tolist()),
    )


def _score_delays(scores: VentricularScores, alarms: Sequence[Alarm], truth: Truth) -> None:
    episodes = union(truth.time_of(MALIGNANT_NOTES))
    for onset, end in episodes[episodes[:, 1] - episodes[:, 0] >= LONG_S].tolist():
        for kinds, delays in ((ANY, scores.delays_s), (VENTRICULAR, scores.ventricular_delays_s)):
            force = _in_force(alarms, kinds)
            here = force[(force[:, 0] < end) & (force[:, 1] > onset)]
            delays.append(max(float(here[:, 0].min()) - onset, 0.0) if len(here) else math.inf)


def _score_gaps(scores: VentricularScores, alarms: Sequence[Alarm], spans: Sequence[Spans]) -> None:
    rhythm = union(np.concatenate(spans))
    gaps = difference(rhythm, _in_force(alarms, ANY))
    lengths = gaps[:, 1] - gaps[:, 0]
    scores.longest_gap_s = float(lengths.max(initial=0.0))
    scores.gaps = int((lengths >= GAP_S).sum())


def _score_asystole(scores: VentricularScores, alarms: Sequence[Alarm], report: Report, truth: Truth) -> None:
    told = _in_force(alarms, ("asystole",))
    technical = np.concatenate([_bad_spans(report), _named(alarms, TECHNICAL)])
    for onset, end in truth.time_of(ASYSTOLE_NOTES).tolist():
        if end - onset < ASYSTOLE_S:
            continue
        due = onset + ASYSTOLE_DELAY_S
        is_told = bool(((told[:, 0] <= due) & (told[:, 1] > onset)).any())
        is_bad = bool(((technical[:, 0] <= due) & (technical[:, 1] > onset)).any())
        scores.asystoles += 1
        scores.asystoles_told += is_told
        scores.asystoles_told_or_bad += is_told or is_bad


def _score_segments(
    scores: VentricularScores, alarms: Sequence[Alarm], record: Record, truth: Truth, rapid: Spans
) -> None:
    force = _in_force(alarms, SHOCKABLE)
    for note, spans in truth.spans.items():
        for onset, end in spans.tolist():
            for start in np.arange(onset, end - SEGMENT_S + 1e-6, SEGMENT_S).tolist():
                stop = start + SEGMENT_S
                name = _segment_class(note, record, (start, stop), rapid)
                if name is not None:
                    scores.segments[name] += 1
                    scores.called_shockable[name] += bool(
                        ((force[:, 0] <= stop) & (force[:, 1] > stop)).any()
                    )


def _segment_class(note: str, record: Record, time: tuple[float, float], rapid: Spans) -> str | None:
    if note in (*VF_NOTES, *FLUTTER_NOTES):
        return "coarse VF, flutter" if _height_mv(record, *time) >= COARSE_MV else "fine VF, under 0.2 mV"
    if note in VT_NOTES:
        return "rapid VT" if total_s(intersection(as_spans([time]), rapid)) else "slower VT"
    if note in ASYSTOLE_NOTES:
        return "asystole"
    if note in NOISE_NOTES:
        return None
    return "normal rhythm" if note in _NORMAL_NOTES else "other rhythms"


# ---- the signal itself ------------------------------------------------------------------------------

_RATE_WINDOW_S: Final = 6.0
_RATE_BAND_HZ: Final = (1.0, 20.0)
_LAGS_S: Final = (0.18, 1.6)  # 333 to 37 a minute
_NEAR_LARGEST: Final = 0.9
_HEIGHT_WINDOW_S: Final = 2.0


def _rapid_spans(record: Record, spans: Spans) -> Spans:
    """Select the spans whose signal repeats at `RAPID_BPM` and more."""
    return as_spans((a, b) for a, b in spans.tolist() if _median_rate_bpm(record, a, b) >= RAPID_BPM)


def _median_rate_bpm(record: Record, onset_s: float, end_s: float) -> float:
    starts = np.arange(onset_s, max(end_s - _RATE_WINDOW_S / 2, onset_s + 1e-6), _RATE_WINDOW_S).tolist()
    rates = [
        rate_bpm(_cut(record, start, min(start + _RATE_WINDOW_S, end_s)), record.fs_hz) for start in starts
    ]
    known = [rate for rate in rates if not math.isnan(rate)]
    return float(np.median(known)) if known else math.nan


def rate_bpm(signal: npt.NDArray[np.float64], fs_hz: int) -> float:
    """Measure how often a signal repeats, by its autocorrelation; nan when it does not.

    Independent of the detector under test. The shortest lag counts whose peak is nearly the largest.

    Parameters
    ----------
    signal : ndarray of float64, shape (n,)
        A few seconds.
    fs_hz : int
        Its rate in Hz.
    """
    from scipy.signal import butter, sosfiltfilt  # takes a second

    if len(signal) < fs_hz:
        return math.nan
    sos = butter(2, _RATE_BAND_HZ, "band", fs=fs_hz, output="sos")
    filtered = sosfiltfilt(sos, signal - signal.mean())
    count = len(filtered)
    similarity = np.correlate(filtered, filtered, "full")[count - 1 :] / np.arange(count, 0, -1)
    low, high = int(_LAGS_S[0] * fs_hz), int(min(_LAGS_S[1] * fs_hz, 0.6 * count))
    middle = similarity[low:high]
    peaks = low + 1 + np.flatnonzero((middle[1:-1] >= middle[:-2]) & (middle[1:-1] > middle[2:]))
    peaks = peaks[similarity[peaks] > 0]
    if not len(peaks):
        return math.nan
    first = peaks[similarity[peaks] >= _NEAR_LARGEST * similarity[peaks].max()][0]
    return 60.0 * fs_hz / float(first)


def _cut(record: Record, start_s: float, stop_s: float) -> npt.NDArray[np.float64]:
    first, last = round(start_s * record.fs_hz), round(stop_s * record.fs_hz)
    return record.samples[first:last].astype(np.float64)


def _height_mv(record: Record, start_s: float, stop_s: float) -> float:
    """Measure the height of a signal, peak to peak in mV: the median over two seconds each."""
    signal = _cut(record, start_s, stop_s)
    size = round(_HEIGHT_WINDOW_S * record.fs_hz)
    parts = [signal[k : k + size] for k in range(0, len(signal) - size + 1, size)]
    return float(np.median([np.ptp(part) for part in parts])) / record.adu_per_mv if parts else 0.0


# ---- figures ----------------------------------------------------------------------------------------


def ventricular_figures(found: Sequence[VentricularScores]) -> dict[str, Any]:
    """Compute the figures of several records together: shares as fractions, times in seconds."""
    total = VentricularScores()
    for scores in found:
        total.add(scores)
    return {
        "time": {name: _time_figures(time) for name, time in total.time.items()},
        "first_alarm": _delay_figures(total.delays_s),
        "first_ventricular_alarm": _delay_figures(total.ventricular_delays_s),
        "longest_gap_s": total.longest_gap_s,
        "gaps_of_10_s": total.gaps,
        "asystole": {
            "episodes": total.asystoles,
            "told": share(total.asystoles_told, total.asystoles),
            "told_or_bad_signal": share(total.asystoles_told_or_bad, total.asystoles),
        },
        "segments": {name: _segment_figures(total, name) for name in SEGMENT_CLASSES},
        "burden": burden_sum([total.burden]),
        "noise_burden": burden_sum([total.noise_burden]),
    }


def _time_figures(time: RhythmTime) -> dict[str, float | None]:
    return {
        "annotated_s": time.annotated_s,
        "any_alarm": share(time.any_s, time.annotated_s),
        "ventricular_alarm": share(time.ventricular_s, time.annotated_s),
        "bad_signal": share(time.bad_signal_s, time.annotated_s),
        "beats_per_min": share(60 * time.beats, time.annotated_s),
    }


def _delay_figures(delays_s: Sequence[float]) -> dict[str, float | int | None]:
    """Median and 95th percentile; None where they lie among the episodes without an alarm."""
    ordered = sorted(delays_s)
    return {
        "episodes": len(ordered),
        "without": sum(math.isinf(delay) for delay in ordered),
        "median_s": _quantile(ordered, 0.5),
        "p95_s": _quantile(ordered, 0.95),
    }


def _quantile(ordered: Sequence[float], part: float) -> float | None:
    """Return the smallest value that at least `part` of all values do not exceed."""
    if not ordered:
        return None
    value = ordered[max(math.ceil(part * len(ordered)) - 1, 0)]
    return None if math.isinf(value) else value


def _segment_figures(scores: VentricularScores, name: str) -> dict[str, float | int | None]:
    goal, shockable = SEGMENT_CLASSES[name]
    count, called = scores.segments[name], scores.called_shockable[name]
    return {
        "segments": count,
        "right": share(called if shockable else count - called, count),
        "goal_percent": goal,
    }
