"""Check of JSON that a person may have edited, or that was cut off, against the types by which it is read."""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

_SCALARS: Final[dict[Any, tuple[str, tuple[type, ...]]]] = {
    str: ("a text", (str,)),
    int: ("an integer", (int,)),
    float: ("a finite number", (int, float)),
    bool: ("true or false", (bool,)),
    type(None): ("null", (type(None),)),
}


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; an open end excludes the limit itself."""

    low: float
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high)

    def __str__(self) -> str:
        low = f"above {self.low:g}" if self.low_open else f"at least {self.low:g}"
        if math.isinf(self.high):
            return low
        return f"{low} and {f'below {self.high:g}' if self.high_open else f'at most {self.high}'}"


def fault_in(value: Any, kind: Any, place: str = "", *, closed: bool = False) -> str | None:
    """Say which part of a JSON value does not have the type `kind`.

    Parameters
    ----------
    value : Any
        What `json.loads` gave.
    kind : type
        A TypedDict or dataclass of JSON values, or what their fields are annotated with; a number's limits
        are a `Range` in `Annotated`.
    place : str
        Keys that lead to the value, such as "records.0.link".
    closed : bool
        A key that a TypedDict or dataclass does not have is a fault; else it does no harm.

    Returns
    -------
    str or None
        "records.0.link.naks is missing", or None when everything has its type.
    """
    if kind in _SCALARS:
        return _fault_of_scalar(value, kind, place)
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return None
    if origin is Annotated:
        limits = (limit for limit in arguments[1:] if isinstance(limit, Range))
        outside = (must_be(place, limit, value) for limit in limits if value not in limit)
        return fault_in(value, arguments[0], place, closed=closed) or next(outside, None)
    if origin in (Union, UnionType):
        faults = [fault_in(value, argument, place, closed=closed) for argument in arguments]
        return None if None in faults else faults[0]
    if origin is Literal:
        return None if value in arguments else must_be(place, " or ".join(map(repr, arguments)), value)
    return _fault_of_parts(value, kind, place, closed)


def must_be(place: str, wanted: object, value: object) -> str:
    """Say what a value should be, and what it is, in brief."""
    return f"{place or 'the whole'} must be {wanted}, not {reprlib.repr(value)}"


@cache
def types_of(kind: Any) -> dict[str, Any]:
    """Types of the fields of a TypedDict or dataclass by name; empty for any other type."""
    if not (is_typeddict(kind) or is_dataclass(kind)):
        return {}
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in fields(kind)} if is_dataclass(kind) else hints


def _fault_of_scalar(value: Any, kind: Any, place: str) -> str | None:
    wanted, types = _SCALARS[kind]
    fits = type(value) in types and (kind is not float or abs(value) <= sys.float_info.max)  # false for nan
    return None if fits else must_be(place, wanted, value)


def _fault_of_parts(value: Any, kind: Any, place: str, closed: bool) -> str | None:
    wanted, form = ("a list", list) if get_origin(kind) in (list, tuple) else ("an object", dict)
    if type(value) is not form:
        return must_be(place, wanted, value)
    if fault := _fault_of_keys(value, kind, place, closed):
        return fault
    found = (fault_in(one, part, _below(place, key), closed=closed) for key, one, part in _parts(value, kind))
    return next((fault for fault in found if fault), None)


def _fault_of_keys(value: Any, kind: Any, place: str, closed: bool) -> str | None:
    kinds = types_of(kind)
    needed = getattr(kind, "__required_keys__", kinds)
    for key in kinds:
        if key in needed and key not in value:
            return f"{_below(place, key)} is missing"
    for key in value if kinds and closed else ():
        if key not in kinds:
            where = f" in {place}" if place else ""
            return f"unknown key {reprlib.repr(key)}{where}; valid keys: {', '.join(kinds)}"
    return None


def _parts(value: Any, kind: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Iterate over the items of a list or an object: key or number, item, and the item's type."""
    kinds, arguments = types_of(kind), get_args(kind)
    if isinstance(value, list):
        yield from ((number, item, arguments[0]) for number, item in enumerate(value))
    elif kinds:
        yield from ((key, value[key], kinds[key]) for key in kinds if key in value)
    else:
        yield from ((key, item, arguments[1]) for key, item in value.items())


def _below(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)
