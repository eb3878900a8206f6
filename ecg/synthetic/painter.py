"""Draws P waves and beats into a signal, and notes where their parts are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.synthetic.patients import VENTRICULAR, Patient, Shape
from ecg_edge.ecg.synthetic.rhythms import Event
from ecg_edge.ecg.synthetic.st_changes import SMALLEST_T_MV, USUAL_ST_MV, Change, st_course
from ecg_edge.ecg.synthetic.truth import Beat, PWave
from ecg_edge.ecg.synthetic.waves import EDGE, Waves, heights

Floats = npt.NDArray[np.float64]

# Variation from beat to beat: relative standard deviations (own choice).
_WITH_BREATH: Final = 0.06
_OF_QRS: Final = 0.015
_OF_T: Final = 0.05
_OF_P: Final = 0.12

_QT_MEMORY: Final = 0.15  # weight of the last RR interval in that which QT follows (own choice)
_QT_RR_S: Final = (0.35, 1.6)  # RR intervals that QT follows
_QT_POWER: Final = 1 / 3  # QT grows with the cube root of RR: Fridericia


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A shape in the leads of the record.

    Attributes
    ----------
    shape : Shape
    qrs_mv, t_mv : ndarray of float64, shape (leads, waves)
        Heights of the waves in mV.
    st_mv : ndarray of float64, shape (leads,)
        ST segment at J + 60 ms in mV; per mV of the first lead where the record has a given deviation.
    changed : bool
        True where the record's ST deviation holds.
    """

    shape: Shape
    qrs_mv: Floats
    t_mv: Floats
    st_mv: Floats
    changed: bool


