"""Messages of the serial protocol, one class per frame type; see docs/reference/protocol.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecg_edge.host.link.steps import unpack_steps

PROTOCOL_VERSION = 6
MAX_BODY = 502
MAX_SAMPLES = 240
LABEL_UNCLASSIFIABLE = 254
NOT_LABELLED = 255
MODE_REPLAY = 0
LEADS_OFF = 3  # lead flags of samples: both electrodes are off

STATUS_TEXT = {
    0: "ready",
    1: "the boot self-test failed: the engine's bytes differ from the golden vectors",
    2: "the model's checksum is wrong",
    3: "the signal path's fingerprint is not the model's",
}
NAK_TEXT = {1: "gap in the indices", 2: "receive buffer overrun", 3: "frame with a wrong CRC"}
ERROR_TEXT = {
    1: "self-test failed",
    2: "unsupported protocol version",
    3: "bad START field",
    4: "SAMPLES or FINISH without START",
    5: "unknown frame type",
    6: "body of wrong length",
    7: "not in this mode",
    8: "settings not saved",
}


@dataclass(frozen=True, slots=True)
class Hello:
    """Host: request the device's identity."""

    TYPE: ClassVar[int] = 0x01
    NAME: ClassVar[str] = "HELLO"
    protocol_version: int = PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class Start:
    """Host: begin a session."""

    TYPE: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "START"
    session_id: int
    fs_hz: int
    adu_per_mv: int
    mains_hz: int
    mode: int


@dataclass(frozen=True, slots=True)
class Samples:
    """Host: a block of samples; `data` is int16, little-endian, 1 to 240 of them."""

    TYPE: ClassVar[int] = 0x03
    NAME: ClassVar[str] = "SAMPLES"
    first_index: int
    lead_flags: int
    data: bytes

    @property
    def values(self) -> NDArray[np.int16]:
        """The samples in ADC units, shape (count,)."""
        return np.frombuffer(self.data, dtype="<i2").astype(np.int16, copy=False)


@dataclass(frozen=True, slots=True)
class Finish:
    """Host: the signal ends after `total_samples`."""

    TYPE: ClassVar[int] = 0x04
    NAME: ClassVar[str] = "FINISH"
    total_samples: int


@dataclass(frozen=True, slots=True)
class Deltas:
    """Host: a block of `count` samples, 1 to 240; `steps` are their differences (`steps.py`)."""

    TYPE: ClassVar[int] = 0x05
    NAME: ClassVar[str] = "DELTAS"
    first_index: int
    lead_flags: int
    count: int
    first_sample: int
    steps: bytes

    @property
    def values(self) -> NDArray[np.int16]:
        """The samples in ADC units, shape (count,)."""
        steps = unpack_steps(self.steps, self.count - 1)
        return np.cumsum(np.concatenate([[self.first_sample], steps])).astype(np.int16)


@dataclass(frozen=True, slots=True)
class GetStatus:
    """Host: request the device's state and counters."""

    TYPE: ClassVar[int] = 0x06
    NAME: ClassVar[str] = "GET_STATUS"


@dataclass(frozen=True, slots=True)
class GetSettings:
    """Host: request the settings."""

    TYPE: ClassVar[int] = 0x07
    NAME: ClassVar[str] = "GET_SETTINGS"


@dataclass(frozen=True, slots=True)
class SetSettings:
    """Host: change the settings, and keep them."""

    TYPE: ClassVar[int] = 0x08
    NAME: ClassVar[str] = "SET_SETTINGS"
    adu_per_mv: int
    mains_hz: int
    live_alone: int
    buzzer: int
    log_events: int
    host_timeout_s: int


@dataclass(frozen=True, slots=True)
class GetLog:
    """Host: request records of the log, from number `first` on."""

    TYPE: ClassVar[int] = 0x09
    NAME: ClassVar[str] = "GET_LOG"
    first: int


@dataclass(frozen=True, slots=True)
class Info:
    """Device: the handshake. The last three are of the morphology network; empty and 0 without one."""

    TYPE: ClassVar[int] = 0x81
    NAME: ClassVar[str] = "INFO"
    protocol_version: int
    status: int
    fs_hz: int
    window_samples: int
    max_block: int
    arena_bytes: int
    core_state_bytes: int
    core_fingerprint: int
    rhythm_fingerprint: int
    model_sha256: str
    firmware_version: str
    board: str
    engine: str
    labels: tuple[str, ...]
    morphology_sha256: str = ""
    strip_fingerprint: int = 0
    morphology_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """Device: the session has begun."""

    TYPE: ClassVar[int] = 0x82
    NAME: ClassVar[str] = "STARTED"
    session_id: int


@dataclass(frozen=True, slots=True)
class Credit:
    """Device: all samples before `next_index` are taken."""

    TYPE: ClassVar[int] = 0x83
    NAME: ClassVar[str] = "CREDIT"
    next_index: int


