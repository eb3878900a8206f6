"""What adapting to one patient is worth, and what the interval after a beat is worth: an experiment.

    python -m ecg_edge.host.pipeline.adaptation --data DIR --json adaptation.json

Networks of four folds by patient, of DS1 and svdb's records for development, label patients that they have
not met. The first five minutes of each patient then change the network's last layer, which on the device is
24 x 5 weights and 5 biases; all that follows is scored. Without labels: the share of each class among the
beats, or the place of the ordinary beat. With labels: a person marked the first beats of each class.

The interval after a beat is known only at the next beat. Boosted trees with it are compared with the same
without it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from ecg_edge.ecg.databases import records_in, require_data_root
from ecg_edge.ecg.figures import share
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.labels import LABELS
from ecg_edge.ecg.records import FS_HZ
from ecg_edge.ecg.scoring.labelling import class_of
from ecg_edge.ecg.splits import PatientFold, ds1_patient_folds, select_part
from ecg_edge.host.reference.labels import labels_of, symbols_of
from ecg_edge.training.beats import Beats, dequantize, load_beats
from ecg_edge.training.cross_validation import patient_fold_beats
from ecg_edge.training.recipes import Recipe, changed, find_recipe, load_recipe

ADAPT_S: Final = 300.0
_SEEN: Final = 0.9  # probability from which a beat counts as N for the place of the ordinary beat
_DIRICHLET: Final = 200.0  # beats that the training's shares of classes count as
_AFTER: Final = (19, 26)  # features in whose place the interval after the beat stands
_MOST: Final = 127

Float = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Patient:
    """The beats of one record by a network that did not train on its patient.

    Attributes
    ----------
    beats : Beats
        With detected peaks.
    embedding : ndarray of float64, shape (n, 24)
        Outputs of the layer before the last.
    weights, biases : ndarray of float64, shapes (24, 5) and (5,)
        The last layer.
    ordinary : ndarray of float64, shape (24,)
        Mean embedding of N beats of the training set.
    shares : ndarray of float64, shape (5,)
        Share of each label in the training set.
    """

    beats: Beats
    embedding: Float
    weights: Float
    biases: Float
    ordinary: Float
    shares: Float

    @property
    def early(self) -> npt.NDArray[np.bool_]:
        """Mask of the beats of the first five minutes."""
        mask: npt.NDArray[np.bool_] = self.beats.features["r_sample"] < ADAPT_S * FS_HZ
        return mask

    def logits(self, embedding: Float | None = None) -> Float:
        """Compute the outputs, shape (n, 5)."""
        rows: Float = (self.embedding if embedding is None else embedding) @ self.weights + self.biases
        return rows


Method = Callable[[Patient], Float]
"""From a patient to the outputs for all of the beats, shape (n, 5)."""


# ---- without labels ----------------------------------------------------------------------------------


def by_shares(patient: Patient) -> Float:
    """Move the biases to the patient's share of each class, found by expectation maximization."""
    logits, shares = patient.logits(), patient.shares
    for _ in range(20):
        likely = softmax(logits[patient.early] + np.log(shares / patient.shares), axis=1)
        counted = likely.sum(0) + _DIRICHLET * patient.shares
        shares = counted / counted.sum()
    moved: Float = logits + np.log(shares / patient.shares)
    return moved


def by_place(patient: Patient, part: float) -> Float:
    """Move the embedding so that the patient's ordinary beat lies nearer to that of the training set."""
    logits = patient.logits()
    sure = patient.early & (softmax(logits, axis=1)[:, LABELS.index("N")] > _SEEN)
    if sure.sum() < 20:
        return logits
    return patient.logits(patient.embedding - part * (patient.embedding[sure].mean(0) - patient.ordinary))


# ---- with labels -------------------------------------------------------------------------------------


def marked(patient: Patient, each: int) -> npt.NDArray[np.intp]:
    """Return the places of the first beats of each label in the first five minutes."""
    labels = np.where(patient.beats.symbols == "S", LABELS.index("A"), patient.beats.labels)
    places = [np.flatnonzero(patient.early & (labels == label))[:each] for label in range(len(LABELS))]
    return np.concatenate(places)


