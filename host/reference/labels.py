"""The label rule: from a network's outputs and the signal path's flags to the label of each beat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.errors import BundleError
from ecg_edge.firmware import FLAG_LEARNING, FLAG_UNCLASSIFIABLE, Beats, fingerprint, strip_fingerprint
from ecg_edge.firmware.binding.rhythm import SUPRAVENTRICULAR, VENTRICULAR, class_of
from ecg_edge.host.link.messages import LABEL_UNCLASSIFIABLE, NOT_LABELLED
from ecg_edge.quantize.bundle.engines import GeneratedEngine, beat_inputs
from ecg_edge.quantize.bundle.manifest import Bundle, load_bundle

SYMBOL_Q: Final = "Q"  # WFDB's symbol of an unclassifiable beat
UNCLASSIFIABLE_NAME: Final = "unclassifiable"

Labels = npt.NDArray[np.int64]
Symbols = npt.NDArray[np.str_]


def labels_of(
    outputs: npt.NDArray[np.int8], names: Sequence[str], flags: npt.NDArray[Any] | None = None
) -> Labels:
    """Decide the label of each beat as the device does.

    The label is the index of the largest output, the first of equals. It is `LABEL_UNCLASSIFIABLE` where the
    signal path flags bad signal; and, while the patient's average beat is not known, in place of a
    supraventricular or ventricular label. It is `NOT_LABELLED` where the network gave no output.

    Parameters
    ----------
    outputs : int8 array, shape (n, labels)
        Outputs of the network.
    names : sequence of str
        The model's labels, WFDB symbols.
    flags : int array, shape (n,), optional
        Flags of the signal path. Without them every beat is labelled.

    Returns
    -------
    int64 array, shape (n,)
    """
    if outputs.shape[1] == 0:
        return np.full(len(outputs), NOT_LABELLED, np.int64)
    labels: Labels = outputs.argmax(axis=1).astype(np.int64)
    if flags is not None:
        bad = flags & FLAG_UNCLASSIFIABLE != 0
        too_early = (flags & FLAG_LEARNING != 0) & _ectopic(names)[labels]
        labels[np.broadcast_to(bad | too_early, labels.shape)] = LABEL_UNCLASSIFIABLE
    return labels


def _ectopic(names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Tell which labels are supraventricular or ventricular, shape (labels,)."""
    classes = [class_of(names, label) for label in range(len(names))]
    return np.isin(classes, (SUPRAVENTRICULAR, VENTRICULAR))


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


class Labeller:
    """A bundle's network, its generated C, that labels detected beats.

    Parameters
    ----------
    path : Path
        Folder of the bundle.
    any_signal_path : bool
        Accept a bundle that was trained with another signal path.

    Raises
    ------
    BundleError
        When the bundle was trained with another signal path.
    ToolError
        When there is no C compiler.
    """

    def __init__(self, path: Path, *, any_signal_path: bool = False) -> None:
        bundle = load_bundle(path)
        if not any_signal_path:
            check_signal_path(bundle)
        self.name = bundle.manifest.name
        self._engine = GeneratedEngine(bundle.c_path)
        self._labels = bundle.manifest.labels
        self._manifest = bundle.manifest

    def trained_on(self, database: str, names: Sequence[str]) -> list[str]:
        """List the records whose beats trained the network; nstdb's are made of mitdb's 118 and 119."""
        return self._manifest.trained_on(database, names)

    def symbols(self, beats: Beats) -> Symbols:
        """Label each beat, also those in bad signal, shape (n,)."""
        flags = beats["flags"] & ~np.uint16(FLAG_UNCLASSIFIABLE)
        return symbols_of(labels_of(self._engine.run(beat_inputs(beats)), self._labels, flags), self._labels)
