"""Part of the report about a morphology network: its training, and its scores on held-out patients."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.report.strips import INK, LABEL_COLORS, confusion_svg, open_figure, to_svg


class TrainingSection(TypedDict):
    """What the report's template shows: rows of evaluation.json, pictures as SVG."""

    rows: list[dict[str, Any]]
    curves: str
    confusion: str
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
    labels = list(last["per_class"])
    return {
        "rows": rows,
        "curves": curves_svg(epochs),
        "confusion": confusion_svg({"counts": last["confusion"], "rows": labels, "columns": labels}),
        "normalized": [_shares(row) for row in last["confusion"]],
    }


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
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
        return to_svg(figure)
