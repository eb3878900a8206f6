"""Made-up patients: beats of a record in a rhythm that it does not have."""

from __future__ import annotations

import numpy as np
import pytest

from ecg_edge.ecg.records import Record
from ecg_edge.training.beats import find_beats
from ecg_edge.training.made_up import KINDS, make_up
from tests.support.core_signals import ADU_PER_MV, NORMAL_WAVES, beats_at

SINUS = 290


@pytest.fixture(scope="module")
def regular() -> Record:
    """A record of regular N beats with P waves at 200 units a millivolt."""
    r_peaks = 400 + SINUS * np.arange(100)
    samples = beats_at(r_peaks, int(r_peaks[-1]) + 2000)
    symbols = np.full(len(r_peaks), "N")
    return Record("1", "mitdb", 360, 200, "MLII", samples, r_peaks.astype(np.int64), symbols, ("",) * 100)


def made(regular: Record, kind: str, seed: int = 1) -> Record:
    record = make_up(regular, kind, np.random.default_rng(seed))
    assert record is not None
    return record


def p_wave_height(record: Record) -> float:
    """Of the mean beat, against the level between P wave and QRS complex."""
    beats = np.array([record.samples[r - 90 : r] for r in record.annotation_samples[5:]])
    return float(beats.mean(0)[:60].max() - beats.mean(0)[60:66].mean())


@pytest.mark.parametrize("kind", KINDS)
def test_every_annotation_is_at_a_copied_r_peak(regular: Record, kind: str) -> None:
    record = made(regular, kind)
    heights = [record.samples[r - 3 : r + 4].max() for r in record.annotation_samples]
    expected = regular.samples[regular.annotation_samples].mean()
    assert len(heights) > 90
    assert np.abs(np.array(heights) - expected).max() < 60


def test_fibrillation_is_irregular_without_p_waves_and_all_n(regular: Record) -> None:
    record = made(regular, "fibrillation")
    intervals = np.diff(record.annotation_samples)
    assert set(record.annotation_symbols) == {"N"}
    assert np.std(intervals) > 0.1 * np.mean(intervals)
    assert p_wave_height(record) < p_wave_height(made(regular, "sinus-arrhythmia")) / 2


def test_sinus_arrhythmia_keeps_p_waves_and_changes_slowly(regular: Record) -> None:
    record = made(regular, "sinus-arrhythmia")
    intervals = np.diff(record.annotation_samples)
    assert set(record.annotation_symbols) == {"N"}
    assert np.ptp(intervals) > 0.05 * np.mean(intervals)
    assert np.corrcoef(intervals[:-1], intervals[1:])[0, 1] > 0.1


def test_early_beats_of_atrial_runs_are_a(regular: Record) -> None:
    record = made(regular, "atrial-runs", seed=2)
    intervals = np.diff(record.annotation_samples)
    early = record.annotation_symbols[1:] == "A"
    assert 0 < early.sum() < len(early)
    assert np.median(intervals[early]) < 0.95 * np.median(intervals[~early])


def test_the_same_draw_gives_the_same_signal(regular: Record) -> None:
    assert np.array_equal(made(regular, "fibrillation").samples, made(regular, "fibrillation").samples)
    assert not np.array_equal(
        made(regular, "fibrillation").samples[:5000], made(regular, "fibrillation", 2).samples[:5000]
    )


@pytest.fixture(scope="module")
def fast() -> Record:
    """A record of regular N beats at 114 a minute: made-up intervals are often longer than its own."""
    r_peaks = 400 + 190 * np.arange(150)
    samples = beats_at(r_peaks, int(r_peaks[-1]) + 2000)
    symbols = np.full(150, "N")
    return Record("1", "mitdb", 360, 200, "MLII", samples, r_peaks.astype(np.int64), symbols, ("",) * 150)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fast_record_brings_no_beat_that_is_not_marked(fast: Record, kind: str) -> None:
    record = made(fast, kind)
    assert (np.diff(record.annotation_samples) > 240).sum() > 20
    _, symbols = find_beats(record, "detected")
    assert (symbols == "").sum() == 0
    assert (symbols != "").sum() >= len(record.annotation_samples) - 3


def test_a_fast_record_brings_no_p_wave_without_its_qrs_complex(fast: Record) -> None:
    record = made(fast, "sinus-arrhythmia")
    at, intervals = record.annotation_samples[:-1], np.diff(record.annotation_samples)
    rests = np.array([record.samples[r + 120 : r + 160] for r in at[intervals > 260]], float)
    p_wave = NORMAL_WAVES[0][2] * ADU_PER_MV
    assert len(rests) > 20
    assert np.ptp(rests, axis=1).max() < p_wave / 2


def test_a_record_with_few_beats_gives_none() -> None:
    r_peaks = 400 + SINUS * np.arange(20)
    samples = beats_at(r_peaks, int(r_peaks[-1]) + 2000)
    record = Record(
        "1", "mitdb", 360, 200, "MLII", samples, r_peaks.astype(np.int64), np.full(20, "N"), ("",) * 20
    )
    assert make_up(record, "fibrillation", np.random.default_rng(1)) is None
