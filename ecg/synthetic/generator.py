"""The generator: a virtual patient's ECG with its truth, whole or segment by segment.

    record = generate(Settings("st-depression", seed=7), seconds=300)
    record.samples, record.truth.beats
    for segment in stream(Settings("normal")):        # without end
        ...

The same settings give the same samples, whatever the length of the segments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import SynthesisError
from ecg_edge.ecg.synthetic.classes import synthetic_class
from ecg_edge.ecg.synthetic.front_end import Digitizer, front_end
from ecg_edge.ecg.synthetic.leads import lead_matrix
from ecg_edge.ecg.synthetic.noise import TYPICAL, Noise, NoiseSource
from ecg_edge.ecg.synthetic.oscillations import OSCILLATIONS, gate, oscillation
from ecg_edge.ecg.synthetic.painter import Painter
from ecg_edge.ecg.synthetic.patients import Patient, draw_patient
from ecg_edge.ecg.synthetic.rhythms import RHYTHM_CHANGE, RHYTHMS, Event, Heart
from ecg_edge.ecg.synthetic.st_changes import DEPRESSION, ELEVATION, Change
from ecg_edge.ecg.synthetic.truth import RhythmChange, Truth

Floats = npt.NDArray[np.float64]
Samples = npt.NDArray[np.int16]

RATES_HZ: Final = (100, 1000)
SECONDS: Final = (1.0, 7 * 24 * 3600.0)
SEGMENT_S: Final = 30.0

_BEFORE_S: Final = 0.45  # a wave reaches no further before its event's time
_AFTER_S: Final = 1.2  # nor after it
_LOOK_AHEAD_S: Final = 2.0
_STREAM: Final = 360  # apart from other users of the same seed


@dataclass(frozen=True)
class Settings:
    """What to generate.

    Attributes
    ----------
    kind : str
        Class: a name of `classes.CLASSES`.
    seed : int
        Seed: another one is another patient.
    fs_hz : int
        Sampling rate in Hz, 100 to 1000.
    leads : tuple of str
        Names of leads; changes of ST and T hold in the first.
    noise : Noise
    snr_db : float or None
        Signal-to-noise ratio of the first lead in dB, for the mixture of `noise`; None: its levels in mV.
    front_end : str
        Name of a front end.
    offset_mv : float
        Offset of the electrodes in mV at the first sample, a start-up transient.
    st_mv, t_mv : float or None
        ST deviation and height of the T wave in the first lead, in mV; None: as the class draws them.
    st_shape : str or None
        Course of the ST segment, of `st_changes.SHAPES`; None: as the class draws it.
    st_point_ms : int
        Where the deviation holds, in ms after the J point: 60 or 80.
    rate_bpm : (float, float) or None
        Limits of the sinus rate in beats per minute, within 30 to 200; None: the class's.
    conduction : str or None
        Shape of conducted beats: "N", "L" or "R"; None: the class's.
    """

    kind: str = "normal"
    seed: int = 1
    fs_hz: int = 360
    leads: tuple[str, ...] = ("II",)
    noise: Noise = TYPICAL
    snr_db: float | None = None
    front_end: str = "mit-bih"
    offset_mv: float = 0.0
    st_mv: float | None = None
    t_mv: float | None = None
    st_shape: str | None = None
    st_point_ms: int = 60
    rate_bpm: tuple[float, float] | None = None
    conduction: str | None = None

    def __post_init__(self) -> None:
        synthetic_class(self.kind)
        front_end(self.front_end)
        lead_matrix(self.leads)
        if self.seed < 0:
            raise SynthesisError(f"seed {self.seed}: it is 0 or more.")
        if not RATES_HZ[0] <= self.fs_hz <= RATES_HZ[1]:
            raise SynthesisError(f"sampling rate {self.fs_hz} Hz: outside {RATES_HZ[0]} to {RATES_HZ[1]} Hz.")
        if not -300 <= self.offset_mv <= 300:
            raise SynthesisError(f"electrode offset {self.offset_mv:g} mV: outside -300 to 300 mV.")
        if self.rate_bpm is not None and not 30 <= self.rate_bpm[0] <= self.rate_bpm[1] <= 200:
            raise SynthesisError(
                f"sinus rate {self.rate_bpm} a minute: outside 30 to 200, or the limits' order."
            )
        if self.conduction not in (None, "N", "L", "R"):
            raise SynthesisError(f"conduction {self.conduction!r}: it is N, L or R.")
        if self.snr_db is not None:
            self.noise.at_snr(self.snr_db, signal_mv=1.0)
        self._check_change()

    @property
    def shape(self) -> str:
        """Shape of conducted beats: "N", "L" or "R"."""
        return self.conduction or synthetic_class(self.kind).shape

    def _check_change(self) -> None:
        """Refuse what does not go with the class, before anything is drawn."""
        wanted = synthetic_class(self.kind).st_mv
        if self.st_shape is not None and self.st_mv is None:
            if wanted is None:
                raise SynthesisError(
                    f"ST shape {self.st_shape}: class {self.kind} has no ST deviation. Give one."
                )
            Change(wanted[0], self.st_shape)
        self.change(np.random.default_rng(0))

    def change(self, random: np.random.Generator) -> Change:
        """Draw the change of ST segment and T wave, apart from what is given."""
        wanted = synthetic_class(self.kind)
        drawn = wanted.draw_change(random)
        st_mv = drawn.st_mv if self.st_mv is None else self.st_mv
        if wanted.st_mv and st_mv is not None and st_mv * wanted.st_mv[0] <= 0:
            raise SynthesisError(f"ST deviation {st_mv:g} mV: has the wrong sign for the class {self.kind}.")
        fitting = ELEVATION if st_mv is not None and st_mv > 0 else DEPRESSION
        shape = self.st_shape or (drawn.shape if drawn.shape in fitting else fitting[0])
        return Change(st_mv, shape, drawn.t_mv if self.t_mv is None else self.t_mv, self.st_point_ms)


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment of a record.

    Attributes
    ----------
    samples : ndarray of int16, shape (n, leads)
        ADC units.
    truth : Truth
        With sample numbers from the record's start.
    """

    samples: Samples
    truth: Truth


