"""Ratios and percentages."""

from __future__ import annotations

import math

from ecg_edge.ecg.figures import percent, share


def test_share_of_nothing_is_undefined() -> None:
    assert share(1, 3, 2) == 0.33
    assert share(1, 4) == 0.25
    assert share(1, 0) is None


def test_percent_of_undefined_is_a_dash() -> None:
    assert percent(0.99505) == "99.50"
    assert percent(0.5, 0, " %") == "50 %"
    assert percent(None) == percent(math.nan) == "-"