@dataclass(frozen=True, slots=True)
class Nak:
    """Device: go on from `expected_index`."""

    TYPE: ClassVar[int] = 0x84
    NAME: ClassVar[str] = "NAK"
    expected_index: int
    reason: int


@dataclass(frozen=True, slots=True)
class Beat:
    """Device: one beat; `output` is the model's int8 output tensor, byte for byte."""

    TYPE: ClassVar[int] = 0x85
    NAME: ClassVar[str] = "BEAT"
    beat_index: int
    r_sample: int
    rr_samples: int
    flags: int
    quality: int
    p_wave: int
    label: int
    confidence: int
    input_crc32: int
    output: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """Device: the session's totals; ticks are of `tick_hz`."""

    TYPE: ClassVar[int] = 0x86
    NAME: ClassVar[str] = "DONE"
    samples: int
    beats: int
    rejected_frames: int
    tick_hz: int
    core_ticks: int
    engine_ticks: int
    engine_ticks_max: int
    strips: int = 0
    strip_ticks: int = 0
    strip_ticks_max: int = 0


@dataclass(frozen=True, slots=True)
class LiveSamples:
    """Device, live mode: a block of ADC samples; `data` as in Samples."""

    TYPE: ClassVar[int] = 0x87
    NAME: ClassVar[str] = "WAVE"
    first_index: int
    lead_flags: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SignalQuality:
    """Device: the signal is bad (1) or good (0) from `sample` on; `reasons` are flags, as of beats."""

    TYPE: ClassVar[int] = 0x88
    NAME: ClassVar[str] = "QUALITY"
    sample: int
    bad: int
    reasons: int


@dataclass(frozen=True, slots=True)
class RhythmEvent:
    """Device: a rhythm event begins, continues or ends; the fields of `ecg_rhythm_event_t`."""

    TYPE: ClassVar[int] = 0x89
    NAME: ClassVar[str] = "EVENT"
    event_index: int
    kind: int
    phase: int
    flags: int
    onset: int
    end: int
    beats: int
    rate_x10: int
    mean_rr: int
    shortest_rr: int
    longest_rr: int
    irregularity_permille: int
    confidence: int


@dataclass(frozen=True, slots=True)
class Morphology:
    """Device: result of the morphology network for the strip whose last sample is `sample`."""

    TYPE: ClassVar[int] = 0x8A
    NAME: ClassVar[str] = "MORPHOLOGY"
    strip_index: int
    sample: int
    label: int
    confidence: int
    input_crc32: int
    output: bytes


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """Device: state and counters since its start; the fields of `ecg_link_device_status_t`."""

    TYPE: ClassVar[int] = 0x8B
    NAME: ClassVar[str] = "STATUS"
    mode: int
    host: int
    log: int
    reset_cause: int
    settings_source: int
    boot: int
    uptime_s: int
    tick_hz: int
    stack_bytes: int
    stack_used: int
    jitter_ticks: int
    awake_permille: int
    samples: int
    missed_samples: int
    off_samples: int
    saturated_samples: int
    beats: int
    events: int
    replayed: int
    lost_bytes: int
    rejected_frames: int
    transitions: int
    log_first: int
    log_end: int
    log_room: int
    log_lost: int


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """Device: the settings, and where they are from (`SETTINGS_SOURCE_TEXT`)."""

    TYPE: ClassVar[int] = 0x8C
    NAME: ClassVar[str] = "SETTINGS"
    source: int
    adu_per_mv: int
    mains_hz: int
    live_alone: int
    buzzer: int
    log_events: int
    host_timeout_s: int


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record of the log: what happened, in which start of the device, how many seconds after it."""

    number: int
    boot: int
    kind: int
    detail: int
    seconds: int
    sample: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LogRecords:
    """Device: records of the log; `next` is the number to go on with, `end` that after the newest record."""

    TYPE: ClassVar[int] = 0x8D
    NAME: ClassVar[str] = "LOG"
    next: int
    end: int
    records: tuple[LogRecord, ...]


@dataclass(frozen=True, slots=True)
class Error:
    """Device: refuse the host's request, with the reason."""

    TYPE: ClassVar[int] = 0x8F
    NAME: ClassVar[str] = "ERROR"
    code: int
    text: str


Message: TypeAlias = (
    Hello
    | Start
    | Samples
    | Deltas
    | Finish
    | GetStatus
    | GetSettings
    | SetSettings
    | GetLog
    | Info
    | Started
    | Credit
    | Nak
    | Beat
    | Done
    | LiveSamples
    | SignalQuality
    | RhythmEvent
    | Morphology
    | DeviceStatus
    | DeviceSettings
    | LogRecords
    | Error
)
