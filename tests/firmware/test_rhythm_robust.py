"""Rhythm rules on any beats, in any order and cut in any way; under sanitizers; as small as it says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_edge.firmware import VENTRICULAR_DTYPE
from ecg_edge.firmware import VentricularStates as States
from ecg_edge.firmware.binding import rhythm
from ecg_edge.firmware.binding.rhythm import (
    BEGIN,
    END,
    EVENT_DTYPE,
    FLAG_SUSTAINED,
    UPDATE,
    Events,
    Followed,
    Rhythm,
    follow_beats,
)
from tests.support.device_c import (
    SANITIZERS,
    WARNINGS,
    include_options,
    linked_sources_of,
    require_program,
    sources_of,
)
from tests.support.rhythm_beats import Beats, fibrillation

BEAT, TICK, _, START, VENTRICULAR, LEADS = range(6)  # what a row of the harness is
HARNESS_DTYPE = np.dtype([("sample", "<u4"), ("rr", "<u2"), ("what", "u1"), ("argument", "u1")])

intervals = st.one_of(
    st.integers(72, 500), st.sampled_from([72, 200, 300, 719, 720, 1079, 1080, 5400, 70000])
)


@st.composite
def sequences(draw: Any) -> Beats:
    """Beats as the signal path may give them: R peaks at least 200 ms apart, any classes."""
    steps = draw(st.lists(st.tuples(intervals, st.sampled_from([0, 0, 0, 1, 2, 2, 3])), max_size=150))
    peaks = np.cumsum([0, *(rr for rr, _ in steps)])[1:] + draw(st.integers(0, 4000))
    rr = np.minimum([0, *(rr for rr, _ in steps[1:])], 65535)[: len(steps)]
    return peaks.astype(np.int64), rr.astype(np.int64), np.array([c for _, c in steps], np.int64)


@st.composite
def changes(draw: Any) -> list[tuple[int, bool]]:
    """From where on the signal is bad, and good again."""
    at = sorted(draw(st.lists(st.integers(0, 60000), max_size=8, unique=True)))
    return [(sample, k % 2 == 0) for k, sample in enumerate(at)]


@st.composite
def ventricular_states(draw: Any) -> States:
    """States that the ventricular rhythm detector may give, one a second."""
    kinds = draw(st.lists(st.sampled_from([0, 0, 0, 1, 1, 2, 2]), max_size=120))
    states, since = [], 0
    for k, kind in enumerate(kinds):
        until, before = 1620 + 360 * k, kinds[k - 1] if k else 0
        since = until - draw(st.sampled_from([0, 360, 720])) if kind != before else since
        if kind or before:
            states.append((since, until, draw(st.sampled_from([0, 120, 250])), kind, 50))
    return np.array(states, VENTRICULAR_DTYPE)


def check_order(events: Events) -> None:
    """What holds of any events: they are numbered, and each begin has its end."""
    assert events["index"].tolist() == list(range(len(events)))
    assert np.all(events["onset"] <= events["end"])
    for kind in range(1, 14):
        found = events[events["kind"] == kind]
        phases = found["phase"].tolist()
        if kind == rhythm.HEART_RATE:
            assert set(phases) <= {UPDATE}
        elif kind == rhythm.COUPLET_V:
            assert set(phases) <= {END}
        else:
            found = found[found["phase"] != UPDATE] if kind == rhythm.VENTRICULAR_TACHYCARDIA else found
            phases = found["phase"].tolist()
            assert phases == [BEGIN, END] * (len(phases) // 2)
            assert np.array_equal(found["onset"][::2], found["onset"][1::2])
            assert np.all(found["onset"][2::2] >= found["end"][1:-1:2])


@settings(max_examples=150, deadline=None)
@given(sequences(), changes(), ventricular_states())
def test_any_beats(beats: Beats, turns: list[tuple[int, bool]], states: States) -> None:
    samples = int(beats[0][-1]) + 5000 if len(beats[0]) else 5000
    states = states[states["until"] < samples]
    events = follow_beats(
        *beats, samples, [turn for turn in turns if turn[0] < samples], ventricular=list(states)
    ).events
    check_order(events)
    assert np.all(events["end"] <= samples)


def test_an_episode_begins_after_the_last_one_of_its_kind_has_ended() -> None:
    """Bradycardia ends at 3529; the mean falls again at 4320, over intervals most of which lie before."""
    peaks = np.array([72, 460, 532, 604, 729, 1229, 1729, 2449, 3529, 3601, 4320])
    intervals = np.array([0, 388, 72, 72, 125, 500, 500, 720, 1080, 72, 719])
    events = follow_beats(peaks, intervals, np.zeros(11, np.int64), 9320).events
    check_order(events)
    slow = events[events["kind"] == rhythm.BRADYCARDIA]
    assert [(e["phase"], e["onset"], e["end"]) for e in slow] == [(BEGIN, 72, 3529), (END, 72, 3529)]


def test_an_episode_that_begins_again_has_eight_intervals_of_its_own() -> None:
    intervals = [500] * 9 + [100] * 4 + [700] * 12
    peaks = 100 + np.cumsum([0, *intervals])
    events = follow_beats(
        peaks, np.array([0, *intervals]), np.zeros(len(peaks), np.int64), int(peaks[-1]) + 100
    ).events
    check_order(events)
    begins = events[(events["kind"] == rhythm.BRADYCARDIA) & (events["phase"] == BEGIN)]
    assert begins["onset"].tolist() == [100, 100 + 500 * 9 + 100 * 2]
    assert begins["beats"].tolist() == [9, 9]
    assert np.all(begins["rate_x10"] < 500)


@settings(max_examples=150, deadline=None)
@given(sequences(), changes())
def test_nothing_is_claimed_of_silence_in_bad_signal(beats: Beats, turns: list[tuple[int, bool]]) -> None:
    samples = 70000
    keep = beats[0] < samples
    events = follow_beats(*(part[keep] for part in beats), samples, turns).events
    bad = np.zeros(samples + 1, bool)
    for sample, is_bad in turns:
        bad[sample:] = is_bad
    for event in events[np.isin(events["kind"], [rhythm.PAUSE, rhythm.ASYSTOLE])]:
        assert not bad[event["onset"] : event["end"]].any()


@settings(max_examples=60, deadline=None)
@given(sequences(), changes(), ventricular_states(), st.integers(50, 3000), st.integers(0, 2**32 - 1))
def test_ticks_between_change_nothing(
    beats: Beats, turns: list[tuple[int, bool]], states: States, step: int, seed: int
) -> None:
    """The device's way: a tick every now and then, each beat 288 samples after its R peak."""
    samples = int(beats[0][-1]) + 500 if len(beats[0]) else 500
    turns = [turn for turn in turns if turn[0] < samples]
    states = states[states["until"] < samples]
    streamed = stream(beats, turns, states, samples, step, seed)
    whole = follow_beats(*beats, samples, turns, ventricular=list(states))
    assert np.array_equal(streamed.events, whole.events)
    assert np.array_equal(streamed.in_fibrillation, whole.in_fibrillation)


