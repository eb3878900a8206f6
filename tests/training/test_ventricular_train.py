"""Training of the ventricular rhythm detector: labels of windows, altered signals, form of the weights."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.records import FS_HZ, Record, load_record
from ecg_edge.firmware import process_signal
from ecg_edge.training.ventricular import signals, train
from ecg_edge.training.ventricular.report import Tally, add
from ecg_edge.training.ventricular.signals import FIBRILLATION, LEFT_OUT, OTHER, STEP, TACHYCARDIA, Signal

SECONDS = 40


def flutter(per_minute: float = 250) -> Signal:
    time = np.arange(SECONDS * FS_HZ) / FS_HZ
    phase = 2 * np.pi * per_minute / 60 * time
    # A pure sine is no rhythm.
    samples = np.round(100 * np.sin(phase) + 15 * np.cos(2 * phase)).astype(np.int16)
    rhythms = np.full(len(samples) // STEP + 1, TACHYCARDIA, np.uint8)
    return Signal("vfdb", "vfdb/made up", 0, samples, 200, rhythms)


def record_of(symbols: str, rr: int, notes: tuple[str, ...] = ()) -> Record:
    """Beats `rr` samples apart; a note for each `+`."""
    at = 1000 + rr * np.arange(len(symbols))
    is_rhythm = np.array([symbol == "+" for symbol in symbols])
    texts = iter(notes)
    return Record(
        *("1", "made up", FS_HZ, 200, "I", np.zeros(30_000, np.int16), at, np.array(list(symbols))),
        tuple(next(texts) if rhythm else "" for rhythm in is_rhythm),
    )


def test_a_rhythm_lasts_to_the_next_annotation() -> None:
    found = signals.rhythms_of(record_of("+N+N+N", 3600, ("(VFL", "(N", "(HGEA")))
    assert found[1000 // STEP - 1] == OTHER
    for sample, rhythm in ((1000, FIBRILLATION), (8200, OTHER), (15400, LEFT_OUT)):
        assert found[sample // STEP] == found[(sample + 7000) // STEP] == rhythm


@pytest.mark.parametrize(
    ("symbols", "rr", "rhythm"),
    [("NVVVN", 150, TACHYCARDIA), ("NVVN", 150, OTHER), ("NVVVN", 300, LEFT_OUT)],
)
def test_a_run_of_ventricular_beats_is_tachycardia_when_it_is_fast(
    symbols: str, rr: int, rhythm: int
) -> None:
    found = signals.rhythms_of(record_of(symbols, rr))
    assert found[(1000 + 2 * rr) // STEP] == rhythm
    assert found[1000 // STEP] == OTHER


def test_a_window_has_the_label_of_what_fills_it() -> None:
    signal = flutter()
    signal.rhythms[: 20 * FS_HZ // STEP] = FIBRILLATION
    rows = train.decide(train.build(), signal)
    labels = train.labels_of(signal, rows)
    until = rows["until"] / FS_HZ
    assert set(labels[until < 20].tolist()) == {FIBRILLATION}
    assert set(labels[until > 24].tolist()) == {TACHYCARDIA}


def test_tachycardia_that_is_played_slowly_is_another_rhythm() -> None:
    slow = signals.at_speed(flutter(180), 0.55)
    labels = train.labels_of(slow, train.decide(train.build(), slow))
    assert set(labels.tolist()) == {OTHER}
    fast = signals.at_speed(flutter(180), 1.2)
    labels = train.labels_of(fast, train.decide(train.build(), fast))
    assert set(labels.tolist()) == {TACHYCARDIA}


def test_the_rate_is_that_of_the_waves() -> None:
    rows = train.decide(train.build(), flutter(200))
    assert np.median(train.rates_of(rows)) == pytest.approx(200, abs=2)


def test_the_harness_decides_as_the_signal_path() -> None:
    """But for the time at which a decision is known: the signal path waits for samples without other work."""
    signal = flutter()
    rows = train.decide(train.build(), signal)
    states = process_signal(signal.samples, adu_per_mv=signal.adu_per_mv).ventricular
    rows = rows[np.isin(rows["until"], states["until"])]
    for name in ("since", "until", "kind", "rate"):
        assert np.array_equal(rows[name][: len(states)], states[name][: len(rows)])


def test_a_report_counts_what_is_found_and_what_is_false() -> None:
    signal = flutter()
    rows = train.decide(train.build(), signal)
    tally = Tally()
    add(tally, signal, rows)
    assert tally.found_s["rapid VT"] / tally.annotated_s["rapid VT"] > 0.9
    assert tally.false == 0 and 4 < tally.delays_s[0] < 9
    signal.rhythms[:] = OTHER
    add(tally, signal, rows)
    assert tally.false == 1 and tally.right["other"] < tally.windows["other"]


def test_the_shipped_weights_have_the_form_that_training_writes() -> None:
    shipped, made = train.WEIGHTS.read_text(), train.no_weights()
    assert re.sub(r"-?\d+,?\s*", "", shipped) == re.sub(r"-?\d+,?\s*", "", made)


@pytest.mark.records
def test_beats_follow_each_other_rapidly_without_the_rest_between(data_dir: Path) -> None:
    record = load_record(data_dir, "mitdb", "103")
    signal = next(signals.clean(data_dir, "mitdb", "103"))
    made = signals.rapid(record, signal)
    assert made is not None and not made.rhythms.any()
    beats = process_signal(made.samples, adu_per_mv=made.adu_per_mv).beats
    assert 100 <= 60 * FS_HZ / np.median(beats["rr_samples"][5:]) <= 170
