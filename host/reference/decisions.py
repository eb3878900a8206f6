"""What the device decides about a signal: labels of beats and rhythm events, which depend on each other.

The rhythm rules take the label of each beat; the label rule takes what the rhythm rules suspect by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.records import FS_HZ
from ecg_edge.firmware import FLAG_UNCLASSIFIABLE, Processed
from ecg_edge.firmware.binding.rhythm import follow_beats
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.labels import (
    LabelRules,
    Labels,
    Symbols,
    check_signal_path,
    labels_of,
    symbols_of,
)
from ecg_edge.host.reference.rhythm_events import classes_of, evidence_of, to_messages
from ecg_edge.quantize.bundle.engines import GeneratedEngine, beat_inputs
from ecg_edge.quantize.bundle.manifest import load_bundle


class Decided(NamedTuple):
    """Labels and events of a signal.

    Attributes
    ----------
    labels : int64 array, shape (n,)
        Label of each beat, as `LabelRules` gives it.
    events : list of RhythmEvent
        Events of the rhythm rules.
    in_fibrillation : bool array, shape (n,)
        Atrial fibrillation was suspected when the beat came.
    """

    labels: Labels
    events: list[RhythmEvent]
    in_fibrillation: NDArray[np.bool_]


def decide(
    processed: Processed,
    outputs: NDArray[np.number[Any]],
    names: Sequence[str],
    samples: int,
    fs_hz: int = FS_HZ,
) -> Decided:
    """Apply the label rule and the rhythm rules to a signal's beats.

    Parameters
    ----------
    processed : Processed
        Result of the signal path.
    outputs : int8 or float array, shape (n, labels)
        Outputs of the model for its beats.
    names : sequence of str
        The model's labels, WFDB symbols.
    samples, fs_hz : int
        Length and rate of the signal.
    """
    beats = processed.beats
    flags = beats["flags"]
    # The rules take a supraventricular beat for a normal one in suspected fibrillation by themselves. Before
    # the average beat is known it is unlabelled here and normal on the device: no rule tells them apart then.
    chosen = LabelRules(names).take(beats, outputs)
    classes = classes_of(chosen.labels, names, flags)
    followed = follow_beats(
        beats["r_sample"],
        beats["rr_samples"],
        classes,
        samples,
        _turns(processed.changes),
        fs_hz,
        processed.ventricular,
        evidence_of(beats, outputs, chosen.labels, names),
        processed.leads,
    )
    labels = chosen.settle(followed.in_fibrillation)
    return Decided(labels, to_messages(followed.events), followed.in_fibrillation)


def _turns(changes: NDArray[np.void]) -> list[tuple[int, bool]]:
    return [(int(change["sample"]), bool(change["bad"])) for change in changes]


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

    def symbols(self, processed: Processed, samples: int, fs_hz: int = FS_HZ) -> Symbols:
        """Label each beat of a signal of this length and rate, also those in bad signal, shape (n,)."""
        outputs = self._engine.run(beat_inputs(processed.beats))
        decided = decide(processed, outputs, self._labels, samples, fs_hz)
        flags = processed.beats["flags"]
        by_network = labels_of(
            outputs, self._labels, flags & ~np.uint16(FLAG_UNCLASSIFIABLE), decided.in_fibrillation
        )
        is_bad = flags & FLAG_UNCLASSIFIABLE != 0
        return symbols_of(np.where(is_bad, by_network, decided.labels), self._labels)
