"""The Python face of the signal path: layout, checks of the arguments, blocks of any size."""

from __future__ import annotations

import math
import zlib
from fractions import Fraction
from itertools import pairwise
from typing import SupportsFloat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_edge import firmware
from ecg_edge.firmware import BEAT_DTYPE, FS_HZ, SignalPath, process
from tests.support.core_signals import beats_at, ecg

SIGNAL, R_PEAKS = ecg(seconds=30, seed=1)
START = 1224  # samples, 3.4 s: by then the first beats, which wait longer, are out


def test_constants_come_from_the_header() -> None:
    assert FS_HZ == 360
    assert firmware.WINDOW_PRE + firmware.WINDOW_POST == 2 * firmware.BEAT_POINTS
    assert pytest.approx(1 / 20) == firmware.BEAT_SCALE
    assert pytest.approx(1 / 64) == firmware.RHYTHM_SCALE
    assert BEAT_DTYPE["beat"].shape == (firmware.BEAT_POINTS, firmware.BEAT_CHANNELS)
    assert BEAT_DTYPE["rhythm"].shape == (firmware.RHYTHM_FEATURES,)


@pytest.mark.parametrize("fs_hz", [0, 100, 251, 1000])
def test_a_rate_that_no_board_has_is_refused(fs_hz: int) -> None:
    with pytest.raises(ValueError, match=f"fs_hz.*{fs_hz}"):
        SignalPath(fs_hz=fs_hz)


def test_state_fits_ten_kib() -> None:
    assert SignalPath().state_bytes <= 10240


def test_crc_is_the_standard_one_over_both_tensors() -> None:
    beats = process(SIGNAL)
    assert len(beats) > 20
    for beat in beats:
        assert beat["crc32"] == zlib.crc32(beat["beat"].tobytes() + beat["rhythm"].tobytes())


def test_fingerprint_repeats_and_process_leaves_it_alone() -> None:
    before = firmware.fingerprint()
    process(SIGNAL)
    assert firmware.fingerprint() == before != 0


def test_process_repeats() -> None:
    assert process(SIGNAL).tobytes() == process(SIGNAL).tobytes()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(SIGNAL)), max_size=40))
def test_any_split_gives_the_same_bytes(cuts: list[int]) -> None:
    path = SignalPath()
    parts = [path.push(block) for block in np.split(SIGNAL, sorted(cuts))]
    assert np.concatenate([*parts, path.finish()]).tobytes() == process(SIGNAL).tobytes()


def test_sample_by_sample_gives_the_same_bytes() -> None:
    path = SignalPath()
    parts = [path.push(SIGNAL[i : i + 1]) for i in range(len(SIGNAL))]
    assert np.concatenate([*parts, path.finish()]).tobytes() == process(SIGNAL).tobytes()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, len(SIGNAL)), max_size=20))
def test_any_split_of_a_marked_signal_gives_the_same_bytes(cuts: list[int]) -> None:
    path = SignalPath(marked=True)
    r_peaks = R_PEAKS
    edges = [0, *sorted(cuts), len(SIGNAL)]
    parts = []
    for start, end in pairwise(edges):
        inside = r_peaks[(r_peaks >= start) & (r_peaks < end)]
        parts.append(path.push_marked(SIGNAL[start:end], inside - start))
    whole = process(SIGNAL, r_peaks=R_PEAKS)
    assert np.concatenate([*parts, path.finish()]).tobytes() == whole.tobytes()


def test_beats_come_within_800_ms_after_the_start() -> None:
    path = SignalPath()
    waits = [
        (int(beat["r_sample"]), i - int(beat["r_sample"]))
        for i in range(len(SIGNAL))
        for beat in path.push(SIGNAL[i : i + 1])
    ]
    assert any(r_sample + wait < START for r_sample, wait in waits)
    assert max(wait for r_sample, wait in waits if r_sample + wait >= START) <= 288


def test_an_empty_block_is_fine() -> None:
    path = SignalPath()
    assert len(path.push(np.zeros(0, np.int16))) == 0
    assert len(path.finish()) == 0


@pytest.mark.parametrize("samples", [[1, 2, 3], np.zeros(5), np.zeros(5, np.int32), np.zeros(5, np.uint16)])
def test_samples_of_another_type_are_refused(samples: object) -> None:
    with pytest.raises(TypeError, match=r"samples.*int16"):
        process(samples)  # type: ignore[arg-type]


def test_samples_of_two_leads_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(5, 2\)"):
        process(np.zeros((5, 2), np.int16))


def test_a_strided_view_is_read_correctly() -> None:
    two_leads = np.stack([SIGNAL, SIGNAL // 2], axis=1)
    assert process(two_leads[:, 0]).tobytes() == process(SIGNAL).tobytes()


@pytest.mark.parametrize("gain", [0, 19, 20001])
def test_a_gain_outside_its_limits_is_refused(gain: int) -> None:
    with pytest.raises(ValueError, match=f"adu_per_mv.*{gain}"):
        SignalPath(adu_per_mv=gain)


@pytest.mark.parametrize("gain", [200.0, np.float64(200), np.float32(200), np.int64(200), Fraction(200)])
def test_a_whole_gain_of_another_type_is_taken(gain: SupportsFloat) -> None:
    assert process(SIGNAL, adu_per_mv=gain).tobytes() == process(SIGNAL, adu_per_mv=200).tobytes()


@pytest.mark.parametrize("gain", [200.5, math.nan, math.inf])
def test_a_fractional_gain_is_refused(gain: float) -> None:
    with pytest.raises(ValueError, match="adu_per_mv"):
        SignalPath(adu_per_mv=gain)


def test_another_mains_frequency_is_refused() -> None:
    with pytest.raises(ValueError, match="mains_hz"):
        SignalPath(mains_hz=16)


@pytest.mark.parametrize(
    ("peaks", "error", "text"),
    [
        ([0.5], TypeError, "sample indices"),
        ([[1, 2]], ValueError, "one dimension"),
        ([-1], ValueError, "must lie in the block"),
        ([len(SIGNAL)], ValueError, "must lie in the block"),
        ([200, 100], ValueError, "sorted"),
    ],
)
def test_bad_r_peaks_are_refused(peaks: list[int], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        process(SIGNAL, r_peaks=peaks)


def test_push_marked_needs_the_marked_mode() -> None:
    with pytest.raises(ValueError, match="marked=True"):
        SignalPath().push_marked(SIGNAL, [100])


def test_lead_flags_outside_their_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="lead_flags"):
        SignalPath().push(SIGNAL, lead_flags=4)


def test_a_finished_path_takes_no_more() -> None:
    path = SignalPath()
    path.finish()
    with pytest.raises(ValueError, match="finished"):
        path.push(SIGNAL)


def test_too_many_marks_at_once_are_an_error_and_not_lost() -> None:
    with pytest.raises(ValueError, match="marked peaks"):
        process(SIGNAL, r_peaks=np.arange(1000, 1040))


def test_push_leaves_the_samples_alone() -> None:
    signal = beats_at(np.array([500, 800]), 1200)
    copy = signal.copy()
    process(signal)
    assert np.array_equal(signal, copy)
