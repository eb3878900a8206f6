"""Beat-by-beat comparison: every rule on annotations small enough to be worked out by hand.

At 100 Hz a sample is 10 ms, so the match window is 15 samples; the comparison begins at sample 1000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.scoring import (
    TABLE_COLUMNS,
    TABLE_ROWS,
    BeatComparison,
    compare_beats,
    list_beats,
    match_beats,
)

Marks = Sequence[tuple[int, str] | tuple[int, str, int]]

SHUTDOWN_ON, SHUTDOWN_OFF = -1, 0


def annotations(marks: Marks) -> Annotations:
    full = [(*mark, 0)[:3] for mark in marks]
    return Annotations.of([m[0] for m in full], [m[1] for m in full], [m[2] for m in full])


def beats(*samples: int, symbol: str = "N") -> Annotations:
    return annotations([(sample, symbol) for sample in samples])


def compare(reference: Annotations, test: Annotations, **options: Any) -> BeatComparison:
    return compare_beats(reference, test, **({"fs_hz": 100, "start_s": 10, "end_s": 100} | options))


def cells(comparison: BeatComparison) -> dict[str, int]:
    """The table's cells that are not 0, e.g. {"Nn": 3, "Vo": 1}."""
    return {
        TABLE_ROWS[row] + TABLE_COLUMNS[column]: int(comparison.table[row, column])
        for row, column in np.argwhere(comparison.table)
    }


@pytest.mark.parametrize("shift", [-15, -1, 0, 1, 15])
def test_within_the_window_is_a_match(shift: int) -> None:
    assert cells(compare(beats(2000), beats(2000 + shift))) == {"Nn": 1}


@pytest.mark.parametrize("shift", [-16, 16])
def test_beyond_the_window_is_a_miss_and_a_false_detection(shift: int) -> None:
    assert cells(compare(beats(2000), beats(2000 + shift))) == {"No": 1, "On": 1}


def test_window_is_rounded_to_samples() -> None:
    # 0.15 s are 19.2 samples at 128 Hz: 19 match, 20 do not.
    assert cells(compare(beats(2000), beats(2019), fs_hz=128)) == {"Nn": 1}
    assert cells(compare(beats(2000), beats(2020), fs_hz=128)) == {"No": 1, "On": 1}


def test_the_nearer_of_two_test_beats_is_paired() -> None:
    result = compare(beats(2000), annotations([(1990, "V"), (2003, "N")]))
    assert cells(result) == {"Nn": 1, "Ov": 1}


def test_the_nearer_of_two_reference_beats_is_paired() -> None:
    result = compare(annotations([(1990, "V"), (2003, "N")]), beats(2000))
    assert cells(result) == {"Nn": 1, "Vo": 1}


def test_a_beat_with_a_nearer_partner_is_no_rival() -> None:
    # The second test beat is as near to the first reference beat, but nearer to the second one.
    assert match_beats([96, 160], [128, 185], 37).tolist() == [[0, 0], [1, 1]]
    # Without the second reference beat it is a rival, and equally near is not nearer.
    assert match_beats([96], [80, 112], 37).tolist() == [[0, 1]]


def test_each_beat_is_listed_with_what_became_of_it() -> None:
    marks = [(500, "N"), (2000, "N"), (3000, "V"), (4000, "["), (4200, "N"), (4400, "]"), (6000, "N")]
    test = beats(2005, 2500, 4100, 6010)
    steps = list_beats(annotations(marks), test, fs_hz=100, start_s=10, end_s=100)
    assert [tuple(step) for step in steps] == [
        ("matched", 2000, 2005, True),
        ("false", None, 2500, True),
        ("missed", 3000, None, True),
        ("false", None, 4100, False),  # in flutter, whose annotations are passed over
        ("matched", 6000, 6010, True),
    ]


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(1000, 9000), max_size=40), st.sets(st.integers(1000, 9000), max_size=40))
def test_as_many_are_listed_as_counted(wanted: set[int], given_ones: set[int]) -> None:
    reference, test = beats(*sorted(wanted)), beats(*sorted(given_ones))
    kinds = [s.kind for s in list_beats(reference, test, fs_hz=100, start_s=10, end_s=100) if s.counted]
    table = cells(compare(reference, test))
    assert (kinds.count("matched"), kinds.count("missed"), kinds.count("false")) == (
        table.get("Nn", 0),
        table.get("No", 0),
        table.get("On", 0),
    )


def test_match_beats_of_nothing() -> None:
    assert match_beats([], [1, 2], 10).shape == (0, 2)
    assert match_beats([1, 2], [], 10).shape == (0, 2)


def test_learning_period_is_not_counted() -> None:
    result = compare(beats(100, 500, 990, 2000), beats(300, 700, 2000))
    assert cells(result) == {"Nn": 1}


