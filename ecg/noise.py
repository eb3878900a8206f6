"""Addition of recorded noise at a signal-to-noise ratio as PhysioNet's `nst` defines it.

The noise is the second channel of nstdb's noise records. The test signals of nstdb carry the first channel,
on records 118 and 119 of mitdb. These two get no noise here, so that no patient with noise is in both the
training and the test set.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.header import header_path, read_header
from ecg_edge.ecg.signal_files import read_values

Samples = npt.NDArray[np.int16]
Places = npt.NDArray[np.int64]
Spans = tuple[tuple[int, int], ...]

SCORED: Final = ("118", "119")
"""Records of mitdb that nstdb's test signals are made of."""

NOISE_ON, NOISE_OFF = 43_200, 14_400  # samples at 360 Hz: two minutes of noise after 40 s without, as `nst`


def to_int16(samples: npt.NDArray[np.float64]) -> Samples:
    """Convert to int16; values beyond its range are clipped."""
    clipped: Samples = np.clip(samples, -32768, 32767).astype(np.int16)
    return clipped


def quiet_part(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sort values and leave out the lowest and the highest twentieth, as `nst` does."""
    ordered = np.sort(values)
    return ordered[len(ordered) // 20 : len(ordered) - len(ordered) // 20]


def gates(count: int) -> Spans:
    """List the spans with noise in a record of `count` samples.

    Noise comes and goes, so that the QRS classifier meets it after it has learned the patient's beats.
    """
    starts = range(NOISE_OFF, count, NOISE_ON + NOISE_OFF)
    return tuple((start, min(start + NOISE_ON, count)) for start in starts)


def with_noise(
    samples: Samples,
    beats: Places,
    noise: Samples,
    snr_db: float,
    seed: int,
    spans: Spans,
) -> Samples:
    """Add noise to some spans of a record.

    Parameters
    ----------
    samples : ndarray of int16, shape (n,)
        ECG at 360 Hz, in ADC units.
    beats : ndarray of int64, shape (m,)
        Samples of the R peaks, for the amplitude of the signal.
    noise : ndarray of int16
        Noise record; a random part of it is used.
    snr_db : float
        Signal-to-noise ratio in dB.
    seed : int
        Choice of the part.
    spans : sequence of (int, int)
        Start and end of each span in samples.
    """
    swings = np.array([np.ptp(samples[b - 18 : b + 18].astype(float)) for b in beats[:300] if b > 20])
    shift = int(np.random.default_rng(seed).integers(0, len(noise)))
    rest = np.roll(noise, shift)[: len(samples)].astype(float)
    rest -= rest.mean()
    seconds = rest[: len(rest) // 360 * 360].reshape(-1, 360).std(axis=1)
    power = float(np.mean(quiet_part(seconds))) ** 2
    gain = np.sqrt(np.mean(quiet_part(swings)) ** 2 / 8 / (power * 10 ** (snr_db / 10)))
    on = np.zeros(len(samples))
    for start, end in spans:
        on[start:end] = gain
    return to_int16(samples + on * rest)


def read_noise(data: Path, kind: str) -> Samples:
    """Read the second channel of a noise record, "bw", "em" or "ma"."""
    header = read_header(header_path(data / "nstdb", kind))
    return read_values(header, 1)[0].astype(np.int16)
