"""Train the classifier of the ventricular rhythm detector (ventricular_classifier.c) and write
`firmware/lib/ecg_core/src/ventricular_weights.h`.

    python -m ecg_edge.training.ventricular.train --data DIR [--vfdb development|all] [--output FILE]

The features come from the C code itself, the labels from the annotations; signals.py: the training set. The
shipped weights are trained with `--vfdb all`, so that no record of vfdb in the training set's folder tests
them; report.py has figures by records left out. Needs the extra `train` (scikit-learn) and gcc; takes three
minutes on one core. The same machine trains the same weights again.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.files import PROJECT_ROOT, write_text
from ecg_edge.firmware import FS_HZ
from ecg_edge.training.ventricular.signals import (
    FIBRILLATION,
    LEFT_OUT,
    OTHER,
    STEP,
    TACHYCARDIA,
    Signal,
    development,
    mitdb_signals,
    other_signals,
    vfdb_signals,
)

HARNESS = Path(__file__).with_name("harness.c")
BASE = PROJECT_ROOT / "firmware/lib/ecg_base"
CORE = PROJECT_ROOT / "firmware/lib/ecg_core"
WEIGHTS = CORE / "src/ventricular_weights.h"

FEATURES = 28
PEAK, PEAK_LAG = 20, 21  # ecg_core: ECG_VENTRICULAR_PEAK, ECG_VENTRICULAR_PEAK_LAG
CLASSES = 3
WINDOW = 4 * FS_HZ
LOWEST_UV = 150  # ventricular.c: what is lower is not classified
INPUT_LIMIT = 4  # standard deviations, as in ventricular_classifier.c

HIDDEN = 16  # units of each of the networks whose mean is taken
MEMBERS = 2
ROUNDS = 2  # of adding windows that were wrongly called ventricular
PASSES = 10
NEARLY_WRONG = -2.5  # log odds of a window that is added
MOST_ADDED = 200  # of a signal
VENTRICULAR_WINDOWS = 250  # of a signal count in full
VENTRICULAR_WEIGHT = 3.0
ALTERED_WEIGHT = 0.3  # of ventricular windows of signals that were altered
SHARE = 0.8  # of a window that must have the rhythm
OTHER_WINDOWS: Final = {
    "vfdb": 300,
    "mitdb": 200,
    "svdb": 125,
    "qtdb": 125,
    "ludb": 4,
    "cinc2017": 20,
    "nstdb": 750,
    "speed": 75,
    "rapid": 50,
    "noisy": 50,
}

Rows = Any  # structured array of ROW
Labels = npt.NDArray[np.int8]

ROW = np.dtype(
    [
        ("until", np.uint32),
        ("since", np.uint32),
        ("score_q8", np.int32),
        ("peak_to_peak_uv", np.int32),
        ("features", np.int16, (FEATURES,)),
        ("rate", np.uint16),
        ("kind", np.uint8),
    ],
    align=True,
)


class Config(ctypes.Structure):
    """As ecg_core_config_t."""

    _fields_ = (
        ("fs_hz", ctypes.c_uint16),
        ("adu_per_mv", ctypes.c_uint16),
        ("peaks", ctypes.c_uint8),
        ("mains_hz", ctypes.c_uint8),
    )


def build(weights: str | None = None) -> ctypes.CDLL:
    """Compile the harness with this text of ventricular_weights.h, or with the shipped weights."""
    with tempfile.TemporaryDirectory() as folder:
        return ctypes.CDLL(str(_compile(Path(folder), weights)))


def _compile(folder: Path, weights: str | None) -> Path:
    source = folder / "src"
    source.mkdir()
    for path in (CORE / "src").iterdir():
        (source / path.name).write_text(path.read_text())
    if weights is not None:
        (source / WEIGHTS.name).write_text(weights)
    harness = folder / "harness.c"
    harness.write_text(HARNESS.read_text())
    own = [
        source / name
        for name in ("filters.c", "input.c", "resample.c", *(p.name for p in _detector_sources()))
    ]
    library = folder / "harness.so"
    options = ["-std=c99", "-O2", "-shared", "-fPIC", f"-I{source}"]
    options += [f"-I{path / 'include'}" for path in (BASE, CORE)]
    parts = [str(path) for path in (harness, *(BASE / "src").glob("*.c"), *own)]
    subprocess.run(["gcc", *options, *parts, "-o", str(library)], check=True)
    return library


def _detector_sources() -> list[Path]:
    return sorted((CORE / "src").glob("ventricular*.c"))


def decide(library: ctypes.CDLL, signal: Signal) -> Rows:
    """Return the decisions of the detector on a signal, one a second, with their features."""
    samples = np.ascontiguousarray(signal.samples)
    rows = np.zeros(len(samples) // FS_HZ + 1, ROW)
    config = Config(FS_HZ, signal.adu_per_mv, 0, 60)
    written = library.decide_record(
        samples.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_long(len(samples)),
        ctypes.byref(config),
        rows.ctypes.data_as(ctypes.c_void_p),
    )
    return rows[:written]


def rates_of(rows: Rows) -> npt.NDArray[np.float64]:
    """Return the waves a minute by the autocorrelation, 0 where it has no clear peak, shape (n,)."""
    features = rows["features"].astype(float)
    lag_s = 2 ** (features[:, PEAK_LAG] / 64) / 64 * 8 / FS_HZ
    return np.where(features[:, PEAK] >= 300, 60 / lag_s, 0.0)


def labels_of(signal: Signal, rows: Rows) -> Labels:
    """Label each window by the rhythm that fills most of it, LEFT_OUT where none does, shape (n,)."""
    ends = np.minimum(rows["until"] // STEP, len(signal.rhythms)).astype(np.int64)
    starts = np.maximum(ends - WINDOW // STEP, 0)
    shares = []
    for rhythm in (OTHER, TACHYCARDIA, FIBRILLATION):
        counts = np.concatenate([[0], np.cumsum(signal.rhythms == rhythm)])
        shares.append((counts[ends] - counts[starts]) / np.maximum(ends - starts, 1))
    other, tachycardia, fibrillation = shares
    labels = np.full(len(rows), LEFT_OUT, np.int8)
    labels[other > 0.99] = OTHER
    ventricular = tachycardia + fibrillation >= SHARE
    labels[ventricular] = np.where(tachycardia >= fibrillation, TACHYCARDIA, FIBRILLATION)[ventricular]
    return _limit_rate(labels, rates_of(rows), signal.speed)


def _limit_rate(labels: Labels, rates: npt.NDArray[np.float64], speed: float) -> Labels:
    """Leave out tachycardia that is not one by its rate; played much slower, it is another rhythm."""
    known = rates > 0
    if speed >= SPEED_STILL_RAPID:
        limit = 112 if speed == 1 else 122
        return np.where((labels == TACHYCARDIA) & known & (rates < limit), LEFT_OUT, labels)
    slow = np.isin(labels, (TACHYCARDIA, FIBRILLATION)) & known & (rates > 40) & (rates < 112)
    return np.where(slow, OTHER, LEFT_OUT).astype(np.int8)


SPEED_STILL_RAPID = 0.7


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one signal.

    Attributes
    ----------
    kind, patient : str
        As of `Signal`.
    features : int16 array, shape (n, FEATURES)
    labels : int8 array, shape (n,)
        OTHER, TACHYCARDIA or FIBRILLATION.
    """

    kind: str
    patient: str
    features: npt.NDArray[np.int16]
    labels: Labels