class Painter:
    """A patient's beats in the leads of a record.

    Parameters
    ----------
    patient : Patient
    factors : ndarray of float64, shape (leads, 3)
        Leads from the dipole.
    change : Change
        Of ST segment and T wave, of conducted beats.
    fs_hz : int
        Sampling rate in Hz.
    random : Generator
        Of the variation from beat to beat.
    """

    def __init__(
        self, patient: Patient, factors: Floats, change: Change, fs_hz: int, random: np.random.Generator
    ) -> None:
        self._patient, self._change, self._fs_hz, self._random = patient, change, fs_hz, random
        stretch = patient.rr_s**_QT_POWER
        self._shapes = {
            kind: _prepare(kind, shape, factors, change, stretch) for kind, shape in patient.shapes.items()
        }
        self._p_mv = {kind: factors @ waves.vectors_mv.T for kind, waves in patient.p_waves.items()}
        self._last_s, self._followed_rr_s = 0.0, patient.rr_s

    def qrs_height_mv(self, kind: str) -> float:
        """Height of a kind's QRS complex in the first lead from peak to peak, in mV."""
        prepared = self._shapes[kind]
        t_s = np.arange(prepared.shape.qrs.onset_s, prepared.shape.qrs.end_s, 0.001)
        return float(np.ptp(prepared.qrs_mv[0] @ heights(prepared.shape.qrs, t_s)))

    def p_wave(self, event: Event, canvas: Floats, start: int) -> PWave:
        """Draw a P wave into `canvas`, shape (leads, n) in mV, whose first sample is sample `start`."""
        waves = self._patient.p_waves[event.kind]
        gain = 1 + self._random.normal(0, _OF_P)
        t_s, first = self._times(event.time_s, waves.reach_s)
        _add(canvas, gain * (self._p_mv[event.kind] @ heights(waves, t_s)), first - start)
        return PWave(*(round((event.time_s + at) * self._fs_hz) for at in (waves.onset_s, 0.0, waves.end_s)))

    def beat(self, event: Event, canvas: Floats, start: int) -> Beat:
        """Draw QRS complex, ST segment and T wave; parameters as in `p_wave`."""
        prepared, times = self._shapes[event.kind], self._beat_times(event)
        of_qrs, of_t = self._gains(event.time_s)
        t_s, first = self._times(event.time_s, prepared.shape.qrs.reach_s)
        qrs_mv, qrs_at = _split(of_qrs * prepared.qrs_mv @ heights(prepared.shape.qrs, times.joined(t_s)))
        _add(canvas, qrs_mv, first - start)
        r_peak = first + int(np.abs(qrs_mv[0]).argmax())

        t_s, first = self._times(event.time_s, times.repolarization_s)
        t_s = times.joined(t_s)
        rest_mv = of_t * prepared.t_mv @ heights(prepared.shape.t, t_s - times.on_s, times.stretch)
        levels_mv = qrs_at[0] + rest_mv[0, -_POINTS:]
        course = times.st_course(t_s, self._change if prepared.changed else _NO_CHANGE)
        st_mv = self._st_mv(prepared, of_t, levels_mv, course[-_POINTS:])
        rest_mv += st_mv[:, None] * course
        levels_mv += st_mv[0] * course[-_POINTS:]
        _add(canvas, rest_mv[:, :-_POINTS], first - start)
        return self._noted(event, times, r_peak, levels_mv)

    def _beat_times(self, event: Event) -> _BeatTimes:
        """Times of a beat's parts; QT follows the RR intervals before."""
        r_s = event.time_s
        rr_s = min(max(r_s - self._last_s, _QT_RR_S[0]), _QT_RR_S[1]) if self._last_s else self._patient.rr_s
        self._last_s = r_s
        self._followed_rr_s += _QT_MEMORY * (rr_s - self._followed_rr_s)
        return _BeatTimes(self._shapes[event.kind].shape, float(self._followed_rr_s**_QT_POWER))

    def _gains(self, r_s: float) -> tuple[float, float]:
        """Factors of QRS complex and T wave: breathing, and variation from beat to beat."""
        breath, (of_qrs, of_t) = self._patient.breathing.at(r_s), self._random.normal(0, 1, 2).tolist()
        with_breath = _WITH_BREATH * breath
        return 1 + with_breath + _OF_QRS * of_qrs, 1 + 0.5 * with_breath + _OF_T * of_t

    def _st_mv(self, prepared: _Prepared, gain: float, levels_mv: Floats, course: Floats) -> Floats:
        """ST segment in the leads: the shape's own, or what the waves leave of the record's deviation."""
        if not prepared.changed or self._change.st_mv is None:
            return prepared.st_mv * gain
        at = _AT[self._change.point_ms]
        wanted, found = self._change.st_mv * gain, levels_mv[at] - levels_mv[0]
        missing: Floats = prepared.st_mv * ((wanted - found) / (course[at] - course[0]))
        return missing

    def _times(self, at_s: float, edges_s: tuple[float, float]) -> tuple[Floats, int]:
        """Times from `at_s` of the samples between two edges, and the first sample's number."""
        first, last = (round((at_s + edge) * self._fs_hz) for edge in edges_s)
        return np.arange(first, last + 1) / self._fs_hz - at_s, first

    def _noted(self, event: Event, times: _BeatTimes, r_peak: int, levels_mv: Floats) -> Beat:
        edges = (times.on_s, times.j_s, times.t_on_s, times.t_peak_s, times.t_off_s)
        samples = [round((event.time_s + at) * self._fs_hz) for at in edges]
        return Beat(r_peak, event.symbol, *samples, *(levels_mv[1:] - levels_mv[0]).tolist())


# Points of a beat at which its level is noted, behind the samples that are drawn: QRS onset, 60 and 80 ms
# after the J point, T wave's peak.
_POINTS: Final = 4
_AT: Final = {60: 1, 80: 2}
_NO_CHANGE: Final = Change()


def _split(values: Floats) -> tuple[Floats, Floats]:
    """Part what is drawn from what is noted, along the last axis."""
    return values[:, :-_POINTS], values[:, -_POINTS:]


