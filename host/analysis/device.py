"""What a device would report of a recording: its C signal path, network and rhythm rules on this computer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.firmware import FLAG_UNCLASSIFIABLE, LEAD_OFF_MINUS, LEAD_OFF_PLUS, Beats, Processed, SignalPath
from ecg_edge.host.analysis.reading import OwnRecording
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.decisions import decide
from ecg_edge.host.reference.labels import Symbols, symbols_of
from ecg_edge.host.reference.rhythm_events import Episode, episodes
from ecg_edge.quantize.bundle.engines import Engine, beat_inputs

BLOCK_S: Final = 600
"""Signal between two reports of progress."""
_OFF: Final = LEAD_OFF_PLUS | LEAD_OFF_MINUS


@dataclass(frozen=True, eq=False)
class DeviceReport:
    """The device's report on a recording.

    Attributes
    ----------
    own : OwnRecording
    processed : Processed
        Beats and states of the signal.
    leads : CHANGE_DTYPE array, shape (i,)
        Changes of the leads.
    symbols : str (n,)
        Label of each beat as a WFDB symbol; "Q" where it is unclassifiable.
    events : list of RhythmEvent
        Rhythm events.
    """

    own: OwnRecording
    processed: Processed
    leads: NDArray[np.void]
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
    for start, end, is_off in _blocks(len(record.samples), own.off_spans, BLOCK_S * record.fs_hz):
        parts.append(path.push(record.samples[start:end], _OFF if is_off else 0))
        on_progress(end / len(record.samples))
    beats = np.concatenate([*parts, path.finish()])
    processed = Processed(beats, path.changes, path.bad_spans, path.ventricular)
    outputs = engine.run(beat_inputs(beats))
    decided = decide(processed, outputs, labels, len(record.samples), record.fs_hz, path.leads)
    return DeviceReport(own, processed, path.leads, symbols_of(decided.labels, labels), decided.events)


def _blocks(length: int, off_spans: NDArray[np.int64], most: int) -> list[tuple[int, int, bool]]:
    """Divide a signal at the borders of the time without electrodes, and into blocks of at most `most`."""
    borders = [0, *off_spans.ravel().tolist(), length]
    blocks = []
    for number, (start, end) in enumerate(pairwise(borders)):
        for first in range(start, end, most):
            blocks.append((first, min(first + most, end), number % 2 == 1))
    return blocks
