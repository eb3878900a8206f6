"""Train the QRS classifier (qrs_classifier.c) on DS1 of mitdb and write
`firmware/lib/ecg_core/src/qrs_classifier_weights.h`.

    python -m ecg_edge.training.detector.train --data DIR [--output FILE]

Candidates and their features come from the C code itself, the labels from the annotations: of the candidates
within 150 ms of a beat, the one with the highest energy near it is the beat. signals.py: the training set.

In the first round the reference levels follow the annotated beats; later rounds add the features that result
from the classifier's own decisions. The same machine trains the same weights again, bit for bit; another one
may train slightly different ones. The shipped weights are under version control; new weights change the
fingerprint of the signal path, to which models are tied. Needs the extra `train` (scikit-learn) and gcc;
takes five minutes.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.files import PROJECT_ROOT, write_text
from ecg_edge.ecg.noise import Places
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.firmware import FS_HZ
from ecg_edge.firmware.binding.qrs_features import QRS_FEATURES
from ecg_edge.training.detector.signals import Variant, all_variants, inside

HARNESS = Path(__file__).with_name("harness.c")
BASE = PROJECT_ROOT / "firmware/lib/ecg_base"
CORE = PROJECT_ROOT / "firmware/lib/ecg_core"
FEATURES = len(QRS_FEATURES)
HIDDEN = 32
WINDOW = round(MATCH_WINDOW_S * FS_HZ)  # samples
AS_NEAR = 20  # samples, 56 ms: candidates so little further from a beat than the nearest count as near
ROUNDS = 3
OTHER_ROWS = 500_000  # candidates of signals that are not clean records, drawn at random
# F1 is highest when candidates count as beats from a probability of F1 / 2 on. That is low in heavy noise, so
# beats there get more weight.
BEAT_COUNTS = {"em-6": 1.5, "em-10": 2.0}

Labels = npt.NDArray[np.uint8]


class Mode(IntEnum):
    """Source of the reference levels, as in harness.c."""

    LIST = 0  # nothing: candidates only, without features
    TEACH = 1  # the annotated beats
    CLASSIFY = 2  # the classifier's own decisions


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


def classify(library: ctypes.CDLL, variant: Variant, mode: Mode, labels: Labels | None = None) -> Rows:
    """Return the candidates of a signal as rows; with Mode.TEACH the levels follow `labels`, 1 per beat."""
    samples = np.ascontiguousarray(variant.samples)
    rows = np.zeros(len(samples) // 36 + 64, ROW)
    pointer = ctypes.c_void_p
    known = np.zeros(len(rows), np.uint8) if labels is None else labels
    found = library.classify_record(
        samples.ctypes.data_as(pointer),
        ctypes.c_long(len(samples)),
        ctypes.c_uint16(variant.adu_per_mv),
        int(mode),
        known.ctypes.data_as(pointer),
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


def gather(library: ctypes.CDLL, variants: list[Variant], annotated: list[Labels], mode: Mode) -> TrainingSet:
    """Collect the candidates of all signals, with their labels and kinds."""
    features, labels, kinds = [], [], []
    for variant, is_beat in zip(variants, annotated, strict=True):
        rows = classify(library, variant, mode, is_beat)
        at = rows["at"].astype(np.int64)
        kind = np.full(len(at), variant.kind, "<U8")
        if variant.noise:
            kind[~inside(at, variant.noise)] = "quiet"
        kind[inside(at, variant.flutter)] = "flutter"
        features.append(rows["features"])
        labels.append(is_beat)
        kinds.append(kind)
    return TrainingSet(np.concatenate(features), np.concatenate(labels), np.concatenate(kinds))


def choose_rows(candidates: TrainingSet, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw row numbers: clean thrice, flutter four times, a sample of the others, noisy beats again."""
    clean = np.flatnonzero(candidates.kinds == "clean")
    flutter = np.flatnonzero(candidates.kinds == "flutter")
    others = random.permutation(np.flatnonzero(~np.isin(candidates.kinds, ("clean", "flutter"))))[:OTHER_ROWS]
    more = [random.permutation(beats_of(candidates, others, kind)) for kind in BEAT_COUNTS]
    again = [
        rows[: int(len(rows) * (BEAT_COUNTS[kind] - 1))] for kind, rows in zip(BEAT_COUNTS, more, strict=True)
    ]
    return np.concatenate([*[clean] * 3, *[flutter] * 4, others, *again])


def beats_of(candidates: TrainingSet, rows: npt.NDArray[np.int64], kind: str) -> npt.NDArray[np.int64]:
    """Select the rows of beats in one kind of signal."""
    chosen: npt.NDArray[np.int64] = rows[(candidates.kinds[rows] == kind) & (candidates.labels[rows] == 1)]
    return chosen


