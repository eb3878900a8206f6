"""The part of a Keras network's interface that this project uses; imports nothing of TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]


class KerasModel(Protocol):
    """A network of `tf_keras`: inputs "beat" (1, 128, 2) and "rhythm" (27,), output "logits"."""

    layers: list[Any]
    inputs: list[Any]
    history: Any

    def count_params(self) -> int:
        """Return the number of weights."""

    def get_weights(self) -> list[Float]:
        """Return the weights of all layers."""

    def set_weights(self, weights: Sequence[Float]) -> None:
        """Replace the weights of all layers."""

    def predict(self, x: Any, *, batch_size: int | None = None, verbose: int = 0) -> Float:
        """Return the logits, shape (n, classes)."""

    def compile(self, *, optimizer: Any, loss: Any, metrics: list[str]) -> None:
        """Set optimizer and loss."""

    def fit(
        self,
        x: Any,
        *,
        epochs: int,
        shuffle: bool,
        callbacks: list[Any],
        validation_data: Any = None,
        validation_batch_size: int | None = None,
        verbose: int,
    ) -> Any:
        """Train."""

    def save(self, path: Any) -> None:
        """Write the network to a file."""

    def __call__(self, inputs: Sequence[Any], *, training: bool) -> Any:
        """Run the network on tensors."""
