"""Compare what trains the beat classifier: records, synthetic ECG, or both, on DS1's folds by patient.

    python -m ecg_edge.training.transfer --data DIR --out DIR [--seeds 1 2]

Each row is trained as the shipped recipe is, without nstdb's noise and without another choice. Each network
is tested as it is, and with the statistics of its batch normalization taken from the test beats without their
labels (domain adaptation: Li Y et al., Pattern Recognition 80:109-117, 2018). Writes `transfer.md` and
`transfer.json` after each row; needs mitdb, svdb, qtdb, cinc2017 and the extra `train`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tf_keras as keras

from ecg_edge.ecg.files import make_folder, write_json, write_text
from ecg_edge.ecg.splits import ds1_folds
from ecg_edge.training.beats import Beats, concatenate, dequantize, load_beats
from ecg_edge.training.cross_validation import folds_test
from ecg_edge.training.datasets import extra_beats
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.metrics import FLOAT, EvaluationRow, float_engine, score_protocol
from ecg_edge.training.recipes import Recipe, find_recipe, load_recipe
from ecg_edge.training.train import fit

Labels = npt.NDArray[np.int64]

RECIPE: Final = "nlrav"


@dataclass(frozen=True)
class Sources:
    """What one row is trained on.

    Attributes
    ----------
    name : str
    mitdb : bool
        The fold's training records.
    extra : tuple of str
        Extra databases, as in a recipe.
    certain_n : bool
        Leave out the N beats of `_RECORDS`: these databases have no labels L and R, so that their N may have
        any conduction.
    """

    name: str
    mitdb: bool
    extra: tuple[str, ...]
    certain_n: bool = False


_RECORDS: Final = ("svdb", "qtdb", "cinc2017")
ROWS: Final = (
    Sources("records", True, _RECORDS),
    Sources("virtual patients", False, ("virtual",)),
    Sources("records and virtual patients", True, (*_RECORDS, "virtual")),
    Sources("records and the simple generator", True, (*_RECORDS, "synth")),
    Sources("mitdb and virtual patients", True, ("virtual",)),
    Sources("records without N of any conduction, and virtual patients", True, (*_RECORDS, "virtual"), True),
    Sources("records and both generators", True, (*_RECORDS, "synth", "virtual")),
)


def main() -> None:
    """Train, test and write."""
    parser = argparse.ArgumentParser(description="Compare training on records and on synthetic ECG.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the databases")
    parser.add_argument("--out", type=Path, required=True, help="folder of the table")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2], help="seeds of the training")
    wanted = parser.parse_args()
    make_folder(wanted.out)
    recipe, rows = load_recipe(find_recipe(RECIPE)), []
    for seed in wanted.seeds:
        for sources in ROWS:
            for tested, scores in compare(replace(recipe, seed=seed), sources, wanted.data).items():
                rows.append({"trained on": sources.name, "tested": tested, "seed": seed, "scores": scores})
            write_json(wanted.out / "transfer.json", rows)
            write_text(wanted.out / "transfer.md", table(rows))


def compare(recipe: Recipe, sources: Sources, root: Path) -> dict[str, EvaluationRow]:
    """Train on each fold and test each network in all ways of `TESTED`.

    Returns
    -------
    dict of str to EvaluationRow
        By the way of testing; beats of all folds together.
    """
    recipe = replace(recipe, data=replace(recipe.data, extra=sources.extra))
    extra = concatenate(extra_beats(recipe, root, ()))  # the same in all folds
    if sources.certain_n:
        databases = np.char.partition(extra.records, "/")[:, 0]
        extra = extra[(extra.symbols != "N") | ~np.isin(databases, _RECORDS)]
    tests: list[Beats] = []
    predicted: dict[str, list[Labels]] = {tested: [] for tested in TESTED}
    for split in ds1_folds():
        own = [load_beats(root, "mitdb", split.train, "detected").five_classes()] if sources.mitdb else []
        network = fit(recipe, concatenate([*own, extra]))
        tests.append(load_beats(root, "mitdb", split.test, "detected"))
        for tested, predict in TESTED.items():
            predicted[tested].append(predict(network, tests[-1]))
    test = folds_test(recipe, tests)
    return {name: score_protocol(test, FLOAT, np.concatenate(parts)) for name, parts in predicted.items()}


# ---- domain adaptation ------------------------------------------------------------------------------


def as_it_is(network: KerasModel, beats: Beats) -> Labels:
    """Predict without adaptation."""
    return float_engine(network)(beats)


def adapted_to_all(network: KerasModel, beats: Beats) -> Labels:
    """Predict with the statistics of all test beats; the network is left as it was."""
    before = network.get_weights()
    take_statistics(network, beats)
    labels = float_engine(network)(beats)
    network.set_weights(before)
    return labels


def adapted_to_each(network: KerasModel, beats: Beats) -> Labels:
    """Predict each record with the statistics of its own beats."""
    labels = np.zeros(len(beats), np.int64)
    for record in sorted(set(beats.records.tolist())):
        own = beats.records == record
        labels[own] = adapted_to_all(network, beats[own])
    return labels


TESTED: Final[dict[str, Callable[[KerasModel, Beats], Labels]]] = {
    "as it is": as_it_is,
    "statistics of the fold's test beats": adapted_to_all,
    "statistics of each record": adapted_to_each,
}
"""Ways of testing: no adaptation, and two that see the test beats without their labels."""


def take_statistics(network: KerasModel, beats: Beats) -> None:
    """Replace mean and variance of each batch normalization by those of `beats`."""
    normalizations = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in normalizations]
    for layer in normalizations:
        layer.momentum = 0.0  # the batch's own statistics, nothing of those before
    network(list(dequantize(beats.beat, beats.rhythm)), training=True)
    for layer, momentum in zip(normalizations, momenta, strict=True):
        layer.momentum = momentum


# ---- table ------------------------------------------------------------------------------------------


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown of the figures, a line a row."""
    heads = ("trained on", "tested", "seed", "accuracy", "macro-F1", "F1 of L", "F1 of R", "S", "V")
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cells(row: dict[str, Any]) -> Iterator[str]:
    scores = row["scores"]
    yield from (row["trained on"], row["tested"], str(row["seed"]))
    yield from map(_figure, (scores["accuracy"], scores["macro_f1"]))
    yield from (_figure(scores["per_class"][label]["f1"]) for label in "LR")
    for name in "SV":
        yield f"{_figure(scores['aami'][name]['se'])}/{_figure(scores['aami'][name]['ppv'])}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
