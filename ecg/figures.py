"""Ratios, percentages and counts: the arithmetic, and the text of a number that may be undefined."""

from __future__ import annotations

import math


def share(part: float, whole: float, digits: int | None = None) -> float | None:
    """Divide `part` by `whole`, rounded to `digits` decimals if given; None when `whole` is 0 or less."""
    if whole <= 0:
        return None
    value = float(part) / float(whole)
    return value if digits is None else round(value, digits)


def percent(value: float | None, digits: int = 2, unit: str = "") -> str:
    """Format a fraction as a percentage, such as "99.51" for 0.9951; "-" when it is None or nan.

    Parameters
    ----------
    value : float or None
        Fraction, 0 to 1.
    digits : int
        Decimals.
    unit : str
        Text after a number, such as " %".
    """
    if value is None or math.isnan(value):
        return "-"
    return f"{100 * value:.{digits}f}{unit}"


def of_these_records(count: int, of: int) -> str:
    """Name records of a group: "this record", "these 3 records" or "2 of these 3 records"."""
    if of == 1 and count == 1:
        return "this record"
    return f"these {of} records" if count == of else f"{count} of these {of} records"


def counted(count: int, noun: str) -> str:
    """Write a number with its noun, which takes an s but after one: "1 record", "2,000 records"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration_text(seconds: float | None) -> str:
    """Write a length of time in the units that fit, e.g. "23 h 12 min", "4 min 10 s", "3.48 s"."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
