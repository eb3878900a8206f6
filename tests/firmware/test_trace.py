"""The look into the signal path agrees with what the signal path gives."""

from __future__ import annotations

import numpy as np

from ecg_edge.firmware import process
from ecg_edge.firmware.binding.trace import REFUSED, trace
from tests.support.core_signals import ecg

SIGNAL, R_PEAKS = ecg(seconds=60, seed=12)


def test_the_accepted_candidates_are_the_beats() -> None:
    candidates = trace(SIGNAL).candidates
    accepted = candidates[candidates["accepted"] == 1]
    inside = accepted["at"] < len(SIGNAL) - 18  # nearer to the end it is no beat
    assert accepted["at"][inside].tolist() == process(SIGNAL)["r_sample"].tolist()
    assert np.all(accepted["score"] > 0) and len(accepted) > 60
    assert np.all(candidates["score"][candidates["accepted"] == 0] <= 0)


def test_the_energy_is_that_of_the_candidates() -> None:
    found = trace(SIGNAL)
    inside = found.candidates[found.candidates["energy_at"] < len(SIGNAL)]
    assert np.array_equal(found.energy[inside["energy_at"]], inside["energy"])


def test_the_filtered_signal_is_in_phase_and_to_scale() -> None:
    found = trace(SIGNAL)
    assert found.filtered.shape == found.energy.shape == SIGNAL.shape
    heights = found.filtered[R_PEAKS[5:-1]]
    assert np.all((heights > 0.8) & (heights < 1.3))  # the beats have 1.2 mV
    near = [found.filtered[r - 20 : r + 21].argmax() - 20 for r in R_PEAKS[5:-1]]
    assert np.abs(near).max() <= 1


def test_a_candidate_near_a_beat_or_below_0_08_mv_cannot_be_a_beat() -> None:
    found = trace(SIGNAL)
    inside = (found.candidates["at"] > 400) & (found.candidates["at"] < len(SIGNAL) - 400)
    candidates = found.candidates[inside]
    at = candidates["at"].astype(int)
    beats = process(SIGNAL)["r_sample"].astype(int)
    since = np.array([place - beats[beats <= place].max() for place in at])
    height = np.array([np.ptp(found.filtered[place - 36 : place + 37 : 3]) for place in at])
    refused = candidates["score"] == REFUSED
    near = (since < 72) & (since > 0)
    assert (height < 0.079).any()
    assert np.array_equal(refused, near | (height < 0.08))


def test_an_empty_signal_has_nothing_to_show() -> None:
    found = trace(np.zeros(0, np.int16))
    assert len(found.filtered) == len(found.energy) == len(found.candidates) == 0
