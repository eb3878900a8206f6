"""Events of ventricular rhythms from the states of the signal path's detector."""

from __future__ import annotations

import numpy as np
import pytest

from ecg_edge.firmware import (
    VENTRICULAR_DTYPE,
    VENTRICULAR_FIBRILLATION,
    VENTRICULAR_NONE,
    VENTRICULAR_TACHYCARDIA,
)
from ecg_edge.firmware.binding import rhythm
from ecg_edge.firmware.binding.rhythm import (
    BEGIN,
    END,
    FLAG_SUSTAINED,
    FLAG_TRUNCATED,
    UPDATE,
    Events,
    follow_beats,
)
from tests.support.rhythm_beats import make_beats

SECOND = 360
T, F, NONE = VENTRICULAR_TACHYCARDIA, VENTRICULAR_FIBRILLATION, VENTRICULAR_NONE
KINDS = [rhythm.VENTRICULAR_FIBRILLATION, rhythm.VENTRICULAR_TACHYCARDIA]


def events_of(
    kinds: list[int], changes: list[tuple[int, bool]] | None = None, rate: int = 180, samples: int = 100_000
) -> Events:
    """Events of one state a second, the first decided up to 10 s and begun 2 s before."""
    since, rows = 0, []
    for k, kind in enumerate(kinds):
        until = (10 + k) * SECOND
        since = until - 2 * SECOND if k == 0 or kind != kinds[k - 1] else since
        rows.append((since, until, rate, kind, 90))
    states = np.array(rows, VENTRICULAR_DTYPE)
    events = follow_beats(
        *make_beats("N" * 60, 120, 3000), samples, changes or (), ventricular=list(states)
    ).events
    return events[np.isin(events["kind"], KINDS)]


def test_tachycardia_has_its_onset_rate_and_beats() -> None:
    begin, end = events_of([T] * 5 + [NONE])
    assert (begin["kind"], begin["phase"]) == (rhythm.VENTRICULAR_TACHYCARDIA, BEGIN)
    assert (begin["onset"], begin["end"], begin["rate_x10"]) == (8 * SECOND, 10 * SECOND, 1800)
    assert (end["phase"], end["onset"], end["end"], end["flags"]) == (END, 8 * SECOND, 13 * SECOND, 0)
    assert begin["beats"] == 5  # 3000, 3120 ... 3480: before 3600
    assert end["beats"] == 5 + 15  # up to 5400: when it was known that it had ended


def test_fibrillation_has_no_rate() -> None:
    begin, end = events_of([F] * 5 + [NONE])
    assert (begin["kind"], begin["rate_x10"], end["rate_x10"]) == (rhythm.VENTRICULAR_FIBRILLATION, 0, 0)


@pytest.mark.parametrize(("seconds", "sustained"), [(28, False), (29, True), (60, True)])
def test_tachycardia_is_sustained_from_30_s_on(seconds: int, sustained: bool) -> None:
    events = events_of([T] * seconds + [NONE])
    updates = events[events["phase"] == UPDATE]
    assert updates["flags"].tolist() == [FLAG_SUSTAINED] * sustained
    assert events[-1]["flags"] == FLAG_SUSTAINED * sustained
    assert all(updates["end"] - updates["onset"] == 30 * SECOND)


def test_tachycardia_that_becomes_fibrillation_is_two_episodes() -> None:
    events = events_of([T] * 5 + [F] * 5 + [NONE])
    assert events["kind"].tolist() == [13, 13, 12, 12]
    assert events["phase"].tolist() == [BEGIN, END, BEGIN, END]
    assert events[2]["onset"] == events[1]["end"]


def test_asystole_after_it_counts_from_the_end_of_the_waves() -> None:
    """Fibrillation ends at 16 s, which is known at 19 s; no beat follows."""
    states = [(8 * SECOND, (10 + k) * SECOND, 0, F, 90) for k in range(9)]
    states += [(16 * SECOND, (19 + k) * SECOND, 0, NONE, 90) for k in range(3)]
    rows = np.array(states, VENTRICULAR_DTYPE)
    events = follow_beats(*make_beats("N" * 10, 300, 360), 22 * SECOND, ventricular=list(rows)).events
    asystole = events[(events["kind"] == rhythm.ASYSTOLE) & (events["phase"] == BEGIN)]
    assert asystole["onset"].tolist() == [16 * SECOND]
    assert asystole["end"].tolist() == [19 * SECOND]


def test_bad_signal_does_not_end_it() -> None:
    events = events_of([T] * 9 + [NONE], [(11 * SECOND, True), (13 * SECOND, False)])
    assert len(events) == 2 and events[1]["flags"] == 0


def test_the_end_of_the_signal_ends_it() -> None:
    _, end = events_of([F] * 5, samples=15 * SECOND)
    assert (end["phase"], end["flags"], end["end"]) == (END, FLAG_TRUNCATED, 14 * SECOND)
