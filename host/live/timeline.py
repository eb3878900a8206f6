"""From the messages of a device to the items of a session, with a count of everything lost.

A device counts samples from its last START on. The timeline places each such run behind the one before, with
the time between them as a gap, and closes what a restart leaves open: episodes and bad signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecg_edge.firmware.binding.rhythm import BEGIN, END, FLAG_TRUNCATED
from ecg_edge.host.link.messages import Beat, LiveSamples, Message, Morphology, RhythmEvent, SignalQuality
from ecg_edge.host.live.items import INVALID, BeatMark, Gap, Item, LeadChange, QualityChange, StripMark, Wave
from ecg_edge.host.reference.labels import label_name, symbol_of


@dataclass
class Losses:
    """Everything that a device sent, or should have sent, and that did not arrive.

    Attributes
    ----------
    samples, beats, events, changes, strips : int
        Samples, beats, rhythm events, quality changes and strip results missing by the device's own numbers.
    frames, bad_frames : int
        Frames missing by their sequence numbers, and frames that arrived damaged.
    repeated_samples, repeated_messages : int
        Samples, and beats, events, quality changes and strip results, that arrived again or late and were
        dropped.
    outages : int
        Times that the link was lost or the device restarted, also without a return.
    outage_samples : int
        Length of these times in samples, by the computer's clock.
    """

    samples: int = 0
    beats: int = 0
    events: int = 0
    changes: int = 0
    frames: int = 0
    bad_frames: int = 0
    repeated_samples: int = 0
    repeated_messages: int = 0
    outages: int = 0
    outage_samples: int = 0
    strips: int = 0


class Timeline:
    """One session, in which a device may be started several times.

    Attributes
    ----------
    end : int
        Session's number of the sample that is expected next.
    losses : Losses
    """

    def __init__(self, labels: Sequence[str] = (), morphology_labels: Sequence[str] = ()) -> None:
        self.labels, self.morphology_labels = labels, morphology_labels
        self.losses = Losses()
        self.end = 0
        self._first = 0  # the device's sample 0
        self._runs = 0
        self._begin_run()

    def _begin_run(self) -> None:
        self._next_beat = self._next_event = self._next_strip = 0
        self._open: dict[int, RhythmEvent] = {}
        self._bad_reasons: int | None = None
        self._last_change: SignalQuality | None = None
        self._lead_flags = 0

    @property
    def sample(self) -> int:
        """The device's number of the sample that is expected next."""
        return self.end - self._first

    def begin(self, outage_samples: int = 0, reason: str = "") -> list[Item]:
        """Begin with the device's sample 0, `outage_samples` after the last one."""
        items = self.close()
        if self._runs:
            outage_samples = max(outage_samples, 1)  # never closed up
            items.append(Gap(self.end, self.end + outage_samples, reason, exact=False))
            self.count_outage(outage_samples)
            self.end += outage_samples
        self._runs += 1
        self._first = self.end
        self._begin_run()
        return items

    def count_outage(self, samples: int) -> None:
        """Count an outage of so many samples; one that lasts until the end of the session is no gap."""
        self.losses.outages += 1
        self.losses.outage_samples += samples

    def close(self) -> list[Item]:
        """End what is open, where the device cannot do so any more."""
        items: list[Item] = [self._cut(event) for event in self._open.values()]
        if self._bad_reasons is not None:
            items.append(QualityChange(self.end, False, self._bad_reasons))
        if self._lead_flags:
            items.append(LeadChange(self.end, 0))
        self._begin_run()
        return items

    def _cut(self, event: RhythmEvent) -> RhythmEvent:
        return replace(event, phase=END, end=max(self.end, event.onset), flags=event.flags | FLAG_TRUNCATED)

    def take(self, message: Message) -> list[Item]:
        """Return the items that a message brings."""
        if isinstance(message, LiveSamples):
            return self._take_wave(message)
        if isinstance(message, Beat):
            return self._take_beat(message)
        if isinstance(message, SignalQuality):
            return self._take_quality(message)
        if isinstance(message, RhythmEvent):
            return self._take_event(message)
        if isinstance(message, Morphology):
            return self._take_strip(message)
        return []

    def _take_wave(self, wave: LiveSamples) -> list[Item]:
        items: list[Item] = []
        samples = np.maximum(np.frombuffer(wave.data, "<i2"), INVALID + 1).astype(np.int16)
        start = self._first + wave.first_index
        if start > self.end:
            items.append(Gap(self.end, start, "frames were lost", exact=True))
            self.losses.samples += start - self.end
        repeated = min(max(self.end - start, 0), len(samples))
        self.losses.repeated_samples += repeated
        if repeated == len(samples):
            return items
        start += repeated
        if wave.lead_flags != self._lead_flags:
            items.append(LeadChange(start, wave.lead_flags))
            self._lead_flags = wave.lead_flags
        self.end = start + len(samples) - repeated
        return [*items, Wave(start, samples[repeated:], wave.lead_flags)]

    def _take_beat(self, beat: Beat) -> list[Item]:
        if beat.beat_index < self._next_beat:
            self.losses.repeated_messages += 1
            return []
        self.losses.beats += max(beat.beat_index - self._next_beat, 0)
        self._next_beat = beat.beat_index + 1
        symbol = symbol_of(beat.label, self.labels)
        numbers = (beat.rr_samples, beat.flags, beat.quality, beat.confidence)
        return [BeatMark(self._first + beat.r_sample, symbol, *numbers)]

    def _take_strip(self, result: Morphology) -> list[Item]:
        if result.strip_index < self._next_strip:
            self.losses.repeated_messages += 1
            return []
        self.losses.strips += result.strip_index - self._next_strip
        self._next_strip = result.strip_index + 1
        label = label_name(result.label, self.morphology_labels) or "not labelled"
        return [StripMark(self._first + result.sample, label, result.confidence)]

    def _take_quality(self, change: SignalQuality) -> list[Item]:
        if change == self._last_change:
            self.losses.repeated_messages += 1
            return []
        self._last_change = change
        bad = bool(change.bad)
        if bad == (self._bad_reasons is not None):  # the one between them is lost
            self.losses.changes += 1
        self._bad_reasons = change.reasons if bad else None
        return [QualityChange(self._first + change.sample, bad, change.reasons)]

    def _take_event(self, event: RhythmEvent) -> list[Item]:
        if event.event_index < self._next_event:
            self.losses.repeated_messages += 1
            return []
        self.losses.events += max(event.event_index - self._next_event, 0)
        self._next_event = event.event_index + 1
        placed = replace(event, onset=self._first + event.onset, end=self._first + event.end)
        items: list[Item] = []
        before = self._open.pop(event.kind, None)
        if before is not None and before.onset != placed.onset:  # its END is lost
            items.append(replace(before, phase=END, end=placed.onset, flags=before.flags | FLAG_TRUNCATED))
        is_open = event.phase == BEGIN or (event.phase != END and before is not None and not items)
        if is_open:
            self._open[event.kind] = placed
        return [*items, placed]
