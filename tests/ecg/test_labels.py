"""Symbols, labels and AAMI classes."""

from __future__ import annotations

import pytest

from ecg_edge.ecg.labels import AAMI_OF_LABEL, BEAT_SYMBOLS, LABELS, aami_of, label_of


def test_the_five_classes_are_the_symbols_of_the_same_name() -> None:
    assert [label_of(symbol) for symbol in "NLRAV"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("symbol", [*sorted(set(BEAT_SYMBOLS) - set(LABELS)), "+", "~"])
def test_every_other_symbol_is_outside(symbol: str) -> None:
    assert label_of(symbol) is None


def test_every_beat_has_an_aami_class() -> None:
    classes = {symbol: aami_of(symbol) for symbol in BEAT_SYMBOLS}
    assert "".join(sorted(s for s, c in classes.items() if c == "S")) == "AJSa"
    assert "".join(sorted(s for s, c in classes.items() if c == "V")) == "EVr"
    assert "".join(sorted(s for s, c in classes.items() if c == "F")) == "F"
    assert "".join(sorted(s for s, c in classes.items() if c == "Q")) == "/?Qf"
    assert {label: aami_of(label) for label in LABELS} == AAMI_OF_LABEL


def test_what_is_no_beat_has_none() -> None:
    with pytest.raises(ValueError, match=r"'\+' does not mark a beat"):
        aami_of("+")