def by_marks(patient: Patient, each: int, stiffness: float, biases_only: bool) -> Float:
    """Fit the last layer to marked beats, held near the trained weights.

    Parameters
    ----------
    patient : Patient
        The patient.
    each : int
        Marked beats of each class.
    stiffness : float
        Penalty on the square of each change, in units of one beat's cross-entropy.
    biases_only : bool
        Leave the weights alone.
    """
    places = marked(patient, each)
    labels = np.where(patient.beats.symbols == "S", LABELS.index("A"), patient.beats.labels)[places]
    if len(set(labels.tolist())) < 2:
        return patient.logits()
    rows = patient.embedding[places]
    scale = np.abs(patient.embedding).mean()
    width = rows.shape[1]
    own = np.eye(len(LABELS))[labels]

    def layer(values: Float) -> tuple[Float, Float]:
        delta = values.reshape(width + 1, len(LABELS)) * np.array([[1 / scale]] * width + [[1.0]])
        return patient.weights + (0 if biases_only else delta[:-1]), patient.biases + delta[-1]

    def loss(values: Float) -> tuple[float, Float]:
        weights, biases = layer(values)
        rest = softmax(rows @ weights + biases, axis=1) - own
        value = -(own * log_softmax(rows @ weights + biases, axis=1)).sum()
        inner = np.zeros((width, len(LABELS))) if biases_only else rows.T @ rest / scale
        gradient = np.vstack([inner, rest.sum(0)]).ravel() + 2 * stiffness * values
        return float(value + stiffness * values @ values), gradient

    found = minimize(loss, np.zeros((width + 1) * len(LABELS)), jac=True, method="L-BFGS-B")
    weights, biases = layer(found.x)
    logits: Float = patient.embedding @ weights + biases
    return logits


METHODS: Final[dict[str, Method]] = {
    "global": lambda patient: patient.logits(),
    "shares of the classes": by_shares,
    "place of the ordinary beat, half": lambda patient: by_place(patient, 0.5),
    "place of the ordinary beat": lambda patient: by_place(patient, 1.0),
    "3 marks a class: biases": lambda patient: by_marks(patient, 3, 0.3, True),
    "10 marks a class: biases": lambda patient: by_marks(patient, 10, 0.3, True),
    "3 marks a class: last layer": lambda patient: by_marks(patient, 3, 1.0, False),
    "10 marks a class: last layer": lambda patient: by_marks(patient, 10, 1.0, False),
    "10 marks a class: last layer, loose": lambda patient: by_marks(patient, 10, 0.1, False),
    "every beat marked: last layer": lambda patient: by_marks(patient, 10**6, 1.0, False),
}


# ---- the interval after the beat ---------------------------------------------------------------------


def with_interval_after(beats: Beats) -> Beats:
    """Put the interval after each beat, against the sinus interval and this one, in place of two features."""
    features = beats.features.copy()
    at = features["r_sample"].astype(np.float64)
    after = np.append(np.diff(at), np.nan)
    after[np.append(beats.records[1:] != beats.records[:-1], True) | (after <= 0)] = np.nan
    before = np.maximum(features["rr_samples"].astype(np.float64), 1)
    to_this = np.nan_to_num(np.log2(after / before))
    for feature, value in zip(_AFTER, (to_this + features["rhythm"][:, 8] / 64, to_this), strict=True):
        features["rhythm"][:, feature] = np.clip(np.rint(64 * value), -_MOST - 1, _MOST)
    return Beats(features, beats.symbols, beats.records)


def without_interval_after(beats: Beats) -> Beats:
    """Leave out the two features in whose place it would stand."""
    features = beats.features.copy()
    features["rhythm"][:, list(_AFTER)] = 0
    return Beats(features, beats.symbols, beats.records)


def _thinned(beats: Beats, every: int) -> Beats:
    """Keep every n-th N of svdb."""
    many = (beats.symbols == "N") & np.char.startswith(beats.records, "svdb/")
    return beats[~many | (np.arange(len(beats)) % every == 0)]


# ---- folds -------------------------------------------------------------------------------------------


def folds(root: Path) -> list[PatientFold]:
    """Divide DS1 and svdb's records for development by patient in four."""
    svdb = select_part("svdb", records_in(root, "svdb"), "development")
    return [
        PatientFold(
            fold.name,
            {**fold.train, "svdb": tuple(name for k, name in enumerate(svdb) if k % 4 != number)},
            {**fold.test, "svdb": tuple(name for k, name in enumerate(svdb) if k % 4 == number)},
        )
        for number, fold in enumerate(ds1_patient_folds(records_in(root, "mitdb")))
    ]


