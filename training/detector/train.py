"""Train a network for the QRS classifier (qrs_classifier.c) on annotated beats alone.

The firmware's learned from three such networks, too (distil.py).

    python -m ecg_edge.training.detector.train --data DIR [--output FILE]

Candidates and their features come from the C code itself, the labels from the annotations: of the candidates
within 150 ms of a beat, the one with the highest energy near it is the beat. The training set: signals.py
(DS1 of mitdb, noise of nstdb) and starts.py (parts of svdb, qtdb and ludb, too).

In the first round the reference levels follow the annotated beats; later rounds add the features that result
from the classifier's own decisions. The same machine trains the same weights again, bit for bit; another one
may train slightly different ones. The shipped weights are under version control; new weights change the
fingerprint of the signal path, to which models are tied. Needs the extra `train` (scikit-learn) and gcc;
takes five minutes of one core.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.files import PROJECT_ROOT, write_text
from ecg_edge.ecg.noise import Places
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.firmware import FS_HZ
from ecg_edge.firmware.binding.qrs_features import QRS_FEATURES
from ecg_edge.training.detector.motion import motion
from ecg_edge.training.detector.signals import Variant, all_variants, inside
from ecg_edge.training.detector.starts import start_variants

HARNESS = Path(__file__).with_name("harness.c")
BASE = PROJECT_ROOT / "firmware/lib/ecg_base"
CORE = PROJECT_ROOT / "firmware/lib/ecg_core"
FEATURES = len(QRS_FEATURES)
AT = [feature.name for feature in QRS_FEATURES].index("AT")
KNOWN_BEATS = [feature.name for feature in QRS_FEATURES].index("KNOWN_BEATS")
EDGE = 16  # samples: beats that the start of the signal cuts count twice
HIDDEN = 56
WINDOW = round(MATCH_WINDOW_S * FS_HZ)  # samples
AS_NEAR = 20  # samples, 56 ms: candidates so little further from a beat than the nearest count as near
ROWS_BETWEEN = 2_500_000  # in each round but the last
Schedule = tuple[tuple[float, int], ...]
SCHEDULES: tuple[Schedule, ...] = (
    ((3e-3, 6), (5e-4, 2)),
    ((1e-3, 4), (3e-4, 2)),
    ((1e-3, 4), (3e-4, 2)),
    ((1e-3, 4), (3e-4, 2)),
    ((3e-3, 6), (1e-3, 6), (3e-4, 5), (1e-4, 4)),
)
"""Rounds: learning rates and epochs."""
OTHER_ROWS = 1_600_000  # candidates of signals that are not clean records, drawn at random
# F1 is highest when candidates count as beats from a probability of F1 / 2 on. That is low in heavy noise, so
# beats there get more weight.
BEAT_COUNTS = {"em-6": 1.5, "em-10": 2.0}
COPIES = {
    **{"clean": 7.0, "flutter": 8.0, "svdb": 0.35, "qtdb": 0.5, "ludb": 2.0},
    **{"start": 1.5, "low": 4.0, "silence": 2.0, "stops": 1.0, "locked": 1.0, "disturb": 1.0, "vt": 2.0},
}
"""How often the candidates of a kind are used in an epoch."""

Labels = npt.NDArray[np.uint8]


class Decision(IntEnum):
    """What the levels learn a candidate as, as in harness.c."""

    NOISE = 0
    BEAT = 1
    OWN = 2  # by the classifier's score


Rows = Any  # structured array of ROW

ROW = np.dtype(
    [("features", np.int16, (FEATURES,)), ("at", np.uint32), ("energy", np.int32), ("beat", np.uint8)],
    align=True,
)


def build(weights: str | None = None) -> ctypes.CDLL:
    """Compile the harness with this text of qrs_classifier_weights.h, or with the shipped weights."""
    with tempfile.TemporaryDirectory() as folder:
        return ctypes.CDLL(str(_compile(Path(folder), weights)))


def _compile(folder: Path, weights: str | None) -> Path:
    source = folder / "src"
    source.mkdir()
    for path in (CORE / "src").iterdir():
        (source / path.name).write_text(path.read_text())
    if weights is not None:
        (source / "qrs_classifier_weights.h").write_text(weights)
    harness = folder / "harness.c"
    harness.write_text(HARNESS.read_text())
    own = [path for path in source.glob("*.c") if path.name not in ("ecg_core.c", "fingerprint.c")]
    parts = [str(path) for path in (*(BASE / "src").glob("*.c"), *own)]
    library = folder / "harness.so"
    options = ["-std=c99", "-O2", "-shared", "-fPIC", f"-I{source}"]
    options += [f"-I{path / 'include'}" for path in (BASE, CORE)]
    subprocess.run(["gcc", *options, str(harness), *parts, "-o", str(library)], check=True)
    return library


def classify(library: ctypes.CDLL, variant: Variant, decisions: Labels | Decision) -> Rows:
    """Return the candidates of a signal as rows; `decisions`: one for each candidate, or one for all."""
    samples = np.ascontiguousarray(variant.samples)
    rows = np.zeros(len(samples) // 36 + 64, ROW)
    pointer = ctypes.c_void_p
    told = np.full(len(rows), Decision.OWN, np.uint8)
    told[: len(decisions) if isinstance(decisions, np.ndarray) else None] = decisions
    found = library.classify_record(
        samples.ctypes.data_as(pointer),
        ctypes.c_long(len(samples)),
        ctypes.c_uint16(variant.adu_per_mv),
        told.ctypes.data_as(pointer),
        rows.ctypes.data_as(pointer),
        ctypes.c_long(len(rows)),
    )
    return rows[:found]


def label_candidates(rows: Rows, beats: Places) -> Labels:
    """Label the candidate of each annotated beat 1: of the nearest ones, that of the highest energy."""
    at, energy = rows["at"].astype(np.int64), rows["energy"]
    labels = np.zeros(len(at), np.uint8)
    for beat in beats:
        near = np.arange(*np.searchsorted(at, [beat - WINDOW, beat + WINDOW + 1]))
        if len(near):
            distance = np.abs(at[near] - beat)
            near = near[distance <= distance.min() + AS_NEAR]
            labels[near[energy[near].argmax()]] = 1
    return labels


# The wave taken for a beat lies so many samples after its R peak.
LOCK_REACH = {"t": (72, 170), "p": (-90, -30)}


def decisions_of(rows: Rows, variant: Variant, labels: Labels, own: bool) -> Labels:
    """Return the decision on each candidate: T or P waves first if so wanted, then `labels` or its own."""
    decisions = np.full(len(labels), Decision.OWN, np.uint8) if own else labels.copy()
    if not variant.lock or len(variant.beats) <= variant.locked:
        return decisions
    at, energy = rows["at"].astype(np.int64), rows["energy"]
    decisions[at < variant.beats[variant.locked]] = Decision.NOISE
    first, last = LOCK_REACH[variant.lock]
    for beat in variant.beats[: variant.locked]:
        near = np.arange(*np.searchsorted(at, [beat + first, beat + last]))
        if len(near):
            decisions[near[energy[near].argmax()]] = Decision.BEAT
    return decisions


@dataclass
class TrainingSet:
    """Candidates of all signals.

    Attributes
    ----------
    features : int16 array, shape (n, FEATURES)
    labels : uint8 array, shape (n,)
        1: a beat.
    kinds : str array, shape (n,)
        Kind of the signal around the candidate, such as "clean" or "em6".
    """

    features: npt.NDArray[np.int16]
    labels: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.str_]

    def plus(self, other: TrainingSet) -> TrainingSet:
        """Concatenate two sets."""
        return TrainingSet(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.kinds, other.kinds]),
        )


@dataclass(frozen=True)
class Signal:
    """A signal with its candidates and their labels."""

    variant: Variant
    rows: Rows
    labels: Labels


def list_candidates(library: ctypes.CDLL, variants: Iterable[Variant]) -> Iterator[Signal]:
    """List the candidates of each signal, and label them."""
    for variant in variants:
        rows = classify(library, variant, Decision.NOISE)[["at", "energy"]].copy()
        yield Signal(variant, rows, label_candidates(rows, variant.beats))


def gather(library: ctypes.CDLL, signals: list[Signal], own: bool) -> TrainingSet:
    """Collect the candidates of all signals, with features as the decisions before them make them."""
    features, labels, kinds = [], [], []
    for signal in signals:
        variant, is_beat = signal.variant, signal.labels
        rows = classify(library, variant, decisions_of(signal.rows, variant, is_beat, own))
        at = rows["at"].astype(np.int64)
        kept = inside(at, variant.known) if variant.known else np.ones(len(at), bool)
        kind = np.full(len(at), variant.kind, "<U8")
        if variant.noise:
            kind[~inside(at, variant.noise)] = "quiet"
        kind[inside(at, variant.flutter)] = "flutter"
        features.append(rows["features"][kept])
        labels.append(is_beat[kept])
        kinds.append(kind[kept])
    return TrainingSet(np.concatenate(features), np.concatenate(labels), np.concatenate(kinds))


def choose_rows(
    candidates: TrainingSet,
    random: np.random.Generator,
    copies: Mapping[str, float] = COPIES,
    others: int = OTHER_ROWS,
) -> npt.NDArray[np.int64]:
    """Draw row numbers: each kind so many times, a sample of the noisy ones, noisy beats again."""
    whole = [
        rows
        for kind, count in copies.items()
        for rows in [random.permutation(np.flatnonzero(candidates.kinds == kind))]
        for rows in [rows] * int(count) + [rows[: int(len(rows) * (count % 1))]]
    ]
    noisy = random.permutation(np.flatnonzero(~np.isin(candidates.kinds, list(copies))))[:others]
    more = [random.permutation(beats_of(candidates, noisy, kind)) for kind in BEAT_COUNTS]
    edge = np.flatnonzero((candidates.labels == 1) & (candidates.features[:, AT] < EDGE))
    again = [
        rows[: int(len(rows) * (BEAT_COUNTS[kind] - 1))] for kind, rows in zip(BEAT_COUNTS, more, strict=True)
    ]
    first = np.flatnonzero((candidates.labels == 1) & (candidates.features[:, KNOWN_BEATS] < 8))
    return np.concatenate([*whole, noisy, *again, edge, first])


def beats_of(candidates: TrainingSet, rows: npt.NDArray[np.int64], kind: str) -> npt.NDArray[np.int64]:
    """Select the rows of beats in one kind of signal."""
    chosen: npt.NDArray[np.int64] = rows[(candidates.kinds[rows] == kind) & (candidates.labels[rows] == 1)]
    return chosen


@dataclass
class Classifier:
    """Network with one hidden layer, and the centre and spread of its inputs."""

    network: Any
    centre: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]

    def fit(self, features: npt.NDArray[np.int16], labels: Labels, schedule: Schedule) -> None:
        """Go on with the training; `schedule`: learning rates, and how many epochs at each."""
        inputs = ((features - self.centre) / self.spread).astype(np.float32)
        for rate, epochs in schedule:
            self.network.set_params(learning_rate_init=rate, max_iter=epochs)
            self.network.fit(inputs, labels)


def new_classifier(candidates: TrainingSet) -> Classifier:
    """Return an untrained network, for inputs as these candidates have them."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier((HIDDEN,), alpha=1e-3, batch_size=2048, random_state=0, warm_start=True)
    features = candidates.features
    return Classifier(network, np.round(features.mean(axis=0)), features.std(axis=0) + 1e-6)


