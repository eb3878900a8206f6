"""Ratios and percentages."""

from __future__ import annotations

import math

import pytest

from ecg_edge.ecg.figures import of_these_records, percent, share


def test_share_of_nothing_is_undefined() -> None:
    assert share(1, 3, 2) == 0.33
    assert share(1, 4) == 0.25
    assert share(1, 0) is None


def test_percent_of_undefined_is_a_dash() -> None:
    assert percent(0.99505) == "99.50"
    assert percent(0.5, 0, " %") == "50 %"
    assert percent(None) == percent(math.nan) == "-"


@pytest.mark.parametrize(
    ("count", "of", "text"),
    [
        (1, 1, "this record"),
        (3, 3, "these 3 records"),
        (2, 3, "2 of these 3 records"),
        (1, 2, "1 of these 2 records"),
    ],
)
def test_records_of_a_group(count: int, of: int, text: str) -> None:
    assert of_these_records(count, of) == text
