"""Synthetic noise of moving electrodes, muscles and baseline, for the QRS classifier."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.noise import Samples, to_int16
from ecg_edge.ecg.records import FS_HZ
from ecg_edge.ecg.synthetic.noise import Noise, NoiseSource
from ecg_edge.ecg.synthetic.slow import band

Signal = npt.NDArray[np.float64]

MOTION_MINUTES = 20


def motion(random: np.random.Generator) -> Samples:
    """Generate 20 min of moving electrodes, muscles and baseline, 200 ADC units a millivolt."""
    return to_int16(np.concatenate([motion_minute(random) for _ in range(MOTION_MINUTES)]) * 200)


def motion_minute(random: np.random.Generator) -> Signal:
    """Generate a minute of such noise, in mV."""
    noise = Noise(
        wander_mv=random.uniform(0.02, 0.3),
        mains_mv=0,
        muscle_mv=random.uniform(0, 0.05),
        movements_per_minute=random.uniform(30, 100),
        movement_mv=random.uniform(0.3, 1),
    )
    source = NoiseSource(noise, FS_HZ, 1, band(0.25, 0.03, 1, random), random)
    time = np.arange(60 * FS_HZ) / FS_HZ
    return np.concatenate([source.read(part)[0] for part in np.split(time, 6)])
