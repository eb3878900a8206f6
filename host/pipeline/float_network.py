"""A trained Keras network as an evaluation runs it, beside the int8 network that was made of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.firmware import Beats
from ecg_edge.host.evaluation.classifier import FLOAT


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
        from ecg_edge.training.beats import dequantize

        inputs = dequantize(beats["beat"], beats["rhythm"])
        outputs = _load(self.path).predict(inputs, batch_size=2048, verbose=0)
        return np.asarray(outputs, np.float32)


@lru_cache(maxsize=1)
def _load(path: Path) -> Any:
    from ecg_edge.training.tf_logging import silence_tensorflow

    silence_tensorflow()
    from ecg_edge.training.train import load

    return load(path)
