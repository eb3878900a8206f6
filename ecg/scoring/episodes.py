"""Episode-by-episode comparison of two annotators' rhythm annotations, by the rules of WFDB's `epicmp`.

An episode begins at a rhythm annotation ("+") whose note begins with the rhythm's name, such as "(AFIB", and
lasts to the next rhythm annotation with another note. One that never ends lasts to the end of the comparison,
or to the file's last annotation when that is later.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.scoring.beat_sequence import IntArray
from ecg_edge.ecg.scoring.beats import Ratio
from ecg_edge.ecg.scoring.protocol import LEARNING_S

FIBRILLATION: Final = "(AFIB"


@dataclass(frozen=True)
class EpisodeComparison:
    """Result of an episode-by-episode comparison.

    Attributes
    ----------
    fs_hz : float
        Sampling frequency of the durations in Hz.
    found, missed : int
        Episodes of the reference that overlap with any of the test annotator's, and that do not.
    true, false : int
        Episodes of the test annotator that overlap with any of the reference's, and that do not.
    reference_samples, reference_overlap : int
        Duration of the reference's episodes, and the part of it that the test annotator has too.
    test_samples, test_overlap : int
        Duration of the test annotator's episodes, and the part of it that the reference has too.
    """

    fs_hz: float
    found: int = 0
    missed: int = 0
    true: int = 0
    false: int = 0
    reference_samples: int = 0
    reference_overlap: int = 0
    test_samples: int = 0
    test_overlap: int = 0

    @property
    def ratios(self) -> dict[str, Ratio]:
        """Sensitivity and positive predictivity by episode and by duration (in samples), as counts."""
        return {
            "episode_se": Ratio(self.found, self.found + self.missed),
            "episode_ppv": Ratio(self.true, self.true + self.false),
            "duration_se": Ratio(self.reference_overlap, self.reference_samples),
            "duration_ppv": Ratio(self.test_overlap, self.test_samples),
        }

    @property
    def figures(self) -> dict[str, float]:
        """The ratios as fractions, nan when undefined, and the durations in seconds."""
        return {
            **{name: ratio.value for name, ratio in self.ratios.items()},
            "reference_s": self.reference_samples / self.fs_hz,
            "test_s": self.test_samples / self.fs_hz,
        }

    def at_rate(self, fs_hz: float) -> EpisodeComparison:
        """Convert the durations to samples at another rate."""
        if fs_hz == self.fs_hz:
            return self
        names = ("reference_samples", "reference_overlap", "test_samples", "test_overlap")
        converted = {name: round(getattr(self, name) * fs_hz / self.fs_hz) for name in names}
        return replace(self, fs_hz=fs_hz, **converted)

    def __add__(self, other: EpisodeComparison) -> EpisodeComparison:
        """Both together: every episode, and every second, has the same weight."""
        if self.fs_hz != other.fs_hz:
            raise ValueError(f"comparisons at {self.fs_hz} and {other.fs_hz} Hz cannot be added")
        counts = [
            getattr(self, field.name) + getattr(other, field.name)
            for field in fields(self)
            if field.name != "fs_hz"
        ]
        return EpisodeComparison(self.fs_hz, *counts)


def compare_episodes(
    reference: Annotations,
    test: Annotations,
    *,
    fs_hz: float,
    end_s: float,
    start_s: float = LEARNING_S,
    rhythm: str = FIBRILLATION,
) -> EpisodeComparison:
    """Compare the episodes of one rhythm of two annotators of one record.

    Parameters
    ----------
    reference, test : Annotations
        All annotations of each; only rhythm annotations count.
    fs_hz : float
        Sampling frequency of the record.
    end_s : float
        Length of the record in s; nothing later is compared.
    start_s : float
        Start of the comparison in s: episodes that end before are left out, the first one after is cut.
    rhythm : str
        Beginning of the notes of the episodes.
    """
    start, end = int(start_s * fs_hz + 0.5), int(end_s * fs_hz + 0.5)
    annotated, detected = (find_episodes(annotations, rhythm, end) for annotations in (reference, test))
    found = _overlap(annotated, detected, start, end)
    true = _overlap(detected, annotated, start, end)
    return EpisodeComparison(fs_hz, found[0], found[1], true[0], true[1], *found[2:], *true[2:])


def find_episodes(annotations: Annotations, rhythm: str, end: int) -> IntArray:
    """Find onset and end in samples of each episode of a rhythm, shape (n, 2).

    Parameters
    ----------
    annotations : Annotations
        All annotations of one annotator.
    rhythm : str
        Beginning of the notes of the episodes.
    end : int
        End of the comparison in samples.
    """
    last = max(end, int(annotations.samples[-1])) if len(annotations) else end
    episodes: list[tuple[int, int]] = []
    onset: int | None = None
    for at in np.flatnonzero(annotations.symbols == "+").tolist():
        here, inside = int(annotations.samples[at]), annotations.aux[at].startswith(rhythm)
        if inside and onset is None:
            onset = here
        elif not inside and onset is not None:
            episodes.append((onset, here))
            onset = None
    if onset is not None:
        episodes.append((onset, last))
    return np.array(episodes, np.int64).reshape(-1, 2)


def _overlap(episodes: IntArray, others: IntArray, start: int, end: int) -> tuple[int, int, int, int]:
    """Count matched and unmatched episodes, their duration, and the part of it that lies in `others`."""
    scored = episodes[(episodes[:, 1] >= start) & (episodes[:, 0] < end)]
    onsets, ends = np.maximum(scored[:, 0], start), np.minimum(scored[:, 1], end)
    shared = np.minimum(ends[:, None], others[None, :, 1]) - np.maximum(onsets[:, None], others[None, :, 0])
    overlaps = np.maximum(shared, 0).sum(axis=1)
    matched = int(np.count_nonzero(overlaps))
    return matched, len(scored) - matched, int((ends - onsets).sum()), int(overlaps.sum())
