"""Every fault of a JSON value is named with its place, what should stand there, and what does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import pytest

from ecg_edge.ecg.typed_json import Range, fault_in


@dataclass(frozen=True)
class Lead:
    """A dataclass within the TypedDict."""

    name: str
    gain: Annotated[float, Range(0, low_open=True)]


class Entry(TypedDict, total=False):
    """One of each kind of type."""

    beats: Annotated[int, "a description"]
    confidence: Annotated[int, Range(0, 255)]
    seconds: float | None
    whole: bool
    verdict: Literal["pass", "fail"]
    leads: tuple[Lead, ...]
    counts: Mapping[str, list[int]]
    more: dict[str, Any]


LEAD = {"name": "II", "gain": 200}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"beats": 2**70, "confidence": 255, "seconds": None, "whole": False, "verdict": "fail"},
        {"seconds": 1, "leads": [LEAD], "counts": {"V": [1, 2], "N": []}, "more": {"any": [None]}},
        {"unknown": 1, "leads": [{**LEAD, "unknown": 1}]},
    ],
)
def test_a_value_of_its_type_has_no_fault(value: Any) -> None:
    assert fault_in(value, Entry) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "the whole must be an object, not []"),
        ('{"beats": true}', "beats must be an integer, not True"),
        ('{"beats": 1.0}', "beats must be an integer, not 1.0"),
        ('{"confidence": 256}', "confidence must be at least 0 and at most 255, not 256"),
        ('{"confidence": "1"}', "confidence must be an integer, not '1'"),
        ('{"seconds": NaN}', "seconds must be a finite number, not nan"),
        ('{"seconds": -Infinity}', "seconds must be a finite number, not -inf"),
        ('{"seconds": 1e400}', "seconds must be a finite number, not inf"),
        ('{"seconds": false}', "seconds must be a finite number, not False"),
        ('{"whole": 0}', "whole must be true or false, not 0"),
        ('{"verdict": ["pass"]}', "verdict must be 'pass' or 'fail', not ['pass']"),
        ('{"leads": {}}', "leads must be a list, not {}"),
        ('{"leads": [{"name": "II", "gain": 0}]}', "leads.0.gain must be above 0, not 0"),
        ('{"leads": [{"name": "II"}]}', "leads.0.gain is missing"),
        ('{"counts": {"V": [1, null]}}', "counts.V.1 must be an integer, not None"),
        ('{"counts": []}', "counts must be an object, not []"),
        ('{"more": null}', "more must be an object, not None"),
        ('{"beats": ' + "[" * 500 + "]" * 500 + "}", "beats must be an integer, not [[[[[[[...]]]]]]]"),
        ('{"beats": "' + "x" * 500 + '"}', "beats must be an integer, not 'xxxxxxxxxxxx...xxxxxxxxxxxxx'"),
        (f'{{"seconds": {10**400}}}', "seconds must be a finite number, not 100000000000000000...000000000"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, fault: str) -> None:
    assert str(fault_in(json.loads(text), Entry)).startswith(fault)


def test_a_closed_type_has_no_other_keys() -> None:
    assert fault_in({"leads": [LEAD], "more": {"any": 1}}, Entry, closed=True) is None
    within = fault_in({"leads": [LEAD, {**LEAD, "unit": "mV"}]}, Entry, "entry", closed=True)
    assert within == "unknown key 'unit' in entry.leads.1; valid keys: name, gain"
    assert str(fault_in({"beat": 1}, Entry, closed=True)).startswith(
        "unknown key 'beat'; valid keys: beats, "
    )
