"""A trained Keras network as an evaluation runs it, beside the int8 network that was made of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.firmware import Beats
from ecg_edge.host.evaluation.classifier import FLOAT
from ecg_edge.training.beats import dequantize
from ecg_edge.training.keras_model import KerasModel
from ecg_edge.training.trees import Trees


@dataclass(frozen=True)
class FloatNetwork:
    """The float network of a `.keras` file.

    Attributes
    ----------
    path : Path
        The file.
    labels : tuple of str
        The label of each output.
    """

    path: Path
    labels: tuple[str, ...]
    name: str = FLOAT

    def logits(self, beats: Beats) -> npt.NDArray[np.float32]:
        """Compute the outputs, shape (n, k)."""
        return KerasNetwork(self.load(), self.labels).logits(beats)

    def load(self) -> KerasModel:
        """Read the file, once; needs TensorFlow."""
        return _load(self.path)


@dataclass(frozen=True)
class KerasNetwork:
    """A float network in memory.

    Attributes
    ----------
    network : KerasModel
        The network.
    labels : tuple of str
        The label of each output.
    """

    network: KerasModel
    labels: tuple[str, ...]
    name: str = FLOAT

    def logits(self, beats: Beats) -> npt.NDArray[np.float32]:
        """Compute the outputs, shape (n, k)."""
        inputs = dequantize(beats["beat"], beats["rhythm"])
        return np.asarray(self.network.predict(inputs, batch_size=2048, verbose=0), np.float32)


@dataclass(frozen=True)
class TreeNetwork:
    """Boosted trees in place of the network.

    Attributes
    ----------
    trees : Trees
        The trees.
    labels : tuple of str
        The label of each output.
    """

    trees: Trees
    labels: tuple[str, ...]
    name: str = FLOAT

    def logits(self, beats: Beats) -> npt.NDArray[np.float32]:
        """Compute the outputs, shape (n, k)."""
        return self.trees.logits(beats["beat"], beats["rhythm"])


@lru_cache(maxsize=1)
def _load(path: Path) -> KerasModel:
    from ecg_edge.training.tf_logging import silence_tensorflow

    silence_tensorflow()
    from ecg_edge.training.train import load

    return load(path)
