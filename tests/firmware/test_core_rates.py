"""Boards of 250 and 500 Hz: the same beats at the same time as at 360 Hz."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from ecg_edge.ecg.annotations import read_annotations
from ecg_edge.ecg.records import load_record, read_timing
from ecg_edge.ecg.scoring import compare_beats, summarize
from ecg_edge.firmware import (
    BOARD_RATES_HZ,
    FLAG_LEADS_OFF,
    FLAG_LEARNING,
    FLAG_SATURATED,
    FS_HZ,
    LEAD_OFF_MINUS,
    Beats,
    SignalPath,
    process,
)
from ecg_edge.firmware.binding.rhythm import settled
from ecg_edge.host.evaluation.detector import to_annotations
from ecg_edge.host.evaluation.sources import REFERENCE
from tests.support.core_signals import ecg

RATES = [250, 500]
SIGNAL, R_PEAKS = ecg(seconds=60, seed=3)
Samples = npt.NDArray[np.int16]


def at_rate(samples: Samples, fs_hz: int) -> Samples:
    return np.rint(resample_poly(samples.astype(float), fs_hz, FS_HZ)).astype(np.int16)


def table_script(project_root: Path) -> Path:
    return project_root / "firmware/scripts/resample_table.py"


def test_the_table_is_what_its_script_writes(project_root: Path) -> None:
    command = [sys.executable, str(table_script(project_root))]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert written == (project_root / "firmware/lib/ecg_core/src/resample_table.h").read_text()


def half_filter(project_root: Path) -> npt.NDArray[np.int64]:
    text = (project_root / "firmware/lib/ecg_core/src/resample_table.h").read_text()
    values = text.split("{")[1].split("}")[0]
    return np.array([int(value) for value in values.split(",")])


def test_the_response_is_as_documented(project_root: Path) -> None:
    half = half_filter(project_root)
    at = np.arange(1, len(half)) / 9000
    hz = np.arange(0, 4500)
    response = (half[0] + 2 * np.cos(2 * np.pi * hz[:, None] * at) @ half[1:]) / half.sum() / 2
    response = response / response[0]
    assert np.abs(response[:46] - 1).max() < 0.006
    assert 20 * np.log10(np.abs(response[180:]).max()) < -50


@pytest.mark.parametrize("stride", [18, 36])
def test_every_phase_keeps_a_constant_and_fits_32_bits(project_root: Path, stride: int) -> None:
    half = half_filter(project_root)
    places = np.abs(np.arange(stride)[:, None] - np.arange(-108 + stride, 109, stride))
    assert set(half[places].sum(axis=1)) == {16384 * 36 // stride}
    assert np.abs(half[places]).sum(axis=1).max() * 32768 < 2**31


@pytest.mark.parametrize("fs_hz", RATES)
def test_the_beats_are_those_at_360_hz(fs_hz: int) -> None:
    expected, found = process(SIGNAL), process(at_rate(SIGNAL, fs_hz), fs_hz=fs_hz)
    assert len(found) == len(expected) > 60
    late_s = found["r_sample"] / fs_hz - expected["r_sample"] / FS_HZ
    assert np.abs(late_s[1:]).max() < 0.004  # the filters still settle on the first
    settled = expected["flags"] & FLAG_LEARNING == 0
    difference = found["beat"].astype(int) - expected["beat"]
    assert np.abs(difference[settled]).mean() < 0.6
    assert np.abs(difference[settled]).max() < 12


@pytest.mark.parametrize("fs_hz", RATES)
def test_intervals_are_differences_of_the_peaks(fs_hz: int) -> None:
    beats = process(at_rate(SIGNAL, fs_hz), fs_hz=fs_hz)
    assert beats["rr_samples"].tolist() == [0, *np.diff(beats["r_sample"].astype(int))]


@pytest.mark.parametrize("fs_hz", RATES)
def test_beats_come_within_800_ms_after_the_start(fs_hz: int) -> None:
    path, samples = SignalPath(fs_hz=fs_hz), at_rate(SIGNAL, fs_hz)
    came = [(i, int(beat["r_sample"])) for i in range(len(samples)) for beat in path.push(samples[i : i + 1])]
    waits = [i - r_sample for i, r_sample in came if i > 3.4 * fs_hz]
    assert len(came) > len(waits) > 60
    assert max(waits) <= 0.8 * fs_hz


@pytest.mark.parametrize("fs_hz", RATES)
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 15000), max_size=30))
def test_any_split_gives_the_same_bytes(fs_hz: int, cuts: list[int]) -> None:
    samples = at_rate(SIGNAL, fs_hz)
    path = SignalPath(fs_hz=fs_hz)
    parts = [path.push(block) for block in np.split(samples, sorted(cuts))]
    assert np.concatenate([*parts, path.finish()]).tobytes() == process(samples, fs_hz=fs_hz).tobytes()


@pytest.mark.parametrize("fs_hz", BOARD_RATES_HZ)
def test_nothing_comes_before_the_settled_time(fs_hz: int) -> None:
    """Beats, and changes of the signal's quality, of a signal with two seconds of a flat line and noise."""
    samples = at_rate(SIGNAL, fs_hz).copy()
    samples[20 * fs_hz : 22 * fs_hz] = samples[20 * fs_hz]
    samples[26 * fs_hz : 28 * fs_hz] = np.random.default_rng(1).integers(-2000, 2000, 2 * fs_hz)
    path, known, beats = SignalPath(fs_hz=fs_hz), 0, 0
    for taken in range(1, len(samples) + 1):
        for beat in path.push(samples[taken - 1 : taken]):
            assert beat["r_sample"] >= settled(taken, fs_hz)
            beats += 1
        changes = path.changes["sample"]
        assert np.all(changes[known:] >= settled(taken, fs_hz))
        known = len(changes)
    assert beats > 20 and known >= 2


