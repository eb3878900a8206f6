"""What a device must report for a signal: the same C on this computer, and the reference engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.records import FS_HZ
from ecg_edge.firmware import Processed
from ecg_edge.host.link.messages import Event
from ecg_edge.host.reference.rhythm_events import classes_of, to_messages
from ecg_edge.quantize.bundle.engines import Engine, beat_inputs


@dataclass(frozen=True)
class Expected:
    """What the device must say about a signal.

    Attributes
    ----------
    beats : BEAT_DTYPE array, shape (n,)
        What the signal path makes of the samples.
    outputs : int8 array, shape (n, labels)
        What the reference engine makes of the beats.
    changes : CHANGE_DTYPE array, shape (k,)
        Each time the signal turns bad or good.
    events : list of Event
        What the rhythm rules make of the beats and their labels.
    """

    beats: NDArray[np.void]
    outputs: NDArray[np.int8]
    changes: NDArray[np.void]
    events: list[Event]


def expect(
    samples: NDArray[np.int16],
    adu_per_mv: int,
    mains_hz: int,
    engine: Engine,
    labels: Sequence[str],
    fs_hz: int = FS_HZ,
) -> Expected:
    """Run the device's own C signal path and rhythm rules on this computer, and the reference engine between.

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
    """
    from ecg_edge.firmware import process_signal

    processed = process_signal(samples, adu_per_mv=adu_per_mv, mains_hz=mains_hz, fs_hz=fs_hz)
    outputs = engine.run(beat_inputs(processed.beats))
    events = expect_events(processed, outputs, labels, len(samples), fs_hz)
    return Expected(processed.beats, outputs, processed.changes, events)


def expect_events(
    processed: Processed, outputs: NDArray[np.int8], labels: Sequence[str], samples: int, fs_hz: int = FS_HZ
) -> list[Event]:
    """The rhythm events of beats with the model's outputs for them.

    Parameters
    ----------
    processed : Processed
        What the signal path made of the signal.
    outputs : int8 array, shape (n, labels)
        The model's outputs for its beats.
    labels : sequence of str
        The model's labels.
    samples, fs_hz : int
        Length and rate of the signal.
    """
    from ecg_edge.firmware.binding.rhythm import find_events

    beats = processed.beats
    best = outputs.argmax(axis=1) if len(outputs) else np.zeros(0, np.int64)
    changes = [(int(change["sample"]), bool(change["bad"])) for change in processed.changes]
    classes = classes_of(best, beats["flags"], labels)
    return to_messages(find_events(beats["r_sample"], beats["rr_samples"], classes, samples, changes, fs_hz))
