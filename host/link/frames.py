"""Frames of the serial protocol; docs/reference/protocol.md has their byte tables.

encode(message, sequence) -> bytes for the line
Decoder().feed(bytes from the line) -> messages; damaged frames are dropped and counted
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Callable

from cobs import cobs

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.link.messages import (
    MAX_BODY,
    MAX_SAMPLES,
    Beat,
    Credit,
    Deltas,
    DeviceSettings,
    DeviceStatus,
    Done,
    Error,
    Finish,
    GetLog,
    GetSettings,
    GetStatus,
    Hello,
    Info,
    LiveSamples,
    LogRecord,
    LogRecords,
    Message,
    Morphology,
    Nak,
    RhythmEvent,
    Samples,
    SetSettings,
    SignalQuality,
    Start,
    Started,
)
from ecg_edge.host.link.steps import unpack_steps

_OVERHEAD = 6  # type, sequence number, CRC-32
_MOST_LATE = 8  # frames
_REPEATED = 128  # frames: fewer than the 256 after which a sequence number comes again
_MAX_ENCODED = MAX_BODY + _OVERHEAD + 3  # COBS adds one byte in 254 and one more


class FrameError(LinkError):
    """A frame that the receiver refuses; `code` is that of the ERROR frame in answer, 0 for line damage."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


_FIXED: dict[type[Message], struct.Struct] = {
    Hello: struct.Struct("<B"),
    Start: struct.Struct("<IHHBB"),
    Finish: struct.Struct("<I"),
    Started: struct.Struct("<I"),
    Credit: struct.Struct("<I"),
    Nak: struct.Struct("<IB"),
    Done: struct.Struct("<IIIIQQIIQI"),
    SignalQuality: struct.Struct("<IBH"),
    RhythmEvent: struct.Struct("<IBBBIIHHHHHHB"),
    GetStatus: struct.Struct(""),
    GetSettings: struct.Struct(""),
    SetSettings: struct.Struct("<HBBBBB"),
    GetLog: struct.Struct("<I"),
    DeviceStatus: struct.Struct("<BBBBBHIIIIIHIIIIIIIIIIIIII"),
    DeviceSettings: struct.Struct("<BHBBBBB"),
}
_BLOCK = struct.Struct("<IBB")
_DELTAS = struct.Struct("<IBBh")
_BEAT = struct.Struct("<IIHHBBBBIB")
_MORPHOLOGY = struct.Struct("<IIBBIB")
_LOG = struct.Struct("<II")
_LOG_RECORD = struct.Struct("<IHBBII16s")
_INFO = struct.Struct("<BBHHHIIII32sI32s")
_NO_SHA256 = bytes(32)


# ---- bodies -----------------------------------------------------------------------------------------


def _pack_block(message: Samples | LiveSamples) -> bytes:
    count = len(message.data) // 2
    if len(message.data) % 2 or not 1 <= count <= MAX_SAMPLES:
        raise FrameError(f"a block of {len(message.data)} bytes; 1 to {MAX_SAMPLES} int16 fit a frame.", 6)
    return _BLOCK.pack(message.first_index, message.lead_flags, count) + message.data


def _pack_deltas(m: Deltas) -> bytes:
    _check_count("DELTAS", m.count)
    return _DELTAS.pack(m.first_index, m.lead_flags, m.count, m.first_sample) + m.steps


def _pack_beat(m: Beat) -> bytes:
    place = (m.beat_index, m.r_sample, m.rr_samples, m.flags)
    evidence = (m.quality, m.p_wave, m.label, m.confidence)
    return _BEAT.pack(*place, *evidence, m.input_crc32, len(m.output)) + m.output


def _pack_morphology(m: Morphology) -> bytes:
    head = (m.strip_index, m.sample, m.label, m.confidence, m.input_crc32, len(m.output))
    return _MORPHOLOGY.pack(*head) + m.output


def _pack_log(m: LogRecords) -> bytes:
    rows = ((r.number, r.boot, r.kind, r.detail, r.seconds, r.sample, r.data) for r in m.records)
    return _LOG.pack(m.next, m.end) + b"".join(_LOG_RECORD.pack(*row) for row in rows)


def _pack_string(text: str) -> bytes:
    data = text.encode("ascii", errors="replace")
    return bytes([len(data)]) + data


def _pack_info(m: Info) -> bytes:
    sizes = (m.fs_hz, m.window_samples, m.max_block, m.arena_bytes, m.core_state_bytes)
    fingerprints = (m.core_fingerprint, m.rhythm_fingerprint)
    second = (m.strip_fingerprint, bytes.fromhex(m.morphology_sha256))
    head = _INFO.pack(
        m.protocol_version, m.status, *sizes, *fingerprints, bytes.fromhex(m.model_sha256), *second
    )
    labels = (",".join(m.labels), ",".join(m.morphology_labels))
    return head + b"".join(map(_pack_string, (m.firmware_version, m.board, m.engine, *labels)))


