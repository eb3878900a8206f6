"""The timeline of a session: places, gaps, and the count of everything lost."""

from __future__ import annotations

import numpy as np
import pytest

from ecg_edge.firmware.binding.rhythm import BEGIN, END, FLAG_TRUNCATED, RUN_V, UPDATE
from ecg_edge.host.link.messages import LiveSamples, Morphology, RhythmEvent, SignalQuality
from ecg_edge.host.live.clock_drift import ClockDrift
from ecg_edge.host.live.items import INVALID, BeatMark, Gap, LeadChange, QualityChange, StripMark, Wave
from ecg_edge.host.live.timeline import Timeline
from tests.support.messages import made_beat, made_event


def wave(first: int, count: int = 36, lead_flags: int = 0, value: int = 5) -> LiveSamples:
    return LiveSamples(first, lead_flags, np.full(count, value, "<i2").tobytes())


def event(index: int, phase: int, onset: int, end: int) -> RhythmEvent:
    return made_event(RUN_V, phase, onset, end, event_index=index, beats=3)


@pytest.fixture
def timeline() -> Timeline:
    timeline = Timeline(("N", "V"))
    timeline.begin()
    return timeline


def test_missing_waves_are_an_exact_gap(timeline: Timeline) -> None:
    timeline.take(wave(0))
    gap, block = timeline.take(wave(72))
    assert gap == Gap(36, 72, "frames were lost", exact=True)
    assert isinstance(block, Wave)
    assert (block.start, block.end, timeline.end, timeline.losses.samples) == (72, 108, 108, 36)


def test_samples_that_come_again_are_dropped(timeline: Timeline) -> None:
    timeline.take(wave(0))
    assert timeline.take(wave(0)) == []
    (block,) = timeline.take(wave(30))
    assert isinstance(block, Wave)
    assert (block.start, len(block.samples)) == (36, 30)
    assert timeline.losses.repeated_samples == 36 + 6


def test_no_sample_has_the_value_of_a_gap(timeline: Timeline) -> None:
    (block,) = timeline.take(wave(0, value=INVALID))
    assert isinstance(block, Wave)
    assert block.samples.max() == INVALID + 1


def test_a_restart_lies_behind_a_gap_and_closes_what_was_open(timeline: Timeline) -> None:
    timeline.take(wave(0, lead_flags=1))
    timeline.take(SignalQuality(10, 1, 8))
    timeline.take(event(0, BEGIN, 5, 30))
    cut, good, leads, gap = timeline.begin(100, "the device restarted")
    assert isinstance(cut, RhythmEvent)
    assert (cut.phase, cut.end, cut.flags) == (END, 36, FLAG_TRUNCATED)
    assert good == QualityChange(36, False, 8)
    assert leads == LeadChange(36, 0)
    assert gap == Gap(36, 136, "the device restarted", exact=False)
    (mark,) = timeline.take(made_beat(0, 20, quality=90, label=1, confidence=200))
    assert mark == BeatMark(156, "V", 0, 0, 90, 200)
    assert (timeline.losses.outages, timeline.losses.outage_samples) == (1, 100)


def test_a_restart_is_never_closed_up(timeline: Timeline) -> None:
    timeline.take(wave(0))
    assert timeline.begin(0, "the device restarted") == [Gap(36, 37, "the device restarted", exact=False)]


def test_lost_beats_events_and_changes_are_counted(timeline: Timeline) -> None:
    timeline.take(made_beat(2, 20))
    timeline.take(event(1, UPDATE, 5, 30))
    timeline.take(SignalQuality(10, 0, 8))
    losses = timeline.losses
    assert (losses.beats, losses.events, losses.changes) == (2, 1, 1)


def test_strip_results_have_their_place_and_lost_ones_are_counted() -> None:
    timeline = Timeline(("N",), ("normal", "st-depression"))
    timeline.begin()
    timeline.take(wave(0))
    timeline.begin(64, "the device restarted")
    assert timeline.take(Morphology(0, 3559, 1, 200, 0, b"")) == [StripMark(3659, "st-depression", 200)]
    assert timeline.take(Morphology(0, 3559, 1, 200, 0, b"")) == []
    assert timeline.take(Morphology(2, 7159, 254, 90, 0, b"")) == [StripMark(7259, "unclassifiable", 90)]
    assert (timeline.losses.strips, timeline.losses.repeated_messages) == (1, 1)


def test_an_episode_whose_end_was_lost_ends_with_the_next(timeline: Timeline) -> None:
    timeline.take(event(0, BEGIN, 5, 30))
    ended, begun = timeline.take(event(2, BEGIN, 400, 430))
    assert isinstance(ended, RhythmEvent)
    assert isinstance(begun, RhythmEvent)
    assert (ended.phase, ended.onset, ended.end) == (END, 5, 400)
    assert begun.phase == BEGIN


def test_drift_is_found_in_spite_of_late_blocks() -> None:
    random = np.random.default_rng(1)
    drift = ClockDrift(360)
    for k in range(1, 3000):
        true_s = 0.1 * k * (1 + 200e-6)  # the device's clock is 200 ppm slow
        drift.add(36 * k, true_s + random.exponential(0.02))
    assert drift.ppm == pytest.approx(200, abs=15)


def test_drift_is_unknown_at_first() -> None:
    drift = ClockDrift(360)
    drift.add(36, 0.1)
    assert drift.ppm is None