def gather(library: ctypes.CDLL, signals: Iterable[Signal]) -> Iterator[Windows]:
    """Yield the labelled windows of each signal that are high enough to be classified."""
    for signal in signals:
        rows = decide(library, signal)
        labels = labels_of(signal, rows)
        kept = (labels != LEFT_OUT) & (rows["peak_to_peak_uv"] >= LOWEST_UV)
        yield Windows(signal.kind, signal.patient, rows["features"][kept], labels[kept])


@dataclass
class Chosen:
    """Windows to train on, shapes (n, FEATURES), (n,) and (n,)."""

    features: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]


def choose(windows: Sequence[Windows], random: np.random.Generator) -> Chosen:
    """Take all ventricular windows, with weights, and some of the others of each signal."""
    parts = [_choose_of_one(one, random) for one in windows]
    return Chosen(*(np.concatenate([part[k] for part in parts]) for k in range(3)))


def _choose_of_one(one: Windows, random: np.random.Generator) -> tuple[Any, Any, Any]:
    ventricular, other = np.flatnonzero(one.labels != OTHER), np.flatnonzero(one.labels == OTHER)
    taken = random.permutation(other)[: OTHER_WINDOWS[one.kind]]
    rows = np.concatenate([ventricular, taken])
    weights = np.ones(len(rows))
    weights[: len(ventricular)] = VENTRICULAR_WEIGHT * min(1, VENTRICULAR_WINDOWS / max(1, len(ventricular)))
    if one.kind in ("speed", "rapid", "noisy"):
        weights[: len(ventricular)] *= ALTERED_WEIGHT
    return one.features[rows].astype(float), one.labels[rows].astype(np.int64), weights


