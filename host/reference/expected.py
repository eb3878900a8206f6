"""The beats, quality changes, rhythm events and strip results that a device must report for a signal.

They come from the device's own C signal path and rhythm rules, compiled for this computer, with the reference
engine between the two. Only the engine (TFLM) is independent of the device's code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.records import FS_HZ
from ecg_edge.firmware import Processed, process_signal
from ecg_edge.firmware.binding.rhythm import find_events
from ecg_edge.host.link.messages import Beat, Morphology, RhythmEvent, SignalQuality
from ecg_edge.host.reference.labels import labels_of
from ecg_edge.host.reference.morphology import MorphologyModel, expect_morphology
from ecg_edge.host.reference.rhythm_events import classes_of, evidence_of, to_messages
from ecg_edge.quantize.bundle.engines import Engine, beat_inputs


@dataclass(frozen=True)
class Expected:
    """The report on a signal that the device must give.

    Attributes
    ----------
    beats : BEAT_DTYPE array, shape (n,)
        Beats of the signal path.
    outputs : int8 array, shape (n, labels)
        Outputs of the reference engine for the beats.
    labels : tuple of str
        The model's labels.
    changes : CHANGE_DTYPE array, shape (k,)
        Changes of the signal's quality between good and bad.
    events : list of RhythmEvent
        Events of the rhythm rules.
    strips : list of Morphology, optional
        Results of the morphology network; None: not compared.
    """

    beats: NDArray[np.void]
    outputs: NDArray[np.int8]
    labels: tuple[str, ...]
    changes: NDArray[np.void]
    events: list[RhythmEvent]
    strips: list[Morphology] | None = None

    def beat_messages(self) -> list[Beat]:
        """Make the BEAT frames; their confidence, which is not compared, is 0."""
        names = ("r_sample", "rr_samples", "flags", "quality", "p_wave", "crc32")
        columns = [self.beats[name].tolist() for name in names]
        labels = labels_of(self.outputs, self.labels, self.beats["flags"]).tolist()
        return [
            Beat(index, r_sample, rr, flags, quality, p_wave, label, 0, crc32, output.tobytes())
            for index, (r_sample, rr, flags, quality, p_wave, crc32, label, output) in enumerate(
                zip(*columns, labels, self.outputs, strict=True)
            )
        ]

    def quality_messages(self) -> list[SignalQuality]:
        """Make the QUALITY frames."""
        return [SignalQuality(sample, bad, reasons) for sample, reasons, bad in self.changes.tolist()]


def expect(
    samples: NDArray[np.int16],
    adu_per_mv: int,
    mains_hz: int,
    engine: Engine,
    labels: Sequence[str],
    fs_hz: int = FS_HZ,
    morphology: MorphologyModel | None = None,
) -> Expected:
    """Run the device's C signal path and rhythm rules on this computer, and the reference engine between.

    Parameters
    ----------
    samples : int16 array, shape (n,)
        ADC units.
    adu_per_mv, mains_hz, fs_hz : int
        As in START.
    engine : Engine
        The reference, e.g. TFLM.
    labels : sequence of str
        The model's labels.
    morphology : MorphologyModel, optional
        The second network on the device.
    """
    processed = process_signal(samples, adu_per_mv=adu_per_mv, mains_hz=mains_hz, fs_hz=fs_hz)
    outputs = engine.run(beat_inputs(processed.beats))
    events = expect_events(processed, outputs, labels, len(samples), fs_hz)
    changes = processed.changes
    strips = expect_morphology(samples, adu_per_mv, fs_hz, changes, morphology) if morphology else None
    return Expected(processed.beats, outputs, tuple(labels), changes, events, strips)


def expect_events(
    processed: Processed,
    outputs: NDArray[np.int8],
    labels: Sequence[str],
    samples: int,
    fs_hz: int = FS_HZ,
    leads: NDArray[np.void] | None = None,
) -> list[RhythmEvent]:
    """Apply the rhythm rules to a signal's beats.

    Parameters
    ----------
    processed : Processed
        Result of the signal path.
    outputs : int8 array, shape (n, labels)
        Outputs of the model for its beats.
    labels : sequence of str
        The model's labels.
    samples, fs_hz : int
        Length and rate of the signal.
    leads : CHANGE_DTYPE array, shape (i,), optional
        Changes of the leads.
    """
    beats = processed.beats
    changes, leads_off = _turns(processed.changes), [] if leads is None else _turns(leads)
    classes = classes_of(labels_of(outputs, labels, beats["flags"]), labels, beats["flags"])
    events = find_events(
        beats["r_sample"],
        beats["rr_samples"],
        classes,
        samples,
        changes,
        fs_hz,
        processed.ventricular,
        evidence_of(beats, outputs),
        leads_off,
    )
    return to_messages(events)


def _turns(changes: NDArray[np.void]) -> list[tuple[int, bool]]:
    return [(int(change["sample"]), bool(change["bad"])) for change in changes]