def patients_of(recipe: Recipe, own: Beats, tested: list[Beats]) -> Iterator[Patient]:
    """Train a network, and give the beats of the test records with its last layers."""
    import tf_keras as keras

    from ecg_edge.training import train

    network: Any = train.fit(recipe, own)
    reader = keras.Model(network.inputs, network.get_layer("head").output)
    weights, biases = (np.asarray(one, np.float64) for one in network.get_layer("logits").get_weights())

    def embed(beats: Beats) -> Float:
        rows = reader.predict(list(dequantize(beats.beat, beats.rhythm)), batch_size=2048, verbose=0)
        return np.asarray(rows, np.float64)

    normal = own[np.flatnonzero(own.labels == LABELS.index("N"))[::10]]
    counts = np.bincount(own.labels, train.beat_weights(own, recipe.training), len(LABELS))
    for beats in tested:
        yield Patient(beats, embed(beats), weights, biases, embed(normal).mean(0), counts / counts.sum())


def score(answers: list[tuple[Beats, Float]]) -> dict[str, Any]:
    """Compute Se and +P of V and S from the fifth minute on, gross and mean over patients, and their F1."""
    counts = []
    for beats, logits in answers:
        late = beats.features["r_sample"] >= ADAPT_S * FS_HZ
        flags = beats.features["flags"][late]
        found = labels_of(logits[late], LABELS, flags)
        truth, given = class_of(beats.symbols[late]), class_of(symbols_of(found, LABELS))
        kept = {kind: ~np.isin(truth, list(left)) for kind, left in (("V", "FQ"), ("S", "Q"))}
        hits = [(truth == kind) & (given == kind) for kind in "VS"]
        named = [kept[kind] & (given == kind) for kind in "VS"]
        own = [truth == kind for kind in "VS"]
        counts.append([[int(one.sum()) for one in row] for row in zip(hits, own, named, strict=True)])
    table = np.array(counts)
    figures: dict[str, Any] = {"records": len(table)}
    for row, kind in enumerate("VS"):
        right, annotated, called = (int(value) for value in table[:, row].sum(0))
        figures[f"{kind} Se"], figures[f"{kind} +P"] = share(right, annotated), share(right, called)
        figures[f"{kind} F1"] = share(2 * right, annotated + called)
        figures[f"{kind} mean Se"] = _mean(table[:, row, 0], table[:, row, 1])
        figures[f"{kind} mean +P"] = _mean(table[:, row, 0], table[:, row, 2])
    return figures


def _mean(hits: npt.NDArray[np.int64], of: npt.NDArray[np.int64]) -> float | None:
    """Average the shares of the records that have any."""
    known = of > 0
    return float(np.mean(hits[known] / of[known])) if known.any() else None


def main() -> None:
    """Train the folds, and print a line a method and database."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--data", type=Path)
    options.add_argument("--recipe", default="ablation", help="recipe, or name of a shipped one")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    from ecg_edge.training.tf_logging import silence_tensorflow

    silence_tensorflow()
    root, recipe = require_data_root(chosen.data), load_recipe(find_recipe(chosen.recipe))
    answers: dict[tuple[str, str], list[tuple[Beats, Float]]] = {}
    for fold in folds(root):
        for name, database, beats, logits in fold_answers(recipe, root, fold):
            answers.setdefault((name, database), []).append((beats, logits))
        print(f"fold {fold.name} of 4", flush=True)
    rows = [
        {"method": name, "database": database, **score(found)} for (name, database), found in answers.items()
    ]
    for row in rows:
        print({key: round(one, 3) if isinstance(one, float) else one for key, one in row.items()})
    if chosen.json:
        write_json(chosen.json, rows)


def fold_answers(recipe: Recipe, root: Path, fold: PatientFold) -> Iterator[tuple[str, str, Beats, Float]]:
    """Yield the outputs of each method on each test record of a fold: method, database, beats, outputs."""
    from ecg_edge.training import train
    from ecg_edge.training.trees import fit_trees

    # All N first: between beats that are thinned out there is no interval.
    own = patient_fold_beats(changed(recipe, {"data.keep_every_nth_normal": 1}), root, fold)
    every = recipe.data.keep_every_nth_normal
    places = [(database, name) for database, names in fold.test.items() for name in names]
    tested = [load_beats(root, database, (name,), "detected") for database, name in places]
    for (database, _), patient in zip(places, patients_of(recipe, _thinned(own, every), tested), strict=True):
        for name, method in METHODS.items():
            yield name, database, patient.beats, method(patient)
    for text, change in (("without", without_interval_after), ("with", with_interval_after)):
        fitted, varied = _thinned(change(own), every), [change(beats) for beats in tested]
        trees = fit_trees(train.examples(recipe, fitted), (), recipe.seed)
        for (database, _), beats in zip(places, varied, strict=True):
            logits = trees.logits(beats.beat, beats.rhythm).astype(np.float64)
            yield f"trees {text} the interval after", database, beats, logits


if __name__ == "__main__":
    main()