@dataclass(frozen=True, eq=False)
class SyntheticRecord:
    """A whole record.

    Attributes
    ----------
    settings : Settings
    change : Change
        Change of ST segment and T wave that was drawn.
    adu_per_mv : int
        ADC units per mV.
    samples : ndarray of int16, shape (n, leads)
        ADC units.
    truth : Truth
    """

    settings: Settings
    change: Change
    adu_per_mv: int
    samples: Samples
    truth: Truth


def generate(settings: Settings, seconds: float) -> SyntheticRecord:
    """Generate a record.

    Parameters
    ----------
    settings : Settings
    seconds : float
        Length in s.

    Raises
    ------
    SynthesisError
        For a length outside 1 s to 7 days.
    """
    source = Source(settings)
    segments = list(source.segments(seconds))
    truth = Truth()
    for segment in segments:
        truth.extend(segment.truth)
    samples = np.concatenate([segment.samples for segment in segments])
    return SyntheticRecord(settings, source.change, source.adu_per_mv, samples, truth)


def check_length(seconds: float) -> None:
    """Refuse a length outside 1 s to 7 days, with `SynthesisError`."""
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise SynthesisError(f"length {seconds:g} s: outside {SECONDS[0]:g} s to 7 days.")


def stream(settings: Settings, segment_s: float = 1.0) -> Iterator[Segment]:
    """Generate segments of `segment_s` seconds without end."""
    source = Source(settings)
    while True:
        yield source.read(max(1, round(segment_s * settings.fs_hz)))