@pytest.mark.parametrize("fs_hz", RATES)
def test_every_mark_brings_its_beat(fs_hz: int) -> None:
    samples = at_rate(SIGNAL, fs_hz)
    marks = np.append(np.rint(R_PEAKS * (fs_hz / FS_HZ)).astype(int), len(samples) - 1)
    beats = process(samples, r_peaks=marks, fs_hz=fs_hz)
    assert len(beats) == len(marks)
    assert np.abs(beats["r_sample"][:-1].astype(int) - marks[:-1]).max() <= 2
    assert beats["r_sample"][-1] < len(samples)


@pytest.mark.parametrize("fs_hz", RATES)
@pytest.mark.parametrize("length", [0, 1, 2, 3, 100, 1001])
def test_a_signal_of_any_length_ends_well(fs_hz: int, length: int) -> None:
    beats = process(at_rate(SIGNAL, fs_hz)[:length], fs_hz=fs_hz)
    assert np.all(beats["r_sample"] < max(1, length))


@pytest.mark.parametrize("fs_hz", RATES)
def test_a_constant_signal_has_no_beats(fs_hz: int) -> None:
    for value in (-32768, -1, 0, 2048, 32767):
        assert len(process(np.full(20000, value, np.int16), fs_hz=fs_hz)) == 0


def beats_with(flag: int, beats: Beats) -> npt.NDArray[np.bool_]:
    flagged: npt.NDArray[np.bool_] = (beats["flags"] & flag) != 0
    return flagged


@pytest.mark.parametrize("fs_hz", RATES)
def test_a_lead_that_is_off_is_seen_in_the_beats_around_it(fs_hz: int) -> None:
    samples = at_rate(SIGNAL, fs_hz)
    path, cut = SignalPath(fs_hz=fs_hz), 20 * fs_hz
    parts = [path.push(samples[:cut]), path.push(samples[cut : cut + 1], LEAD_OFF_MINUS)]
    beats = np.concatenate([*parts, path.push(samples[cut + 1 :]), path.finish()])
    flagged = beats["r_sample"][beats_with(FLAG_LEADS_OFF, beats)] / fs_hz
    inside = beats["r_sample"][np.abs(beats["r_sample"] / fs_hz - 19.91) < 0.33] / fs_hz
    assert len(inside) and set(inside) <= set(flagged)
    assert np.all(np.abs(flagged - 19.91) < 0.38)


@pytest.mark.parametrize("fs_hz", RATES)
def test_a_rail_is_still_a_rail(fs_hz: int) -> None:
    samples = at_rate(SIGNAL, fs_hz).clip(-2000, 150)  # the ADC ends below the R peaks
    wide = samples.copy()
    wide[10 * fs_hz : 10 * fs_hz + fs_hz // 10] = 150
    beats = process(wide, fs_hz=fs_hz)
    around = beats[np.abs(beats["r_sample"] / fs_hz - 10) < 0.3]
    assert len(around) and np.all(beats_with(FLAG_SATURATED, around))


@pytest.mark.records
@pytest.mark.parametrize("fs_hz", RATES)
def test_records_are_detected_as_at_360_hz(data_dir: Path, fs_hz: int) -> None:
    results = []
    for name in ("100", "119", "207", "232"):
        timing = read_timing(data_dir / "mitdb", name)
        record = load_record(data_dir, "mitdb", name, lead="auto", annotator=None, fs_hz=fs_hz)
        beats = process(record.samples, adu_per_mv=record.adu_per_mv, fs_hz=fs_hz)
        reference = read_annotations(data_dir / "mitdb", name, REFERENCE, timing.fs_hz)
        found = to_annotations(beats, timing.fs_hz, fs_hz)
        results.append((name, compare_beats(reference, found, fs_hz=timing.fs_hz, end_s=timing.length_s)))
    gross = summarize(results).as_dict()["gross"]
    assert gross["qrs_se"] > 0.998 and gross["qrs_ppv"] > 0.998
