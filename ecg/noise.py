"""Records with noise: the second channel of nstdb's noise records, at a signal-to-noise ratio as PhysioNet's
`nst` defines it.

nstdb's test signals carry the first channel of the same recordings, on mitdb's 118 and 119. Those two get no
noise here, so that what is learned from noise is not scored on the same patient in the same noise.
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

SCORED: Final = ("118", "119")  # of these nstdb is made
NOISE_ON, NOISE_OFF = 43_200, 14_400  # two minutes of noise after each 40 seconds without, as `nst` does it


def to_int16(samples: npt.NDArray[np.float64]) -> Samples:
    """Clipped at the rails."""
    clipped: Samples = np.clip(samples, -32768, 32767).astype(np.int16)
    return clipped


def quiet_part(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Without the lowest and the highest twentieth."""
    ordered = np.sort(values)
    return ordered[len(ordered) // 20 : len(ordered) - len(ordered) // 20]


def gates(count: int) -> Spans:
    """Where there is noise: not all the time, so that the judge meets it knowing the patient."""
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
    """Noise in these spans at a signal-to-noise ratio as PhysioNet's `nst` defines it."""
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
