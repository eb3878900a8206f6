"""Evidence of a P wave: there, absent, in an inverted lead, and where the beat cannot be read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ecg_edge.firmware import FLAG_UNCLASSIFIABLE, Beats, process
from ecg_edge.firmware.binding.trace import p_wave_features

FS_HZ = 360
MV = 200  # ADC units


def wave(time: npt.NDArray[np.float64], at_s: float, width_s: float, mv: float) -> npt.NDArray[np.float64]:
    shape: npt.NDArray[np.float64] = MV * mv * np.exp(-0.5 * ((time - at_s) / width_s) ** 2)
    return shape


def heart(seconds: int = 60, p_mv: float = 0.15, irregular: bool = False, sign: int = 1) -> Beats:
    """Beats of a lead with P waves of this height; without them, with waves of fibrillation at 6 Hz."""
    random = np.random.default_rng(1)
    time = np.arange(seconds * FS_HZ) / FS_HZ
    ecg = random.normal(0, 2, len(time))
    if p_mv == 0:
        ecg += 0.05 * MV * np.sin(2 * np.pi * np.cumsum(random.normal(6, 1.5, len(time))) / FS_HZ)
    at = 1.0
    while at < seconds - 1:
        near = slice(int((at - 0.4) * FS_HZ), int((at + 0.6) * FS_HZ))
        part = time[near]
        ecg[near] += wave(part, at, 0.012, 1.2) + wave(part, at + 0.03, 0.01, -0.25)
        ecg[near] += wave(part, at + 0.28, 0.045, 0.25) + wave(part, at - 0.16, 0.02, p_mv)
        at += 0.8 + (random.normal(0, 0.15) if irregular else 0)
    return process(np.round(sign * ecg).astype(np.int16), adu_per_mv=MV)


@pytest.mark.parametrize("sign", [1, -1])
def test_p_waves_are_seen(sign: int) -> None:
    with_p, without = heart(sign=sign)["p_wave"][8:], heart(p_mv=0, irregular=True, sign=sign)["p_wave"][8:]
    assert np.median(with_p) > 160
    assert np.median(without) < 128
    assert with_p.min() > np.percentile(without, 75)


def test_a_beat_that_cannot_be_read_has_no_evidence() -> None:
    random = np.random.default_rng(2)
    beats = process(
        np.clip(random.normal(0, 3000, 30 * FS_HZ), -32768, 32767).astype(np.int16), adu_per_mv=MV
    )
    unreadable = beats["flags"] & FLAG_UNCLASSIFIABLE != 0
    assert unreadable.any()
    assert np.all(beats["p_wave"][unreadable] == 0)


def test_features_for_training_are_those_of_readable_beats() -> None:
    beats = heart(20)
    assert len(p_wave_features(beats)) == np.count_nonzero(beats["p_wave"])
