"""Strips, the input of the morphology network: levels in millivolts, timing, the same at every rate."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import firwin, resample_poly

from ecg_edge.firmware import (
    STRIP_DELAY,
    STRIP_FS_HZ,
    STRIP_POINTS,
    STRIP_STEPS_PER_MV,
    StripPath,
    strip_fingerprint,
    strips,
)
from tests.support.core_signals import ADU_PER_MV, beats_at, ecg
from tests.support.device_c import LIBRARIES
from tests.support.fingerprints import ChangedLibrary

Samples = npt.NDArray[np.int16]
SIGNAL, R_PEAKS = ecg(seconds=32, seed=3)


def beats_with_st(st_mv: float, rr_samples: int = 300, seconds: int = 10) -> Samples:
    """Beats with a horizontal ST segment at `st_mv` from 40 to 140 ms after the R peak."""
    count = seconds * 360
    peaks = np.arange(100, count - 100, rr_samples)
    signal = beats_at(peaks, count, [(0, 4, 1.0)]).astype(float)
    for peak in peaks:
        signal[peak + 15 : peak + 50] += st_mv * ADU_PER_MV
    return np.rint(signal).astype(np.int16)


def test_the_low_pass_is_the_documented_one(project_root: Path) -> None:
    text = (project_root / "firmware/lib/ecg_core/src/strip.c").read_text()
    values = re.search(r"LOW_PASS\[.*?\] = \{(.*?)\}", text, re.DOTALL)
    assert values
    half = np.array([int(value) for value in values.group(1).split(",")])
    wanted = np.rint(firwin(57, 38, window=("kaiser", 4.2), fs=360) * 2**15)[28:].astype(int)
    np.testing.assert_array_equal(half[1:], wanted[1:])
    assert half[0] + 2 * half[1:].sum() == 2**15


@pytest.mark.parametrize("fs_hz", [250, 360, 500])
def test_a_strip_comes_within_10_s_and_then_every_5_s(fs_hz: int) -> None:
    found = strips(np.zeros(31 * fs_hz, np.int16), fs_hz=fs_hz)["sample"] + 1
    assert 9.85 * fs_hz <= found[0] <= 10 * fs_hz
    assert len(found) == 5
    np.testing.assert_allclose(np.diff(found.astype(int)), 5 * fs_hz, atol=2)


@pytest.mark.parametrize("adu_per_mv", [20, 200, 1000])
def test_steps_are_20_microvolts_at_every_gain(adu_per_mv: int) -> None:
    signal = np.zeros(3600, np.int16)
    signal[1800:1836] = adu_per_mv  # 1 mV for 100 ms
    points = strips(signal, adu_per_mv=adu_per_mv)["points"][0]
    assert points.max() - np.median(points) == pytest.approx(
        STRIP_STEPS_PER_MV, abs=6
    )  # overshoot of the low-pass


def test_points_lie_where_the_delay_is_documented() -> None:
    signal = np.zeros(3600, np.int16)
    signal[1600:1800] = 200
    points = strips(signal)["points"][0].astype(int)
    first = np.flatnonzero(points > 25)[0]
    newest = strips(signal)["sample"][0] - STRIP_DELAY
    rise = newest - (STRIP_POINTS - 1 - first) * 360 / STRIP_FS_HZ
    assert rise == pytest.approx(1600, abs=4)


@pytest.mark.parametrize("rr_samples", [170, 300, 480])
@pytest.mark.parametrize("st_mv", [-0.2, -0.1, 0.1, 0.3])
def test_the_level_of_the_st_segment_is_kept(st_mv: float, rr_samples: int) -> None:
    with_st, without = beats_with_st(st_mv, rr_samples), beats_with_st(0, rr_samples)
    points, plain = (strips(one)["points"][0].astype(float) for one in (with_st, without))
    # 90 ms after each R peak, against 110 ms before it.
    shift = strips(with_st)["sample"][0] - STRIP_DELAY
    peaks = np.arange(100, 3500, rr_samples)[1:-1]
    after = STRIP_POINTS - 1 - np.rint((shift - peaks - 32) / 4).astype(int)
    change = (points - plain)[after] - (points - plain)[after - 18]
    assert np.mean(change) / STRIP_STEPS_PER_MV == pytest.approx(st_mv, abs=1.05 / STRIP_STEPS_PER_MV)


def test_mains_is_removed_and_wander_reduced() -> None:
    time = np.arange(3600) / 360
    for frequency, most in ((50, 1), (60, 1), (0.1, 6), (0.2, 16)):
        wave = np.rint(200 * np.sin(2 * np.pi * frequency * time)).astype(np.int16)
        middle = strips(wave)["points"][0][100:-100].astype(int)  # of 50 steps
        assert np.abs(middle).max() <= most, frequency


def test_levels_saturate_and_a_jump_out_of_range_is_survived() -> None:
    signal = beats_at(np.arange(200, 10800, 300), 10800, [(0, 4, 20.0)])
    signal[5000:] -= 20000
    assert strips(signal)["points"].max() == 127
    np.testing.assert_array_equal(np.abs(strips(np.full(3600, -32768, np.int16))["points"]), 0)


@pytest.mark.parametrize("fs_hz", [250, 500])
def test_boards_of_other_rates_have_the_same_strip(fs_hz: int) -> None:
    other = np.rint(resample_poly(SIGNAL.astype(float), fs_hz, 360)).astype(np.int16)
    at_360 = strips(SIGNAL)["points"].astype(int)
    at_other = strips(other, fs_hz=fs_hz)["points"].astype(int)
    assert len(at_360) == len(at_other)
    for one, two in zip(at_360, at_other, strict=True):
        assert max(np.corrcoef(one[4:-4], two[4 + lag : 896 + lag])[0, 1] for lag in (-1, 0, 1)) > 0.985


@given(cuts=st.lists(st.integers(0, len(SIGNAL)), max_size=6))
@settings(max_examples=20, deadline=None)
def test_blocks_of_any_size_give_the_same_strips(cuts: list[int]) -> None:
    path = StripPath()
    parts = [path.push(block) for block in np.split(SIGNAL, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(parts), strips(SIGNAL))


@pytest.mark.parametrize(("adu_per_mv", "fs_hz"), [(10, 360), (200, 128), (200.5, 360)])
def test_a_bad_configuration_is_refused(adu_per_mv: float, fs_hz: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        StripPath(adu_per_mv, fs_hz)


# File, text, other text: each changes what a strip is.
CHANGES = [
    ("strip.c", "ecg_shift_round(sum, 15)", "(sum >> 15)"),
    ("strip.c", "#define SPARE_POINTS 10", "#define SPARE_POINTS 8"),
    ("strip_baseline.c", "#define BASELINE_SIDE 91", "#define BASELINE_SIDE 80"),
    ("input.c", "#define INPUT_LIMIT_MV 34", "#define INPUT_LIMIT_MV 60"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ChangedLibrary:
    return ChangedLibrary("ecg_core", tmp_path_factory.mktemp("objects"))


def test_unchanged_sources_give_the_extensions_fingerprint(library: ChangedLibrary, tmp_path: Path) -> None:
    assert library.fingerprint("ecg_strip_fingerprint", tmp_path) == strip_fingerprint()


@pytest.mark.parametrize(("name", "text", "other"), CHANGES, ids=[change[1] for change in CHANGES])
def test_a_change_changes_the_fingerprint(
    library: ChangedLibrary, tmp_path: Path, name: str, text: str, other: str
) -> None:
    original = (LIBRARIES / "ecg_core" / "src" / name).read_text()
    assert text in original
    (tmp_path / name).write_text(original.replace(text, other))
    changed = library.fingerprint("ecg_strip_fingerprint", tmp_path, [tmp_path / name])
    assert changed != strip_fingerprint()