def test_a_test_beat_just_before_the_start_may_match_the_first_reference_beat() -> None:
    assert cells(compare(beats(1005, 2000), beats(995, 2000))) == {"Nn": 2}
    assert cells(compare(beats(1005, 2000), beats(985, 2000))) == {"No": 1, "Nn": 1}


def test_a_test_beat_just_after_the_start_may_belong_to_the_learning_period() -> None:
    assert cells(compare(beats(995, 2000), beats(1005, 2000))) == {"Nn": 1}
    assert cells(compare(beats(995, 2000), beats(1015, 2000))) == {"Nn": 1}
    assert cells(compare(beats(995, 2000), beats(1016, 2000))) == {"Nn": 1, "On": 1}


def test_end_of_the_record() -> None:
    reference, test = beats(2000, 10_000, 10_001), beats(2000, 9_000, 10_100)
    assert cells(compare(reference, test)) == {"Nn": 1, "On": 1, "No": 1}
    # Without a known length the comparison ends with the reference's last beat.
    assert cells(compare(beats(2000), beats(2000, 3000), end_s=None)) == {"Nn": 1}


LABELS = {"N": "NLRB", "S": "aJASjen", "V": "VrE", "F": "F", "Q": "Q/f?"}


@pytest.mark.parametrize("label, symbol", [(label, s) for label, symbols in LABELS.items() for s in symbols])
def test_labels(label: str, symbol: str) -> None:
    as_reference = compare(beats(2000, symbol=symbol), beats(2000))
    as_test = compare(beats(2000), beats(2000, symbol=symbol))
    assert cells(as_reference) == {f"{label}n": 1}
    assert cells(as_test) == {f"N{label.lower()}": 1}


@pytest.mark.parametrize("symbol", ["+", "|", "~", '"', "x", "p", "T"])
def test_other_annotations_are_passed_over(symbol: str) -> None:
    assert cells(compare(annotations([(2000, "N"), (2500, symbol)]), beats(2000))) == {"Nn": 1}


def test_a_flutter_wave_is_no_beat() -> None:
    assert cells(compare(beats(2000, symbol="!"), beats(2000))) == {"On": 1}
    assert cells(compare(beats(2000), beats(2000, symbol="!"))) == {"No": 1}
    assert cells(compare(beats(2000, symbol="!"), beats())) == {}


def test_nothing_counts_in_the_references_flutter() -> None:
    reference = annotations([(1500, "N"), (2000, "["), (2300, "!"), (2500, "N"), (3000, "]"), (3500, "N")])
    test = beats(1500, 2000, 2500, 3000, 3001, 3500)
    assert cells(compare(reference, test)) == {"Nn": 2, "On": 1}


def test_flutter_without_an_end_lasts() -> None:
    reference = annotations([(1500, "N"), (2000, "[")])
    assert cells(compare(reference, beats(1500, 2500, 9000))) == {"Nn": 1}


def test_flutter_in_the_test_annotations_excuses_nothing() -> None:
    test = annotations([(1500, "N"), (2000, "["), (2500, "N"), (3000, "]"), (3500, "N")])
    assert cells(compare(beats(1500, 2500, 3500), test)) == {"Nn": 2, "No": 1}


def shutdown(on: int, off: int) -> Marks:
    return [(on, "~", SHUTDOWN_ON), (off, "~", SHUTDOWN_OFF)]


def test_beats_missed_in_the_test_annotators_shutdown() -> None:
    reference = annotations([(1999, "N"), (2000, "N"), (3000, "V"), (4000, "N"), (4001, "N")])
    result = compare(reference, annotations(shutdown(2000, 4000)))
    assert cells(result) == {"No": 2, "Nx": 2, "Vx": 1}
    assert result.shutdown_s == 20
    assert result.missed_in_shutdown() == (3, 5)
    assert result.missed_in_shutdown("V") == (1, 1)


def test_false_detections_in_the_references_shutdown() -> None:
    reference = annotations([(1500, "N"), *shutdown(2000, 4000), (5000, "N")])
    result = compare(reference, annotations([(1500, "N"), (3000, "V"), (4500, "N"), (5000, "N")]))
    assert cells(result) == {"Nn": 2, "Xv": 1, "On": 1}
    assert result.shutdown_s == 0


def test_noise_that_does_not_hide_all_leads_is_no_shutdown() -> None:
    result = compare(beats(2500), annotations([(2000, "~", 0x10), (3000, "~", 0)]))
    assert cells(result) == {"No": 1}
    assert result.shutdown_s == 0


def test_a_single_mark_of_shutdown_reaches_to_the_beats_around_it() -> None:
    # From the beat at 2000 to that at 3000, less the window on either side: 2015 to 2985.
    test = annotations([(2000, "N"), (2500, "~", SHUTDOWN_ON), (3000, "N")])
    result = compare(beats(2000, 2020, 2980, 2990, 3000), test)
    assert cells(result) == {"Nn": 2, "Nx": 2, "No": 1}
    assert result.shutdown_s == 10  # 9.7 s, rounded


