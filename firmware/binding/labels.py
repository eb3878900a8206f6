"""Labels from a network's outputs and the patient's other beats: the device's compiled rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_edge.firmware.binding._ecg_rhythm import ffi, lib

MOST_LABELS: int = lib.ECG_RHYTHM_LABELS_MOST
_WINDOW: tuple[int, int] = (lib.ECG_RHYTHM_WINDOW_POINTS, lib.ECG_RHYTHM_WINDOW_CHANNELS)


class LabelVotes:
    """The label rules of one patient's beats (ecg_rhythm_labels.h).

    Parameters
    ----------
    names : sequence of str
        The model's labels, WFDB symbols; at most `MOST_LABELS`.

    Raises
    ------
    ValueError
        When there are more.
    """

    def __init__(self, names: Sequence[str]) -> None:
        if len(names) > MOST_LABELS:
            raise ValueError(f"{len(names)} labels: {MOST_LABELS} at most")
        self._count = len(names)
        self._memory = ffi.new("char[]", lib.labels_bytes() + 8)  # cffi aligns to at least 8 bytes
        self._state = ffi.cast("ecg_rhythm_labels_t *", self._memory)
        lib.ecg_rhythm_labels_init(self._state, ",".join(names).encode("ascii"))

    def beats(
        self,
        windows: npt.NDArray[np.int8],
        outputs: npt.NDArray[np.number[Any]],
        is_bad: npt.NDArray[np.bool_],
        is_learning: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.uint8]:
        """Label the next beats, in the order of time.

        Parameters
        ----------
        windows : int8 array, shape (n, 128, 2)
            The signal path's tensors "beat".
        outputs : int8 or float array, shape (n, labels)
            Outputs of the network; only their order within a beat matters.
        is_bad, is_learning : bool array, shape (n,)
            The signal is bad; the patient's average beat is not known.

        Returns
        -------
        uint8 array, shape (n, 2)
            Index of the label, or 254 for none: as it is, and while atrial fibrillation is suspected.

        Raises
        ------
        ValueError
            When an array has another shape.
        """
        count = len(windows)
        shapes = [windows.shape, outputs.shape, is_bad.shape, is_learning.shape]
        expected = [(count, *_WINDOW), (count, self._count), (count,), (count,)]
        if shapes != expected:
            raise ValueError(f"windows, outputs, is_bad, is_learning: shapes {shapes}, expected {expected}")
        found = np.zeros((count, 2), np.uint8)
        columns = [
            np.ascontiguousarray(windows, np.int8),
            np.ascontiguousarray(_ordered(outputs)),
            np.ascontiguousarray(is_bad, np.uint8),
            np.ascontiguousarray(is_learning, np.uint8),
        ]
        given = [ffi.from_buffer("int8_t[]" if k < 2 else "uint8_t[]", one) for k, one in enumerate(columns)]
        lib.label_beats(
            self._state, *given[:2], self._count, *given[2:], count, ffi.from_buffer("uint8_t[]", found)
        )
        return found


def _ordered(outputs: npt.NDArray[np.number[Any]]) -> npt.NDArray[np.int8]:
    """Return int8 outputs as they are, others as the number of outputs of the beat that are smaller."""
    if outputs.dtype == np.int8:
        return outputs.astype(np.int8, copy=False)
    smaller = outputs[:, np.newaxis, :] < outputs[:, :, np.newaxis]
    found: npt.NDArray[np.int8] = smaller.sum(axis=2).astype(np.int8)
    return found
