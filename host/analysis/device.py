"""What a device would report of a recording: its C signal path, network and rhythm rules on this computer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.firmware import FLAG_UNCLASSIFIABLE, Beats, Processed, SignalPath
from ecg_edge.host.analysis.reading import OwnRecording
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.decisions import decide
from ecg_edge.host.reference.labels import Symbols, symbols_of
from ecg_edge.host.reference.rhythm_events import Episode, episodes
from ecg_edge.quantize.bundle.engines import Engine, beat_inputs

BLOCK_S: Final = 600
"""Signal between two reports of progress."""


@dataclass(frozen=True, eq=False)
class DeviceReport:
    """The device's report on a recording.

    Attributes
    ----------
    own : OwnRecording
    processed : Processed
        Beats and states of the signal.
    symbols : str (n,)
        Label of each beat as a WFDB symbol; "Q" where it is unclassifiable.
    events : list of RhythmEvent
        Rhythm events.
    """

    own: OwnRecording
    processed: Processed
    symbols: Symbols
    events: list[RhythmEvent]

    @property
    def beats(self) -> Beats:
        """Beats, shape (n,)."""
        return self.processed.beats

    @property
    def fs_hz(self) -> int:
        """Rate that all samples count in."""
        return self.own.record.fs_hz

    @property
    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        return self.own.record.duration_s

    @cached_property
    def episodes(self) -> list[Episode]:
        """Episodes of rhythm in the order of onset; heart rates are not among them."""
        return [episode for episode in episodes(self.events) if episode.end > episode.onset]

    @cached_property
    def readable(self) -> NDArray[np.bool_]:
        """Beats in signal that can be read, shape (n,)."""
        readable: NDArray[np.bool_] = self.beats["flags"] & FLAG_UNCLASSIFIABLE == 0
        return readable


def run_device(
    own: OwnRecording,
    engine: Engine,
    labels: Sequence[str],
    mains_hz: int = 60,
    on_progress: Callable[[float], None] = lambda share: None,
) -> DeviceReport:
    """Run the device's code on a recording.

    Parameters
    ----------
    own : OwnRecording
    engine : Engine
        The network.
    labels : sequence of str
        Its labels, WFDB symbols.
    mains_hz : int
        Mains frequency to suppress, 50 or 60 Hz.
    on_progress : callable
        Called with the share of the recording that is done, 0 to 1.
    """
    record = own.record
    path = SignalPath(record.adu_per_mv, mains_hz, fs_hz=record.fs_hz)
    parts = []
    step = BLOCK_S * record.fs_hz
    for start in range(0, len(record.samples), step):
        block = record.samples[start : start + step]
        parts.append(path.push_with_gaps(block, (own.off_spans - start).clip(0, len(block))))
        on_progress((start + len(block)) / len(record.samples))
    processed = Processed.of(path, np.concatenate([*parts, path.finish()]))
    outputs = engine.run(beat_inputs(processed.beats))
    decided = decide(processed, outputs, labels, len(record.samples), record.fs_hz)
    return DeviceReport(own, processed, symbols_of(decided.labels, labels), decided.events)