def c_array(name: str, kind: str, values: npt.NDArray[Any]) -> str:
    """Return C text of a constant array, one line per row of a matrix."""
    lines = ",\n".join("    " + ", ".join(str(int(v)) for v in row) for row in np.atleast_2d(values))
    return f"static const {kind} {name}[{values.size}] = {{\n{lines}}};\n"


def weights_text(classifier: Classifier, generator: str = "training/detector/train.py") -> str:
    """Return qrs_classifier_weights.h: inputs in 1 / 64 of their spread, weights in 1 / 256."""
    network, spread = classifier.network, classifier.spread
    gain = np.minimum(np.round(64 / spread * 256), 32767)
    exact = 64 * 256 / (gain * spread)  # the rounding of the gain goes into the weights
    hidden, output = network.coefs_
    arrays = {
        "QRS_CENTRE": ("int16_t", classifier.centre),
        "QRS_GAIN": ("int16_t", gain),
        "QRS_HIDDEN_WEIGHT": ("int16_t", np.round(hidden.T * exact * 256)),
        "QRS_HIDDEN_BIAS": ("int32_t", np.round(network.intercepts_[0] * 16384)),
        "QRS_OUTPUT_WEIGHT": ("int16_t", np.round(output[:, 0] * 256)),
    }
    return header(arrays, round(float(network.intercepts_[1][0]) * 16384), generator)


