"""Live sessions without a device: this computer runs the device's code on samples from elsewhere.

source = RecordSource(record, bundle, speed=1)      # a record, in real time
device = ComputedDevice(engine, labels, fs_hz, adu_per_mv)
device.push(samples)                                # the messages that a device sends
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.records import Record
from ecg_edge.firmware import SignalPath
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.link.messages import Beat, LiveSamples, Message, SignalQuality
from ecg_edge.host.live.items import Item, LinkChange, Origin, Reference
from ecg_edge.host.live.timeline import Losses, Timeline
from ecg_edge.host.reference.morphology import MorphologyModel, MorphologyStream
from ecg_edge.host.reference.rhythm_events import EventStream
from ecg_edge.quantize.bundle.engines import Engine, beat_inputs, reference_engine
from ecg_edge.quantize.bundle.manifest import Bundle

BLOCKS_PER_S: Final = 10
"""Blocks of samples a second, as the firmware sends them."""

_MOST_BLOCKS: Final = 20  # in one batch of items, so that the caller stays responsive


class ComputedDevice:
    """Signal path, network and rhythm rules in this process, with the messages of a device.

    Parameters
    ----------
    engine : Engine
        The network.
    labels : sequence of str
        Its labels, WFDB symbols.
    fs_hz : int
        Rate of the samples: 250, 360 or 500 Hz.
    adu_per_mv, mains_hz : int
        As in START.
    morphology : MorphologyModel, optional
        The second network.
    """

    def __init__(
        self,
        engine: Engine,
        labels: Sequence[str],
        fs_hz: int,
        adu_per_mv: int,
        mains_hz: int,
        morphology: MorphologyModel | None = None,
    ) -> None:
        self._strips = MorphologyStream(morphology, adu_per_mv, fs_hz) if morphology else None
        self._path = SignalPath(adu_per_mv, mains_hz, fs_hz=fs_hz)
        self._rules = EventStream(labels, fs_hz)
        self._engine, self._labels = engine, labels
        self._taken = self._beats = self._changes = 0

    def push(self, samples: NDArray[np.int16], lead_flags: int = 0) -> list[Message]:
        """Take a block of samples, shape (n,), n at most 240."""
        wave = LiveSamples(self._taken, lead_flags, samples.astype("<i2").tobytes())
        beats = self._path.push(samples, lead_flags)
        self._taken += len(samples)
        strips = self._strips.take(samples, self._path.changes) if self._strips else []
        return [wave, *self._report(beats, self._taken), *strips]

    def finish(self) -> list[Message]:
        """End the signal."""
        path = self._path
        messages = self._report(path.finish(), self._taken)
        messages += self._strips.finish(path.changes) if self._strips else []
        return [*messages, *self._rules.finish(path.changes, self._taken, path.ventricular)]

    def _report(self, beats: NDArray[np.void], taken: int) -> list[Message]:
        path = self._path
        changes = path.changes
        messages: list[Message] = [
            SignalQuality(sample, bad, reasons) for sample, reasons, bad in changes[self._changes :].tolist()
        ]
        self._changes = len(changes)
        outputs = self._engine.run(beat_inputs(beats))
        events, labels = self._rules.take(beats, outputs, changes, taken, path.ventricular, path.leads)
        messages += [self._beat(*row) for row in zip(beats, labels, outputs, strict=True)]
        return [*messages, *events]

    def _beat(self, beat: np.void, label: np.int64, output: NDArray[np.int8]) -> Beat:
        index, self._beats = self._beats, self._beats + 1
        place = (index, int(beat["r_sample"]), int(beat["rr_samples"]), int(beat["flags"]))
        evidence = (int(beat["quality"]), int(beat["p_wave"]))
        crc32, data = int(beat["crc32"]), output.astype(np.int8).tobytes()
        return Beat(*place, *evidence, int(label), 0, crc32, data)


class RecordSource:
    """A record, as a device would report it, with the record's own annotations beside.

    Parameters
    ----------
    record : Record
        One lead.
    bundle : Bundle
        The model.
    speed : float
        Times real time; 0: as fast as this computer can.
    mains_hz : int
        Mains frequency to suppress.
    clock : Clock, optional
        The computer's when left out.
    morphology : MorphologyModel, optional
        The second network.
    """

    def __init__(
        self,
        record: Record,
        bundle: Bundle,
        speed: float = 1,
        mains_hz: int = 60,
        clock: Clock | None = None,
        morphology: MorphologyModel | None = None,
    ) -> None:
        self._record, self._speed, self._clock = record, speed, clock or SystemClock()
        labels = bundle.manifest.labels
        self._device = ComputedDevice(
            reference_engine(bundle), labels, record.fs_hz, record.adu_per_mv, mains_hz, morphology
        )
        self._timeline = Timeline(labels, morphology.labels if morphology else ())
        self._shown = 0  # annotations
        self.origin = Origin(
            f"{record.database}/{record.name}",
            f"record, computed by this computer with the model {bundle.manifest.name}",
            *(record.fs_hz, record.adu_per_mv, record.lead, labels, bundle.manifest.model_sha256),
        )

    @property
    def losses(self) -> Losses:
        """Nothing is ever lost here."""
        return self._timeline.losses

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Deliver items until the record ends or `stop` is set."""
        start_s = self._clock.now()
        self._timeline.begin()
        yield [LinkChange(0, True, "playing a record")]
        while self._timeline.end < len(self._record.samples) and not stop.is_set():
            due = self._due(self._clock.now() - start_s)
            if self._timeline.end >= due:
                self._clock.sleep(0.02)
            else:
                yield self._advance(due)
        yield [*self._items(self._device.finish()), *self._timeline.close()]
        yield [LinkChange(self._timeline.end, True, "the record has ended")]

    def _due(self, elapsed_s: float) -> int:
        length = len(self._record.samples)
        return min(length, int(elapsed_s * self._speed * self._record.fs_hz)) if self._speed else length

    def _advance(self, due: int) -> list[Item]:
        block = self._record.fs_hz // BLOCKS_PER_S
        items: list[Item] = []
        for _ in range(_MOST_BLOCKS):
            start = self._timeline.end
            if due - start < min(block, len(self._record.samples) - start) or start == due:
                break
            items += self._items(self._device.push(self._record.samples[start : start + block]))
        return [*items, *self._references()]

    def _items(self, messages: list[Message]) -> list[Item]:
        return [item for message in messages for item in self._timeline.take(message)]

    def _references(self) -> list[Item]:
        at, first = self._record.annotation_samples, self._shown
        self._shown = int(np.searchsorted(at, self._timeline.end))
        symbols, notes = self._record.annotation_symbols, self._record.annotation_notes
        return [Reference(int(at[k]), str(symbols[k]), notes[k]) for k in range(first, self._shown)]