class _BeatTimes:
    """Times of a beat's parts in s from the R wave's centre.

    Parameters
    ----------
    shape : Shape
    stretch : float
        Factor on the times of the T wave.
    """

    def __init__(self, shape: Shape, stretch: float) -> None:
        t_wave = shape.t
        self.stretch = stretch
        self.on_s, self.j_s = shape.qrs.onset_s, shape.qrs.end_s
        self.t_peak_s = self.on_s + stretch * float(t_wave.centres_s[0])
        self.t_on_s = self.t_peak_s - stretch * EDGE * float(t_wave.before_s[0])
        self.t_off_s = self.t_peak_s + stretch * EDGE * float(t_wave.after_s[0])
        st_end_s = self.j_s + 1.8 * (self.t_peak_s - self.j_s)
        self.repolarization_s = self.on_s, max(self.on_s + stretch * t_wave.reach_s[1], st_end_s)

    def joined(self, t_s: Floats) -> Floats:
        """Append the points at which levels are noted."""
        return np.concatenate((t_s, (self.on_s, self.j_s + 0.060, self.j_s + 0.080, self.t_peak_s)))

    def st_course(self, t_s: Floats, change: Change) -> Floats:
        """Course of the ST segment at times that `joined` has made: 1 where the deviation is measured."""
        course = st_course(t_s - self.j_s, change.shape, self.t_peak_s - self.j_s)
        scaled: Floats = course / course[_AT[change.point_ms] - _POINTS]
        return scaled


def _prepare(kind: str, shape: Shape, factors: Floats, change: Change, stretch: float) -> _Prepared:
    """Project a shape on the leads, and change its T wave and ST segment.

    Narrow beats without a given ST deviation or T wave get usual ones in the first lead.
    """
    first = factors[0]
    conducted = kind not in VENTRICULAR
    if conducted and change.t_mv is not None:
        shape = replace(shape, t=_with_t_height(shape.t, first, change.t_mv))
    elif kind == "N":
        shape = replace(shape, t=_usual_t(shape, first))
    given = conducted and change.st_mv is not None
    along = factors @ first / (first @ first)
    prepared = _Prepared(
        shape=shape,
        qrs_mv=factors @ shape.qrs.vectors_mv.T,
        t_mv=factors @ shape.t.vectors_mv.T,
        st_mv=along if given else factors @ shape.st_mv,
        changed=given,
    )
    return prepared if given or kind != "N" else _with_usual_st(prepared, along, stretch)


def _with_usual_st(prepared: _Prepared, along: Floats, stretch: float) -> _Prepared:
    """Keep the first lead's level at J + 60 ms within the limits of a record without ST deviation."""
    times = _BeatTimes(prepared.shape, stretch)
    points = times.joined(np.zeros(0))
    levels_mv = prepared.qrs_mv[0] @ heights(prepared.shape.qrs, points)
    levels_mv += prepared.t_mv[0] @ heights(prepared.shape.t, points - times.on_s, stretch)
    levels_mv += prepared.st_mv[0] * times.st_course(points, _NO_CHANGE)
    level = levels_mv[_AT[60]] - levels_mv[0]
    return replace(prepared, st_mv=prepared.st_mv + along * (np.clip(level, *USUAL_ST_MV) - level))


def _usual_t(shape: Shape, first: Floats) -> Waves:
    """Keep the T wave upright where the R wave is, and above the smallest height."""
    sign = float(np.copysign(1.0, first @ shape.qrs.vectors_mv[0]))
    if sign * _t_height(shape.t, first) >= SMALLEST_T_MV:
        return shape.t
    return _with_t_height(shape.t, first, sign * SMALLEST_T_MV)


def _t_height(t_waves: Waves, first: Floats) -> float:
    return float(first @ t_waves.vectors_mv.T @ heights(t_waves, t_waves.centres_s[:1])[:, 0])


def _with_t_height(t_waves: Waves, first: Floats, height_mv: float) -> Waves:
    """Give the T wave a height in the first lead; what is at right angles to that lead stays."""
    vectors = t_waves.vectors_mv.copy()
    vectors[0] += first / (first @ first) * (height_mv - _t_height(t_waves, first))
    return replace(t_waves, vectors_mv=vectors)


def _add(canvas: Floats, drawn: Floats, first: int) -> None:
    """Add to the canvas from sample `first` on; what lies before it is lost."""
    begin = max(0, -first)
    canvas[:, first + begin : first + drawn.shape[1]] += drawn[:, begin:]
