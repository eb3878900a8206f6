"""Boosted trees in place of the network, to compare with: on the 27 rhythm features and a coarse beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.labels import LABELS
from ecg_edge.training.inputs import hide

if TYPE_CHECKING:
    from ecg_edge.training.train import Examples

POINTS = 8  # of the window that become one
FLOOR = 1e-6  # of a probability, before its logarithm


@dataclass(frozen=True, eq=False)
class Trees:
    """Fitted trees.

    Attributes
    ----------
    classifier : sklearn.ensemble.HistGradientBoostingClassifier
        Its classes are indices in `LABELS`.
    without : tuple of str
        Parts of the inputs that it does not have.
    """

    classifier: Any
    without: tuple[str, ...]

    def logits(self, beat: npt.NDArray[np.int8], rhythm: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """Compute the logarithm of each label's probability, shape (n, 5)."""
        probabilities = np.zeros((len(beat), len(LABELS)), np.float32)
        if len(beat):
            found = self.classifier.predict_proba(_features(*hide(beat, rhythm, self.without)))
            probabilities[:, self.classifier.classes_] = found
        logits: npt.NDArray[np.float32] = np.log(np.maximum(probabilities, np.float32(FLOOR)))
        return logits


def fit_trees(data: Examples, without: tuple[str, ...], seed: int) -> Trees:
    """Fit trees to the beats and weights of a network's training set; there is no augmentation."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # late: takes a second

    classifier = HistGradientBoostingClassifier(random_state=seed, early_stopping=False)
    classifier.fit(_features(data.beat, data.rhythm), data.labels, data.weights)
    return Trees(classifier, without)


def _features(beat: npt.NDArray[np.int8], rhythm: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    """Join the rhythm features and the means of pieces of both channels, shape (n, 27 + 32)."""
    n, points, channels = beat.shape
    coarse = beat.astype(np.float32).reshape(n, points // POINTS, POINTS, channels).mean(2)
    return np.concatenate([rhythm.astype(np.float32), coarse.reshape(n, -1)], axis=1)
