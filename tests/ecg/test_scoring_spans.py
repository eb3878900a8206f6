"""Spans of time: annotated rhythms, union, intersection, difference."""

from __future__ import annotations

import numpy as np

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.scoring.spans import (
    as_spans,
    difference,
    intersection,
    overlaps,
    rhythm_spans,
    total_s,
    union,
)

SPANS = as_spans([(5, 8), (0, 2), (1, 3)])


def test_a_rhythm_lasts_to_the_next_annotation_and_the_last_one_to_the_end() -> None:
    marks = Annotations.of([100, 300, 400, 500], ["+", "N", "+", "+"], aux=["(N", "", "(VT", "(N"])
    found = rhythm_spans(marks, 100, 9.0)
    assert [tuple(span) for span in found] == [("(N", 1, 4), ("(VT", 4, 5), ("(N", 5, 9)]
    assert rhythm_spans(Annotations.of([], []), 100, 9.0) == []


def test_union_joins_spans_that_touch() -> None:
    assert union(SPANS).tolist() == [[0, 3], [5, 8]]
    assert total_s(SPANS) == 6 and total_s(as_spans([])) == 0


def test_intersection_and_difference_divide_a_span() -> None:
    others = as_spans([(2, 6), (7, 7.5)])
    assert intersection(SPANS, others).tolist() == [[2, 3], [5, 6], [7, 7.5]]
    assert difference(SPANS, others).tolist() == [[0, 2], [6, 7], [7.5, 8]]
    assert difference(SPANS, as_spans([])).tolist() == union(SPANS).tolist()
    assert total_s(intersection(SPANS, others)) + total_s(difference(SPANS, others)) == total_s(SPANS)


def test_spans_that_only_touch_do_not_overlap() -> None:
    assert overlaps(2.5, 4, SPANS) and not overlaps(3, 5, SPANS)
    assert not overlaps(0, 9, np.zeros((0, 2)))
