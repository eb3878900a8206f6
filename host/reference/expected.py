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
from ecg_edge.firmware import NO_SPANS, process_signal
from ecg_edge.host.link.messages import Beat, Morphology, RhythmEvent, SignalQuality
from ecg_edge.host.reference.decisions import decide
from ecg_edge.host.reference.labels import Labels
from ecg_edge.host.reference.morphology import MorphologyModel, expect_morphology
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
    beat_labels : int64 array, shape (n,)
        Label of each beat.
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
    beat_labels: Labels
    changes: NDArray[np.void]
    events: list[RhythmEvent]
    strips: list[Morphology] | None = None

    def beat_messages(self) -> list[Beat]:
        """Make the BEAT frames; their confidence, which is not compared, is 0."""
        names = ("r_sample", "rr_samples", "flags", "quality", "p_wave", "crc32")
        columns = [self.beats[name].tolist() for name in names]
        return [
            Beat(index, r_sample, rr, flags, quality, p_wave, label, 0, crc32, output.tobytes())
            for index, (r_sample, rr, flags, quality, p_wave, crc32, label, output) in enumerate(
                zip(*columns, self.beat_labels.tolist(), self.outputs, strict=True)
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
    off_spans: NDArray[np.int64] = NO_SPANS,
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
    off_spans : int64 array, shape (k, 2)
        Segments that are sent with the flags of electrodes that are off: the record has no samples there.
    """
    processed = process_signal(
        samples, adu_per_mv=adu_per_mv, mains_hz=mains_hz, fs_hz=fs_hz, off_spans=off_spans
    )
    outputs = engine.run(beat_inputs(processed.beats))
    decided = decide(processed, outputs, labels, len(samples), fs_hz)
    changes = processed.changes
    strips = expect_morphology(samples, adu_per_mv, fs_hz, changes, morphology) if morphology else None
    return Expected(processed.beats, outputs, tuple(labels), decided.labels, changes, decided.events, strips)