def no_weights() -> str:
    """Return qrs_classifier_weights.h with all weights 0: every score is 0."""
    sizes = {"CENTRE": 1, "GAIN": 1, "HIDDEN_WEIGHT": HIDDEN}
    arrays: dict[str, tuple[str, npt.NDArray[Any]]] = {
        f"QRS_{name}": ("int16_t", np.zeros((rows, FEATURES))) for name, rows in sizes.items()
    }
    arrays["QRS_HIDDEN_BIAS"] = ("int32_t", np.zeros(HIDDEN))
    arrays["QRS_OUTPUT_WEIGHT"] = ("int16_t", np.zeros(HIDDEN))
    return header(arrays, 0)


def header(
    arrays: dict[str, tuple[str, npt.NDArray[Any]]],
    output_bias: int,
    generator: str = "training/detector/train.py",
) -> str:
    """Return the text of qrs_classifier_weights.h."""
    return (
        f"/* Generated by {generator}. Do not edit. */\n"
        "#ifndef ECG_CORE_QRS_CLASSIFIER_WEIGHTS_H\n#define ECG_CORE_QRS_CLASSIFIER_WEIGHTS_H\n\n"
        "#include <stdint.h>\n\n"
        "/* clang-format off */\n"
        f"#define QRS_HIDDEN {len(arrays['QRS_HIDDEN_BIAS'][1])} /* rows of QRS_HIDDEN_WEIGHT */\n\n"
        + "".join(c_array(name, kind, values) for name, (kind, values) in arrays.items())
        + f"static const int32_t QRS_OUTPUT_BIAS = {output_bias};\n\n/* clang-format on */\n\n#endif\n"
    )


