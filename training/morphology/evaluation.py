"""Score a morphology network on virtual patients that it never saw: against noise, ST level and T wave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.ecg.synthetic.noise import Noise
from ecg_edge.training.morphology.dataset import StripSet, generate_set
from ecg_edge.training.morphology.patients import SEEDS, Ranges, draw_level, strip_of
from ecg_edge.training.progress import OnRecord

Predict = Callable[[npt.NDArray[np.int8]], npt.NDArray[np.generic]]
"""Return the logits of strips, shape (n, 5); int8 or float."""

CLEAN_DB: Final = 60.0  # noise of a thousandth of the QRS complex
SNR_DB: Final = (CLEAN_DB, 30.0, 20.0, 15.0, 10.0, 5.0, 0.0)
STATED_DB: Final = 20.0
MUSCLE: Final = Noise(wander_mv=0.0, mains_mv=0.0, muscle_mv=0.05, white_mv=0.01)
"""Mixture without wander, which is most of the typical one and which the strip's baseline takes away."""
ST_MV: Final = (-0.3, -0.2, -0.15, -0.1, -0.075, -0.05, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
T_MV: Final = (-0.3, -0.2, -0.15, -0.1, -0.05, -0.02, -0.01, 0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)


class ClassFigures(TypedDict):
    """Sensitivity, positive predictivity and F1 of one class, 0 to 1; n: strips of the class."""

    n: int
    se: float
    ppv: float
    f1: float


class Row(TypedDict):
    """Scores under one condition; rows of the confusion matrix are the true classes."""

    protocol: str
    engine: str
    front_end: str
    snr_db: float
    n_strips: int
    accuracy: float
    macro_f1: float
    per_class: dict[str, ClassFigures]
    confusion: list[list[int]]


class LevelRow(TypedDict):
    """Answers at one level.

    Attributes
    ----------
    level_mv : float
        ST deviation at J + 60 ms, or height of the T wave.
    n : int
        Strips.
    answers : dict of str to float
        Share of the strips that each class is given to.
    auc : float
        Of the logit of the class in question, minus that of normal: against the same patients without ST
        deviation, or with an upright T wave of the same size. 0.5 is chance.
    """

    level_mv: float
    n: int
    answers: dict[str, float]
    auc: float


class Figures(TypedDict):
    """Everything that `ecg-edge evaluate morphology` reports."""

    patients: int
    noise: list[Row]
    st: list[LevelRow]
    t: list[LevelRow]


@dataclass(frozen=True)
class Conditions:
    """Noise and front end of a test; its levels of ST and T are those of the generator's classes."""

    snr_db: float = STATED_DB
    front_end: str = "mit-bih"
    noise: Noise | None = None

    @property
    def ranges(self) -> Ranges:
        """What is drawn."""
        return Ranges(
            snr_db=(self.snr_db, self.snr_db),
            depression_mv=(0.10, 0.30),
            elevation_mv=(0.15, 0.50),
            inversion_mv=(0.15, 0.50),
            front_ends=(self.front_end,),
            noise=self.noise,
        )

    @property
    def protocol(self) -> str:
        """Name of the test."""
        noise = "clean" if self.snr_db == CLEAN_DB else f"{self.snr_db:g} dB"
        kind = " of muscle noise" if self.noise else ""
        return f"held-out virtual patients, {self.front_end}, {noise}{kind}"


NOISE: Final = (
    *(Conditions(snr_db) for snr_db in SNR_DB),
    Conditions(front_end="ad8232"),
    Conditions(front_end="ideal"),
    *(Conditions(snr_db, noise=MUSCLE) for snr_db in (20.0, 10.0, 5.0, 0.0)),
)


def evaluate(predict: Predict, engine: str, patients: int, on_record: OnRecord | None = None) -> Figures:
    """Score a network under all conditions and at all levels.

    Parameters
    ----------
    predict : callable
    engine : str
        Name of the network, for the figures.
    patients : int
        Virtual patients of each test.
    on_record : callable, optional
    """
    return {
        "patients": patients,
        "noise": [score(test_set(one, patients, on_record), predict, engine, one) for one in NOISE],
        "st": st_curve(predict, patients),
        "t": t_curve(predict, patients),
    }


def test_set(conditions: Conditions, patients: int, on_record: OnRecord | None = None) -> StripSet:
    """Generate a test set; its patients are in no training."""
    return generate_set("test", patients, conditions.ranges, on_record)


def score(test: StripSet, predict: Predict, engine: str, conditions: Conditions) -> Row:
    """Score a network on a test set."""
    answers = predict(test.strips).argmax(1)
    labels = list(range(len(MORPHOLOGY)))
    ppv, se, f1, counts = precision_recall_fscore_support(
        test.labels, answers, labels=labels, zero_division=0.0
    )
    return {
        "protocol": conditions.protocol,
        "engine": engine,
        "front_end": conditions.front_end,
        "snr_db": conditions.snr_db,
        "n_strips": len(test),
        "accuracy": float(np.mean(answers == test.labels)),
        "macro_f1": float(np.mean(f1)),
        "per_class": {
            name: {"n": int(counts[i]), "se": float(se[i]), "ppv": float(ppv[i]), "f1": float(f1[i])}
            for i, name in enumerate(MORPHOLOGY)
        },
        "confusion": confusion_matrix(test.labels, answers, labels=labels).tolist(),
    }


def st_curve(predict: Predict, patients: int, levels: Sequence[float] = ST_MV) -> list[LevelRow]:
    """Answers against the ST deviation in mV."""
    without = predict(_level_strips(patients, st_mv=0.0))
    return [
        _level_row(
            level,
            predict(_level_strips(patients, st_mv=level)),
            without,
            "st-depression" if level < 0 else "st-elevation",
        )
        for level in levels
    ]


def t_curve(predict: Predict, patients: int, levels: Sequence[float] = T_MV) -> list[LevelRow]:
    """Answers against the height of the T wave in mV."""
    found = {level: predict(_level_strips(patients, t_mv=level)) for level in {*levels, *np.negative(levels)}}
    return [
        _level_row(level, found[level], found[-level if level else 0.0], "t-inversion") for level in levels
    ]


def _level_strips(
    patients: int, st_mv: float | None = None, t_mv: float | None = None
) -> npt.NDArray[np.int8]:
    found = []
    for number in range(patients):
        seed = SEEDS["test"] + number
        strip = strip_of(draw_level(seed, Conditions().ranges, st_mv, t_mv), seed)
        assert strip is not None  # sinus rhythm always has one
        found.append(strip)
    return np.stack(found)


def _level_row(
    level: float, logits: npt.NDArray[np.generic], others: npt.NDArray[np.generic], name: str
) -> LevelRow:
    scores = [one[:, MORPHOLOGY.index(name)].astype(float) - one[:, 0] for one in (logits, others)]
    truth = np.repeat([1, 0], [len(logits), len(others)])
    answers = logits.argmax(1)
    return {
        "level_mv": float(level),
        "n": len(logits),
        "answers": {one: float(np.mean(answers == i)) for i, one in enumerate(MORPHOLOGY)},
        "auc": float(roc_auc_score(truth, np.concatenate(scores))),
    }
