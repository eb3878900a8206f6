"""Check of a JSON file that a person may have edited against the types by which the program reads it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

_KINDS: Final[dict[Any, tuple[type, ...]]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
    type(None): (type(None),),
}


def fault_in(value: Any, kind: Any, place: str = "") -> str | None:
    """Say which part of a JSON value does not have the type `kind`.

    Parameters
    ----------
    value : Any
        What `json.load` gave.
    kind : type
        A TypedDict or dataclass of JSON values, or what their fields are annotated with.
    place : str
        Keys that lead to the value, such as "records.0.link".

    Returns
    -------
    str or None
        "records.0.link.naks is missing", or None when everything has its type.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return fault_in(value, arguments[0], place)
    if origin in (Union, UnionType):
        faults = [fault_in(value, argument, place) for argument in arguments]
        return None if None in faults else faults[0]
    parts: list[tuple[Any, Any, Any]] | None
    wrong = f"{place or 'the whole'} has the wrong type ({type(value).__name__})"
    if origin is Literal:
        return None if value in arguments else wrong
    if kind in _KINDS:
        fits = isinstance(value, _KINDS[kind]) and (kind is bool or not isinstance(value, bool))
        return None if fits else wrong
    if kind is Any:
        return None
    if origin in (list, tuple):
        parts = (
            [(key, item, arguments[0]) for key, item in enumerate(value)] if isinstance(value, list) else None
        )
    elif not isinstance(value, dict):
        parts = None
    elif is_typeddict(kind) or is_dataclass(kind):
        kinds = _hints(kind)
        needed = getattr(kind, "__required_keys__", kinds)
        absent = next((key for key in kinds if key in needed and key not in value), None)
        if absent is not None:
            return f"{_below(place, absent)} is missing"
        parts = [(key, value[key], kinds[key]) for key in kinds if key in value]
    else:
        parts = [(key, item, arguments[1]) for key, item in value.items()]
    if parts is None:
        return wrong
    found = (fault_in(item, part, _below(place, key)) for key, item, part in parts)
    return next((fault for fault in found if fault), None)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in fields(kind)} if is_dataclass(kind) else hints


def _below(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)
