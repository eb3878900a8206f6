"""The ventricular rhythm detector on made-up signals: begin, end, and signals that do not start it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ecg_edge.firmware import (
    LEAD_OFF_PLUS,
    VENTRICULAR_NONE,
    SignalPath,
    VentricularStates,
    process_signal,
)
from tests.support.core_signals import beats_at, ecg, flutter

FS_HZ = 360
Samples = npt.NDArray[np.int16]


def fibrillation(seconds: int, height_mv: float = 1.0, seed: int = 2) -> Samples:
    """Waves of 3 to 7 Hz that come and go."""
    random = np.random.default_rng(seed)
    time = np.arange(seconds * FS_HZ) / FS_HZ
    wave = np.zeros(len(time))
    for hz in np.linspace(3.2, 6.5, 9):
        wave += np.sin(2 * np.pi * (hz * time + random.random()) + np.sin(2 * np.pi * random.random() * time))
    return np.round(200 * height_mv / 2 * wave / np.abs(wave).max() * 1.5).astype(np.int16)


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts).astype(np.int16)


def states_of(samples: Samples) -> VentricularStates:
    return process_signal(samples).ventricular


def seconds_ventricular(samples: Samples) -> int:
    states = states_of(samples)
    return int(np.count_nonzero(states["kind"] != VENTRICULAR_NONE))


@pytest.mark.parametrize("rhythm", [flutter(30), flutter(30, 190), fibrillation(30)])
def test_it_begins_soon_and_ends(rhythm: Samples) -> None:
    samples = joined(ecg(60, 1)[0], rhythm, ecg(40, 2)[0])
    states = states_of(samples)
    first, last = states[0], states[-1]
    assert 57 * FS_HZ <= first["since"] <= 63 * FS_HZ
    assert first["until"] <= 66 * FS_HZ
    assert (last["kind"], np.count_nonzero(states["kind"] == VENTRICULAR_NONE)) == (VENTRICULAR_NONE, 1)
    assert 88 * FS_HZ <= last["since"] <= 97 * FS_HZ


def test_the_rate_is_that_of_the_waves() -> None:
    states = states_of(joined(ecg(20, 1)[0], flutter(30, 210)))
    assert np.median(states["rate"]) == pytest.approx(210, abs=3)


@pytest.mark.parametrize("height_mv", [0.3, 1.0, 6.0])
def test_the_amplitude_changes_nothing(height_mv: float) -> None:
    assert seconds_ventricular(flutter(40, height_mv=height_mv)) >= 33


def test_what_is_too_low_is_no_rhythm() -> None:
    assert seconds_ventricular(flutter(40, height_mv=0.1)) == 0


def rapid_beats(per_minute: int) -> Samples:
    """Narrow beats, P and T waves between them."""
    return beats_at(np.arange(200, 40 * FS_HZ - 200, 60 * FS_HZ // per_minute), 40 * FS_HZ)


def triangle(hz: float) -> Samples:
    return np.round(400 * np.abs(hz * np.arange(60 * FS_HZ) / FS_HZ % 1 - 0.5)).astype(np.int16)


def sine(hz: float) -> Samples:
    return np.round(200 * np.sin(2 * np.pi * hz * np.arange(60 * FS_HZ) / FS_HZ)).astype(np.int16)


@pytest.mark.parametrize(
    "samples",
    [
        ecg(60, 3)[0],
        rapid_beats(150),
        np.random.default_rng(1).normal(0, 10, 60 * FS_HZ).astype(np.int16),
        np.random.default_rng(1).normal(0, 100, 60 * FS_HZ).astype(np.int16),
        np.zeros(60 * FS_HZ, np.int16),
        triangle(1),
        triangle(8),
        sine(2.5),
        sine(3.7),
        sine(5),
    ],
    ids=[
        *("normal", "rapid", "noise", "strong noise", "flat", "60 a minute", "480 a minute"),
        *("sine of 2.5 Hz", "of 3.7 Hz", "of 5 Hz"),
    ],
)
def test_other_signals_do_not_start_it(samples: Samples) -> None:
    assert seconds_ventricular(samples) == 0


def test_nothing_is_decided_where_a_lead_is_off() -> None:
    path = SignalPath()
    path.push(flutter(20), LEAD_OFF_PLUS)
    assert len(path.ventricular) == 0
    path.push(flutter(10))
    assert path.ventricular["kind"][-1] != VENTRICULAR_NONE


def test_decisions_come_once_a_second_and_not_after_the_end() -> None:
    path = SignalPath()
    path.push(flutter(30))
    states = path.ventricular
    assert set(np.diff(states["until"].astype(np.int64)).tolist()) == {FS_HZ}
    assert 30 * FS_HZ - states["until"][-1] <= 1.8 * FS_HZ
    path.finish()
    assert np.array_equal(path.ventricular, states)


@pytest.mark.parametrize("fs_hz", [250, 500])
def test_a_board_of_another_rate_decides_alike(fs_hz: int) -> None:
    samples = joined(ecg(30, 1)[0], flutter(30))
    time = np.arange(60 * fs_hz) / fs_hz
    other = np.round(np.interp(time, np.arange(len(samples)) / FS_HZ, samples)).astype(np.int16)
    states, expected = process_signal(other, fs_hz=fs_hz).ventricular, states_of(samples)
    assert abs(states["since"][0] / fs_hz - expected["since"][0] / FS_HZ) <= 1
    assert len(states) == pytest.approx(len(expected), abs=1)


@pytest.mark.parametrize("block", [1, 37, 5000])
def test_blocks_of_any_size_give_the_same(block: int) -> None:
    samples = joined(ecg(10, 1)[0], flutter(10))
    path = SignalPath()
    for start in range(0, len(samples), block):
        path.push(samples[start : start + block])
    assert np.array_equal(path.ventricular, states_of(samples))