def test_shutdown_without_an_end_counts_to_the_end() -> None:
    test = annotations([(2000, "N"), (4000, "~", SHUTDOWN_ON)])
    result = compare(beats(2000, 5000, 9000), test)
    assert cells(result) == {"Nn": 1, "Nx": 2}
    assert result.shutdown_s == 60


def test_shutdown_in_the_learning_period_counts_as_time() -> None:
    assert compare(beats(2000), annotations([*shutdown(100, 350), (2000, "N")])).shutdown_s == 3  # 2.5 s


def test_rr_error() -> None:
    # 100 against 104, then 100 against 96 samples: 4 samples each, which is 40 ms.
    result = compare(beats(2000, 2100, 2200), beats(2000, 2104, 2200))
    assert (result.rr_error_ms, result.rr_count) == (pytest.approx(40), 2)


def test_rr_error_counts_false_detections() -> None:
    # The false detection: 100 against 50. The beat after it: 100 against 50. Each 500 ms off.
    result = compare(beats(2000, 2100), beats(2000, 2050, 2100))
    assert (result.rr_error_ms, result.rr_count) == (pytest.approx(500), 2)


def test_no_rr_interval_spans_flutter_or_shutdown() -> None:
    reference = annotations([(2000, "N"), (2100, "["), (2400, "]"), (2500, "N"), (2600, "N")])
    assert compare(reference, beats(2000, 2500, 2600)).rr_count == 1
    test = annotations([(2000, "N"), *shutdown(2100, 2400), (2500, "N"), (2600, "N")])
    assert compare(beats(2000, 2500, 2600), test).rr_count == 1


def test_figures_of_a_known_table() -> None:
    table = np.array(
        [
            # n  s  v  f  q  o  x
            [50, 3, 2, 1, 0, 4, 1],  # N
            [5, 6, 1, 0, 0, 2, 0],  # S
            [3, 1, 20, 2, 0, 1, 1],  # V
            [1, 1, 4, 0, 0, 0, 0],  # F
            [1, 1, 1, 0, 0, 0, 0],  # Q
            [2, 1, 3, 0, 0, 0, 0],  # O
            [0, 0, 1, 0, 0, 0, 0],  # X
        ]
    )
    ratios = BeatComparison(table, 0.0, 0, 0).ratios
    assert ratios["qrs_se"] == (103, 112)
    assert ratios["qrs_ppv"] == (103, 110)
    assert ratios["veb_se"] == (20, 28)
    assert ratios["veb_ppv"] == (20, 27)  # not the 5 F and Q that were called v
    assert ratios["veb_fpr"] == (7, 79)
    assert ratios["sveb_se"] == (6, 14)
    assert ratios["sveb_ppv"] == (6, 12)  # not the Q that was called s


def test_what_cannot_be_computed_is_nan() -> None:
    result = compare(beats(), beats())
    assert all(math.isnan(value) for value in result.figures.values())
    assert cells(result) == {}


SYMBOLS = st.sampled_from("NLRaAVFQ/")
STREAM = st.lists(st.tuples(st.integers(16, 400), SYMBOLS), max_size=60)


def stream(steps: list[tuple[int, str]]) -> Annotations:
    """Beats at the given distances; the first one beyond the match window."""
    return Annotations.of(np.cumsum([step for step, _ in steps]), [symbol for _, symbol in steps])


@settings(deadline=None)
@given(STREAM, STREAM)
def test_every_beat_is_counted_once(reference_steps: list[Any], test_steps: list[Any]) -> None:
    reference, test = stream(reference_steps), stream(test_steps)
    table = compare(reference, test, start_s=0, end_s=1000).table
    assert table[:5].sum() == len(reference)
    assert table[:, :5].sum() == len(test)
    assert table[:5, :5].sum() == len(match_beats(reference.samples, test.samples, 15))


@settings(deadline=None)
@given(STREAM)
def test_a_file_against_itself_is_perfect(steps: list[Any]) -> None:
    reference = stream(steps)
    result = compare(reference, reference, start_s=0)
    assert result.table.sum() == np.trace(result.table) == len(reference)
    for value in (result.qrs_se, result.qrs_ppv, result.veb_se, result.veb_ppv, result.sveb_se):
        assert math.isnan(value) or value == 1
    assert math.isnan(result.rr_error_ms) or result.rr_error_ms == 0


TIMES = st.lists(st.integers(0, 2000), max_size=60, unique=True).map(sorted)


@settings(deadline=None)
@given(TIMES, TIMES, st.integers(0, 60))
def test_pairs_are_near_ascending_and_the_same_from_either_side(
    reference: list[int], test: list[int], window: int
) -> None:
    pairs = match_beats(reference, test, window)
    assert np.all(np.diff(pairs, axis=0) > 0)
    assert all(abs(reference[i] - test[j]) <= window for i, j in pairs)
    np.testing.assert_array_equal(match_beats(test, reference, window), pairs[:, ::-1])
