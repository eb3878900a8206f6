"""Colours of the pages: labels and text have a contrast of 4.5 to 1 in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ecg_edge.host.report import page as page_module

STYLE = (Path(page_module.__file__).parent / "templates" / "style.css").read_text()
BLOCKS = re.findall(r":root \{(.*?)\}", STYLE, re.S)
PAIRS = [
    *((label, "ecg") for label in ("N", "L", "R", "A", "V", "other", "soft", "trace")),
    *((label, "wrong-mark") for label in ("trace",)),
    *((text, paper) for text in ("ink", "soft", "link") for paper in ("paper", "card")),
    *(("pass", "pass-paper"), ("fail", "fail-paper"), ("warn", "warn-paper"), ("pass", "card")),
    *(("fail", "card"), ("warn", "card"), ("soft", "pass-paper"), ("soft", "warn-paper")),
]


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    digits = color if len(color) == 6 else "".join(2 * digit for digit in color)
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("ffffff", "000000") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("number", range(3), ids=["light", "dark", "print"])
@pytest.mark.parametrize(("text", "paper"), PAIRS)
def test_text_can_be_read(number: int, text: str, paper: str) -> None:
    colors = dict(re.findall(r"--([\w-]+): #([0-9a-f]+)", BLOCKS[number]))
    assert contrast(colors[text], colors[paper]) >= 4.5
