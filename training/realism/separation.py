"""A classifier that tells synthetic beats from real ones: the less it can, the closer they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfiltfilt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from ecg_edge.ecg.records import FS_HZ
from ecg_edge.training.realism.sources import Strip

Floats = npt.NDArray[np.float64]

BEFORE: Final = round(0.30 * FS_HZ)
AFTER: Final = round(0.45 * FS_HZ)
PER_PATIENT: Final = 15
BAND_HZ: Final = (0.5, 35.0)
ALIGN: Final = round(0.03 * FS_HZ)
STEP: Final = 4  # of the window's samples, every fourth

_REGIONS: Final = {
    "P wave": (-0.25, -0.08),
    "QRS complex": (-0.06, 0.08),
    "ST segment": (0.08, 0.18),
    "T wave": (0.18, 0.42),
}


class Beats(NamedTuple):
    """Windows of beats.

    Attributes
    ----------
    windows : ndarray of float64, shape (n, BEFORE + AFTER)
        mV within `BAND_HZ`.
    fine : ndarray of float64, shape (n,)
        Standard deviation above the band, in mV: noise.
    patients : ndarray of str, shape (n,)
    """

    windows: Floats
    fine: Floats
    patients: npt.NDArray[np.str_]


def normal_beats(strips: Iterable[Strip], seed: int = 1) -> Beats:
    """Draw up to 15 N beats of each strip that have N beats around them."""
    random = np.random.default_rng(seed)
    sos = butter(2, BAND_HZ, "bandpass", fs=FS_HZ, output="sos")
    windows, fine, patients = [], [], []
    for strip in strips:
        smooth = sosfiltfilt(sos, strip.signal_mv)
        rest = strip.signal_mv - sosfiltfilt(butter(2, 35, fs=FS_HZ, output="sos"), strip.signal_mv)
        chosen = _chosen(strip)
        for peak in random.permutation(chosen)[:PER_PATIENT]:
            near = np.abs(smooth[peak - ALIGN : peak + ALIGN + 1])
            peak += int(near.argmax()) - ALIGN  # annotations are not all at the highest sample
            windows.append(smooth[peak - BEFORE : peak + AFTER])
            fine.append(rest[peak + FS_HZ // 10 : peak + AFTER].std())  # without the QRS complex
            patients.append(strip.patient)
    return Beats(np.array(windows), np.array(fine), np.array(patients))


def _chosen(strip: Strip) -> npt.NDArray[np.int64]:
    is_n = np.concatenate(([True], strip.symbols == "N", [True]))
    alone = is_n[1:-1] & is_n[:-2] & is_n[2:]
    inside = (strip.beats >= BEFORE + FS_HZ) & (strip.beats < len(strip.signal_mv) - AFTER - FS_HZ // 2)
    return strip.beats[alone & inside]


class Separation(NamedTuple):
    """How well synthetic beats are told from real ones, by cross-validation with patients apart.

    Attributes
    ----------
    shape : float
        AUC from the beat within 0.5 to 35 Hz: 0.5 is chance, 1 is perfect.
    normalized : float
        AUC from the same beat divided by its height: heights do not count.
    noise : float
        AUC from the noise above 35 Hz alone.
    regions : dict of str to float
        AUC from one part of the beat alone.
    """

    shape: float
    normalized: float
    noise: float
    regions: dict[str, float]


def separate(real: Beats, synthetic: Beats) -> Separation:
    """Train classifiers on real against synthetic beats, and score them on patients left out."""
    windows = np.concatenate([real.windows, synthetic.windows])
    is_synthetic = np.repeat([0, 1], [len(real.windows), len(synthetic.windows)])
    groups = np.concatenate([real.patients, np.char.add("synthetic ", synthetic.patients)])
    fine = np.concatenate([real.fine, synthetic.fine])[:, None]
    unit = windows / np.ptp(windows, axis=1)[:, None]
    parts = {name: unit[:, _samples(*edges)] for name, edges in _REGIONS.items()}
    return Separation(
        _auc(windows[:, ::STEP], is_synthetic, groups),
        _auc(unit[:, ::STEP], is_synthetic, groups),
        _auc(fine, is_synthetic, groups),
        {name: _auc(part, is_synthetic, groups) for name, part in parts.items()},
    )


def _samples(begin_s: float, end_s: float) -> slice:
    return slice(BEFORE + round(begin_s * FS_HZ), BEFORE + round(end_s * FS_HZ), STEP // 2)


def _auc(inputs: Floats, labels: npt.NDArray[np.int64], groups: npt.NDArray[np.str_]) -> float:
    """AUC of gradient boosting over five folds of patients, real and synthetic beats with equal weight."""
    model = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=15, class_weight="balanced", random_state=1
    )
    folds = GroupKFold(5, shuffle=True, random_state=1)
    scores = cross_val_predict(model, inputs, labels, groups=groups, cv=folds, method="decision_function")
    return float(roc_auc_score(labels, scores))
