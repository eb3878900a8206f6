"""Topics and messages; docs/reference/mqtt.schema.json is the JSON schema of `Messages`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Annotated, Any, Final, TypedDict

import numpy as np

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.live.items import Item, Origin, Wave
from ecg_edge.host.live.marks import to_json

FORMAT_VERSION: Final = 1
DEFAULT_PREFIX: Final = "ecg-edge"
STATUS: Final = "status"
STATE: Final = "state"
SESSION: Final = "session"
WAVE: Final = "wave"
ONLINE: Final = "online"
OFFLINE: Final = "offline"
WAVE_S: Final = 1.0
"""Length of a message of samples, at most."""


class Head(TypedDict):
    """Fields of every message that is kept until the broker has it."""

    stream: Annotated[str, "a new one begins all numbers again: the bridge's files were removed"]
    seq: Annotated[int, "number of the message in its topic, from 0, without a gap"]
    session: Annotated[int, "run of the bridge; sample numbers count from its start"]
    time: Annotated[str, "computer's time at which the message was made, UTC, ISO 8601"]


class SessionMessage(Head):
    """Beginning of a session."""

    version: Annotated[int, "version of this format"]
    name: Annotated[str, "port or record"]
    device: Annotated[str, "board, firmware and engine"]
    fs_hz: Annotated[int, "sampling rate in Hz"]
    adu_per_mv: Annotated[float, "units of the samples per millivolt"]
    lead: str
    labels: Annotated[list[str], "WFDB symbols that beats can have"]
    model_sha256: str


class WaveMessage(Head):
    """Consecutive samples, one second at most."""

    start: Annotated[int, "number of the first sample"]
    lead_flags: Annotated[int, "electrodes that are off; 0: none"]
    samples: list[int]


class BeatMessage(Head):
    """A beat."""

    sample: Annotated[int, "R peak"]
    symbol: Annotated[str, "WFDB symbol of its class"]
    rr_samples: Annotated[int, "interval before it; 0: none"]
    flags: int
    quality: Annotated[int, "0 to 100"]
    confidence: Annotated[int, "0 to 255"]


class StripMessage(Head):
    """Label of ten seconds by the morphology network."""

    sample: Annotated[int, "last sample"]
    label: str
    confidence: Annotated[int, "0 to 255"]


class QualityMessage(Head):
    """The signal turns bad or good."""

    sample: int
    bad: bool
    reasons: Annotated[int, "flags as of beats"]


class LeadsMessage(Head):
    """An electrode comes off or on."""

    sample: int
    flags: Annotated[int, "0: all are on"]


class LinkMessage(Head):
    """The device answers again, or no longer."""

    sample: int
    up: bool
    text: str


class EventMessage(Head):
    """A rhythm event, as EVENT of the serial protocol."""

    name: Annotated[str, "name of the kind"]
    event_index: int
    kind: int
    phase: Annotated[int, "0 begin, 1 update, 2 end"]
    flags: int
    onset: Annotated[int, "sample"]
    end: Annotated[int, "sample"]
    beats: int
    rate_x10: Annotated[int, "beats a minute, times 10"]
    mean_rr: int
    shortest_rr: int
    longest_rr: int
    irregularity_permille: int
    confidence: int


class GapMessage(Head):
    """Samples that never arrived."""

    start: int
    end: int
    reason: str
    exact: Annotated[bool, "length by the device's numbers, and not by the computer's clock"]


class ReferenceMessage(Head):
    """An annotation of a record that is played."""

    sample: int
    symbol: str
    note: str


class AlarmState(TypedDict):
    """An alarm."""

    name: str
    priority: Annotated[int, "3 high, 2 medium, 1 low"]
    technical: Annotated[bool, "about the device, and not about the heart"]
    onset: Annotated[int, "sample"]
    end: Annotated[int | None, "sample; null while it lasts"]


class BufferState(TypedDict):
    """Messages that the broker does not have yet."""

    messages: int
    bytes: int
    dropped: Annotated[int, "messages dropped so far because the buffer was full"]


class StateMessage(TypedDict):
    """The latest state; retained, and not kept while the broker is away."""

    session: int
    time: str
    link: Annotated[bool, "the device answers"]
    link_text: str
    heart_rate: Annotated[float | None, "beats a minute; null where it is not known"]
    signal: Annotated[str, "good, bad, electrode off or no link"]
    reasons: Annotated[int, "flags of bad signal"]
    alarms: Annotated[list[AlarmState], "those that last, the most urgent first"]
    last_alarm: Annotated[AlarmState | None, "the newest of the session"]
    lost: Annotated[dict[str, int], "everything lost between device and bridge"]
    buffer: BufferState


class Messages(TypedDict):
    """Last part of the topic, and its message."""

    session: SessionMessage
    wave: WaveMessage
    beat: BeatMessage
    strip: StripMessage
    quality: QualityMessage
    leads: LeadsMessage
    link: LinkMessage
    event: EventMessage
    gap: GapMessage
    reference: ReferenceMessage
    state: StateMessage


@dataclass(frozen=True)
class Topics:
    """Topics of one device.

    Attributes
    ----------
    name : str
        Of the device: letters, digits, hyphens and underscores.
    prefix : str
        Of all devices; may have several parts.
    """

    name: str
    prefix: str = DEFAULT_PREFIX

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.name):
            raise EcgEdgeError(
                f"{self.name!r}: a device's name has letters, digits, hyphens and underscores, at most 64."
            )
        if not re.fullmatch(r"[^/+#\0\s]+(/[^/+#\0\s]+)*", self.prefix):
            raise EcgEdgeError(f"{self.prefix!r}: a prefix has no spaces, no + and #, and no / at its ends.")

    def of(self, kind: str) -> str:
        """Topic of a kind of message."""
        return f"{self.prefix}/{self.name}/{kind}"


Body = tuple[str, dict[str, Any]]  # last part of the topic; message without stream, seq and session


def now_text() -> str:
    """The time, UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


class Translator:
    """From the items of a session to messages, with samples joined into blocks of a second.

    Parameters
    ----------
    origin : Origin
        Where they come from.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._most = round(WAVE_S * origin.fs_hz)
        self._waves: list[Wave] = []

    def begin(self) -> Body:
        """Make the message that begins a session."""
        return SESSION, {"time": now_text(), "version": FORMAT_VERSION, **asdict(self._origin)}

    def take(self, items: Iterable[Item]) -> Iterator[Body]:
        """Make the messages of items; samples may stay for the next ones."""
        for item in items:
            if isinstance(item, Wave):
                yield from self._take_wave(item)
            else:
                mark = to_json(item)
                yield mark.pop("type"), {"time": now_text(), **mark}

    def _take_wave(self, wave: Wave) -> Iterator[Body]:
        last = self._waves[-1] if self._waves else None
        if last and (last.end, last.lead_flags) != (wave.start, wave.lead_flags):
            yield from self.flush()
        self._waves.append(wave)
        if wave.end - self._waves[0].start >= self._most:
            yield from self.flush()

    def flush(self) -> Iterator[Body]:
        """Make the messages of the samples that are left."""
        waves, self._waves = self._waves, []
        if not waves:
            return
        samples = np.concatenate([wave.samples for wave in waves])
        for at in range(0, len(samples), self._most):
            block = samples[at : at + self._most].tolist()
            place = {"start": waves[0].start + at, "lead_flags": waves[0].lead_flags}
            yield WAVE, {"time": now_text(), **place, "samples": block}
