"""Augment training beats: width, position, amplitude, polarity, baseline wander and noise of other leads."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tf_keras as keras

from ecg_edge.training.recipes import Augment

Float = npt.NDArray[np.float32]

R_POINT: Final = 48  # index of the R peak in the window of the signal path


def vary(beat: Float, rhythm: Float, settings: Augment, random: np.random.Generator) -> tuple[Float, Float]:
    """Draw a random variation of each beat.

    Parameters
    ----------
    beat, rhythm : ndarray of float32, shapes (n, 1, 128, 2) and (n, 27)
        The network's inputs. Both channels of a beat vary alike, except for the noise.
    settings : Augment
    random : numpy.random.Generator

    Returns
    -------
    ndarrays of float32 of the same shapes
    """
    n, points = len(beat), beat.shape[2]
    varied = _stretched(beat[:, 0], settings, random)
    varied *= random.uniform(1 - settings.amplitude, 1 + settings.amplitude, (n, 1, 1)).astype(np.float32)
    cycles, phase = random.uniform(0.2, 1.5, (n, 1)), random.uniform(0, 2 * np.pi, (n, 1))
    wander = np.sin(2 * np.pi * cycles * np.arange(points) / points + phase)
    varied += (random.uniform(0, settings.wander, (n, 1)) * wander).astype(np.float32)[..., None]
    varied *= np.where(random.uniform(size=(n, 1, 1)) < settings.flip, -1, 1).astype(np.float32)
    level = random.uniform(0, settings.noise, (n, 1, 1)).astype(np.float32)
    varied += level * random.standard_normal(varied.shape, np.float32)
    jitter = np.float32(settings.rhythm) * random.standard_normal(rhythm.shape, np.float32)
    return varied[:, None], rhythm + jitter


def _stretched(beat: Float, settings: Augment, random: np.random.Generator) -> Float:
    """Stretch around the R peak, then shift, by linear interpolation between points."""
    n, points = beat.shape[:2]
    factor = 1 + random.uniform(-settings.time_stretch, settings.time_stretch, (n, 1))
    shift = random.uniform(-settings.shift, settings.shift, (n, 1))
    at = np.clip(R_POINT + (np.arange(points) - R_POINT) * factor + shift, 0, points - 1)
    left, row = np.minimum(at.astype(np.intp), points - 2), np.arange(n)[:, None]
    share = (at - left).astype(np.float32)[..., None]
    stretched: Float = beat[row, left] * (1 - share) + beat[row, left + 1] * share
    return stretched


class Batches(keras.utils.Sequence):  # type: ignore[misc]
    """Batches of augmented beats in a new order each epoch; the same seed gives the same batches.

    Parameters
    ----------
    inputs : tuple of ndarray of float32, shapes (n, 1, 128, 2) and (n, 27)
    targets : ndarray of float32, shape (n, classes)
    weights : ndarray of float32, shape (n,)
    size : int
        Beats per batch.
    settings : Augment
    seed : int
    """

    def __init__(
        self,
        inputs: tuple[Float, Float],
        targets: Float,
        weights: Float,
        size: int,
        settings: Augment,
        seed: int,
    ) -> None:
        super().__init__()
        self._inputs, self._targets, self._weights, self._size = inputs, targets, weights, size
        self._settings, self._random = settings, np.random.default_rng(seed)
        self._order = self._random.permutation(len(targets))

    def __len__(self) -> int:
        return -(-len(self._targets) // self._size)

    def __getitem__(self, number: int) -> tuple[list[Float], Any, Any]:
        chosen = self._order[number * self._size : (number + 1) * self._size]
        beat, rhythm = (values[chosen] for values in self._inputs)
        inputs = vary(beat, rhythm, self._settings, self._random)
        return list(inputs), self._targets[chosen], self._weights[chosen]

    def on_epoch_end(self) -> None:
        """Draw a new order."""
        self._order = self._random.permutation(len(self._targets))
