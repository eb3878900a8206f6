"""Train the firmware's QRS classifier towards the average of three; writes `qrs_classifier_weights.h`.

    python -m ecg_edge.training.detector.distil --data DIR [--output FILE]

The three networks (average.py) were trained on other mixes of the same signals, and each finds beats that
another misses. Their average has too many units for the firmware. One network that learns from both, the
average's probability and the annotation, is as good on clean signals and better in noise
(docs/experiments/detector.md). Candidates: those of the training set of train.py, with the features that
follow from annotated beats, and those that follow from the average's own decisions.

The same machine trains the same weights again, bit for bit. The shipped ones are a draw of an earlier form of
this command. Needs the extra `train` and gcc; takes four minutes of one core.
"""

from __future__ import annotations

import argparse
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.files import write_text
from ecg_edge.training.detector.average import NETWORKS, IntegerNetwork, average, header_of
from ecg_edge.training.detector.motion import motion
from ecg_edge.training.detector.signals import all_variants
from ecg_edge.training.detector.starts import start_variants
from ecg_edge.training.detector.train import (
    COPIES,
    CORE,
    Classifier,
    TrainingSet,
    build,
    choose_rows,
    gather,
    list_candidates,
    no_weights,
    weights_text,
)
from ecg_edge.training.tf_logging import silence_tensorflow

HIDDEN = 128
TEACHER_SHARE = 0.6
"""Weight of the average's probability in the target; the annotation has the rest."""
MOST_LOGIT = 12.0
SCHEDULE = ((3e-3, 8), (1e-3, 8), (3e-4, 6), (1e-4, 4))
"""Learning rates and epochs."""
BATCH = 4096
DECAY = 5e-9
"""Weight of the squared weights, for each row."""
ROW_COPIES = {**COPIES, "clean": 3.5, "low": 2.0}
OTHER_ROWS = 2_200_000
"""As train.py's, for two rows of each candidate."""
LOGIT = 16384
"""A score of the firmware that is one logit."""

Floats = npt.NDArray[np.float32]


def candidates_of(data: Path, teacher: IntegerNetwork) -> TrainingSet:
    """Collect all candidates twice: with features by annotated beats, and by the teacher's decisions."""
    noise = motion(np.random.default_rng(4))
    variants = chain(all_variants(data, noise), start_variants(data, noise))
    signals = list(list_candidates(build(no_weights()), variants))
    library = build(header_of(teacher))
    return gather(library, signals, own=False).plus(gather(library, signals, own=True))


def targets(labels: npt.NDArray[np.uint8], scores: Floats) -> Floats:
    """Mix the teacher's probabilities with the annotations.

    Parameters
    ----------
    labels : uint8 array, shape (n,)
        1: a beat.
    scores : float32 array, shape (n,)
        The teacher's, as the firmware computes them.

    Returns
    -------
    float32 array, shape (n,), from 0 to 1.
    """
    logits = np.clip(scores / LOGIT, -MOST_LOGIT, MOST_LOGIT)
    return np.asarray(TEACHER_SHARE / (1 + np.exp(-logits)) + (1 - TEACHER_SHARE) * labels, np.float32)


def fit(
    inputs: Floats, wanted: Floats, rows: npt.NDArray[np.int64], random: np.random.Generator, seed: int
) -> Any:
    """Train one hidden layer; return its weights with the attributes of scikit-learn's MLPClassifier.

    Parameters
    ----------
    inputs : float32 array, shape (n, features)
        In units of their spread.
    wanted : float32 array, shape (n,)
        Probabilities.
    rows : int array
        Rows of an epoch; some come several times.
    random : numpy.random.Generator
        Order of the rows.
    seed : int
        Of the first weights.
    """
    silence_tensorflow()
    import tensorflow as tf

    start = tf.random.Generator.from_seed(seed)
    sizes = ((inputs.shape[1], HIDDEN), (HIDDEN, 1))
    matrices = [tf.Variable(start.normal(size, stddev=np.sqrt(2 / sum(size)))) for size in sizes]
    biases = [tf.Variable(tf.zeros(size[1])) for size in sizes]
    optimizer = tf.keras.optimizers.Adam()
    all_inputs, all_wanted = tf.constant(inputs), tf.constant(wanted)

    @tf.function  # type: ignore[untyped-decorator]
    def epoch(order: Any) -> None:
        for batch in tf.range(len(rows) // BATCH):
            chosen = order[batch * BATCH : (batch + 1) * BATCH]
            with tf.GradientTape() as tape:
                hidden = tf.nn.relu(tf.gather(all_inputs, chosen) @ matrices[0] + biases[0])
                logits = (hidden @ matrices[1] + biases[1])[:, 0]
                losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.gather(all_wanted, chosen), logits)
                squares = tf.add_n([tf.reduce_sum(matrix**2) for matrix in matrices])
                loss = tf.reduce_mean(losses) + DECAY / 2 * squares
            variables = matrices + biases
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    for rate, epochs in SCHEDULE:
        optimizer.learning_rate.assign(rate)
        for _ in range(epochs):
            epoch(tf.constant(random.permutation(rows).astype(np.int32)))
        print(f"learning rate {rate:g}: {epochs} epochs of {len(rows)} rows", flush=True)
    return SimpleNamespace(coefs_=[m.numpy() for m in matrices], intercepts_=[b.numpy() for b in biases])


def distil(candidates: TrainingSet, teacher: IntegerNetwork, seed: int = 0) -> str:
    """Train on these candidates; return the text of qrs_classifier_weights.h."""
    random = np.random.default_rng(seed)
    rows = choose_rows(candidates, random, ROW_COPIES, OTHER_ROWS)
    wanted = targets(candidates.labels, teacher.scores(candidates.features))
    network = fit(teacher.inputs(candidates.features) / np.float32(64), wanted, rows, random, seed + 1)
    spread = 64 * 256 / teacher.gain
    return weights_text(
        Classifier(network, teacher.centre.astype(float), spread), "training/detector/distil.py"
    )


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description="Train the QRS classifier towards the average of three.")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with mitdb/, nstdb/, svdb/, qtdb/, ludb/"
    )
    parser.add_argument("--output", type=Path, default=CORE / "src/qrs_classifier_weights.h")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    arguments = parser.parse_args()
    silence_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)  # more threads would add up in another order
    tf.config.threading.set_inter_op_parallelism_threads(1)
    teacher = average([IntegerNetwork.read(path) for path in NETWORKS])
    write_text(arguments.output, distil(candidates_of(arguments.data, teacher), teacher, arguments.seed))


if __name__ == "__main__":
    main()
