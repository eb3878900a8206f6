"""Curves and strips of the classifier's page."""

from __future__ import annotations

import re

import numpy as np

from ecg_edge.ecg.records import Record
from ecg_edge.ecg.scoring.curves import Curve
from ecg_edge.host.evaluation.mistakes import Explained, Mistake
from ecg_edge.host.report.classifier_report import curve_svg, example
from tests.support.simulated import make_ecg


def test_a_curve_ends_where_its_recall_ends() -> None:
    curve = Curve(10, 0.5, np.array([0.0, 0.25, 0.5]), np.array([1.0, 1.0, 0.5]))
    svg = curve_svg({"VEB": curve, "SVEB": curve}, "a & b")
    assert "a &amp; b" in svg and 'class="l-V dash-0"' in svg and 'class="l-A dash-1"' in svg
    points = re.findall(r'class="l-V dash-0" d="M([\d. L]+)"', svg)[0].split("L")
    assert points[0] == "44.0 12.0" and points[-1] == "164.0 132.0", "half of 240 units from the corner"


def test_a_mistake_is_shaded_where_its_label_depends_on_the_signal() -> None:
    samples, peaks = make_ecg(10.0)
    symbols, notes = np.full(len(peaks), "N"), ("",) * len(peaks)
    record = Record("100", "mitdb", 360, 200, "MLII", samples, peaks, symbols, notes)
    mistake = Mistake("mitdb", "100", peaks[5] / 360, "", "V", 0.9, 1200)
    falls = np.zeros(16)
    falls[[5, 6]] = 0.7, 0.05
    answer = np.full(len(peaks), "V")
    one = Explained(mistake, record, peaks, answer, int(peaks[5]), falls, {}, "Probability 90 %.")
    found = example(one)
    assert found.title == "Expected no beat, label V"
    assert found.caption.endswith("Probability 90 %. 1,200 of this kind.") and "mitdb/100 at" in found.caption
    assert found.svg.count('class="heat-4"') == 1 and found.svg.count('class="heat-1"') == 1
