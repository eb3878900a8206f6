"""Symbols, labels and the three divisions into classes."""

from __future__ import annotations

import pytest

from ecg_edge.ecg.annotations import SYMBOL_OF_CODE
from ecg_edge.ecg.labels import (
    AAMI_OF_LABEL,
    BEAT_SYMBOLS,
    LABELS,
    RHYTHM_CLASSES,
    SCORING_CLASSES,
    TRAINING_CLASSES,
    aami_of,
    class_by_symbol,
)
from ecg_edge.firmware.binding import rhythm

RHYTHM_CODES = {
    "normal": rhythm.NORMAL,
    "supraventricular": rhythm.SUPRAVENTRICULAR,
    "ventricular": rhythm.VENTRICULAR,
    "unclassifiable": rhythm.UNCLASSIFIABLE,
}


@pytest.mark.parametrize("classes", [TRAINING_CLASSES, SCORING_CLASSES, RHYTHM_CLASSES])
def test_each_beat_has_one_class(classes: dict[str, str]) -> None:
    symbols = "".join(classes.values())
    assert sorted(symbols.replace("!", "")) == sorted(BEAT_SYMBOLS)
    assert len(set(symbols)) == len(symbols)


def test_the_rhythm_rules_of_the_firmware_have_these_classes() -> None:
    symbols = tuple(SYMBOL_OF_CODE.values())
    expected = class_by_symbol(RHYTHM_CLASSES)
    for index, symbol in enumerate(symbols):
        code = RHYTHM_CODES[expected.get(symbol, "unclassifiable")]
        assert rhythm.class_of(symbols, index) == code, symbol


def test_the_divisions_differ_in_escape_beats_fusion_beats_and_flutter_waves() -> None:
    training, scoring = class_by_symbol(TRAINING_CLASSES), class_by_symbol(SCORING_CLASSES)
    assert {s for s in scoring if scoring[s] != training.get(s)} == set("ejn!")
    device = {"N": "normal", "S": "supraventricular", "V": "ventricular", "Q": "unclassifiable"}
    on_device = class_by_symbol(RHYTHM_CLASSES)
    assert {s for s in BEAT_SYMBOLS if on_device[s] != device.get(training[s])} == {"F"}


def test_aami_classes() -> None:
    assert [aami_of(symbol) for symbol in "NLRAVejSFQ/"] == list("NNNSVNNSFQQ")
    assert dict(zip(LABELS, "NNNSV", strict=True)) == AAMI_OF_LABEL


def test_an_annotation_that_marks_no_beat_has_no_class() -> None:
    with pytest.raises(ValueError, match=r"'\+' does not mark a beat"):
        aami_of("+")
