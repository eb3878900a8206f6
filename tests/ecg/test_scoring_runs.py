"""Run-by-run comparison: every rule on annotations small enough to be worked out by hand (100 Hz)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.scoring import RunComparison, compare_runs


def rhythm(symbols: str, start: int = 2000, step: int = 100) -> Annotations:
    """One annotation a second. "{": the note "(AFIB"; "}": "(N"; "~": shutdown begins; ".": it ends."""
    notes = {"{": "(AFIB", "}": "(N"}
    return Annotations.of(
        range(start, start + step * len(symbols), step),
        ["+" if s in notes else "~" if s == "." else s for s in symbols],
        [-1 if s == "~" else 0 for s in symbols],
        [notes.get(s, "") for s in symbols],
    )


def compare(reference: Annotations, test: Annotations, kind: Any = "veb", **options: Any) -> RunComparison:
    return compare_runs(reference, test, kind=kind, **({"fs_hz": 100, "start_s": 10, "end_s": 100} | options))


def pairs(table: np.ndarray) -> dict[tuple[int, int], int]:
    """Entries that are not 0, by length in the reference and in the test annotations."""
    return {(int(i), int(j)): int(table[i, j]) for i, j in np.argwhere(table)}


def found(reference: str, test: str, kind: str = "veb") -> dict[tuple[int, int], int]:
    return pairs(compare(rhythm(reference), rhythm(test), kind).sensitivity_table)


@pytest.mark.parametrize(
    "beats, length",
    [("NVN", 1), ("NVVN", 2), ("NVVVN", 3), ("NVVVVVN", 5), ("NVVVVVVN", 6), ("NVVVVVVVVN", 6)],
)
def test_length_of_a_run(beats: str, length: int) -> None:
    assert found(beats, beats) == {(length, length): 1}


def test_a_run_goes_on_to_the_end_of_the_file() -> None:
    assert found("NVV", "NVV") == {(2, 2): 1}


def test_fusion_beats_belong_to_ventricular_runs() -> None:
    assert found("NVFVN", "NVVVN") == {(3, 3): 1}


@pytest.mark.parametrize("breaker", "NQA")
def test_other_beats_end_a_run(breaker: str) -> None:
    assert found(f"NVV{breaker}VVVN", "NVVVVVVN") == {(2, 2): 1, (3, 3): 1}


def test_other_annotations_do_not_end_a_run() -> None:
    assert found("NV|VN", "NVNVN") == {(2, 1): 1}


def test_shutdown_ends_a_run() -> None:
    assert found("NVV~.VVN", "NVVVVVVN") == {(2, 2): 2}


def test_the_longest_test_run_in_the_time_of_a_reference_run_counts() -> None:
    assert found("NVVVVVVN", "NVNVVVNN") == {(6, 3): 1}


def test_a_missed_and_an_invented_run() -> None:
    result = compare(rhythm("NVVNNNN"), rhythm("NNNNVVN"))
    assert pairs(result.sensitivity_table) == {(2, 0): 1}
    assert pairs(result.predictivity_table) == {(0, 2): 1}


def test_the_window_widens_the_time_of_a_run() -> None:
    reference = Annotations.of([2000, 2100, 2200, 2300], "NVVN")
    inside = Annotations.of([2000, 2085, 2215, 2300], "NVVN")
    outside = Annotations.of([2000, 2084, 2216, 2300], "NVVN")
    assert pairs(compare(reference, inside).sensitivity_table) == {(2, 2): 1}
    assert pairs(compare(reference, outside).sensitivity_table) == {(2, 0): 1}


def test_supraventricular_runs() -> None:
    assert found("NAJSNVVN", "NSSSNVVN", "sveb") == {(3, 3): 1}
    assert found("NAVAN", "NAAAN", "sveb") == {(1, 1): 2}


def test_atrial_fibrillation_is_a_longest_supraventricular_run() -> None:
    assert found("N{NNNN}N", "NSSSSSSN", "sveb") == {(6, 6): 1}
    assert found("N{NNNN}N", "NNSSNNNN", "sveb") == {(6, 2): 1}
    assert found("NNSSNNNN", "N{NNNN}N", "sveb") == {(2, 6): 1}


def test_fibrillation_does_not_touch_ventricular_runs() -> None:
    assert found("N{NVVN}N", "NNNVVNNN") == {(2, 2): 1}


def test_flutter_is_a_longest_ventricular_run() -> None:
    assert found("N[!!]N", "NVVVVN") == {(6, 4): 1}
    assert found("NVVVVN", "N[!!]N") == {(4, 6): 1}
    assert found("N[!!]N", "N[!!]N", "sveb") == {}


def test_flutter_without_an_end_lasts() -> None:
    assert found("NNVVNNVN", "N[!!!!!!") == {(2, 6): 1, (1, 6): 1}


def test_flutter_from_the_learning_period_goes_on() -> None:
    reference = Annotations.of([500, 1500, 1600, 1700], "[]NN")
    test = Annotations.of([1010, 1200, 1300, 1400], "VVVN")
    assert pairs(compare(reference, test).sensitivity_table) == {(6, 3): 1}


def test_runs_in_the_learning_period_do_not_count() -> None:
    early = rhythm("NVVN", start=100)
    assert pairs(compare(early, early).sensitivity_table) == {}


def test_runs_after_the_end_do_not_count() -> None:
    assert pairs(compare(rhythm("NVVN"), rhythm("NVVN"), end_s=20.5).sensitivity_table) == {}


def test_ratios() -> None:
    result = compare(rhythm("NVVNNVVVNNNN"), rhythm("NVVVNVVNNVVN"))
    assert pairs(result.sensitivity_table) == {(2, 2): 1, (3, 2): 1}
    assert pairs(result.predictivity_table) == {(2, 3): 1, (2, 2): 1, (0, 2): 1}
    assert result.ratios == {
        "couplet_se": (1, 1),
        "couplet_ppv": (1, 2),
        "short_se": (0, 1),
        "short_ppv": (0, 1),
        "long_se": (0, 0),
        "long_ppv": (0, 0),
    }


@settings(deadline=None)
@given(st.text("NVSFQ", max_size=60), st.sampled_from([("veb", "VF"), ("sveb", "S")]))
def test_a_file_against_itself_is_perfect(symbols: str, kind_and_beats: tuple[str, str]) -> None:
    kind, beats = kind_and_beats
    runs = "".join("V" if symbol in beats else " " for symbol in symbols).split()
    result = compare(rhythm(symbols), rhythm(symbols), kind)
    expected = np.zeros((7, 7), np.int64)
    for run in runs:
        expected[min(len(run), 6), min(len(run), 6)] += 1
    np.testing.assert_array_equal(result.sensitivity_table, expected)
    np.testing.assert_array_equal(result.predictivity_table, expected)
