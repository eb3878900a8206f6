"""Strips on ECG paper: scale, rounding, and what lies at the edges."""

from __future__ import annotations

import re

import numpy as np

from ecg_edge.host.report.paper import Letter, PaperStrip, Shade, paper_svg


def strip(samples: np.ndarray, start_s: float = 0.0, seconds: float = 4.0, **more: object) -> str:
    return paper_svg(PaperStrip(samples, 250, 100, start_s, seconds, "A <strip>", **more))  # type: ignore[arg-type]


def points(svg: str) -> np.ndarray:
    """Points of the signal, in 0.1 mm."""
    (x, y, steps) = re.search(r'class="trace" d="M(\d+) (\d+)l([^"]*)"', svg).groups()  # type: ignore[union-attr]
    moves = np.array([[int(x), int(y)], *np.array(steps.split(), int).reshape(-1, 2).tolist()])
    return np.cumsum(moves, axis=0)


def test_25_mm_a_second_and_10_mm_a_millivolt() -> None:
    samples = np.zeros(1000, np.int16)
    samples[500:] = 100
    svg = strip(samples)
    assert 'width="100mm"' in svg and "A &lt;strip&gt;" in svg
    at = points(svg)
    assert at[-1, 0] - at[0, 0] == 999 and at[0, 1] - at[-1, 1] == 100
    (step,) = np.flatnonzero(np.diff(at[:, 1]))
    assert abs(at[step + 1, 0] - 500) <= 2


def test_leaving_out_points_keeps_the_signal() -> None:
    random = np.random.default_rng(1)
    samples = np.rint(80 * np.sin(np.arange(1000) / 9) + random.normal(0, 0.5, 1000)).astype(np.int16)
    at = points(strip(samples))
    assert len(at) < 900
    drawn = np.interp(np.arange(1000), at[:, 0], at[:, 1])
    level = drawn + samples
    assert np.abs(level - np.median(level)).max() <= 2.5


def test_letters_dots_and_shades_outside_are_left_out() -> None:
    letters = [Letter(10, "N"), Letter(600, "V"), Letter(2000, "A")]
    svg = strip(
        *(np.zeros(3000, np.int16), 2.0),
        above=letters,
        below=[Letter(700, "/")],
        dots=[10, 600],
        shades=[Shade(0, 20), Shade(590, 610, "wrong-mark")],
        below_name="annotated",
    )
    assert re.findall(r'class="(l-\w+)"', svg) == ["l-V", "l-other"]
    assert svg.count("<circle") == 1 and svg.count('class="mark"') == 0 and svg.count("wrong-mark") == 1
    assert "device" in svg and "annotated" in svg


def test_an_empty_strip_and_one_beyond_the_end_are_drawn() -> None:
    assert '<path class="trace"' not in strip(np.zeros(0, np.int16))
    assert 'width="5mm"' in strip(np.zeros(100, np.int16), start_s=100.0)


def test_artefacts_do_not_make_the_strip_taller_than_paper() -> None:
    samples = np.zeros(1000, np.int16)
    samples[500:505] = 30_000
    height = float(re.search(r'height="([\d.]+)mm"', strip(samples))[1])  # type: ignore[index]
    assert height < 85
