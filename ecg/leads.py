"""Choice of the lead that is read from a record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import RecordError

AUTO: Final = "auto"

_PREFERRED: Final = ("mlii", "ii")

_ECG_NAME: Final = re.compile(
    r"i{1,3}|m?l ?i{1,3}|av[rlf]|av[rlf]-?|(mod\.?)?v\d{1,2}r?(-v\d{1,2})?|mcl ?\d|ml ?\d|mv ?\d|c[mcsb] ?\d"
    r"|d ?\d|v[xyz]|signal \d+|.*(ecg|ekg).*"
)
_PREFIX: Final = re.compile(r"^(ecg|ekg|lead|channel)[ _:-]+")


def choose_lead(path: Path, names: Sequence[str], wanted: str = AUTO) -> int:
    """Choose a signal: the one called `wanted`, or by the rule MLII, else II, else the first ECG lead.

    Parameters
    ----------
    path : Path
        Header, for the message.
    names : sequence of str
        Names of the record's signals.
    wanted : str
        Name of a signal, its number from 0, or "auto" for the rule.

    Returns
    -------
    int
        Place of the signal in `names`.

    Raises
    ------
    RecordError
        When no signal fits; the message lists the names.
    """
    if wanted == AUTO:
        return _by_rule(path, names)
    if wanted in names:
        return list(names).index(wanted)
    plain = [_plain(name) for name in names]
    if _plain(wanted) in plain:
        return plain.index(_plain(wanted))
    if wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    raise RecordError(f"{path}: no lead {wanted!r}; {_listing(names)} Name one of them, or `auto`.")


def is_ecg(name: str) -> bool:
    """Check if a signal's name is that of an ECG lead."""
    return bool(_ECG_NAME.fullmatch(name.strip().casefold()) or _ECG_NAME.fullmatch(_plain(name)))


def _by_rule(path: Path, names: Sequence[str]) -> int:
    plain = [_plain(name) for name in names]
    for lead in _PREFERRED:
        if lead in plain:
            return plain.index(lead)
    for number, name in enumerate(names):
        if is_ecg(name):
            return number
    raise RecordError(
        f"{path}: no signal is called like an ECG lead; {_listing(names)} Name one with --lead."
    )


def _plain(name: str) -> str:
    return _PREFIX.sub("", name.strip().casefold())


def _listing(names: Sequence[str]) -> str:
    return f"the record has {', '.join(names)}." if names else "the record has no signals."
