"""Front ends: the band of an amplifier, and an ADC's steps and rails."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt

from ecg_edge.ecg.errors import SynthesisError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FrontEnd:
    """An amplifier and its ADC.

    Attributes
    ----------
    name, text : str
        Name for the command line, and a line about it.
    highpass : (int, float)
        Poles and corner in Hz; 0 poles: none.
    lowpass : (int, float)
        Poles and corner in Hz; 0 poles: none.
    adu_per_mv : int
        ADC units per mV.
    bits : int
        Of the ADC: values outside are held at its rails.
    """

    name: str
    text: str
    highpass: tuple[int, float]
    lowpass: tuple[int, float]
    adu_per_mv: int
    bits: int

    @property
    def limits_adu(self) -> tuple[int, int]:
        """Lowest and highest ADC value, about zero."""
        return 1 - 2 ** (self.bits - 1), 2 ** (self.bits - 1) - 1


FRONT_ENDS: Final = {
    one.name: one
    for one in (
        FrontEnd(
            # 0.1 to 100 Hz, 11 bits over 10 mV: Moody GB, Mark RG, IEEE Eng Med Biol 20(3):45-50, 2001.
            "mit-bih",
            "Recorder of the MIT-BIH Arrhythmia Database: 0.1 to 100 Hz, 200 ADC units per mV.",
            (1, 0.1),
            (2, 100.0),
            200,
            11,
        ),
        FrontEnd(
            # AD8232 data sheet, rev. A, cardiac monitor configuration: two poles at 0.5 Hz, two at 40 Hz,
            # gain 1100; 12 bits over 3.3 V are 0.733 microvolts a step.
            "ad8232",
            "AD8232 as a cardiac monitor: 0.5 to 40 Hz, gain 1100, 12 bits over 3.3 V.",
            (2, 0.5),
            (2, 40.0),
            1365,
            12,
        ),
        FrontEnd("ideal", "No filter, 1 microvolt a step.", (0, 0.0), (0, 0.0), 1000, 16),
    )
}


def front_end(name: str) -> FrontEnd:
    """Return a front end by name.

    Raises
    ------
    SynthesisError
        For an unknown name.
    """
    try:
        return FRONT_ENDS[name]
    except KeyError:
        raise SynthesisError(f"unknown front end {name!r}. Known: {', '.join(FRONT_ENDS)}.") from None


@cache
def sections(poles: int, corner_hz: float, kind: str, fs_hz: int) -> Floats:
    """Design a Butterworth filter as second-order sections; a short record takes less time than that."""
    return np.asarray(butter(poles, corner_hz, kind, fs=fs_hz, output="sos"))


class Digitizer:
    """A front end at work, segment by segment.

    Parameters
    ----------
    front_end : FrontEnd
    fs_hz : int
        Sampling rate in Hz.
    leads : int
        Number of leads.
    offset_mv : float
        Offset of the electrodes at the first sample, which the high-pass removes: a start-up transient.
    """

    def __init__(self, front_end: FrontEnd, fs_hz: int, leads: int, offset_mv: float = 0.0) -> None:
        self._end, self._offset_mv = front_end, offset_mv
        self._filters = [
            sections(poles, corner, kind, fs_hz)
            for (poles, corner), kind in ((front_end.highpass, "highpass"), (front_end.lowpass, "lowpass"))
            if poles and corner < 0.45 * fs_hz  # above that the sampling rate is the limit
        ]
        self._states = [np.zeros((len(sos), leads, 2)) for sos in self._filters]

    def read(self, signal_mv: Floats) -> npt.NDArray[np.int16]:
        """Convert the next segment, shape (leads, n) in mV, to ADC units, shape (n, leads)."""
        values = signal_mv + self._offset_mv if self._offset_mv else signal_mv
        for number, sos in enumerate(self._filters):
            values, self._states[number] = sosfilt(sos, values, axis=1, zi=self._states[number])
        scaled = np.rint(values * self._end.adu_per_mv).clip(*self._end.limits_adu)
        return np.ascontiguousarray(scaled.T, np.int16)