def _pack_body(message: Message) -> bytes:
    if isinstance(message, (Samples, LiveSamples)):
        return _pack_block(message)
    if isinstance(message, Deltas):
        return _pack_deltas(message)
    if isinstance(message, Beat):
        return _pack_beat(message)
    if isinstance(message, Morphology):
        return _pack_morphology(message)
    if isinstance(message, LogRecords):
        return _pack_log(message)
    if isinstance(message, Info):
        return _pack_info(message)
    if isinstance(message, Error):
        return bytes([message.code]) + _pack_string(message.text)
    packer = _FIXED[type(message)]
    return packer.pack(*(getattr(message, name) for name in message.__slots__))


def _check_length(name: str, actual: int, expected: int) -> None:
    if actual != expected:
        raise FrameError(f"{name}: the body has {actual} bytes instead of {expected}.", 6)


def _parse_head(layout: struct.Struct, name: str, body: bytes) -> tuple[int, ...]:
    if len(body) < layout.size:
        _check_length(name, len(body), layout.size)
    return layout.unpack_from(body)


def _parse_block(name: str, body: bytes) -> tuple[int, int, bytes]:
    first, flags, count = _parse_head(_BLOCK, name, body)
    _check_count(name, count)
    _check_length(name, len(body), _BLOCK.size + 2 * count)
    return first, flags, body[_BLOCK.size :]


def _check_count(name: str, count: int) -> None:
    if not 1 <= count <= MAX_SAMPLES:
        raise FrameError(f"{name}: a block of {count} samples; 1 to {MAX_SAMPLES} are allowed.", 6)


def _parse_deltas(body: bytes) -> Deltas:
    first, flags, count, sample = _parse_head(_DELTAS, "DELTAS", body)
    _check_count("DELTAS", count)
    steps = body[_DELTAS.size :]
    try:
        unpack_steps(steps, count - 1)
    except ValueError as error:
        raise FrameError(f"DELTAS: {error} in a block of {count} samples.", 6) from error
    return Deltas(first, flags, count, sample, steps)


def _parse_samples(body: bytes) -> Samples:
    return Samples(*_parse_block("SAMPLES", body))


def _parse_wave(body: bytes) -> LiveSamples:
    return LiveSamples(*_parse_block("WAVE", body))


def _parse_beat(body: bytes) -> Beat:
    index, r_sample, rr, flags, quality, p_wave, label, confidence, crc32, count = _parse_head(
        _BEAT, "BEAT", body
    )
    _check_length("BEAT", len(body), _BEAT.size + count)
    output = body[_BEAT.size :]
    return Beat(index, r_sample, rr, flags, quality, p_wave, label, confidence, crc32, output)


def _parse_morphology(body: bytes) -> Morphology:
    index, sample, label, confidence, crc32, count = _parse_head(_MORPHOLOGY, "MORPHOLOGY", body)
    _check_length("MORPHOLOGY", len(body), _MORPHOLOGY.size + count)
    return Morphology(index, sample, label, confidence, crc32, body[_MORPHOLOGY.size :])


def _parse_log(body: bytes) -> LogRecords:
    following, end = _parse_head(_LOG, "LOG", body)
    count = (len(body) - _LOG.size) // _LOG_RECORD.size
    _check_length("LOG", len(body), _LOG.size + count * _LOG_RECORD.size)
    rows = _LOG_RECORD.iter_unpack(body[_LOG.size :])
    return LogRecords(following, end, tuple(LogRecord(*row) for row in rows))


def _parse_strings(name: str, body: bytes, at: int, count: int) -> list[str]:
    """Exactly `count` strings, from offset `at` to the end of the body."""
    texts = []
    for _ in range(count):
        if at >= len(body) or at + 1 + body[at] > len(body):
            raise FrameError(f"{name}: a string runs past the end of the body.", 6)
        texts.append(body[at + 1 : at + 1 + body[at]].decode("ascii", errors="replace"))
        at += 1 + body[at]
    _check_length(name, len(body), at)
    return texts


def _parse_info(body: bytes) -> Info:
    if len(body) < _INFO.size:
        _check_length("INFO", len(body), _INFO.size)
    version, status, fs_hz, window, block, arena, state, core, rhythm, sha256, strip, second = (
        _INFO.unpack_from(body)
    )
    firmware, board, engine, labels, second_labels = _parse_strings("INFO", body, _INFO.size, 5)
    return Info(
        protocol_version=version,
        status=status,
        fs_hz=fs_hz,
        window_samples=window,
        max_block=block,
        arena_bytes=arena,
        core_state_bytes=state,
        core_fingerprint=core,
        rhythm_fingerprint=rhythm,
        model_sha256=sha256.hex(),
        firmware_version=firmware,
        board=board,
        engine=engine,
        labels=tuple(labels.split(",")),
        morphology_sha256="" if second == _NO_SHA256 else second.hex(),
        strip_fingerprint=strip,
        morphology_labels=tuple(second_labels.split(",")) if second_labels else (),
    )


def _parse_error(body: bytes) -> Error:
    if not body:
        _check_length("ERROR", 0, 2)
    return Error(body[0], _parse_strings("ERROR", body, 1, 1)[0])


