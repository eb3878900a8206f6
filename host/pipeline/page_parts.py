"""Parts that the pages of results share: tables in Markdown, and texts of figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

Results: TypeAlias = Mapping[str, Any]

SLASH: Final = "&nbsp;/&nbsp;"  # two figures stay on one line of a narrow cell
HYPHEN: Final = "&#8209;"  # so does a date
_FROM: Final = "from_"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def per_cent(share: float | None, digits: int = 2) -> str:
    """Write a fraction as per cent."""
    return "-" if share is None else f"{100 * share:.{digits}f}"


def number(value: float | None, digits: int = 0) -> str:
    """Write a number that may not be defined."""
    return "-" if value is None else f"{value:,.{digits}f}"


def two(figures: Mapping[str, Any], first: str, second: str, digits: int = 2) -> str:
    """Write two fractions as per cent."""
    return f"{per_cent(figures[first], digits)}{SLASH}{per_cent(figures[second], digits)}"


def starts(group: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """List the starts of the comparison that have figures: text, such as "300 s", and figures."""
    for name, figures in group.items():
        if name.startswith(_FROM) and figures is not None:
            yield name.removeprefix(_FROM).replace("_", " "), figures
