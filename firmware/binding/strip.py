"""Strips from samples: the device's input to the morphology network, the last 10 s of the signal."""

from __future__ import annotations

from typing import Any, SupportsFloat

import numpy as np

from ecg_edge.firmware.binding._ecg_core import ffi, lib
from ecg_edge.firmware.binding.signal_path import FS_HZ, Samples, checked_samples, core_config

STRIP_FS_HZ: int = lib.ECG_STRIP_FS_HZ
STRIP_SECONDS: int = lib.ECG_STRIP_SECONDS
STRIP_POINTS: int = lib.ECG_STRIP_POINTS
STRIP_EVERY_SECONDS: int = lib.ECG_STRIP_EVERY_SECONDS
STRIP_STEPS_PER_MV: int = lib.ECG_STRIP_STEPS_PER_MV
STRIP_DELAY: int = lib.ECG_STRIP_DELAY

# One strip. sample: index of the sample that brought it, the first pushed is 0; points: oldest first, 90 a
# second, 50 steps a millivolt.
STRIP_DTYPE = np.dtype([("sample", np.uint32), ("points", np.int8, (STRIP_POINTS,))])


class StripPath:
    """Strips of one stream of samples, as on the device.

    Parameters
    ----------
    adu_per_mv
        ADC units per millivolt at the electrode, 20 to 20000 (MIT-BIH: 200).
    fs_hz
        Rate of the samples: 360, 250 or 500.
    """

    def __init__(self, adu_per_mv: SupportsFloat = 200, fs_hz: int = FS_HZ) -> None:
        self._memory = ffi.new("char[]", lib.strip_bytes() + 8)  # cffi aligns to at least 8 bytes
        self._state = ffi.cast("ecg_strip_t *", self._memory)
        self._every = STRIP_EVERY_SECONDS * fs_hz
        self._samples = 0
        lib.ecg_strip_init(self._state, core_config(adu_per_mv, 0, False, fs_hz))

    def push(self, samples: Samples) -> np.ndarray[Any, np.dtype[np.void]]:
        """Process a block of samples of any size.

        Parameters
        ----------
        samples
            int16 (n,), ADC units around any baseline, `fs_hz` a second.

        Returns
        -------
        STRIP_DTYPE (k,): the strips that became due: 10 s after the first sample, then every 5 s.
        """
        block = checked_samples(samples)
        most = len(block) // self._every + 2
        points, at = np.empty((most, STRIP_POINTS), np.int8), np.empty(most, np.uint32)
        count = lib.strip_block(
            self._state,
            ffi.from_buffer("int16_t[]", block),
            len(block),
            ffi.from_buffer("int8_t[]", points),
            ffi.from_buffer("uint32_t[]", at),
        )
        found = np.empty(count, STRIP_DTYPE)
        found["sample"], found["points"] = at[:count] + np.uint32(self._samples), points[:count]
        self._samples += len(block)
        return found


def strips(
    samples: Samples, *, adu_per_mv: SupportsFloat = 200, fs_hz: int = FS_HZ
) -> np.ndarray[Any, np.dtype[np.void]]:
    """Return all strips of a record, STRIP_DTYPE (k,); parameters as for `StripPath`."""
    return StripPath(adu_per_mv, fs_hz).push(samples)


def strip_fingerprint() -> int:
    """Compute the number that identifies the behaviour of ecg_strip (ecg_strip_fingerprint)."""
    memory = ffi.new("char[]", lib.strip_bytes() + 8)
    return int(lib.ecg_strip_fingerprint(ffi.cast("ecg_strip_t *", memory)))
