"""The results of the morphology network that a device must report, one for each strip of 10 s.

The strips come from the device's own C, compiled for this computer; only the reference engine (TFLM) is
independent of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecg_edge.firmware import STRIP_SECONDS, Changes, StripPath
from ecg_edge.host.link.messages import LABEL_UNCLASSIFIABLE, NOT_LABELLED, Morphology
from ecg_edge.host.reference.labels import check_signal_path, label_name
from ecg_edge.quantize.bundle.engines import Engine, reference_engine
from ecg_edge.quantize.bundle.manifest import STRIP_INPUT, Bundle

UNDECIDED_S = 1.0
"""Time after which the quality of the signal is decided everywhere; the firmware needs 0.5 to 0.9 s."""


@dataclass(frozen=True)
class MorphologyModel:
    """A morphology network.

    Attributes
    ----------
    engine : Engine
        Its reference.
    labels : tuple of str
    """

    engine: Engine
    labels: tuple[str, ...]


def reference_morphology(bundle: Bundle) -> MorphologyModel:
    """Make the reference of a bundle.

    Raises
    ------
    BundleError
        When the bundle was trained with other strips than this computer's.
    """
    check_signal_path(bundle)
    return MorphologyModel(reference_engine(bundle), bundle.manifest.labels)


class MorphologyStream:
    """Results of one stream of samples, as on the device. Their confidence, which is not compared, is 0.

    Parameters
    ----------
    model : MorphologyModel
    adu_per_mv, fs_hz : int
        As in START.

    Attributes
    ----------
    count : int
        Strips so far.
    """

    def __init__(self, model: MorphologyModel, adu_per_mv: int, fs_hz: int) -> None:
        self._engine, self._fs_hz = model.engine, fs_hz
        self._path = StripPath(adu_per_mv, fs_hz)
        self._waiting: list[Morphology] = []
        self._taken = self.count = 0

    def take(self, samples: NDArray[np.int16], changes: Changes) -> list[Morphology]:
        """Take samples, shape (n,); return the results of the strips whose signal is decided.

        Parameters
        ----------
        samples : int16 array, shape (n,)
        changes : CHANGE_DTYPE array
            All changes of the signal between good and bad so far, those of `samples` included.
        """
        found = self._path.push(samples)
        self._taken += len(samples)
        outputs = self._engine.run({STRIP_INPUT: found["points"]})
        for sample, points, output in zip(found["sample"].tolist(), found["points"], outputs, strict=True):
            label = int(output.argmax()) if len(output) else NOT_LABELLED
            crc32 = zlib.crc32(points.tobytes())
            self._waiting.append(
                Morphology(self.count, sample, label, 0, crc32, output.astype(np.int8).tobytes())
            )
            self.count += 1
        return self._decide(self._taken - round(UNDECIDED_S * self._fs_hz), changes)

    def finish(self, changes: Changes) -> list[Morphology]:
        """End the signal; return the results that are left."""
        return self._decide(self._taken, changes)

    def _decide(self, until: int, changes: Changes) -> list[Morphology]:
        """Return the results of strips before `until`; in bad signal without a label."""
        decided = [result for result in self._waiting if result.sample < until]
        del self._waiting[: len(decided)]
        return [
            replace(result, label=LABEL_UNCLASSIFIABLE) if self._is_bad(result, changes) else result
            for result in decided
        ]

    def _is_bad(self, result: Morphology, changes: Changes) -> bool:
        """Tell if a strip holds bad signal; the device's rule is in firmware/src/morphology.c."""
        first = result.sample + 1 - STRIP_SECONDS * self._fs_hz
        begins = changes["sample"][0::2].astype(np.int64)
        ends = np.full(len(begins), np.iinfo(np.int64).max)
        ends[: len(changes) // 2] = changes["sample"][1::2]
        inside = (begins <= result.sample) & (ends > first)
        return bool(inside.any()) and result.label != NOT_LABELLED


def expect_morphology(
    samples: NDArray[np.int16], adu_per_mv: int, fs_hz: int, changes: Changes, model: MorphologyModel
) -> list[Morphology]:
    """Make the results of a whole signal; parameters as of `MorphologyStream`."""
    stream = MorphologyStream(model, adu_per_mv, fs_hz)
    return [*stream.take(samples, changes), *stream.finish(changes)]


def count_labels(results: Iterable[Morphology], labels: Sequence[str]) -> dict[str, int]:
    """Count results by label: those of the network, then "unclassifiable" and "not labelled", where any."""
    found = [label_name(result.label, labels) or "not labelled" for result in results]
    order = [*labels, *sorted({*found} - {*labels}, reverse=True)]
    return {name: found.count(name) for name in order if name in found}
