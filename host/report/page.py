"""The frame of every page: templates, filters, and one file without anything from outside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.figures import duration_text, percent
from ecg_edge.host.report.paper import clock_text

_TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
THIN_SPACE: Final = "\u202f"


@dataclass(frozen=True)
class Example:
    """A strip with its title and caption."""

    title: str
    caption: str
    svg: str


def render(template: str, context: dict[str, Any]) -> str:
    """Fill a template of `templates/`.

    Parameters
    ----------
    template : str
        Name of its file.
    context : dict
        Its values.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 0.1 s: only where a page is made

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent, number=number, length=duration_text, clock=clock_text, slug=slug
    )
    return environment.get_template(template).render(**context)


def number(value: float | None, digits: int = 0, unit: str = "") -> str:
    """Write a number with thin spaces between thousands, and its unit, e.g. " ms"; "-" for None."""
    return "-" if value is None else f"{value:,.{digits}f}".replace(",", THIN_SPACE) + unit


def slug(text: str) -> str:
    """Make an identifier for a link from any text."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text)
