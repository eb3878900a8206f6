"""A live session in memory: bounded, and read by several readers at their own pace."""

from __future__ import annotations

import numpy as np

from ecg_edge.host.live.items import INVALID, BeatMark, Gap, LeadChange, LinkChange, Origin, StripMark, Wave
from ecg_edge.host.live.session import LiveSession

ORIGIN = Origin("port", "device", 360, 200)


def wave(start: int, count: int) -> Wave:
    return Wave(start, (np.arange(start, start + count) % 1000).astype(np.int16))


def test_samples_and_gaps_are_kept() -> None:
    session = LiveSession(ORIGIN)
    session.take([wave(0, 50_000), Gap(50_000, 50_100, "frames were lost", True), wave(50_100, 10)])
    start, samples = session.samples(49_999, 10**9)
    assert start == 49_999
    assert len(samples) == 111
    assert (samples[1:101] == INVALID).all()
    assert samples[101] == 50_100 % 1000


def test_memory_is_bounded() -> None:
    session = LiveSession(ORIGIN, hours=0.01)  # 12,960 samples
    for start in range(0, 100_000, 100):
        session.take([wave(start, 100)])
    start, samples = session.samples(0, 10**9)
    assert (start, session.first, len(samples)) == (100_000 - 12_960, start, 12_960)
    assert np.array_equal(samples, wave(start, 12_960).samples)


def test_a_gap_longer_than_the_memory() -> None:
    session = LiveSession(ORIGIN, hours=0.01)
    session.take([wave(0, 100), Gap(100, 1_000_000, "the link was lost", False), wave(1_000_000, 36)])
    start, samples = session.samples(999_990, 10**9)
    assert start == 999_990
    assert samples.tolist() == [INVALID] * 10 + wave(1_000_000, 36).samples.tolist()


def test_samples_that_begin_late_leave_a_gap() -> None:
    session = LiveSession(ORIGIN, hours=0.01)  # 12,960 samples
    session.take([wave(36, 12_960), wave(20_000, 36), Gap(20_100, 20_200, "lost", True), wave(20_200, 1)])
    known = [(36, 12_996), (20_000, 20_036), (20_200, 20_201)]
    start, samples = session.samples(0, 10**9)
    expected = [
        k % 1000 if any(first <= k < end for first, end in known) else INVALID for k in range(start, 20_201)
    ]
    assert samples.tolist() == expected
    begins_late = LiveSession(ORIGIN)
    begins_late.take([wave(36, 4)])
    assert begins_late.samples(0, 40)[1].tolist() == [INVALID] * 36 + [36, 37, 38, 39]


def test_readers_have_positions_of_their_own() -> None:
    session = LiveSession(ORIGIN)
    beats = [BeatMark(360 * k, "N", 360, 0, 90, 200) for k in range(5)]
    session.take(beats[:3])
    at, marks = session.marks(0)
    assert marks == beats[:3]
    session.take(beats[3:])
    assert session.marks(at) == (5, beats[3:])
    assert session.marks(0) == (5, beats)
    assert session.marks(5) == (5, [])


def test_heart_rate_needs_recent_beats() -> None:
    session = LiveSession(ORIGIN)
    session.take([LinkChange(0, True, "connected"), wave(0, 3600)])
    session.take([BeatMark(300 * k, "N", 300 if k else 0, 0, 90, 200) for k in range(12)])
    assert session.heart_rate() == 72
    session.take([LeadChange(3600, 1)])
    assert session.heart_rate() is None
    session.take([LeadChange(3600, 0)])
    assert session.heart_rate() == 72
    session.take([wave(3600, 360 * 5)])
    assert session.heart_rate() is None


def test_the_last_strip_is_shown_until_a_gap() -> None:
    session = LiveSession(ORIGIN)
    strips = [StripMark(3559, "normal", 200), StripMark(5359, "st-elevation", 200)]
    session.take([wave(0, 5400), *strips])
    assert session.strip == strips[1] and session.events() == []
    session.take([Gap(5400, 6000, "the link was lost", False)])
    assert session.strip is None
