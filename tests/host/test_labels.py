"""The label by the network alone: largest output, first of equals; none in bad signal or without outputs."""

from __future__ import annotations

import numpy as np

from ecg_edge.firmware import FLAG_LEARNING, FLAG_UNCLASSIFIABLE
from ecg_edge.host.reference.labels import labels_of, symbol_of, symbols_of

NAMES = ("N", "V", "A")
OUTPUTS = np.array([[-128, 5, 127], [3, 3, -1], [0, 9, 9], [7, 1, 2]], np.int8)


def test_the_largest_output_names_the_label_and_the_first_of_equals() -> None:
    assert labels_of(OUTPUTS, NAMES).tolist() == [2, 0, 1, 0]


def test_beats_in_bad_signal_are_unclassifiable() -> None:
    flags = np.array([0, FLAG_UNCLASSIFIABLE, 0, FLAG_UNCLASSIFIABLE], np.uint16)
    assert labels_of(OUTPUTS, NAMES, flags).tolist() == [2, 254, 1, 254]


def test_no_beat_is_ectopic_before_the_average_beat_is_known() -> None:
    flags = np.full(4, FLAG_LEARNING, np.uint16)
    assert labels_of(OUTPUTS, NAMES, flags).tolist() == [254, 0, 254, 0]
    assert labels_of(OUTPUTS, ("N", "L", "R"), flags).tolist() == [2, 0, 1, 0]


def test_no_beat_is_supraventricular_in_fibrillation() -> None:
    outputs = np.array([[1, 2, 0, 9, 8], [3, 3, 1, 4, 0], [0, 0, 0, 1, 9], [0, 0, 7, 9, 9]], np.int8)
    names = tuple("NLRAV")
    everywhere, nowhere = np.ones(4, bool), np.zeros(4, bool)
    assert labels_of(outputs, names).tolist() == [3, 3, 4, 3]
    assert labels_of(outputs, names, None, everywhere).tolist() == [1, 0, 4, 2]
    assert labels_of(outputs, names, None, nowhere).tolist() == [3, 3, 4, 3]
    assert labels_of(outputs, names, None, np.array([True, False, True, False])).tolist() == [1, 3, 4, 3]
    learning = np.full(4, FLAG_LEARNING, np.uint16)
    assert labels_of(outputs, names, learning, everywhere).tolist() == [1, 0, 254, 2]
    bad = np.full(4, FLAG_UNCLASSIFIABLE, np.uint16)
    assert labels_of(outputs, names, bad, everywhere).tolist() == [254] * 4
    assert labels_of(outputs[:, 3:], ("A", "V"), None, everywhere).tolist() == [0, 0, 1, 0]


def test_without_outputs_beats_are_not_labelled() -> None:
    assert labels_of(np.zeros((2, 0), np.int8), (), np.zeros(2, np.uint16)).tolist() == [255, 255]


def test_no_beat_has_no_label() -> None:
    assert labels_of(np.zeros((0, 5), np.int8), tuple("NLRAV"), np.zeros(0, np.uint16)).tolist() == []


def test_labels_that_are_no_index_become_q() -> None:
    assert symbols_of(np.array([0, 1, 254, 255, 2]), ("N", "V")).tolist() == ["N", "V", "Q", "Q", "Q"]
    assert symbol_of(254, ("N",), other="?") == "?"
