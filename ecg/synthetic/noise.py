"""Noise of electrodes, muscles and mains, in mV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import sosfilt

from ecg_edge.ecg.errors import SynthesisError
from ecg_edge.ecg.synthetic.front_end import sections
from ecg_edge.ecg.synthetic.slow import Course, falling

Floats = npt.NDArray[np.float64]

MAINS_HZ: Final = (50, 60)

_MUSCLE_FROM_HZ: Final = 5.0
_BURSTS_PER_MINUTE: Final = 4.0
_SEGMENT_S: Final = 10.0  # bursts and movements are drawn for segments of that length


@dataclass(frozen=True)
class Noise:
    """Levels of noise. Typical levels and shapes are an own choice, compared with records in the report.

    Attributes
    ----------
    wander_mv : float
        Baseline wander: standard deviation in mV, half of it with breathing, half slower.
    mains_mv : float
        Amplitude of the mains frequency in mV, with a third harmonic of a fifth of it.
    mains_hz : int
        50 or 60 Hz; the real frequency lies within 0.05 Hz.
    muscle_mv : float
        Muscle noise above 5 Hz: standard deviation in mV at rest; in bursts, four a minute, three times
        that.
    white_mv : float
        Noise of electrodes and amplifier: standard deviation in mV.
    movements_per_minute : float
        Movements of an electrode: each is a sudden change that returns within a second.
    movement_mv : float
        Median height of a movement in mV.
    """

    wander_mv: float = 0.05
    mains_mv: float = 0.005
    mains_hz: int = 50
    muscle_mv: float = 0.010
    white_mv: float = 0.003
    movements_per_minute: float = 0.3
    movement_mv: float = 0.4

    def __post_init__(self) -> None:
        levels = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "mains_hz"}
        for name, value in levels.items():
            if not 0 <= value <= 100:
                raise SynthesisError(f"noise: {name} {value:g}: outside 0 to 100.")
        if self.mains_hz not in MAINS_HZ:
            raise SynthesisError(f"mains frequency {self.mains_hz} Hz: it is 50 or 60 Hz.")

    def scaled(self, factor: float) -> Noise:
        """All levels times a factor; movements are as frequent as before."""
        levels = ("wander_mv", "mains_mv", "muscle_mv", "white_mv", "movement_mv")
        return replace(self, **{name: factor * getattr(self, name) for name in levels})

    def at_snr(self, snr_db: float, signal_mv: float) -> Noise:
        """The same mixture without movements, as loud as a ratio in dB asks.

        Parameters
        ----------
        snr_db : float
            Ratio of the powers of signal and noise in dB, as WFDB's `nst` defines it: the signal's power is
            the square of the QRS complex's height from peak to peak, divided by 8.
        signal_mv : float
            That height in mV.
        """
        if not -20 <= snr_db <= 60:
            raise SynthesisError(f"signal-to-noise ratio {snr_db:g} dB: outside -20 to 60 dB.")
        power = self.wander_mv**2 + self.mains_mv**2 / 2 + self.muscle_mv**2 + self.white_mv**2
        wanted = signal_mv**2 / 8 / 10 ** (snr_db / 10)
        still = Noise(self.wander_mv, self.mains_mv, self.mains_hz, self.muscle_mv, self.white_mv, 0.0, 0.0)
        return still.scaled(float(np.sqrt(wanted / power))) if power else still


TYPICAL: Final = Noise()
QUIET: Final = Noise(0.0, 0.0, 50, 0.0, 0.0, 0.0, 0.0)


class NoiseSource:
    """Noise of one record, segment by segment.

    Parameters
    ----------
    noise : Noise
    fs_hz : int
        Sampling rate in Hz.
    leads : int
        Number of leads; each has its own noise.
    breathing : Course
        The patient's breathing.
    random : Generator
    """

    def __init__(
        self, noise: Noise, fs_hz: int, leads: int, breathing: Course, random: np.random.Generator
    ) -> None:
        self._noise, self._fs_hz, self._leads = noise, fs_hz, leads
        self._breathing = breathing
        self._slow = [falling(0.02, 0.4, noise.wander_mv / np.sqrt(2), random) for _ in range(leads)]
        self._with_breath = noise.wander_mv / np.sqrt(2) * random.choice((-1, 1), leads)
        self._mains_hz = noise.mains_hz + random.uniform(-0.05, 0.05)
        self._phases = random.uniform(0, 2 * np.pi, (leads, 2))
        self._white, self._events = random.spawn(2)
        self._sos = sections(2, _MUSCLE_FROM_HZ, "highpass", fs_hz)
        self._state = np.zeros((1, leads, 2))
        self._bursts = _Bumps(self._events.spawn(1)[0], _BURSTS_PER_MINUTE, _burst)
        self._movements = [
            _Bumps(random, noise.movements_per_minute, _movement) for random in self._events.spawn(leads)
        ]

    def read(self, t_s: Floats) -> Floats:
        """Return the next segment, shape (leads, n) in mV, for its times in s, shape (n,)."""
        noise = self._noise
        total = self._muscle(t_s)
        if noise.wander_mv:
            breath = self._breathing.over(t_s)
            total += self._with_breath[:, None] * breath
            for lead, slow in enumerate(self._slow):
                total[lead] += slow.over(t_s)
        if noise.mains_mv:
            angle = 2 * np.pi * self._mains_hz * t_s
            for lead, (first, third) in enumerate(self._phases):
                total[lead] += noise.mains_mv * (np.sin(angle + first) + 0.2 * np.sin(3 * angle + third))
        if noise.movement_mv and noise.movements_per_minute:
            for lead, movements in enumerate(self._movements):
                movements.add(total[lead], t_s, noise.movement_mv)
        return total

    def _muscle(self, t_s: Floats) -> Floats:
        """Muscle noise and white noise, from the same random numbers."""
        white = self._white.standard_normal((len(t_s), self._leads)).T
        muscle, self._state = sosfilt(self._sos, white, axis=1, zi=self._state)
        # Of the white noise's power this share is left above the corner.
        level = self._noise.muscle_mv / np.sqrt(1 - _MUSCLE_FROM_HZ / (self._fs_hz / 2))
        swell = np.ones(len(t_s))
        self._bursts.add(swell, t_s, 2.0)
        both: Floats = muscle * (level * swell) + self._noise.white_mv * white
        return both


_Shape = Callable[[Floats], Floats]
_Kind = Callable[[np.random.Generator], tuple[float, _Shape]]


class _Bumps:
    """Events at random times, each with its own course, drawn for 10 s at a time."""

    def __init__(self, random: np.random.Generator, per_minute: float, kind: _Kind) -> None:
        self._random, self._per_minute, self._kind = random, per_minute, kind
        self._drawn = 0
        self._known: list[tuple[float, float, _Shape]] = []

    def add(self, values: Floats, t_s: Floats, height: float) -> None:
        """Add the events to `values`, shape (n,), at times `t_s` in s."""
        while self._drawn * _SEGMENT_S <= t_s[-1]:
            self._draw()
        for begin_s, length_s, course in self._known:
            first, last = np.searchsorted(t_s, (begin_s, begin_s + length_s))
            if first < last:
                values[first:last] += height * course((t_s[first:last] - begin_s) / length_s)
        self._known = [one for one in self._known if one[0] + one[1] > t_s[-1]]

    def _draw(self) -> None:
        start = self._drawn * _SEGMENT_S
        for _ in range(self._random.poisson(self._per_minute * _SEGMENT_S / 60)):
            begin_s = start + self._random.uniform(0, _SEGMENT_S)
            self._known.append((begin_s, *self._kind(self._random)))
        self._drawn += 1


def _burst(random: np.random.Generator) -> tuple[float, _Shape]:
    """Length in s, and course over it from 0 to 1: a burst of muscle noise."""
    return random.uniform(0.5, 4.0), lambda x: np.sin(np.pi * x) ** 2


def _movement(random: np.random.Generator) -> tuple[float, _Shape]:
    """Length in s, and course over it: a fast change, which returns slowly with some swinging."""
    height = random.choice((-1, 1)) * random.lognormal(0, 0.6)
    swings, phase = random.uniform(0.5, 3), random.uniform(0, np.pi)

    def course(x: Floats) -> Floats:
        fade = np.minimum(x / 0.06, 1.0) * np.exp(-4 * x) * (1 - x)
        return np.asarray(height * fade * (1 + 0.5 * np.sin(2 * np.pi * swings * x + phase)))

    return random.uniform(0.3, 1.5), course