def stream(
    beats: Beats, turns: Sequence[tuple[int, bool]], states: States, samples: int, step: int, seed: int
) -> Followed:
    """Follow a stream with ticks at random times, about every `step` samples."""
    random = np.random.default_rng(seed)
    ticks = np.unique(random.integers(0, samples, samples // step + 1)).tolist()
    happenings = [(int(r), 3, k) for k, r in enumerate(beats[0])] + [(at, 2, -1) for at in ticks]
    happenings += [(int(state["until"]), 1, k) for k, state in enumerate(states)]
    happenings += [(at, 0, int(bad)) for at, bad in turns]
    watch, parts, bad = Rhythm(), [np.zeros(0, EVENT_DTYPE)], False
    suspected = [np.zeros(0, np.bool_)]
    for at, what, argument in sorted(happenings):
        if what == 3:
            found = watch.beats(*(part[argument : argument + 1] for part in beats))
            parts.append(found.events)
            suspected.append(found.in_fibrillation)
        elif what == 1:
            parts.append(watch.ventricular(states[argument]))
        else:
            bad = bool(argument) if what == 0 else bad
            parts.append(watch.tick(at, bad))
    return Followed(np.concatenate([*parts, watch.finish(samples)]), np.concatenate(suspected))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 65535), st.integers(0, 255)), max_size=60)
)
def test_any_numbers_give_numbered_events_and_an_end_for_each_begin(rows: list[tuple[int, int, int]]) -> None:
    watch, parts = Rhythm(), []
    for at, rr, beat_class in rows:
        # At most a day ahead: there is a heart rate every ten seconds, and the test keeps them all.
        parts.append(watch.beats(np.array([at % 2**25]), np.array([rr]), np.array([beat_class])).events)
        parts.append(watch.tick((at >> 7) % 2**25, at % 3 == 0))
    events = np.concatenate([*parts, watch.finish(2**25)])
    assert events["index"].tolist() == list(range(len(events)))
    for kind in set(events["kind"].tolist()) - {rhythm.HEART_RATE, rhythm.COUPLET_V}:
        phases = events["phase"][events["kind"] == kind].tolist()
        assert phases == [BEGIN, END] * (len(phases) // 2)


def test_the_sample_index_may_wrap(harness: Path) -> None:
    start = 2**32 - 9000
    beats = [
        ((start + 300 * k) % 2**32, 300 if k > 20 else 0, 0, 2 if k % 2 and k > 20 else 0) for k in range(60)
    ]
    rows = np.array([(start, 0, 3, 0), *beats, (beats[-1][0] + 1080, 0, 1, 0)], HARNESS_DTYPE)
    events = [event[1:6] for event in run_harness(harness, rows) if event[1] != rhythm.HEART_RATE]
    last = beats[-1][0]
    assert events == [
        [rhythm.BIGEMINY, BEGIN, 0, 2**32 - 9000 + 21 * 300, 2**32 - 9000 + 25 * 300],
        [rhythm.PAUSE, BEGIN, 0, last, last + 720],
        [rhythm.ASYSTOLE, BEGIN, 0, last, last + 1080],
    ]


def test_an_onset_is_right_after_any_time_without_an_episode(harness: Path) -> None:
    """Half of the index range without an irregular rhythm, 69 days, must not look like an episode ahead."""
    rr = fibrillation(60)
    peaks = np.cumsum(rr)
    onsets = []
    for start in (5000, 2**31 + 5000):
        rows = np.zeros(len(rr) + 1, HARNESS_DTYPE)
        rows["sample"] = start + np.concatenate([[0], peaks])
        rows["rr"][1:], rows["what"][0] = rr, 3
        kinds = (rhythm.ATRIAL_FIBRILLATION, rhythm.IRREGULAR)  # the harness gives no evidence of P waves
        begins = [e for e in run_harness(harness, rows) if e[1] in kinds and e[2] == BEGIN]
        onsets.append([event[4] - start for event in begins])
    assert onsets[0] == onsets[1] and len(onsets[0]) == 1


def test_a_first_ventricular_rhythm_and_a_first_lead_off_are_right_after_any_time(harness: Path) -> None:
    found = []
    for start in (5000, 2**31 + 5000):
        beats = [(start + 300 * k, 300 if k else 0, BEAT, 0) for k in range(20)]
        onset = beats[-1][0]
        tachycardia = [(onset + 360 * s, 360 * s, VENTRICULAR, 1) for s in range(1, 41)]
        over = onset + 360 * 41
        after = [(over, 360, VENTRICULAR, 0), *((over + 360 * s, 0, TICK, 0) for s in range(1, 9))]
        leads = [(over + 360 * 9, 0, LEADS, 1), (over + 360 * 12, 0, LEADS, 0)]
        rows = np.array([(start, 0, START, 0), *beats, *tachycardia, *after, *leads], HARNESS_DTYPE)
        events = [event for event in run_harness(harness, rows) if event[1] != rhythm.HEART_RATE]
        found.append([[*event[1:4], event[4] - onset, event[5] - onset] for event in events])
    assert found[0] == found[1]
    assert [event[:3] for event in found[0]] == [
        [rhythm.VENTRICULAR_TACHYCARDIA, BEGIN, 0],
        [rhythm.VENTRICULAR_TACHYCARDIA, UPDATE, FLAG_SUSTAINED],
        [rhythm.VENTRICULAR_TACHYCARDIA, END, FLAG_SUSTAINED],
        [rhythm.PAUSE, BEGIN, 0],
        [rhythm.ASYSTOLE, BEGIN, 0],
        [rhythm.LEADS_OFF, BEGIN, 0],
        [rhythm.LEADS_OFF, END, 0],
    ]
    assert found[0][0][3:] == [0, 360] and found[0][-1][3:] == [360 * 50, 360 * 53]


def test_a_slow_ventricular_rhythm_of_days_is_no_run(harness: Path) -> None:
    rows = np.zeros(70_000, HARNESS_DTYPE)  # 38 hours: 100 times the sum of the intervals is beyond 32 bits
    rows["sample"], rows["argument"] = 5000 + 699 * np.arange(len(rows)), 2
    rows["rr"][1:] = 699  # 30.9 a minute
    assert not [event for event in run_harness(harness, rows) if event[1] == rhythm.RUN_V]


@pytest.fixture(scope="module")
def harness(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules as a program under AddressSanitizer and UndefinedBehaviorSanitizer."""
    compiler = require_program("gcc")
    program = tmp_path_factory.mktemp("rhythm") / "harness"
    sources = [*linked_sources_of("ecg_rhythm"), project_root / "tests/firmware/rhythm_harness.c"]
    options = [*WARNINGS, *SANITIZERS, *include_options("ecg_rhythm"), "-o", str(program)]
    subprocess.run([compiler, *options, *map(str, sources)], check=True)
    return program


def run_harness(harness: Path, rows: np.ndarray[Any, np.dtype[np.void]]) -> list[list[int]]:
    done = subprocess.run([str(harness)], input=rows.tobytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return [[int(field) for field in line.split()] for line in done.stdout.decode().splitlines()]


@pytest.mark.parametrize("seed", range(6))
def test_sanitizers_find_nothing_and_the_events_are_the_same(harness: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    count = 3000
    rows = np.zeros(count, HARNESS_DTYPE)
    rows["rr"] = random.choice([100, 180, 250, 300, 400, 800, 1200, 4000], count)
    rows["sample"] = np.cumsum(rows["rr"])
    rows["what"] = random.random(count) < 0.1
    rows["argument"] = np.where(rows["what"] == 0, random.integers(0, 4, count), random.random(count) < 0.5)
    rows[-1] = (rows["sample"][-1], 0, 2, 0)
    watch, parts = Rhythm(), []
    for sample, rr, what, argument in rows.tolist():
        if what == 0:
            parts.append(watch.beats(np.array([sample]), np.array([rr]), np.array([argument])).events)
        else:
            parts.append(watch.tick(sample, argument == 1) if what == 1 else watch.finish(sample))
    expected = [list(map(int, event)) for part in parts for event in part.tolist()]
    assert run_harness(harness, rows) == expected


def test_sanitizers_find_nothing_on_nonsense(harness: Path) -> None:
    random = np.random.default_rng(9)
    rows = np.zeros(20000, HARNESS_DTYPE)
    rows["sample"] = random.integers(0, 2**22, len(rows))
    rows["rr"], rows["argument"] = random.integers(0, 65536, len(rows)), random.integers(0, 256, len(rows))
    rows["what"] = random.integers(0, 2, len(rows))
    assert run_harness(harness, rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    "compiler",
    [["gcc"], ["clang"], ["arm-none-eabi-gcc", "-mcpu=cortex-m4"]],
    ids=["gcc", "clang", "cortex-m4"],
)
def test_compiles_without_warnings(tmp_path: Path, compiler: list[str]) -> None:
    require_program(compiler[0])
    for source in sources_of("ecg_rhythm"):
        target = str(tmp_path / "rhythm.o")
        subprocess.run(
            [*compiler, *WARNINGS, "-O2", *include_options("ecg_rhythm"), "-c", source, "-o", target],
            check=True,
        )


@pytest.mark.slow
def test_cppcheck_finds_nothing() -> None:
    require_program("cppcheck")
    checks = ["--enable=warning,style,performance,portability", "--inline-suppr", "--error-exitcode=1"]
    options = ["--std=c99", "--quiet", *include_options("ecg_rhythm")]
    subprocess.run(["cppcheck", *checks, *options, *sources_of("ecg_rhythm")], check=True)


def test_no_heap_no_globals_and_no_floating_point() -> None:
    for source in sources_of("ecg_rhythm"):
        text = Path(source).read_text()
        for word in ("malloc", "free(", "float", "double"):
            assert word not in text
        assert not re.search(r"^static (?!const)[\w ]+ \w+(\[.*\])?( =.*)?;", text, re.MULTILINE), source


def test_the_state_is_small() -> None:
    assert Rhythm().state_bytes < 2048
