"""The figures of silence in bad signal are counted as they are defined."""

from __future__ import annotations

import numpy as np
import pytest

from ecg_edge.firmware import BEAT_DTYPE, CHANGE_DTYPE, VENTRICULAR_DTYPE, Processed
from ecg_edge.training.detector import quality_report as measure_quality
from ecg_edge.training.detector.signals import Variant


def test_places_inside_of_spans() -> None:
    spans = np.array([[10, 20], [30, 31]])
    assert measure_quality.inside(np.array([9, 10, 19, 20, 30, 31]), spans).tolist() == [0, 1, 1, 0, 1, 0]
    assert not measure_quality.inside(np.array([5]), np.empty((0, 2), np.int64)).any()


def test_beats_and_errors_in_bad_signal_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten beats, one missed outside and one inside of bad signal, which has two false ones."""
    annotated = np.arange(1000, 11000, 1000)
    found = np.sort(np.concatenate([np.delete(annotated, [1, 7]), [7500, 8500]]))
    beats = np.zeros(len(found), BEAT_DTYPE)
    beats["r_sample"], beats["quality"] = found, 100
    made = Processed(
        beats, np.empty(0, CHANGE_DTYPE), np.array([[7200, 8800]]), np.empty(0, VENTRICULAR_DTYPE)
    )
    monkeypatch.setattr(measure_quality, "process_signal", lambda samples, adu_per_mv: made)
    tally = measure_quality.Tally()
    measure_quality.add(tally, Variant("clean", np.zeros(12000, np.int16), annotated, 200))
    assert (tally.beats, tally.missed, tally.false) == (10, 2, 2)
    assert (tally.beats_bad, tally.missed_bad, tally.false_bad) == (1, 1, 2)
    assert tally.row("clean").split() == [
        "clean",
        "13.33",
        "%",
        "80.00",
        "/",
        "80.00",
        "80.00",
        "/",
        "100.00",
    ]
    assert tally.right[0].tolist() == [True, True, True, True, True, True, False, False, True, True]
