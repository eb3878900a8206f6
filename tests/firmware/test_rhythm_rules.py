"""Each rhythm rule: it begins, it ends, and it stays silent just below its threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ecg_edge.ecg.labels import BEAT_SYMBOLS, LABELS, aami_of
from ecg_edge.firmware import VENTRICULAR_DTYPE, VENTRICULAR_FIBRILLATION
from ecg_edge.firmware.binding import rhythm
from ecg_edge.firmware.binding.rhythm import (
    BEGIN,
    END,
    FLAG_TRUNCATED,
    IRREGULARITY_FEATURES,
    UPDATE,
    Events,
    Rhythm,
    class_of,
)
from tests.support.rhythm_beats import events_of, fibrillation, make_beats, sinus

PAUSE, ASYSTOLE = 720, 1080


def spans(events: Events) -> list[tuple[int, int, int]]:
    """Onset, end and flags of each END."""
    ended = events[events["phase"] == END]
    return [(int(e["onset"]), int(e["end"]), int(e["flags"])) for e in ended]


# ---- silence ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "length"), [(rhythm.PAUSE, PAUSE), (rhythm.ASYSTOLE, ASYSTOLE)])
def test_silence_counts_from_its_threshold_on(kind: int, length: int) -> None:
    assert len(events_of("NNNNN", [150, 150, length - 1, 300], kind)) == 0
    begin, end = events_of("NNNNN", [150, 150, length, 300], kind)
    assert (begin["phase"], begin["onset"], begin["end"]) == (BEGIN, 400, 400 + length)
    assert (end["phase"], end["onset"], end["end"]) == (END, 400, 400 + length)
    assert (end["longest_rr"], end["flags"]) == (length, 0)


def test_an_asystole_lies_in_a_pause_and_lasts_to_the_next_beat() -> None:
    for kind in (rhythm.PAUSE, rhythm.ASYSTOLE):
        assert spans(events_of("NNNNN", [150, 150, 2000, 300], kind)) == [(400, 2400, 0)]


def test_asystole_is_announced_while_no_beat_comes() -> None:
    watch = Rhythm()
    watch.beats(*make_beats("NNN"))
    assert rhythm.ASYSTOLE not in watch.tick(700 + ASYSTOLE - 1)["kind"]
    (event,) = watch.tick(700 + ASYSTOLE)
    assert (event["kind"], event["phase"], event["onset"]) == (rhythm.ASYSTOLE, BEGIN, 700)


def test_no_asystole_is_claimed_in_bad_signal() -> None:
    assert len(events_of("NNNNN", [150, 150, 2000, 300], rhythm.ASYSTOLE, [(1400, True), (1500, False)])) == 0
    assert len(events_of("NNNNN", [150, 150, 9000, 300], rhythm.ASYSTOLE, [(500, True)])) == 0


def test_bad_signal_ends_an_asystole() -> None:
    assert spans(events_of("NNNNN", [150, 150, 3000, 300], rhythm.ASYSTOLE, [(1700, True)])) == [
        (400, 1700, FLAG_TRUNCATED)
    ]


def test_silence_may_begin_where_bad_signal_ends() -> None:
    found = spans(events_of("NNNNN", [150, 150, 3000, 300], rhythm.ASYSTOLE, [(500, True), (900, False)]))
    assert found == [(900, 3400, 0)]


def test_the_end_of_the_signal_cuts_a_silence() -> None:
    assert spans(events_of("NNN", [150, 150], rhythm.ASYSTOLE, tail=1500)) == [(400, 1900, FLAG_TRUNCATED)]


def test_an_unclassifiable_beat_may_be_a_beat() -> None:
    assert len(events_of("NNNQN", [300, 300, 700, 700], rhythm.PAUSE)) == 0


def test_a_doubtful_beat_does_not_end_a_silence() -> None:
    found = spans(events_of("NNNDDN", [150, 150, 700, 700, 300], rhythm.ASYSTOLE))
    assert found == [(400, 2100, 0)]


def test_a_doubtful_beat_is_no_beat_of_a_rate() -> None:
    slow = events_of("N" * 12 + "D" * 12, 500, rhythm.BRADYCARDIA)
    assert slow["beats"].max() == 12


def test_nothing_is_claimed_before_the_first_beats() -> None:
    assert len(Rhythm().tick(3000)) == 0
    assert len(events_of("NN", [300], rhythm.PAUSE, tail=3000)) == 0
    assert len(events_of("NNN", [300, 300], rhythm.PAUSE, tail=3000)) == 2


# ---- technical events -------------------------------------------------------------------------------

UNREADABLE_SAMPLES = 3600


def test_bad_signal_of_ten_seconds_is_an_event() -> None:
    watch = Rhythm()
    watch.tick(400, True)
    assert len(watch.tick(400 + UNREADABLE_SAMPLES - 1, True)) == 1  # the heart rate, which is not known
    (event,) = watch.tick(400 + UNREADABLE_SAMPLES, True)
    assert (event["kind"], event["phase"], event["onset"]) == (rhythm.UNREADABLE, BEGIN, 400)
    (event,) = watch.tick(5000, False)
    assert (event["kind"], event["phase"], event["onset"], event["end"]) == (
        rhythm.UNREADABLE,
        END,
        400,
        5000,
    )


def test_shorter_bad_signal_is_none() -> None:
    turns = [(400, True), (400 + UNREADABLE_SAMPLES - 1, False)]
    assert len(events_of("NNN", 3000, rhythm.UNREADABLE, turns)) == 0


def test_leads_off_comes_at_once_and_takes_the_place_of_unreadable_signal() -> None:
    watch = Rhythm()
    watch.tick(1000)
    (event,) = watch.leads(1250, True)
    assert (event["kind"], event["phase"], event["onset"]) == (rhythm.LEADS_OFF, BEGIN, 1250)
    assert len(watch.leads(1300, True)) == 0
    watch.tick(1200, True)
    later = watch.tick(9000, True)
    assert set(later["kind"]) == {rhythm.HEART_RATE}
    (event,) = watch.leads(9500, False)
    assert (event["phase"], event["onset"], event["end"], event["flags"]) == (END, 1250, 9500, 0)
    (event,) = watch.tick(9001, True)
    assert event["kind"] == rhythm.UNREADABLE


def test_the_end_of_the_signal_cuts_technical_events() -> None:
    watch = Rhythm()
    watch.tick(100, True)
    watch.tick(3700, True)
    watch.leads(5000, True)
    ends = watch.finish(5100)
    ends = ends[ends["phase"] == END]
    assert [(e["kind"], e["end"], e["flags"]) for e in ends] == [
        (rhythm.UNREADABLE, 5100, FLAG_TRUNCATED),
        (rhythm.LEADS_OFF, 5100, FLAG_TRUNCATED),
    ]


def test_a_ventricular_rhythm_silences_silence_and_unreadable_signal() -> None:
    state = np.zeros(1, VENTRICULAR_DTYPE)[0]
    state["since"], state["until"], state["kind"] = 500, 1000, VENTRICULAR_FIBRILLATION
    watch = Rhythm()
    watch.beats(*make_beats("NNN", 150, first=100))
    watch.ventricular(state)
    quiet = watch.tick(3000)
    assert rhythm.PAUSE not in quiet["kind"] and rhythm.ASYSTOLE not in quiet["kind"]
    watch.tick(3000, True)
    assert rhythm.UNREADABLE not in watch.tick(8000, True)["kind"]
    state["until"], state["kind"] = 8100, 0
    watch.ventricular(state)
    assert rhythm.UNREADABLE in watch.tick(8200, True)["kind"]


# ---- rate -------------------------------------------------------------------------------------------


def rates(events: Events) -> list[float]:
    return [float(rate) / 10 for rate in events[events["kind"] == rhythm.HEART_RATE]["rate_x10"]]


@pytest.mark.parametrize("rr", [72, 100, 300, 1000, 1080])
def test_heart_rate_comes_every_ten_seconds(rr: int) -> None:
    events = events_of("N" * (36000 // rr), rr)
    assert rates(events)[1:] == pytest.approx([21600 / rr] * (len(rates(events)) - 1), abs=0.06)
    assert len(rates(events)) == 9 + (rr in (72, 100, 300))
    assert set(events[events["kind"] == rhythm.HEART_RATE]["phase"]) == {UPDATE}


@pytest.mark.parametrize("rr", [71, 1081])
def test_a_rate_out_of_range_is_not_given(rr: int) -> None:
    assert set(rates(events_of("N" * (36000 // rr), rr))) == {0.0}


def test_a_rate_needs_three_intervals_of_the_last_fifteen_seconds() -> None:
    assert rates(events_of("NNN", 300, tail=4000)) == [0.0]
    assert rates(events_of("NNNN", 300, tail=4000)) == [72.0]
    assert rates(events_of("NNNN", 300, tail=8000)) == [72.0, 0.0]


def test_there_is_no_rate_in_bad_signal() -> None:
    events = events_of("N" * 40, 300, changes=[(3500, True), (6800, False)])
    assert rates(events) == [0.0, 0.0, 72.0]
    assert rates(events_of("N" * 11 + "Q" + "N" * 28, 300)) == [0.0, 72.0, 72.0]


@pytest.mark.parametrize(
    ("kind", "silent", "rr", "resting", "least"),
    [(rhythm.BRADYCARDIA, 432, 433, 430, 8), (rhythm.TACHYCARDIA, 216, 215, 217, 16)],
)
def test_slow_and_fast_rhythm(kind: int, silent: int, rr: int, resting: int, least: int) -> None:
    assert len(events_of("N" * 60, silent, kind)) == 0
    begin, end = events_of("N" * 60, [300] * 20 + [rr] * 19 + [300] * 20, kind)
    assert (begin["phase"], end["phase"]) == (BEGIN, END)
    # The mean crosses the threshold only when all intervals are of the new rate.
    assert begin["onset"] == end["onset"] == 100 + 20 * 300
    assert begin["end"] == 100 + 20 * 300 + least * rr
    assert end["flags"] == 0
    # Just inside the threshold it does not end.
    begin, end = events_of("N" * 60, [300] * 20 + [rr] * least + [resting] * (39 - least), kind)
    assert end["flags"] == FLAG_TRUNCATED
    assert end["beats"] == 40


def test_noise_between_slow_beats_is_no_tachycardia() -> None:
    noisy = [280, 280, 140, 140] * 15  # 103 a minute on average, 77 in fact
    assert len(events_of("N" * 61, noisy, rhythm.TACHYCARDIA)) == 0


def test_bad_signal_ends_a_tachycardia() -> None:
    found = spans(events_of("N" * 90, 150, rhythm.TACHYCARDIA, [(5000, True), (5100, False)]))
    assert [flags for _, _, flags in found] == [FLAG_TRUNCATED, FLAG_TRUNCATED]
    assert found[0][1] <= 5000 <= found[1][0]


# ---- couplets and runs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "couplets", "runs"),
    [
        ("NNVNN", 0, 0),
        ("NNVVNN", 1, 0),
        ("NNVVVNN", 0, 1),
        ("NNVVVVVVVNN", 0, 1),
        ("NVVNVVNVVVN", 2, 1),
        ("NVVAVVN", 2, 0),
        ("NNAAANN", 0, 0),
    ],
)
def test_couplets_and_runs_of_ventricular_beats(classes: str, couplets: int, runs: int) -> None:
    assert len(spans(events_of(classes, 200, rhythm.COUPLET_V))) == couplets
    assert len(spans(events_of(classes, 200, rhythm.RUN_V))) == runs


def test_a_run_begins_with_its_third_beat_and_tells_its_rate() -> None:
    begin, end = events_of("NNVVVVNN", [300, 200, 150, 160, 170, 400, 300], rhythm.RUN_V)
    assert (begin["phase"], begin["onset"], begin["end"], begin["beats"]) == (BEGIN, 600, 910, 3)
    assert (end["onset"], end["end"], end["beats"]) == (600, 1080, 4)
    assert (end["mean_rr"], end["shortest_rr"], end["longest_rr"]) == (160, 150, 170)
    assert end["rate_x10"] == 1350


def test_a_couplet_is_told_once() -> None:
    (couplet,) = events_of("NNVVNN", [300, 200, 150, 400, 300], rhythm.COUPLET_V)
    assert (couplet["phase"], couplet["onset"], couplet["end"], couplet["beats"]) == (END, 600, 750, 2)
    assert couplet["mean_rr"] == 150


@pytest.mark.parametrize(
    ("classes", "count"), [("NNAANN", 0), ("NNAAANN", 1), ("NNAAVAAN", 0), ("AAAAAN", 1)]
)
def test_runs_of_supraventricular_beats(classes: str, count: int) -> None:
    assert len(spans(events_of(classes, 200, rhythm.RUN_S))) == count


@pytest.mark.parametrize("unseen", ["Q", "U"])
def test_what_cannot_be_seen_cuts_a_run(unseen: str) -> None:
    found = spans(events_of(f"NVVV{unseen}VVVN", 200, rhythm.RUN_V))
    assert found == [(300, 700, FLAG_TRUNCATED), (1100, 1500, 0)]
    assert spans(events_of(f"NVV{unseen}N", 200, rhythm.COUPLET_V)) == [(300, 500, FLAG_TRUNCATED)]


def test_bad_signal_and_the_end_cut_a_run() -> None:
    assert spans(events_of("NVVVVVVN", 200, rhythm.RUN_V, [(750, True), (850, False)])) == [
        (300, 700, FLAG_TRUNCATED),
        (900, 1300, 0),
    ]
    assert spans(events_of("NVVV", 200, rhythm.RUN_V)) == [(300, 700, FLAG_TRUNCATED)]


def runs(rr: list[int], **evidence: int) -> int:
    """Number of runs of three V after ten N at 72 a minute; the V have this evidence."""
    beats = make_beats("N" * 10 + "VVV" + "NN", [300] * 9 + rr + [300, 300])
    found = np.full(len(beats[0]), rhythm.NO_EVIDENCE, rhythm.EVIDENCE_DTYPE)
    for name, value in evidence.items():
        found[name][10:13] = value
    events = rhythm.follow_beats(*beats, int(beats[0][-1]) + 200, evidence=found).events
    return int(np.sum((events["kind"] == rhythm.RUN_V) & (events["phase"] == BEGIN)))


def test_a_run_is_fast_or_faster_than_the_rhythm_before_it() -> None:
    assert runs([200, 265, 265]) == 1
    assert runs([300, 290, 290]) == 0
    assert runs([300, 400, 400]) == 0
    assert runs([300, 215, 215]) == 1


@pytest.mark.parametrize(
    ("name", "least"), [("certainty", rhythm.RUN_CERTAINTY), ("quality", rhythm.RUN_QUALITY)]
)
def test_a_run_needs_certain_labels_in_good_signal(name: str, least: int) -> None:
    assert runs([200, 200, 200], **{name: least}) == 1
    assert runs([200, 200, 200], **{name: least - 1}) == 0


def test_no_beat_is_supraventricular_in_suspected_fibrillation() -> None:
    classes = "N" * 80 + "AAAA" + "N" * 60 + "AAAA" + "NNNN"
    beats = make_beats(classes, [*fibrillation(99), *[240] * 44, *[160] * 4, *[240] * 4])
    found = rhythm.follow_beats(*beats, int(beats[0][-1]) + 200)
    episodes = found.events[found.events["kind"] == rhythm.ATRIAL_FIBRILLATION]
    assert episodes["phase"].tolist() == [BEGIN, END]
    suspected = np.flatnonzero(found.in_fibrillation)
    assert np.array_equal(suspected, np.arange(suspected[0], suspected[-1] + 1))
    assert suspected[0] < 80 and 100 <= suspected[-1] < 140
    runs = found.events[found.events["kind"] == rhythm.RUN_S]
    assert spans(runs) == [(int(beats[0][144]), int(beats[0][147]), 0)]
    normal = rhythm.follow_beats(*beats[:2], np.zeros_like(beats[2]), int(beats[0][-1]) + 200)
    assert np.array_equal(normal.in_fibrillation, found.in_fibrillation)


def test_before_the_average_beat_is_known_normal_and_unlabelled_are_alike() -> None:
    """The device and the reference differ in them for a beat that fibrillation keeps from being A."""
    known = "NVVNVNVNVNNAAAANVVVVN"
    rr = [*fibrillation(40), *[150, 200] * 10, 200][: 40 + len(known) - 1]
    evidence = np.full(40 + len(known), rhythm.NO_EVIDENCE, rhythm.EVIDENCE_DTYPE)
    evidence["certainty"][:40] = 0
    found = [
        rhythm.follow_beats(*make_beats(start + known, rr), 30_000, evidence=evidence)
        for start in ("N" * 40, "U" * 40, "NU" * 20)
    ]
    assert {rhythm.RUN_V, rhythm.COUPLET_V, rhythm.BIGEMINY} <= set(found[0].events["kind"].tolist())
    for other in found[1:]:
        assert np.array_equal(found[0].events, other.events)
        assert np.array_equal(found[0].in_fibrillation, other.in_fibrillation)


def test_a_label_of_no_certainty_belongs_to_no_run() -> None:
    beats = make_beats("NNVVVVNN", 200)
    found = np.full(8, rhythm.NO_EVIDENCE, rhythm.EVIDENCE_DTYPE)
    found["certainty"][4] = 0
    events = rhythm.follow_beats(*beats, 2000, evidence=found).events
    assert rhythm.RUN_V not in events["kind"]


def test_an_unlabelled_beat_counts_for_the_rate() -> None:
    assert len(spans(events_of("U" * 40, 150, rhythm.TACHYCARDIA))) == 1
    assert len(spans(events_of("Q" * 40, 150, rhythm.TACHYCARDIA))) == 0


# ---- bigeminy and trigeminy -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "bigeminy", "trigeminy"),
    [
        ("NVNVNN", [], []),
        ("NVNVNVNN", [(400, 1600, 0)], []),
        ("NVNVNVNVNVNN", [(400, 2800, 0)], []),
        ("NVAVNVNN", [(400, 1600, 0)], []),
        ("NNVNNVNNN", [], []),
        ("NNVNNVNNVNNN", [], [(700, 2500, 0)]),
        ("NVNVNVNNVNNVNN", [(400, 1600, 0)], [(1600, 3400, 0)]),
        ("NVVNVVNVVN", [], []),
        ("NVNVVNVNVNNN", [(1300, 2500, 0)], []),
        ("NVNVNVNQ", [(400, 1600, FLAG_TRUNCATED)], []),
    ],
)
def test_bigeminy_and_trigeminy(
    classes: str, bigeminy: list[tuple[int, int, int]], trigeminy: list[tuple[int, int, int]]
) -> None:
    assert spans(events_of(classes, kind=rhythm.BIGEMINY)) == bigeminy
    assert spans(events_of(classes + "NN", kind=rhythm.TRIGEMINY)) == trigeminy


def test_bigeminy_tells_its_beats_and_intervals() -> None:
    begin, end = events_of("NVNVNVNVNNN", [200, 400, 200, 400, 200, 400, 200, 999, 300, 300], rhythm.BIGEMINY)
    assert (begin["beats"], begin["end"]) == (5, 1500)
    assert (end["beats"], end["mean_rr"], end["shortest_rr"], end["longest_rr"]) == (7, 300, 200, 400)


# ---- settled time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "fs_hz", "expected"),
    [(0, 360, 0), (1223, 360, 0), (1224, 360, 932), (2000, 360, 1708), (2000, 250, 1796), (2000, 500, 1596)],
)
def test_time_settles_800_ms_behind_the_newest_sample_after_the_start(
    samples: int, fs_hz: int, expected: int
) -> None:
    assert rhythm.settled(samples, fs_hz) == expected


# ---- irregular rhythms ------------------------------------------------------------------------------


def irregular(
    rr: list[int], classes: str | None = None, p_wave: int = 40, kind: int = rhythm.ATRIAL_FIBRILLATION
) -> Events:
    """Events of one kind; the evidence of P waves is the same for all beats."""
    beats = make_beats(classes or "N" * (len(rr) + 1), rr)
    evidence = np.full(len(beats[0]), rhythm.NO_EVIDENCE, rhythm.EVIDENCE_DTYPE)
    evidence["p_wave"] = p_wave
    evidence["unlikeness"] = 10
    events = rhythm.follow_beats(*beats, int(beats[0][-1]) + 200, evidence=evidence).events
    return events[events["kind"] == kind]


def test_fibrillation_is_suspected_and_ends() -> None:
    rr = sinus(60) + fibrillation(100) + sinus(60, 2)
    starts, ends = 100 + sum(rr[:60]), 100 + sum(rr[:160])
    begin, end = irregular(rr)
    assert (begin["phase"], end["phase"], end["flags"]) == (BEGIN, END, 0)
    assert abs(int(begin["onset"]) - starts) < 3600  # ten seconds
    assert abs(int(end["end"]) - ends) < 1500
    assert begin["onset"] == end["onset"]
    assert 0 < begin["irregularity_permille"] < end["irregularity_permille"]
    assert 50 <= begin["confidence"] <= end["confidence"] <= 99
    assert 90 <= end["beats"] <= 110
    assert end["mean_rr"] == pytest.approx(np.mean(rr[60:160]), rel=0.02)


def test_twelve_intervals_without_p_waves_are_enough() -> None:
    begin = irregular(fibrillation(12, 2), p_wave=1)[0]
    assert begin["phase"] == BEGIN
    assert len(irregular(fibrillation(11, 2), p_wave=1)) == 0


def test_many_intervals_must_tell_more_than_few() -> None:
    few = [irregular(fibrillation(20, 2), p_wave=p) for p in range(40, 200, 20)]
    many = [irregular(sinus(60) + fibrillation(100), p_wave=p) for p in range(40, 200, 20)]
    assert min(events[0]["confidence"] for events in few if len(events)) < 82  # 1.5 logits
    assert min(events[0]["confidence"] for events in many if len(events)) >= 82


@pytest.mark.parametrize("spread", [0.15, 0.2, 0.3])
def test_fibrillation_of_any_spread(spread: float) -> None:
    events = irregular(sinus(40) + fibrillation(200, 3, 220, spread))
    assert events["flags"].tolist() == [0, FLAG_TRUNCATED]


def test_an_irregular_rhythm_with_p_waves_is_not_called_fibrillation() -> None:
    rr = sinus(40) + fibrillation(100)
    assert len(irregular(rr, p_wave=255)) == 0
    found = irregular(rr, p_wave=255, kind=rhythm.IRREGULAR)
    assert found["phase"].tolist() == [BEGIN, END]


def test_fibrillation_takes_the_place_of_an_irregular_rhythm() -> None:
    rr = sinus(40) + fibrillation(100)
    fibrillates = irregular(rr, p_wave=1)
    other = irregular(rr, p_wave=1, kind=rhythm.IRREGULAR)
    assert len(fibrillates) == 2
    assert len(other) == 0 or other["index"][-1] <= fibrillates["index"][0] + 1


PERIODIC = {
    "sinus": sinus(300, spread=0.05),
    "bigeminy": [200, 400] * 100,
    "trigeminy": [200, 400, 300] * 70,
    "quadrigeminy": [180, 420, 300, 300] * 50,
    "breathing": [round(300 + 60 * np.sin(k / 2.5)) for k in range(300)],
    "early beats": ([200, 400] + [300] * 6) * 30,
    "a step": [250] * 100 + [400] * 100,
    "block": ([300] * 4 + [600]) * 40,
}


@pytest.mark.parametrize("name", PERIODIC)
@pytest.mark.parametrize("kind", [rhythm.ATRIAL_FIBRILLATION, rhythm.IRREGULAR])
def test_regular_irregularity_is_no_fibrillation(name: str, kind: int) -> None:
    assert len(irregular(PERIODIC[name], p_wave=160, kind=kind)) == 0


def flutter(count: int, period: float = 80, jitter: float = 4, seed: int = 3) -> list[int]:
    """Intervals of two to five waves of flutter, as the conduction changes; period and jitter in samples."""
    random = np.random.default_rng(seed)
    waves = random.integers(2, 6, count)
    return [int(rr) for rr in np.rint(waves * period + random.normal(0, jitter, count))]


@pytest.mark.parametrize("period", [66, 80, 100])
def test_multiples_of_a_period_of_flutter_are_no_fibrillation(period: float) -> None:
    assert len(irregular(sinus(60) + flutter(150, period), p_wave=60)) == 0
    assert len(irregular(sinus(60) + flutter(150, period, jitter=30), p_wave=60)) == 2


def test_ventricular_beats_do_not_make_fibrillation() -> None:
    random = np.random.default_rng(4)
    rr, classes = [], "N"
    for _ in range(80):
        early = int(random.integers(150, 250))
        rr += [*sinus(3, int(random.integers(1000))), early, 600 - early]
        classes += "NNNVN"
    assert len(irregular(rr, classes, 160)) == 0


@pytest.mark.parametrize("every", [4, 10])
def test_ventricular_beats_do_not_hide_fibrillation(every: int) -> None:
    rr = fibrillation(300, 5)
    classes = "".join("V" if k % every == every - 1 else "N" for k in range(301))
    assert BEGIN in irregular(rr, classes)["phase"]


def test_too_few_intervals_between_certain_ventricular_beats_forbid_a_suspicion() -> None:
    rr = fibrillation(300, 5)
    classes = "".join("V" if k % 2 else "N" for k in range(301))
    assert len(irregular(rr, classes)) == 0


def test_fibrillation_outlasts_a_short_gap_but_not_a_long_one() -> None:
    rr = fibrillation(200, 6)
    beats = make_beats("N" * 201, rr)
    evidence = np.full(201, np.array((40, 100, 10, 255), rhythm.EVIDENCE_DTYPE))
    middle = int(beats[0][100])
    for length, count in ((4 * 360, 1), (20 * 360, 2)):
        changes = [(middle, True), (middle + length, False)]
        later = (beats[0] > middle) & (beats[0] <= middle + length)
        kept = [part[~later] for part in beats]
        samples = int(beats[0][-1])
        events = rhythm.follow_beats(
            kept[0], kept[1], kept[2], samples, changes, evidence=evidence[~later]
        ).events
        found = events[events["kind"] == rhythm.ATRIAL_FIBRILLATION]
        assert np.sum(found["phase"] == BEGIN) == count
        assert np.sum(found["phase"] == END) == count


# ---- names ------------------------------------------------------------------------------------------


def test_labels_have_their_classes_from_their_symbols() -> None:
    expected = {"N": rhythm.NORMAL, "S": rhythm.SUPRAVENTRICULAR, "V": rhythm.VENTRICULAR}
    expected |= {"F": rhythm.VENTRICULAR, "Q": rhythm.UNCLASSIFIABLE}
    symbols = tuple(BEAT_SYMBOLS)
    for index, symbol in enumerate(symbols):
        assert class_of(symbols, index) == expected[aami_of(symbol)], symbol


@pytest.mark.parametrize("label", [len(LABELS), 254, 255])
def test_no_label_is_unclassifiable(label: int) -> None:
    assert class_of(LABELS, label) == rhythm.UNCLASSIFIABLE
    assert class_of(("N", "NV", ""), 1) == class_of(("N", "NV", ""), 2) == rhythm.UNCLASSIFIABLE


def test_every_kind_has_a_name() -> None:
    names = [rhythm.kind_name(kind) for kind in range(1, 17)]
    assert len(set(names)) == 16 and "unknown kind" not in names
    assert rhythm.kind_name(17) == rhythm.kind_name(0) == "unknown kind"


def quantiles_of(rr: Sequence[int]) -> list[int]:
    """Six quantiles of intervals in samples, in per mille of the median, as the score takes them."""
    rhythm, samples = Rhythm(), np.cumsum([1000, *rr])
    for sample, interval in zip(samples[1:], rr, strict=True):
        rhythm.beats(
            np.array([sample], np.uint32),
            np.array([interval], np.uint16),
            np.zeros(1, np.uint8),
        )
    figures = rhythm.irregularity_features()
    assert figures is not None
    first = IRREGULARITY_FEATURES.index("SPREAD_5")
    assert IRREGULARITY_FEATURES[first : first + 6] == tuple(f"SPREAD_{q}" for q in (5, 10, 25, 75, 90, 95))
    return [int(value) for value in figures[first : first + 6]]


def test_quantiles_of_the_intervals() -> None:
    assert quantiles_of([300] * 30) == [1000] * 6
    one_early = [300] * 14 + [200, 400] + [300] * 14
    assert quantiles_of(one_early) == [1000] * 6
    rising = list(range(300, 341))  # 5 % is the third of 41; the first interval has no beat before it
    assert quantiles_of([300, *rising]) == [1000 * rising[k] // 320 for k in (2, 4, 10, 30, 36, 38)]
    assert quantiles_of([300] * 20 + [900] * 6) == [1000] * 4 + [2000] * 2  # at most twice the median