def fit(candidates: TrainingSet, epochs: int) -> tuple[Any, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Train a network with one hidden layer; return it with its inputs' centre and spread."""
    from sklearn.neural_network import MLPClassifier

    rows = choose_rows(candidates, np.random.default_rng(0))
    chosen = candidates.features[rows]
    centre, spread = np.round(chosen.mean(axis=0)), chosen.std(axis=0) + 1e-6
    network = MLPClassifier((HIDDEN,), alpha=1e-3, batch_size=1024, random_state=0, warm_start=True)
    for rate, passes in ((3e-3, epochs), (3e-4, epochs // 2)):
        network.set_params(learning_rate_init=rate, max_iter=passes)
        network.fit(((chosen - centre) / spread).astype(np.float32), candidates.labels[rows])
    return network, centre, spread


def c_array(name: str, kind: str, values: npt.NDArray[Any]) -> str:
    """Return C text of a constant array, one line per row of a matrix."""
    lines = ",\n".join("    " + ", ".join(str(int(v)) for v in row) for row in np.atleast_2d(values))
    return f"static const {kind} {name}[{values.size}] = {{\n{lines}}};\n"


def weights_text(network: Any, centre: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]) -> str:
    """Return qrs_classifier_weights.h: inputs in 1 / 64 of their spread, weights in 1 / 256."""
    gain = np.minimum(np.round(64 / spread * 256), 32767)
    exact = 64 * 256 / (gain * spread)  # the rounding of the gain goes into the weights
    hidden, output = network.coefs_
    arrays = {
        "QRS_CENTRE": ("int16_t", centre),
        "QRS_GAIN": ("int16_t", gain),
        "QRS_HIDDEN_WEIGHT": ("int16_t", np.round(hidden.T * exact * 256)),
        "QRS_HIDDEN_BIAS": ("int32_t", np.round(network.intercepts_[0] * 16384)),
        "QRS_OUTPUT_WEIGHT": ("int16_t", np.round(output[:, 0] * 256)),
    }
    return header(arrays, round(float(network.intercepts_[1][0]) * 16384))


def no_weights() -> str:
    """Return qrs_classifier_weights.h with all weights 0: every score is 0."""
    sizes = {"CENTRE": 1, "GAIN": 1, "HIDDEN_WEIGHT": HIDDEN}
    arrays: dict[str, tuple[str, npt.NDArray[Any]]] = {
        f"QRS_{name}": ("int16_t", np.zeros((rows, FEATURES))) for name, rows in sizes.items()
    }
    arrays["QRS_HIDDEN_BIAS"] = ("int32_t", np.zeros(HIDDEN))
    arrays["QRS_OUTPUT_WEIGHT"] = ("int16_t", np.zeros(HIDDEN))
    return header(arrays, 0)


def header(arrays: dict[str, tuple[str, npt.NDArray[Any]]], output_bias: int) -> str:
    """Return the text of qrs_classifier_weights.h."""
    return (
        "/* Generated by training/detector/train.py from DS1 of mitdb. Do not edit. */\n"
        "#ifndef ECG_CORE_QRS_CLASSIFIER_WEIGHTS_H\n#define ECG_CORE_QRS_CLASSIFIER_WEIGHTS_H\n\n"
        "#include <stdint.h>\n\n"
        "/* clang-format off */\n"
        f"#define QRS_HIDDEN {HIDDEN} /* rows of QRS_HIDDEN_WEIGHT */\n\n"
        + "".join(c_array(name, kind, values) for name, (kind, values) in arrays.items())
        + f"static const int32_t QRS_OUTPUT_BIAS = {output_bias};\n\n/* clang-format on */\n\n#endif\n"
    )


def train(variants: list[Variant], output: Path) -> None:
    """Train in rounds; each adds the candidates that the weights of the round before lead to."""
    first = build(no_weights())
    annotated = [label_candidates(classify(first, v, Mode.LIST), v.beats) for v in variants]
    candidates = gather(first, variants, annotated, Mode.TEACH)
    text = weights_text(*fit(candidates, 8))
    for number in range(1, ROUNDS + 1):
        candidates = candidates.plus(gather(build(text), variants, annotated, Mode.CLASSIFY))
        text = weights_text(*fit(candidates, 24 if number == ROUNDS else 8))
        print(f"round {number} of {ROUNDS}: {len(candidates.labels)} candidates", flush=True)
        write_text(output, text)


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description="Train the QRS classifier on DS1.")
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb/ and nstdb/")
    parser.add_argument("--output", type=Path, default=CORE / "src/qrs_classifier_weights.h")
    arguments = parser.parse_args()
    from threadpoolctl import threadpool_limits

    warnings.filterwarnings("ignore", message=".*optimization hasn't converged.*")
    with threadpool_limits(1):  # more threads would add up in another order
        train(list(all_variants(arguments.data)), arguments.output)


if __name__ == "__main__":
    main()
