"""Average QRS classifiers into one network, from which the firmware's learns (distil.py).

The mean of the scores of several networks with one hidden layer is the score of one network that has all of
their units. `networks/` holds three, as `train.py --output` wrote them; each was trained on another mix of
signals:

| file | inputs | mix (docs/experiments/detector.md) |
|---|---|---|
| clean.h | 42 | the shipped weights until November 2026 |
| motion.h | 48 | Z2: disguised noise and synthetic motion of electrodes |
| smooth.h | 48 | Z3: as Z2, and low and smooth signals |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.training.detector.train import header

NETWORKS = tuple(Path(__file__).parent / "networks" / name for name in ("clean.h", "motion.h", "smooth.h"))
ROWS_TOGETHER = 100_000


@dataclass(frozen=True)
class IntegerNetwork:
    """The arrays of a weights header.

    Attributes
    ----------
    centre, gain : int array, shape (inputs,)
        An input is (feature - centre) * gain / 256.
    hidden : int array, shape (units, inputs)
    hidden_bias, output : int array, shape (units,)
    output_bias : int
    """

    centre: npt.NDArray[np.int64]
    gain: npt.NDArray[np.int64]
    hidden: npt.NDArray[np.int64]
    hidden_bias: npt.NDArray[np.int64]
    output: npt.NDArray[np.int64]
    output_bias: int

    @classmethod
    def read(cls, path: Path) -> IntegerNetwork:
        """Read a header that `train.header` wrote."""
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"(QRS_\w+)(?:\[\d+\])? = ([^;]*);", text)
        values = {name: np.array(re.findall(r"-?\d+", numbers), np.int64) for name, numbers in found}
        centre, bias = values["QRS_CENTRE"], values["QRS_HIDDEN_BIAS"]
        return cls(
            centre,
            values["QRS_GAIN"],
            values["QRS_HIDDEN_WEIGHT"].reshape(len(bias), len(centre)),
            bias,
            values["QRS_OUTPUT_WEIGHT"],
            int(values["QRS_OUTPUT_BIAS"][0]),
        )

    def inputs(self, features: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Inputs as the firmware computes them, 64 a spread, of features of shape (n, inputs or more)."""
        differences = features[:, : len(self.centre)] - self.centre
        return np.asarray((differences * self.gain) >> 8, np.float32)

    def scores(self, features: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Scores as the firmware computes them but for rounding, shape (n,); 16,384 is one logit."""
        weights, bias = self.hidden.T.astype(np.float32), self.hidden_bias.astype(np.float32)
        output = self.output.astype(np.float32) / 256
        parts = [
            np.maximum(self.inputs(part) @ weights + bias, 0) @ output + self.output_bias
            for part in np.array_split(features, len(features) // ROWS_TOGETHER + 1)
        ]
        return np.concatenate(parts)


def average(networks: Sequence[IntegerNetwork]) -> IntegerNetwork:
    """Make one network whose score is the mean of theirs, but for rounding.

    The last network, which must have all inputs, gives centre and gain; the others' differences go into their
    weights.
    """
    centre, gain = networks[-1].centre, networks[-1].gain
    hidden, bias = [], []
    for network in networks:
        inputs = len(network.centre)
        weights = np.zeros((len(network.hidden), len(centre)))
        weights[:, :inputs] = network.hidden * (network.gain / gain[:inputs])
        moved = network.gain * (centre[:inputs] - network.centre) / 256
        hidden.append(weights)
        bias.append(network.hidden_bias + network.hidden @ moved)
    share = 1 / len(networks)
    return IntegerNetwork(
        centre,
        gain,
        np.rint(np.concatenate(hidden)).astype(np.int64),
        np.rint(np.concatenate(bias)).astype(np.int64),
        np.rint(np.concatenate([network.output * share for network in networks])).astype(np.int64),
        int(sum(network.output_bias * share for network in networks)),
    )


def header_of(network: IntegerNetwork, generator: str = "training/detector/average.py") -> str:
    """Return the text of qrs_classifier_weights.h with this network."""
    arrays: dict[str, tuple[str, npt.NDArray[np.int64]]] = {
        "QRS_CENTRE": ("int16_t", network.centre),
        "QRS_GAIN": ("int16_t", network.gain),
        "QRS_HIDDEN_WEIGHT": ("int16_t", network.hidden),
        "QRS_HIDDEN_BIAS": ("int32_t", network.hidden_bias),
        "QRS_OUTPUT_WEIGHT": ("int16_t", network.output),
    }
    return header(arrays, network.output_bias, generator)
