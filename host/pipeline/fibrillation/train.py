"""Train the evidence of P waves (p_wave.c) and the score of irregular rhythms (fibrillation.c) and write
`firmware/lib/ecg_core/src/p_wave_weights.h` and `firmware/lib/ecg_rhythm/src/fibrillation_weights.h`.

    python -m ecg_edge.host.pipeline.fibrillation.train --data DIR [--bundle DIR]

Figures of beats and of intervals come from the C code itself. Training set (signals.py): of cinc2017 the
strips of 10 s and more whose number is divisible by 4, DS1 of mitdb, of vfdb and svdb the even numbers. A
strip that people marked as fibrillation has P waves nowhere, a normal one has them before every beat.

Both are trained in five folds of signals first. The figures that are printed come from these folds, and the
score learns from evidence of P waves that the other folds gave. The weights that are written are of all
signals. Labels come from the bundle's network: train again when it changes. New P wave weights change the
fingerprint of the signal path; `--keep-p-wave` trains the score alone. Needs the extra `train`
(scikit-learn); takes four minutes.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.files import PROJECT_ROOT, write_text
from ecg_edge.firmware.binding.rhythm import IRREGULARITY_FEATURES
from ecg_edge.host.pipeline.fibrillation.signals import NO, UNKNOWN, YES, Signal, all_signals
from ecg_edge.quantize.bundle.engines import GeneratedEngine
from ecg_edge.quantize.bundle.manifest import load_bundle

P_WAVE_WEIGHTS = PROJECT_ROOT / "firmware/lib/ecg_core/src/p_wave_weights.h"
SCORE_WEIGHTS = PROJECT_ROOT / "firmware/lib/ecg_rhythm/src/fibrillation_weights.h"

FOLDS: Final = 5
HIDDEN: Final = 12
LOGIT: Final = 32  # of the evidence of a P wave
ABSENT_REPEATS: Final = 3  # beats without a P wave are few
EVERY_BEAT: Final = 5  # of long records: their beats are alike
EVERY_WINDOW: Final = {"cinc2017": 5, "mitdb": 12, "vfdb": 12, "svdb": 12}
WEIGHT: Final = {"cinc2017": 1.0, "mitdb": 5.0, "vfdb": 2.0, "svdb": 2.0}  # of a signal in the score
PENALTY: Final = 0.05  # inverse of the penalty on weights; the signals count about one each
HIGHEST_FIGURE: Final = 2000
WINDOW: Final = 40  # beats whose annotations decide on a window of a long record
P_WAVE_FEATURES: Final = ("P_WAVE", "NO_P_WAVE")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """Logistic score of the figures of irregularity: weights and bias in logits."""

    weights: Floats
    bias: float

    def of(self, figures: npt.NDArray[np.int16]) -> Floats:
        """Score rows of figures, shape (k, features)."""
        scores: Floats = figures @ self.weights + self.bias
        return scores


# ---- evidence of P waves ----------------------------------------------------------------------------


def fit_p_wave(signals: Sequence[Signal]) -> Any:
    """Fit the network of p_wave.c; its inputs are standardized."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, there = zip(*(_p_wave_rows(signal) for signal in signals), strict=True)
    figures, labels = np.concatenate(rows).astype(np.float64), np.concatenate(there)
    absent = np.flatnonzero(labels == NO)
    order = np.concatenate([np.arange(len(labels)), *[absent] * (ABSENT_REPEATS - 1)])
    network = MLPClassifier((HIDDEN,), alpha=1.0, max_iter=40, random_state=0)
    return make_pipeline(StandardScaler(), network).fit(figures[order], labels[order])


def _p_wave_rows(signal: Signal) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.integer[Any]]]:
    known = signal.is_readable & (signal.p_waves != UNKNOWN)
    if not signal.label:
        known &= np.arange(len(known)) % EVERY_BEAT == 0
    return signal.p_wave_features[known], signal.p_waves[known]


def evidence(network: Any, signal: Signal) -> npt.NDArray[np.uint8]:
    """Compute the evidence of a P wave of each beat, as p_wave.c does but for rounding."""
    found = np.zeros(len(signal.classes), np.uint8)
    readable = signal.is_readable
    if readable.any():
        share = network.predict_proba(signal.p_wave_features[readable].astype(np.float64))[:, 1]
        share = np.clip(share, 1e-6, 1 - 1e-6)
        found[readable] = 128 + np.clip(np.floor(LOGIT * np.log(share / (1 - share))), -127, 127)
    return found