def _fixed_parser(kind: type[Message], layout: struct.Struct) -> Callable[[bytes], Message]:
    def parse(body: bytes) -> Message:
        _check_length(kind.NAME, len(body), layout.size)
        return kind(*layout.unpack(body))

    return parse


_PARSERS: dict[int, Callable[[bytes], Message]] = {
    **{kind.TYPE: _fixed_parser(kind, layout) for kind, layout in _FIXED.items()},
    Samples.TYPE: _parse_samples,
    Deltas.TYPE: _parse_deltas,
    LiveSamples.TYPE: _parse_wave,
    Beat.TYPE: _parse_beat,
    Morphology.TYPE: _parse_morphology,
    LogRecords.TYPE: _parse_log,
    Info.TYPE: _parse_info,
    Error.TYPE: _parse_error,
}


# ---- frames -----------------------------------------------------------------------------------------


def samples_frame_bytes(count: int) -> int:
    """Bytes on the line of a SAMPLES frame with `count` samples, at most; DELTAS has no more."""
    frame = _BLOCK.size + 2 * count + _OVERHEAD
    return frame + frame // 254 + 2


def encode(message: Message, sequence: int) -> bytes:
    """One frame, ready for the line: COBS-encoded, with its zero byte at the end."""
    body = _pack_body(message)
    if len(body) > MAX_BODY:
        raise FrameError(f"{type(message).__name__}: a body of {len(body)} bytes; {MAX_BODY} fit a frame.", 6)
    frame = bytes((message.TYPE, sequence & 0xFF)) + body
    return bytes(cobs.encode(frame + zlib.crc32(frame).to_bytes(4, "little"))) + b"\0"


def decode(encoded: bytes) -> tuple[int, Message]:
    """Sequence number and message of one frame (without its zero byte).

    Raises
    ------
    FrameError
        When the frame is damaged (`code` 0), of unknown type (5), or its body has the wrong length (6).
    """
    frame = _checked_frame(encoded)
    parser = _PARSERS.get(frame[0])
    if parser is None:
        raise FrameError(f"unknown frame type 0x{frame[0]:02x}; is the device's protocol newer?", 5)
    return frame[1], parser(frame[2:-4])


def _checked_frame(encoded: bytes) -> bytes:
    if len(encoded) > _MAX_ENCODED:
        raise FrameError(f"a frame of {len(encoded)} encoded bytes; at most {_MAX_ENCODED} are allowed.")
    try:
        frame = cobs.decode(encoded)
    except cobs.DecodeError as error:
        raise FrameError(f"not COBS: {error}") from None
    if len(frame) < _OVERHEAD:
        raise FrameError(f"a frame of {len(frame)} bytes; the shortest has {_OVERHEAD}.")
    if zlib.crc32(frame[:-4]) != int.from_bytes(frame[-4:], "little"):
        raise FrameError("wrong CRC-32: the frame was damaged on the line.")
    return bytes(frame)


class Decoder:
    """Cut a byte stream into messages.

    Parameters
    ----------
    on_frame : callable, optional
        Called with each encoded frame (damaged ones too), for a raw log.
    on_reject : callable, optional
        Called with the FrameError of each frame that was dropped.
    drop_repeated : bool
        Drop a frame that is equal to one of the last 128, sequence number included: the line doubled it.

    Attributes
    ----------
    frames : int
        Whole frames so far.
    bad_frames : int
        Frames dropped so far.
    sequence_gaps : int
        Frames that were sent and did not arrive whole, by their sequence numbers.
    repeated_frames : int
        Frames dropped because the line doubled them.
    """

    def __init__(
        self,
        on_frame: Callable[[bytes], None] | None = None,
        on_reject: Callable[[FrameError], None] | None = None,
        drop_repeated: bool = False,
    ) -> None:
        self.frames = 0
        self.bad_frames = 0
        self.sequence_gaps = 0
        self.repeated_frames = 0
        self._recent: deque[bytes] | None = deque(maxlen=_REPEATED) if drop_repeated else None
        self._on_frame, self._on_reject = on_frame, on_reject
        self._pending = b""
        self._next_sequence: int | None = None

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that `data` completes (any number of bytes)."""
        *frames, pending = (self._pending + data).split(b"\0")
        self._pending = pending[: _MAX_ENCODED + 1]  # one byte too many is refused later
        messages = [self._take(frame) for frame in frames if frame]
        return [message for message in messages if message is not None]

    def _take(self, encoded: bytes) -> Message | None:
        if self._on_frame:
            self._on_frame(encoded)
        try:
            sequence, message = decode(encoded)
        except FrameError as error:
            self.bad_frames += 1
            if self._on_reject:
                self._on_reject(error)
            return None
        if self._recent is not None:
            if encoded in self._recent:
                self.repeated_frames += 1
                return None
            self._recent.append(encoded)
        self.frames += 1
        gap = 0 if self._next_sequence is None else (sequence - self._next_sequence) % 256
        if gap < 256 - _MOST_LATE:  # else it came again, or late
            self.sequence_gaps += gap
            self._next_sequence = (sequence + 1) % 256
        return message
