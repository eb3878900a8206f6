"""Draws P waves and beats into a signal, and notes where their parts are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.synthetic.patients import VENTRICULAR, Patient, Shape
from ecg_edge.ecg.synthetic.rhythms import Event
from ecg_edge.ecg.synthetic.st_changes import SMALLEST_T_MV, USUAL_ST_MV, Change, st_course
from ecg_edge.ecg.synthetic.truth import Beat, PWave
from ecg_edge.ecg.synthetic.waves import EDGE, Waves, heights

Floats = npt.NDArray[np.float64]

_REACH: Final = 4.0  # standard deviations from its peak at which a wave is cut: 0.03 % of the height

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
        _, drawn, first = self._heights(waves, event.time_s)
        _add(canvas, gain * (self._p_mv[event.kind] @ drawn), first - start)
        return PWave(*(round((event.time_s + at) * self._fs_hz) for at in (waves.onset_s, 0.0, waves.end_s)))

    def beat(self, event: Event, canvas: Floats, start: int) -> Beat:
        """Draw QRS complex, ST segment and T wave; parameters as in `p_wave`."""
        prepared, stretch = self._shapes[event.kind], self._qt_factor(event.time_s)
        breath, (of_qrs, of_t) = self._patient.breathing.at(event.time_s), self._random.normal(0, 1, 2)
        qrs_mv = prepared.qrs_mv * (1 + _WITH_BREATH * breath + _OF_QRS * of_qrs)
        t_mv = prepared.t_mv * (1 + 0.5 * _WITH_BREATH * breath + _OF_T * of_t)
        beat = _Beat(prepared.shape, qrs_mv, t_mv, stretch, self._change)
        st_mv = self._st_mv(prepared, beat, 1 + _OF_T * of_t)
        shape = self._change.shape if prepared.changed else "horizontal"

        _, drawn, first = self._heights(prepared.shape.qrs, event.time_s)
        complex_mv = qrs_mv @ drawn
        _add(canvas, complex_mv, first - start)
        r_peak = first + int(np.abs(complex_mv[0]).argmax())
        t_s, first = self._times(event.time_s, beat.on_s, beat.end_s)
        rest_mv = t_mv @ heights(prepared.shape.t, t_s - beat.on_s, stretch)
        rest_mv += st_mv[:, None] * st_course(t_s - beat.j_s, shape, beat.t_peak_s - beat.j_s, beat.point_s)
        _add(canvas, rest_mv, first - start)
        return self._noted(event, beat, r_peak, beat.levels_mv(st_mv[0], shape))

    def _qt_factor(self, r_s: float) -> float:
        rr_s = float(np.clip(r_s - self._last_s, *_QT_RR_S)) if self._last_s else self._patient.rr_s
        self._last_s = r_s
        self._followed_rr_s += _QT_MEMORY * (rr_s - self._followed_rr_s)
        return float(self._followed_rr_s**_QT_POWER)

    def _st_mv(self, prepared: _Prepared, beat: _Beat, gain: float) -> Floats:
        """Dipole of the ST segment in the leads: what the waves leave of the record's deviation."""
        if not prepared.changed or self._change.st_mv is None:
            return prepared.st_mv * gain
        without = beat.levels_mv(0.0, self._change.shape)
        missing: Floats = prepared.st_mv * (self._change.st_mv * gain - without[self._change.point_ms])
        return missing

    def _heights(self, waves: Waves, at_s: float) -> tuple[Floats, Floats, int]:
        """Times from the event, heights of the waves there, and the first sample."""
        begin_s = float((waves.centres_s - _REACH * waves.before_s).min())
        end_s = float((waves.centres_s + _REACH * waves.after_s).max())
        t_s, first = self._times(at_s, begin_s, end_s)
        return t_s, heights(waves, t_s), first

    def _times(self, at_s: float, begin_s: float, end_s: float) -> tuple[Floats, int]:
        """Times from `at_s` of the samples between two edges, and the first sample's number."""
        first, last = (round((at_s + edge) * self._fs_hz) for edge in (begin_s, end_s))
        return np.arange(first, last + 1) / self._fs_hz - at_s, first

    def _noted(self, event: Event, beat: _Beat, r_peak: int, levels_mv: dict[int, float]) -> Beat:
        edges = (beat.shape.qrs.onset_s, beat.j_s, beat.t_on_s, beat.t_peak_s, beat.t_off_s)
        samples = [round((event.time_s + at) * self._fs_hz) for at in edges]
        levels = [levels_mv[point] for point in (60, 80, _AT_T)]
        return Beat(r_peak, event.symbol, *samples, *levels)


_AT_T: Final = -1


@dataclass(frozen=True, eq=False)
class _Beat:
    """One beat: its waves' heights, and its times in s from the R wave's centre."""

    shape: Shape
    qrs_mv: Floats
    t_mv: Floats
    stretch: float
    change: Change

    @property
    def on_s(self) -> float:
        return self.shape.qrs.onset_s

    @property
    def j_s(self) -> float:
        return self.shape.qrs.end_s

    @property
    def point_s(self) -> float:
        return self.change.point_ms / 1000

    @property
    def t_on_s(self) -> float:
        return self.t_peak_s - self.stretch * EDGE * float(self.shape.t.before_s[0])

    @cached_property
    def t_peak_s(self) -> float:
        return self.on_s + self.stretch * float(self.shape.t.centres_s[0])

    @property
    def t_off_s(self) -> float:
        return self.t_peak_s + self.stretch * EDGE * float(self.shape.t.after_s[0])

    @property
    def end_s(self) -> float:
        t_wave = self.shape.t
        waves = float((t_wave.centres_s + _REACH * t_wave.after_s).max()) * self.stretch + self.on_s
        return max(waves, self.j_s + 1.8 * (self.t_peak_s - self.j_s))

    def levels_mv(self, st_mv: float, shape: str) -> dict[int, float]:
        """First lead at J + 60 ms, J + 80 ms and the T wave's peak, from the level at the QRS onset."""
        t_s = np.array([self.on_s, self.j_s + 0.060, self.j_s + 0.080, self.t_peak_s])
        level = self.qrs_mv[0] @ heights(self.shape.qrs, t_s)
        level += self.t_mv[0] @ heights(self.shape.t, t_s - self.on_s, self.stretch)
        if st_mv:
            level += st_mv * st_course(t_s - self.j_s, shape, self.t_peak_s - self.j_s, self.point_s)
        return dict(zip((60, 80, _AT_T), (level[1:] - level[0]).tolist(), strict=True))


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
        *(shape, factors @ shape.qrs.vectors_mv.T, factors @ shape.t.vectors_mv.T),
        *(along if given else factors @ shape.st_mv, given),
    )
    return prepared if given or kind != "N" else _with_usual_st(prepared, along, change, stretch)


def _with_usual_st(prepared: _Prepared, along: Floats, change: Change, stretch: float) -> _Prepared:
    """Keep the first lead's level at J + 60 ms within the limits of a record without ST deviation."""
    beat = _Beat(prepared.shape, prepared.qrs_mv, prepared.t_mv, stretch, replace(change, point_ms=60))
    level = beat.levels_mv(float(prepared.st_mv[0]), "horizontal")[60]
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