def train(variants: Iterable[Variant], output: Path) -> None:
    """Train in rounds; each adds the candidates that the weights of the round before lead to."""
    first = build(no_weights())
    signals = list(list_candidates(first, variants))
    candidates = gather(first, signals, own=False)
    classifier = new_classifier(candidates)
    random = np.random.default_rng(0)
    for number, schedule in enumerate(SCHEDULES):
        if number > 0:
            candidates = candidates.plus(gather(build(weights_text(classifier)), signals, own=True))
        rows = choose_rows(candidates, random)
        if number + 1 < len(SCHEDULES):
            rows = random.permutation(rows)[:ROWS_BETWEEN]
        classifier.fit(candidates.features[rows], candidates.labels[rows], schedule)
        print(f"round {number + 1} of {len(SCHEDULES)}: {len(rows)} rows", flush=True)
        write_text(output, weights_text(classifier))


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description="Train the QRS classifier.")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with mitdb/, nstdb/, svdb/, qtdb/, ludb/"
    )
    parser.add_argument("--output", type=Path, default=CORE / "src/qrs_classifier_weights.h")
    arguments = parser.parse_args()
    from threadpoolctl import threadpool_limits

    warnings.filterwarnings("ignore", message=".*optimization hasn't converged.*")
    noise = motion(np.random.default_rng(4))
    variants = chain(all_variants(arguments.data, noise), start_variants(arguments.data, noise))
    with threadpool_limits(1):  # more threads would add up in another order
        train(variants, arguments.output)


if __name__ == "__main__":
    main()