@dataclass
class Classifier:
    """Mean of networks with one hidden layer each, as one network.

    Attributes
    ----------
    centre, spread : float array, shape (FEATURES,)
    hidden, hidden_bias : float array, shapes (FEATURES, units), (units,)
    output, output_bias : float array, shapes (units, CLASSES), (CLASSES,)
    """

    centre: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    hidden: npt.NDArray[np.float64]
    hidden_bias: npt.NDArray[np.float64]
    output: npt.NDArray[np.float64]
    output_bias: npt.NDArray[np.float64]

    def log_odds(self, features: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
        """Compute the larger ventricular output less that of other rhythms, shape (n,)."""
        inputs = np.clip((features - self.centre) / self.spread, -INPUT_LIMIT, INPUT_LIMIT)
        outputs = np.maximum(inputs @ self.hidden + self.hidden_bias, 0) @ self.output + self.output_bias
        odds: npt.NDArray[np.float64] = outputs[:, 1:].max(axis=1) - outputs[:, 0]
        return odds


def fit(windows: Sequence[Windows]) -> Classifier:
    """Train in rounds; each adds the other windows that the round before called nearly ventricular."""
    random = np.random.default_rng(0)
    chosen = choose(windows, random)
    classifier = _fit_members(chosen, PASSES)
    for number in range(1, ROUNDS + 1):
        more = np.concatenate([_nearly_wrong(classifier, one, random) for one in windows])
        added = Chosen(
            np.concatenate([chosen.features, more]),
            np.concatenate([chosen.labels, np.full(len(more), OTHER)]),
            np.concatenate([chosen.weights, np.ones(len(more))]),
        )
        classifier = _fit_members(added, PASSES if number < ROUNDS else 2 * PASSES)
    return classifier


def _nearly_wrong(
    classifier: Classifier, one: Windows, random: np.random.Generator
) -> npt.NDArray[np.float64]:
    features = one.features[one.labels == OTHER]
    wrong = features[classifier.log_odds(features) > NEARLY_WRONG] if len(features) else features
    return random.permutation(wrong)[:MOST_ADDED].astype(float)


def _fit_members(chosen: Chosen, passes: int) -> Classifier:
    from sklearn.neural_network import MLPClassifier

    centre, spread = np.round(chosen.features.mean(axis=0)), chosen.features.std(axis=0) + 1e-6
    inputs = np.clip((chosen.features - centre) / spread, -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32)
    networks = []
    for seed in range(MEMBERS):
        # Weights by drawing: scikit-learn's networks take none.
        draw = np.random.default_rng(seed).choice(
            len(inputs), len(inputs), p=chosen.weights / chosen.weights.sum()
        )
        network = MLPClassifier(
            (HIDDEN,), alpha=1e-2, batch_size=512, random_state=seed, max_iter=passes, learning_rate_init=2e-3
        )
        networks.append(network.fit(inputs[draw], chosen.labels[draw]))
    return Classifier(
        centre,
        spread,
        np.concatenate([network.coefs_[0] for network in networks], axis=1),
        np.concatenate([network.intercepts_[0] for network in networks]),
        np.concatenate([network.coefs_[1] for network in networks]) / MEMBERS,
        np.mean([network.intercepts_[1] for network in networks], axis=0),
    )


def c_array(name: str, kind: str, values: npt.NDArray[Any]) -> str:
    """Return C text of a constant array, one line per row of a matrix."""
    lines = ",\n".join("    " + ", ".join(str(int(v)) for v in row) for row in np.atleast_2d(values))
    return f"static const {kind} {name}[{values.size}] = {{\n{lines}}};\n"


def weights_text(classifier: Classifier) -> str:
    """Return ventricular_weights.h: inputs in 1 / 64 of their spread, weights in 1 / 256."""
    gain = np.minimum(np.round(64 / classifier.spread * 256), 32767)
    exact = 64 * 256 / (gain * classifier.spread)  # the rounding of the gain goes into the weights
    arrays = {
        "CENTRE": ("int16_t", classifier.centre),
        "GAIN": ("int16_t", gain),
        "HIDDEN_WEIGHT": ("int16_t", np.round(classifier.hidden.T * exact * 256)),
        "HIDDEN_BIAS": ("int32_t", np.round(classifier.hidden_bias * 16384)),
        "OUTPUT_WEIGHT": ("int16_t", np.round(classifier.output * 256)),
        "OUTPUT_BIAS": ("int32_t", np.round(classifier.output_bias * 256)),
    }
    units = classifier.hidden.shape[1]
    return (
        "/* Generated by training/ventricular/train.py. Do not edit. */\n"
        "#ifndef ECG_CORE_VENTRICULAR_WEIGHTS_H\n#define ECG_CORE_VENTRICULAR_WEIGHTS_H\n\n"
        "#include <stdint.h>\n\n"
        "/* clang-format off */\n"
        f"#define VENTRICULAR_HIDDEN {units} /* rows of VENTRICULAR_HIDDEN_WEIGHT */\n\n"
        + "".join(c_array(f"VENTRICULAR_{name}", kind, values) for name, (kind, values) in arrays.items())
        + "\n/* clang-format on */\n\n#endif\n"
    )


def no_weights() -> str:
    """Return ventricular_weights.h with all weights 0, to get features without a classifier."""
    zeros = np.zeros
    return weights_text(
        Classifier(
            *(zeros(FEATURES), np.ones(FEATURES)),
            *(zeros((FEATURES, 4)), zeros(4), zeros((4, CLASSES)), zeros(CLASSES)),
        )
    )


def all_windows(data: Path, vfdb: Sequence[str]) -> list[Windows]:
    """Collect the windows of the whole training set, with these records of vfdb."""
    library = build(no_weights())
    windows: list[Windows] = []
    for name, signals in (
        ("vfdb", vfdb_signals(data, tuple(vfdb))),
        ("mitdb", mitdb_signals(data)),
        ("others", other_signals(data)),
    ):
        windows += gather(library, signals)
        print(f"{name}: {sum(len(one.labels) for one in windows)} windows so far", flush=True)
    return windows


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description="Train the classifier of the ventricular rhythm detector.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the databases")
    parser.add_argument("--vfdb", choices=("development", "all"), default="all", help="records of vfdb")
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    from threadpoolctl import threadpool_limits

    warnings.filterwarnings("ignore", message=".*optimization hasn't converged.*")
    data = arguments.data
    vfdb = development(data, "vfdb") if arguments.vfdb == "development" else records_in(data, "vfdb")
    with threadpool_limits(1):  # more threads would add up in another order
        write_text(arguments.output, weights_text(fit(all_windows(data, vfdb))))


if __name__ == "__main__":
    main()
