"""The report on low and smooth signals counts what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.errors import RecordError
from ecg_edge.training.detector import starts
from ecg_edge.training.detector.low_report import Tally, changed, height_mv, starts_of
from ecg_edge.training.detector.signals import Variant


def test_missed_and_false_beats_and_bad_signals_are_counted() -> None:
    beats = np.arange(300, 3300, 300)
    tally = Tally()
    tally.add(beats, beats, 0, 3600)
    tally.add(beats, beats[:6], 0, 3600)
    tally.add(beats, np.sort(np.concatenate([beats, beats[:4] + 150])), 0, 3600)
    assert (tally.signals, tally.beats, tally.missed, tally.false) == (3, 30, 4, 4)
    assert (tally.lost, tally.crowded) == (1, 1)
    assert tally.row("all").split()[:4] == ["all", "86.67", "/", "86.67"]


def test_only_the_part_in_question_is_counted() -> None:
    beats = np.arange(300, 3300, 300)
    tally = Tally()
    tally.add(beats, beats[1:-1] + 3, 500, 2900)
    assert (tally.beats, tally.missed, tally.false) == (8, 0, 0)


def test_a_changed_signal_is_lower_and_smoother() -> None:
    values = np.zeros(3000, np.int16)
    beats = np.arange(300, 3000, 300)
    for at in beats:
        values[at - 4 : at + 5] += (400 * np.hanning(9)).astype(np.int16)
    whole = Variant("made up", values, beats, 200)
    assert height_mv(changed(whole, 0.5, 0), beats) == pytest.approx(1.0, abs=0.01)
    assert height_mv(changed(whole, 1, 8), beats) < 1
    steepness = [np.abs(np.diff(changed(whole, 1, hz))).max() for hz in (0, 20, 8)]
    assert steepness == sorted(steepness, reverse=True)


def test_starts_are_cut_from_every_30_seconds() -> None:
    whole = Variant("made up", np.zeros(60 * 360 + 1, np.int16), np.array([100, 11_000]), 200)
    assert [part.beats.tolist() for part in starts_of(whole)] == [[100], [200]]


def test_a_database_that_is_not_there_is_named_and_not_counted_as_nothing(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"ludb: no records.*data get ludb"):
        list(starts.strips(tmp_path))
    with pytest.raises(RecordError, match=r"svdb: no records.*data get svdb"):
        list(starts.development_records(tmp_path))
