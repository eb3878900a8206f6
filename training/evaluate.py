"""What a recipe's networks score: float, pruned and int8, under each protocol that tests the recipe.

Every figure stands under the name of its protocol. The five-class figures count annotated beats of N, L, R,
A and V; those by AAMI classes count every beat that the signal path found and that is annotated as a beat. A
beat that the detector misses counts in neither: `ecg-edge score` and the replay count it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.host.errors import EcgEdgeError
from ecg_edge.training.beats import Beats, real_values
from ecg_edge.training.datasets import Test, test_sides
from ecg_edge.training.labels import AAMI_OF_LABEL, LABELS, aami_of
from ecg_edge.training.recipes import Recipe

EVALUATION_NAME: Final = "evaluation.json"
AAMI: Final = ("N", "S", "V", "F", "Q")

Predict = Callable[[Beats], npt.NDArray[np.int64]]
"""Index in LABELS of each beat."""

Row = dict[str, Any]


def evaluate(
    recipe: Recipe, data_root: Path, run_dir: Path, on_record: Callable[[str], None] | None = None
) -> list[Row]:
    """Score the networks of a run folder and write `evaluation.json`.

    Returns
    -------
    list of dict
        One row a protocol and engine: see `row`. "float unpruned" is the trained network, "float" the pruned
        one, "int8" that one quantized.
    """
    engines = _engines(recipe, run_dir)
    rows = [
        row(test, name, predict(test.beats))
        for test in test_sides(recipe, data_root, on_record)
        for name, predict in engines.items()
    ]
    (run_dir / EVALUATION_NAME).write_text(json.dumps(rows, indent=2, allow_nan=False) + "\n")
    return rows


def row(test: Test, engine: str, predicted: npt.NDArray[np.int64]) -> Row:
    """Figures of one engine under one protocol.

    Parameters
    ----------
    test : Test
    engine : str
    predicted : ndarray of int64, shape (n,)
        Index in LABELS of each beat of the test.

    Returns
    -------
    dict
        protocol, split, peaks, engine, records, n_beats, accuracy, macro_f1 (mean over the classes that
        occur), per_class {label: {n, se, ppv, f1}}, confusion (row: annotated, column: said), n_beats_aami,
        aami {N, S, V: {n, se, ppv}}, aami_confusion (rows N, S, V, F, Q, columns N, S, V). Shares are from 0
        to 1, and None where there is nothing to take a share of.
    """
    labels = test.beats.labels
    confusion = count_pairs(labels[labels >= 0], predicted[labels >= 0], len(LABELS), len(LABELS))
    per_class = {label: _class_figures(confusion, i) for i, label in enumerate(LABELS)}
    f1 = [figures["f1"] for figures in per_class.values() if figures["f1"] is not None]
    aami_confusion = _aami_confusion(test.beats.symbols, predicted)
    return {
        "protocol": test.protocol,
        "split": test.split,
        "peaks": test.peaks,
        "engine": engine,
        "records": sorted(set(test.beats.records.tolist())),
        "n_beats": int(confusion.sum()),
        "accuracy": _share(np.trace(confusion), confusion.sum()),
        "macro_f1": float(np.mean(f1)) if f1 else None,
        "per_class": per_class,
        "confusion": confusion.tolist(),
        "n_beats_aami": int(aami_confusion.sum()),
        "aami": {name: _aami_figures(aami_confusion, i) for i, name in enumerate(AAMI[:3])},
        "aami_confusion": aami_confusion.tolist(),
    }


def count_pairs(
    reference: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], rows: int, columns: int
) -> npt.NDArray[np.int64]:
    """Confusion matrix: row is the reference, column the prediction."""
    return np.bincount(reference * columns + predicted, minlength=rows * columns).reshape(rows, columns)


def show(rows: Sequence[Row]) -> Any:
    """Rich tables: one line a protocol and engine, and one a protocol and class for the int8 network."""
    from rich.console import Group
    from rich.table import Table

    overall = Table("protocol", "engine", title="Beat classification on the test side", title_justify="left")
    for column in ("beats", "accuracy", "macro-F1"):
        overall.add_column(column, justify="right")
    for figures in rows:
        overall.add_row(*_overall_cells(figures))
    classes = Table("protocol", "class", title="Class by class, int8", title_justify="left")
    for column in ("beats", "Se", "+P"):
        classes.add_column(column, justify="right")
    for figures in rows:
        if figures["engine"] == "int8":
            _add_classes(classes, figures)
    return Group(overall, classes) if classes.row_count else overall


def _overall_cells(figures: Row) -> list[str]:
    macro_f1 = "-" if figures["macro_f1"] is None else f"{figures['macro_f1']:.3f}"
    beats, accuracy = str(figures["n_beats"]), _percent(figures["accuracy"])
    return [figures["protocol"], figures["engine"], beats, accuracy, macro_f1]


def _add_classes(table: Any, figures: Row) -> None:
    named = {**figures["per_class"], **{f"AAMI {name}": value for name, value in figures["aami"].items()}}
    for name, value in named.items():
        cells = (figures["protocol"], name, str(value["n"]), _percent(value["se"]), _percent(value["ppv"]))
        table.add_row(*cells)
    table.add_section()


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _class_figures(confusion: npt.NDArray[np.int64], i: int) -> dict[str, Any]:
    hits, annotated, said = int(confusion[i, i]), int(confusion[i].sum()), int(confusion[:, i].sum())
    return {
        "n": annotated,
        "se": _share(hits, annotated),
        "ppv": _share(hits, said),
        "f1": _share(2 * hits, annotated + said) if annotated else None,
    }


def _aami_confusion(symbols: npt.NDArray[np.str_], predicted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    said = np.array([AAMI.index(AAMI_OF_LABEL[label]) for label in LABELS])[predicted]
    found = symbols != ""
    reference = np.array([AAMI.index(aami_of(symbol)) for symbol in symbols[found].tolist()], dtype=np.int64)
    return count_pairs(reference, said[found], len(AAMI), 3)


def _aami_figures(confusion: npt.NDArray[np.int64], i: int) -> dict[str, Any]:
    """As EC57 counts: an F or Q beat called V, and a Q beat called S, is no false V or S."""
    judged = {"N": "NSVFQ", "S": "NSVF", "V": "NSV"}[AAMI[i]]
    said = int(sum(confusion[AAMI.index(name), i] for name in judged))
    hits, annotated = int(confusion[i, i]), int(confusion[i].sum())
    return {"n": annotated, "se": _share(hits, annotated), "ppv": _share(hits, said)}


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _engines(recipe: Recipe, run_dir: Path) -> dict[str, Predict]:
    """The networks that the run folder holds."""
    from ecg_edge.quantize import int8, prune
    from ecg_edge.training import train

    flatbuffer = run_dir / int8.MODEL_FILE
    if not flatbuffer.is_file():
        raise EcgEdgeError(f"{flatbuffer}: not found. Make it with `ecg-edge quantize {recipe.name}`.")
    return {
        "float unpruned": float_engine(train.load(run_dir / train.MODEL_FILE, f"train {recipe.name}")),
        "float": float_engine(train.load(run_dir / prune.MODEL_FILE, f"prune {recipe.name}")),
        "int8": int8_engine(flatbuffer),
    }


def float_engine(network: Any) -> Predict:
    """Labels by a Keras network."""

    def predict(beats: Beats) -> npt.NDArray[np.int64]:
        logits = network.predict(real_values(beats.beat, beats.rhythm), batch_size=2048, verbose=0)
        return np.asarray(logits.argmax(1), np.int64)

    return predict


def int8_engine(flatbuffer: Path) -> Predict:
    """Labels by the int8 network: TFLM where its wheel exists, LiteRT's reference kernels elsewhere."""
    from ecg_edge.host.engines import TflmEngine, tflm_available
    from ecg_edge.quantize.reference import run_litert

    run = TflmEngine(flatbuffer).run if tflm_available() else partial(run_litert, flatbuffer)
    return lambda beats: np.asarray(run(beats.beat, beats.rhythm).argmax(1), np.int64)
