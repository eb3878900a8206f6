"""The label of each beat: from a network's outputs, the signal path's flags and the patient's other beats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError
from ecg_edge.firmware import FLAG_LEARNING, FLAG_UNCLASSIFIABLE, fingerprint, strip_fingerprint
from ecg_edge.firmware.binding.labels import LabelVotes
from ecg_edge.firmware.binding.rhythm import NORMAL, SUPRAVENTRICULAR, VENTRICULAR, class_of
from ecg_edge.host.link.messages import LABEL_UNCLASSIFIABLE, NOT_LABELLED
from ecg_edge.quantize.bundle.manifest import Bundle

SYMBOL_Q: Final = "Q"  # WFDB's symbol of an unclassifiable beat
UNCLASSIFIABLE_NAME: Final = "unclassifiable"

Labels = npt.NDArray[np.int64]
Symbols = npt.NDArray[np.str_]


class Chosen(NamedTuple):
    """Labels of beats by the device's rules.

    Attributes
    ----------
    labels : int64 array, shape (n,)
        Index of the label; `LABEL_UNCLASSIFIABLE`, or `NOT_LABELLED` where the network gave no output.
    in_fibrillation : int64 array, shape (n,)
        The same while atrial fibrillation is suspected: none is supraventricular.
    """

    labels: Labels
    in_fibrillation: Labels

    def settle(self, suspected: npt.NDArray[np.bool_]) -> Labels:
        """Choose by whether atrial fibrillation was suspected when the beat came, shape (n,)."""
        return np.where(suspected, self.in_fibrillation, self.labels)


class LabelRules:
    """The device's label rules (label.h of the firmware) beside a stream of beats of one patient.

    A beat is labelled by the network's outputs for it and by what it said of the patient's beats before:
    of those of its shape, and of all (docs/explanation/labels.md).

    Parameters
    ----------
    names : sequence of str
        The model's labels, WFDB symbols.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._votes = LabelVotes(names)

    def take(self, beats: npt.NDArray[np.void], outputs: npt.NDArray[np.number[Any]]) -> Chosen:
        """Label the next beats.

        Parameters
        ----------
        beats : BEAT_DTYPE array, shape (n,)
            Beats of the signal path.
        outputs : int8 or float array, shape (n, labels)
            Outputs of the network for them.
        """
        if outputs.shape[1] == 0:
            nothing = np.full(len(outputs), NOT_LABELLED, np.int64)
            return Chosen(nothing, nothing)
        flags = beats["flags"]
        bad, learning = flags & FLAG_UNCLASSIFIABLE != 0, flags & FLAG_LEARNING != 0
        found = self._votes.beats(beats["beat"], outputs, bad, learning).astype(np.int64)
        return Chosen(found[:, 0], found[:, 1])


def labels_of(
    outputs: npt.NDArray[np.number[Any]],
    names: Sequence[str],
    flags: npt.NDArray[Any] | None = None,
    in_fibrillation: npt.NDArray[np.bool_] | None = None,
) -> Labels:
    """Decide the label of each beat by the network alone, without the patient's other beats (`LabelRules`).

    The label is the index of the largest output, the first of equals. In suspected fibrillation it is, in
    place of a supraventricular label, that of the largest output among the labels of normal beats. It is
    `LABEL_UNCLASSIFIABLE` where the signal path flags bad signal; and, while the patient's average beat is
    not known, in place of a supraventricular or ventricular label. It is `NOT_LABELLED` where the network
    gave no output.

    Parameters
    ----------
    outputs : int8 or float array, shape (n, labels)
        Outputs of the network.
    names : sequence of str
        The model's labels, WFDB symbols.
    flags : int array, shape (n,), optional
        Flags of the signal path. Without them every beat is labelled.
    in_fibrillation : bool array, shape (n,), optional
        Atrial fibrillation was suspected when the beat came. Without it: at no beat.

    Returns
    -------
    int64 array, shape (n,)
    """
    if outputs.shape[1] == 0:
        return np.full(len(outputs), NOT_LABELLED, np.int64)
    labels: Labels = outputs.argmax(axis=1).astype(np.int64)
    classes = np.array([class_of(names, label) for label in range(len(names))])
    normal = np.flatnonzero(classes == NORMAL)
    if in_fibrillation is not None and len(normal):
        not_premature = in_fibrillation & (classes[labels] == SUPRAVENTRICULAR)
        labels[not_premature] = normal[outputs[np.ix_(not_premature, normal)].argmax(axis=1)]
    if flags is not None:
        bad = flags & FLAG_UNCLASSIFIABLE != 0
        is_ectopic = np.isin(classes[labels], (SUPRAVENTRICULAR, VENTRICULAR))
        too_early = (flags & FLAG_LEARNING != 0) & is_ectopic
        labels[np.broadcast_to(bad | too_early, labels.shape)] = LABEL_UNCLASSIFIABLE
    return labels


def symbol_of(label: int, names: Sequence[str], other: str = SYMBOL_Q) -> str:
    """Name a label; `other` for a beat that is unclassifiable or not labelled."""
    return names[label] if label < len(names) else other


def label_name(label: int, names: Sequence[str]) -> str:
    """Name a label; "" for a beat or strip that is not labelled."""
    return symbol_of(label, names, UNCLASSIFIABLE_NAME if label == LABEL_UNCLASSIFIABLE else "")


def symbols_of(labels: npt.NDArray[np.integer[Any]], names: Sequence[str]) -> Symbols:
    """Name the labels of beats as WFDB symbols, shape (n,)."""
    return np.array([symbol_of(label, names) for label in labels.tolist()], "U8")


def check_signal_path(bundle: Bundle) -> None:
    """Refuse a bundle that was trained with another signal path than this computer's.

    Raises
    ------
    BundleError
        When the fingerprints differ.
    """
    trained = bundle.manifest.core_fingerprint
    own = strip_fingerprint() if bundle.manifest.takes_strips else fingerprint()
    if trained != own:
        raise BundleError(
            f"{bundle.path} was trained with the signal path {trained:08x}, but this computer's is "
            f"{own:08x}. Build it again with `pip install -e .`, or train again."
        )
