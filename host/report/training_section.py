"""Part of the report about a morphology network: its training, and its scores on held-out patients."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict

from matplotlib.figure import Figure

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.files import read_json
from ecg_edge.host.report.strips import LABEL_COLORS, open_figure

INK: Final = "#010101"
"""Colour of a picture's text, which `_to_svg` replaces by the page's own."""


class TrainingSection(TypedDict):
    """What the report's template shows: rows of evaluation.json, pictures as SVG."""

    rows: list[dict[str, Any]]
    curves: str
    normalized: list[list[float]]


def training_section(history: Path, evaluation: Path) -> TrainingSection:
    """Read a run's history.json and evaluation.json.

    Raises
    ------
    EcgEdgeError
        When one of them is missing or damaged.
    """
    epochs = _read(history)["epochs"]
    rows = _read(evaluation)
    last = rows[-1]  # the int8 network
    return {
        "rows": rows,
        "curves": curves_svg(epochs),
        "normalized": [_shares(row) for row in last["confusion"]],
    }


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise EcgEdgeError(f"{path}: cannot be read ({error}). Run `ecg-edge quantize` again.") from error


def _shares(row: Sequence[int]) -> list[float]:
    return [count / max(1, sum(row)) for count in row]


def curves_svg(epochs: Mapping[str, Sequence[float]]) -> str:
    """Loss and accuracy on training and validation strips, and learning rate, against the epoch."""
    panels = {"loss": ("loss", "val_loss"), "accuracy": ("accuracy", "val_accuracy"), "rate": ("lr",)}
    with open_figure(7.5, 2.1) as figure:
        for axes, (title, names) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            for name in names:
                held = name.startswith("val_")
                color, dashes = (LABEL_COLORS["A"], "--") if held else (LABEL_COLORS["R"], "-")
                numbers = range(1, len(epochs[name]) + 1)
                axes.plot(numbers, epochs[name], dashes, color=color, lw=1.4)
                if title != "rate":
                    text = "validation" if held else "training"
                    axes.annotate(text, (numbers[-1], epochs[name][-1]), fontsize=7, color=INK, ha="right")
            axes.set_title(f"learning {title}" if title == "rate" else title, fontsize=8, color=INK)
            axes.set_xlabel("epoch", fontsize=8, color=INK)
            axes.tick_params(colors=INK, labelsize=7)
        return _to_svg(figure, "Loss, accuracy and learning rate by epoch")


def _to_svg(figure: Figure, title: str) -> str:
    """A figure as SVG to put into a page; its ink is the page's text colour."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", f"<title>{title}</title>", svg[svg.index("<svg") :], flags=re.S)
    svg = re.sub(r' id="[a-zA-Z0-9]+_\d+"', "", svg)  # those are the same in every figure
    return svg.replace("<svg ", '<svg role="img" ', 1).replace(INK, "currentColor")
