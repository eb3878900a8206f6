"""Parts of the network's inputs that a recipe may leave out, to learn what they are worth.

A network trained without a part has zeros there in training, and weights of zero on it afterwards: it takes
the device's whole tensors and ignores the part, in float and in int8 alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge import firmware

_INTERVALS: Final = (0, 1, 2, 3, 4)
_LAST_32: Final = tuple(range(8, 20))


@dataclass(frozen=True)
class Part:
    """Channels of tensor "beat" and features of tensor "rhythm", numbered as in `ecg_core.h`."""

    channels: tuple[int, ...] = ()
    features: tuple[int, ...] = ()


PARTS: Final = {
    "beat": Part(channels=(0,)),
    "average beat": Part(channels=(1,), features=(5, 6, 7, *range(20, 25), 26)),
    "rhythm features": Part(features=tuple(range(firmware.RHYTHM_FEATURES))),
    "intervals": Part(features=(*_INTERVALS, *_LAST_32)),
    "last 32 intervals": Part(features=_LAST_32),
    "neighbours": Part(features=(1, 2, 9, 10, 18)),
    "P wave": Part(features=(20, 21, 25)),
    "noise": Part(features=(26,)),
}
"""By name. "neighbours": the one and two intervals before this beat's. "average beat": the patient's average
beat and what compares this beat with it."""

Int8 = npt.NDArray[np.int8]


def hide(beat: Int8, rhythm: Int8, without: Sequence[str]) -> tuple[Int8, Int8]:
    """Set parts of the inputs to zero, in a copy.

    Parameters
    ----------
    beat, rhythm : ndarray of int8, shapes (n, 128, 2) and (n, 27)
        The device's tensors.
    without : sequence of str
        Names of `PARTS`.
    """
    if not without:
        return beat, rhythm
    beat, rhythm = beat.copy(), rhythm.copy()
    for name in without:
        beat[:, :, list(PARTS[name].channels)] = 0
        rhythm[:, list(PARTS[name].features)] = 0
    return beat, rhythm


def ignore(network: Any, without: Sequence[str]) -> None:
    """Set the weights of the network's first layers on these parts to zero."""
    for name, places in (
        ("convolution_1", [at for part in without for at in PARTS[part].channels]),
        ("rhythm_dense", [at for part in without for at in PARTS[part].features]),
    ):
        if places:
            kernel, *rest = network.get_layer(name).get_weights()
            kernel[..., places, :] = 0
            network.get_layer(name).set_weights([kernel, *rest])
