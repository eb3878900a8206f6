"""The report on the state of the signal counts as it says."""

from __future__ import annotations

import numpy as np

from ecg_edge.firmware import FS_HZ, process_signal
from ecg_edge.training.detector.signal_state_report import (
    LINES,
    Asystole,
    AsystoleTally,
    mask_of,
    told_spans,
    with_asystoles,
)
from tests.support.core_signals import ADU_PER_MV, ecg


def test_asystoles_replace_whole_beats() -> None:
    samples, beats = ecg(120, seed=1)
    made_in, made = with_asystoles(samples, beats, ADU_PER_MV, np.random.default_rng(1))
    assert len(made) >= 2
    for one in made:
        inside = beats[(beats > one.last_beat) & (beats < one.next_beat)]
        assert 6 * FS_HZ - 400 <= one.next_beat - one.last_beat <= 20 * FS_HZ + 400
        changed = np.flatnonzero(made_in != samples)
        assert np.isin(inside, changed).mean() > 0.8
    kept = np.concatenate(
        [np.arange(0, made[0].last_beat + 100), np.arange(made[0].next_beat - 90, made[1].last_beat)]
    )
    assert np.array_equal(made_in[kept], samples[kept])


def test_an_asystole_is_told_in_time_or_not() -> None:
    beats, at = ecg(40, seed=2)
    quiet = np.round(200 * LINES[0].make(20 * FS_HZ, np.random.default_rng(1))).astype(np.int16)
    samples = np.concatenate([beats[: at[-1] + 150], quiet])
    processed = process_signal(samples)
    told, bad = told_spans(processed, len(samples)), mask_of(processed.bad_spans, len(samples))
    assert len(told) == 1 and not bad[at[-1] :].any()
    tally = AsystoleTally()
    tally.add(Asystole("", int(at[-1]), len(samples)), processed, told, bad)
    tally.add(Asystole("", int(at[-1]) - 3 * FS_HZ, len(samples)), processed, told, bad)
    assert (tally.made, tally.told, tally.told_or_bad) == (2, 1, 1)