def p_wave_text(network: Any) -> str:
    """Make p_wave_weights.h: hidden weights in 2^-14, their sums in 2^-6, output weights in 2^-6."""
    scaler, mlp = network[0], network[1]
    hidden = mlp.coefs_[0].T / scaler.scale_
    bias = mlp.intercepts_[0] - hidden @ scaler.mean_
    quantized = np.round(hidden * 2**14).astype(np.int64)
    output = np.round(mlp.coefs_[1][:, 0] * 2**6).astype(np.int64)
    sums = np.abs(quantized).sum(axis=1) * 2047 + np.abs(np.round(bias * 2**14))
    if sums.max() >= 2**31 or (np.abs(output) @ (sums / 2**8)) >= 2**31:
        raise ValueError("the weights of the P wave network are too large for sums of 32 bits")
    rows = ",\n".join("    {" + ", ".join(map(str, row)) + "}" for row in quantized)
    return (
        _HEAD.format(guard="ECG_CORE_P_WAVE_WEIGHTS_H")
        + f"#define P_WAVE_INPUTS {quantized.shape[1]}\n#define P_WAVE_HIDDEN {HIDDEN}\n"
        + "#define P_WAVE_HIDDEN_SHIFT 8\n#define P_WAVE_OUTPUT_SHIFT 7\n\n"
        + f"static const int16_t P_WAVE_HIDDEN_WEIGHT[P_WAVE_HIDDEN][P_WAVE_INPUTS] = {{\n{rows}}};\n"
        + _array("int32_t", "P_WAVE_HIDDEN_BIAS", "P_WAVE_HIDDEN", np.round(bias * 2**14))
        + _array("int16_t", "P_WAVE_OUTPUT_WEIGHT", "P_WAVE_HIDDEN", output)
        + f"static const int32_t P_WAVE_OUTPUT_BIAS = {round(float(mlp.intercepts_[1][0]) * 2**12)};\n"
        + _FOOT
    )


# ---- score of irregular rhythms ---------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Windows:
    """Figures of irregularity of a signal: after every beat, those to train with, and their labels."""

    figures: npt.NDArray[np.int16]
    chosen: npt.NDArray[np.int64]
    labels: npt.NDArray[np.bool_]
    weight: float


def windows_of(signal: Signal, p_wave: npt.NDArray[np.uint8]) -> Windows:
    """Choose windows of a signal; of a long record those that lie in or out of fibrillation as a whole."""
    figures, at = signal.irregularity(p_wave)
    total = np.cumsum(np.r_[0, signal.fibrillates == YES])
    first = np.maximum(at + 1 - WINDOW, 0)
    share = (total[at + 1] - total[first]) / np.maximum(at + 1 - first, 1)
    clear = np.flatnonzero(((share > 0.9) | (share < 0.05)) & (signal.fibrillates[at] != UNKNOWN))
    chosen = clear[:: EVERY_WINDOW[signal.database]]
    if signal.label and len(clear):
        chosen = np.unique(np.r_[chosen, clear[-1]])
    return Windows(figures, chosen, share[chosen] > 0.5, WEIGHT[signal.database])