class Source:
    """A patient in front of an electrocardiograph.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        wanted, device = synthetic_class(settings.kind), front_end(settings.front_end)
        # One generator a part: no part's numbers depend on how many another part has used.
        body, draws, beats, variation, noise, waves = _generators(settings)
        self.patient = _patient(settings, body)
        self.change = settings.change(draws)
        self.rhythm = wanted.draw_rhythm(draws)
        self.adu_per_mv = device.adu_per_mv
        factors = lead_matrix(settings.leads)
        self._painter = Painter(self.patient, factors, self.change, settings.fs_hz, variation)
        self._events = RHYTHMS[self.rhythm](Heart(self.patient, beats, settings.shape))
        self._waiting: list[Event] = []
        self._continuous = _Continuous(self.patient, factors, waves)
        self._noise = NoiseSource(
            self._levels(settings.shape), settings.fs_hz, len(factors), self.patient.breathing, noise
        )
        self._digitizer = Digitizer(device, settings.fs_hz, len(factors), settings.offset_mv)
        self._start = 0
        self._rest = np.zeros((len(factors), round((_AFTER_S + _LOOK_AHEAD_S) * settings.fs_hz)))

    def segments(self, seconds: float) -> Iterator[Segment]:
        """Yield the segments of a record of `seconds`; see `generate`."""
        check_length(seconds)
        left = round(seconds * self.settings.fs_hz)
        end = self._start + left
        while left:
            length = min(left, round(SEGMENT_S * self.settings.fs_hz))
            segment = self.read(length)
            left -= length
            yield segment if left else replace(segment, truth=segment.truth.before(end))

    def read(self, length: int) -> Segment:
        """Generate the next `length` samples."""
        start, end = self._start, self._start + length
        canvas = np.zeros((len(self._rest), length + self._rest.shape[1]))
        canvas[:, : self._rest.shape[1]] = self._rest
        truth = Truth()
        for event in self._due(end / self.settings.fs_hz + _BEFORE_S):
            self._paint(event, canvas, truth)
        self._start, self._rest = end, canvas[:, length:]
        t_s = np.arange(start, end) / self.settings.fs_hz
        signal_mv = canvas[:, :length]
        self._continuous.add(signal_mv, t_s)
        signal_mv += self._noise.read(t_s)
        return Segment(self._digitizer.read(signal_mv), truth)

    def _levels(self, shape: str) -> Noise:
        noise, snr_db = self.settings.noise, self.settings.snr_db
        return noise if snr_db is None else noise.at_snr(snr_db, self._painter.qrs_height_mv(shape))

    def _due(self, until_s: float) -> list[Event]:
        """Take the events before a time, in the order of time: rhythms yield them up to 2 s out of order."""
        while (
            not self._waiting or max(event.time_s for event in self._waiting[-3:]) < until_s + _LOOK_AHEAD_S
        ):
            self._waiting.append(next(self._events))
        due = sorted(
            (event for event in self._waiting if event.time_s < until_s), key=lambda event: event.time_s
        )
        self._waiting = [event for event in self._waiting if event.time_s >= until_s]
        return due

    def _paint(self, event: Event, canvas: Floats, truth: Truth) -> None:
        if event.kind == RHYTHM_CHANGE:
            self._continuous.change(event)
            truth.changes.append(
                RhythmChange(max(0, round(event.time_s * self.settings.fs_hz)), event.symbol)
            )
        elif event.kind in self.patient.p_waves:
            wave = self._painter.p_wave(event, canvas, self._start)
            if wave.on >= 0:
                truth.p_waves.append(wave)
        else:
            truth.beats.append(self._painter.beat(event, canvas, self._start))


def patient_of(settings: Settings) -> Patient:
    """Draw the patient of a record, without the record."""
    return _patient(settings, _generators(settings)[0])


def _generators(settings: Settings) -> list[np.random.Generator]:
    return np.random.default_rng([settings.seed, _STREAM]).spawn(6)


def _patient(settings: Settings, random: np.random.Generator) -> Patient:
    wanted = synthetic_class(settings.kind)
    patient = draw_patient(random, settings.rate_bpm or wanted.rate_bpm)
    if wanted.sinus_arrhythmia is None:
        return patient
    return replace(patient, sinus_arrhythmia=wanted.sinus_arrhythmia)


class _Continuous:
    """Fibrillation and flutter, while the rhythm is one of them."""

    def __init__(self, patient: Patient, factors: Floats, random: np.random.Generator) -> None:
        self._factors = factors
        self._oscillations = {name: oscillation(name, patient, random) for name in OSCILLATIONS}
        self._spans: list[tuple[str, float, float]] = []

    def change(self, event: Event) -> None:
        """End the rhythm before, and begin another one."""
        if self._spans and self._spans[-1][2] == np.inf:
            self._spans[-1] = (*self._spans[-1][:2], event.time_s)
        if event.symbol in OSCILLATIONS:
            self._spans.append((event.symbol, event.time_s, np.inf))

    def add(self, signal_mv: Floats, t_s: Floats) -> None:
        """Add the oscillations to a segment, shape (leads, n) in mV, at its times in s."""
        for name, begin_s, end_s in self._spans:
            first, last = np.searchsorted(t_s, (begin_s, end_s))
            if first < last:
                times = t_s[first:last]
                course = self._oscillations[name].over(times, self._factors)
                signal_mv[:, first:last] += course * gate(times, begin_s, end_s)
        self._spans = [span for span in self._spans if span[2] > t_s[-1]]
