"""Figures of strips with one label each."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecg_edge.ecg.errors import RecordError
from ecg_edge.host.evaluation.strips import REFERENCE_NAME, read_labels, strip_figures, strip_of
from tests.support.made_reports import made_report

IRREGULAR = "irregularly irregular"


def strips() -> list:
    beats = [0.5 + k for k in range(29)]
    fibrillation = made_report(30, [(IRREGULAR, 0.5, 30, 20)], beats)
    runs = made_report(30, [("V run", 1, 3, 4), ("V run", 10, 12, 13)], beats, "NVVV" + "N" * 25)
    quiet, short = made_report(30, (), beats), made_report(9, (), beats[:8])
    return [
        strip_of("A1", "A", fibrillation),
        strip_of("A2", "A", quiet),
        strip_of("A3", "N", runs),
        strip_of("A4", "N", quiet),
        strip_of("A5", "O", fibrillation),
        strip_of("A6", "A", short),
    ]


def test_shares_of_strips_and_f1() -> None:
    figures = strip_figures(strips())
    assert figures["strips"] == {"N": 2, "A": 3, "O": 1, "~": 0}
    assert figures["with_event"]["V run"] == {"N": 0.5, "A": 0, "O": 0, "~": None}
    long, short = (figures["fibrillation"][IRREGULAR][name] for name in ("20 s and more", "under 15 s"))
    assert (long["strips"], long["se"], long["ppv"], long["f1"], long["specificity_n"]) == (
        5,
        0.5,
        0.5,
        0.5,
        1,
    )
    assert (short["strips"], short["se"], short["ppv"]) == (1, 0, None)


def test_beats_at_the_decision_and_v_beats_by_number() -> None:
    figures = strip_figures(strips())
    assert figures["decision_beats"][IRREGULAR] == {"strips": 1, "least": 20, "median": 20, "p95": 20}
    called = {name: one["v"] for name, one in figures["v_beats_in_normal"].items()}
    assert called == {"1": 0, "2": 0.5, "3": 0.5, "4": 0.5, "5 to 10": 0, "later": 0}
    assert figures["v_runs_per_hour_in_normal"] == {"first_5_s": 360, "later": 72}


def test_labels_are_read_and_damage_is_named(tmp_path: Path) -> None:
    assert read_labels(tmp_path) is None
    (tmp_path / REFERENCE_NAME).write_text("A1,N\nA2,~\r\n")
    assert read_labels(tmp_path) == {"A1": "N", "A2": "~"}
    (tmp_path / REFERENCE_NAME).write_text("A1,N\nA2,X\n")
    with pytest.raises(RecordError, match="line 2"):
        read_labels(tmp_path)