def fit_score(windows: Sequence[Windows], features: Sequence[str]) -> Score:
    """Fit a logistic score on some of the figures; each signal has its weight, however long."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    columns = [IRREGULARITY_FEATURES.index(name) for name in features]
    used = [w for w in windows if len(w.chosen)]
    rows = np.concatenate([w.figures[w.chosen][:, columns] for w in used]).astype(np.float64)
    labels = np.concatenate([w.labels for w in used])
    weights = np.concatenate([np.full(len(w.chosen), w.weight / len(w.chosen)) for w in used])
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=2000))
    pipeline.fit(rows, labels, logisticregression__sample_weight=weights)
    found = np.zeros(len(IRREGULARITY_FEATURES))
    found[columns] = pipeline[1].coef_[0] / pipeline[0].scale_
    return Score(found, float(pipeline[1].intercept_[0] - found[columns] @ pipeline[0].mean_))


def without_p_wave() -> list[str]:
    """List the figures that do not depend on P waves."""
    return [name for name in IRREGULARITY_FEATURES if name not in P_WAVE_FEATURES]


def score_text(fibrillation: Score, irregular: Score) -> str:
    """Make fibrillation_weights.h: weights in 2^-16 logits."""
    parts = [
        _HEAD.format(guard="ECG_RHYTHM_FIBRILLATION_WEIGHTS_H"),
        f"#define FIBRILLATION_INPUTS {len(IRREGULARITY_FEATURES)}\n#define FIBRILLATION_SHIFT 8\n\n",
    ]
    for name, score in (("FIBRILLATION", fibrillation), ("IRREGULAR", irregular)):
        weights = np.round(score.weights * 2**16)
        if np.abs(weights).sum() * HIGHEST_FIGURE + abs(score.bias) * 2**16 >= 2**31:
            raise ValueError("the weights of the score are too large for sums of 32 bits")
        parts += [
            _array("int32_t", f"{name}_WEIGHT", "FIBRILLATION_INPUTS", weights),
            f"static const int32_t {name}_BIAS = {round(score.bias * 2**16)};\n",
        ]
    return "".join([*parts, _FOOT])


# ---- figures ----------------------------------------------------------------------------------------


def report(name: str, signals: Sequence[Signal], highest: Floats) -> None:
    """Print the strips found at some thresholds, from the highest score of each."""
    labels = np.array([signal.label for signal in signals])
    wanted = int(np.sum(labels == "A"))
    print(f"{name}: threshold in logits, sensitivity, F1, others found by label")
    for threshold in np.arange(-0.5, 3.01, 0.25):
        found = {key: int(np.sum((highest >= threshold) & (labels == key))) for key in "ANO~"}
        true = found.pop("A")
        f1 = 2 * true / (true + sum(found.values()) + wanted)
        print(f"  {threshold:5.2f}  {true / wanted:.3f}  {f1:.3f}  {found}")


def train(signals: Sequence[Signal], keep_p_wave: bool) -> None:
    """Train in folds, print the figures, then train on all and write the weights."""
    windows: list[Windows] = []
    for fold in range(FOLDS):
        network = fit_p_wave(_without(fold, signals))
        windows += [windows_of(signal, evidence(network, signal)) for signal in signals[fold::FOLDS]]
    ordered = [signal for fold in range(FOLDS) for signal in signals[fold::FOLDS]]
    folds = [fold for fold in range(FOLDS) for _ in signals[fold::FOLDS]]
    scores = []
    for name, features in (("fibrillation", IRREGULARITY_FEATURES), ("irregular", without_p_wave())):
        fits = [
            fit_score([w for w, other in zip(windows, folds, strict=True) if other != fold], features)
            for fold in range(FOLDS)
        ]
        highest = [
            fits[fold].of(w.figures).max(initial=-np.inf) for fold, w in zip(folds, windows, strict=True)
        ]
        report(name, ordered, np.array(highest))
        scores.append(fit_score(windows, features))
    if not keep_p_wave:
        write_text(P_WAVE_WEIGHTS, p_wave_text(fit_p_wave(signals)))
    write_text(SCORE_WEIGHTS, score_text(*scores))


def _without(fold: int, signals: Sequence[Signal]) -> list[Signal]:
    return [signal for place, signal in enumerate(signals) if place % FOLDS != fold]


def _array(kind: str, name: str, size: str, values: npt.NDArray[Any]) -> str:
    return f"static const {kind} {name}[{size}] = {{{', '.join(str(int(v)) for v in values)}}};\n"


_HEAD = """/* Generated by host/pipeline/fibrillation/train.py. Do not edit. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

/* clang-format off */
"""
_FOOT = "\n/* clang-format on */\n\n#endif\n"


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description="Train the evidence of P waves and of fibrillation.")
    parser.add_argument("--data", type=Path, required=True, help="folder with cinc2017/, mitdb/ and vfdb/")
    parser.add_argument("--bundle", type=Path, default=PROJECT_ROOT / "models/nlrav")
    parser.add_argument("--keep-p-wave", action="store_true", help="train the score alone")
    arguments = parser.parse_args()
    from threadpoolctl import threadpool_limits

    warnings.filterwarnings("ignore", message=".*optimization hasn't converged.*")
    bundle = load_bundle(arguments.bundle)
    engine = GeneratedEngine(bundle.c_path)
    with threadpool_limits(1):  # more threads would add up in another order
        train(list(all_signals(arguments.data, engine, bundle.manifest.labels)), arguments.keep_p_wave)


if __name__ == "__main__":
    main()
