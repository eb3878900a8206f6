"""Fresh streams, and the report as it comes."""

from __future__ import annotations

import numpy as np
import pytest

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.records import Timing
from ecg_edge.firmware import Processed, process_signal
from ecg_edge.host.evaluation.restarts import Plan, restart, restart_figures
from ecg_edge.host.evaluation.sources import Reference
from ecg_edge.host.evaluation.stream import listen, report_all
from ecg_edge.host.reference.decisions import decide
from ecg_edge.host.reference.labels import symbols_of
from ecg_edge.quantize.bundle.engines import beat_inputs
from tests.support.made_reports import FS_HZ, made_record
from tests.support.simulated import LABELS, HashEngine, make_ecg

SECONDS = 130.0


def called_v(processed: Processed, samples: int, fs_hz: int) -> np.ndarray:
    """Every beat is V."""
    assert samples <= 30 * fs_hz
    return np.full(len(processed.beats), "V")


def test_each_start_is_scored_from_itself() -> None:
    samples, peaks = make_ecg(SECONDS)
    reference = Reference(Annotations.of(peaks, ["N"] * len(peaks)), 0.0, SECONDS)
    plan = Plan(60.0, (10.0, 20.0))
    counts = restart(made_record(samples), reference, Timing(FS_HZ, len(samples)), plan, 60, called_v)
    figures = restart_figures([counts])
    # The third start, at 120 s, has only ten seconds.
    assert (figures["first"]["10_s"]["starts"], figures["first"]["20_s"]["starts"]) == (3, 2)
    assert figures["first"]["10_s"]["qrs_ppv"] > 0.9 and figures["first"]["10_s"]["qrs_se"] > 0.95
    assert figures["first"]["20_s"]["too_many"] == 0
    called = figures["called_v"]["1"]
    assert 2 <= called["beats"] <= 3 and called["share"] == 1


def test_a_start_with_too_many_beats_is_counted() -> None:
    samples, peaks = make_ecg(SECONDS)
    half = peaks[::2]
    reference = Reference(Annotations.of(half, ["N"] * len(half)), 0.0, SECONDS)
    counts = restart(made_record(samples), reference, Timing(FS_HZ, len(samples)), Plan(60.0, (10.0,)), 60)
    figures = restart_figures([counts])
    assert figures["first"]["10_s"]["too_many"] == 3 and figures["called_v"] == {}


def test_a_record_shorter_than_the_part_has_no_start() -> None:
    assert Plan(60.0, (10.0,)).starts_s(9.0) == []
    assert Plan(60.0, (10.0, 20.0)).starts_s(125.0) == [0, 60]
    assert restart_figures([])["first"] == {}


@pytest.mark.parametrize("fs_hz", [250, 360])
def test_events_told_block_by_block_are_those_of_the_whole(fs_hz: int) -> None:
    samples, _ = make_ecg(120.0)
    samples[12000:16000] += np.random.default_rng(3).normal(0, 400, 4000).astype(np.int16)
    samples[30000:32000] = samples[30000]
    record = made_record(samples)
    object.__setattr__(record, "fs_hz", fs_hz)
    heard = listen(record)
    [report] = report_all(HashEngine(), LABELS, [heard])
    whole = process_signal(samples, adu_per_mv=200, fs_hz=fs_hz)
    assert np.array_equal(heard.beats, whole.beats)
    outputs = HashEngine().run(beat_inputs(whole.beats))
    expected = decide(whole, outputs, LABELS, len(samples), fs_hz)
    assert report.events == expected.events
    assert report.symbols.tolist() == symbols_of(expected.labels, LABELS).tolist()
    assert np.all(np.diff(report.told) >= 0) and report.told[-1] == len(samples)
    alarms = report.alarms()
    assert alarms and all(one.told_s >= one.onset_s and one.over_s >= one.told_s for one in alarms)


def test_a_signal_without_beats_has_a_report() -> None:
    [report] = report_all(HashEngine(), LABELS, [listen(made_record(np.zeros(3240, np.int16)))])
    assert len(report.symbols) == 0 and report.duration_s == 9
