"""A device in Python: the other end of the serial protocol, with the device's own signal path in it.

`--port simulator` exercises everything but a device, on computers without a compiler or QEMU. Tests ask it
for every fault that a line or a device can have.

    with simulator(info, engine, Faults(damaged_samples={3})) as transport: ...
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError
from ecg_edge.firmware import SignalPath, strip_fingerprint
from ecg_edge.firmware.binding.rhythm import rhythm_fingerprint
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.link.frames import Decoder, FrameError, encode
from ecg_edge.host.link.messages import (
    MAX_SAMPLES,
    MODE_REPLAY,
    PROTOCOL_VERSION,
    STATUS_TEXT,
    Beat,
    Credit,
    Deltas,
    Done,
    Error,
    Finish,
    GetLog,
    GetSettings,
    GetStatus,
    Hello,
    Info,
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
from ecg_edge.host.link.transports import Transport
from ecg_edge.host.reference.morphology import MorphologyModel, MorphologyStream
from ecg_edge.host.reference.rhythm_events import EventStream
from ecg_edge.quantize.bundle.engines import Engine, beat_inputs
from ecg_edge.quantize.bundle.manifest import Manifest

WINDOW_SAMPLES = 1920

_SHORTEST_SAMPLES = 20  # encoded bytes: longer than every other frame from the host


@dataclass(frozen=True)
class Faults:
    """Faults by number: SAMPLES and DELTAS are counted as they arrive, replies as they are sent.

    Attributes
    ----------
    damaged_samples, dropped_samples : set of int
        SAMPLES or DELTAS frames that arrive with a flipped bit, and that do not arrive.
    damaged_replies : set of int
        Frames from the device that get a flipped bit.
    wrong_outputs, dropped_beats : set of int
        Indices of beats with one flipped bit in their output, and of beats never sent.
    dropped_changes : set of int
        QUALITY frames never sent.
    wrong_events, dropped_events : set of int
        Indices of rhythm events with another end, and of events never sent.
    wrong_strips, dropped_strips : set of int
        Indices of strips with one flipped bit in their output, and of strips whose result is never sent.
    hang_up_at, silent_at : int or None
        Sample from which the connection is closed, and from which the device is silent.
    """

    damaged_samples: frozenset[int] | set[int] = frozenset()
    dropped_samples: frozenset[int] | set[int] = frozenset()
    damaged_replies: frozenset[int] | set[int] = frozenset()
    wrong_outputs: frozenset[int] | set[int] = frozenset()
    dropped_beats: frozenset[int] | set[int] = frozenset()
    dropped_changes: frozenset[int] | set[int] = frozenset()
    wrong_events: frozenset[int] | set[int] = frozenset()
    dropped_events: frozenset[int] | set[int] = frozenset()
    wrong_strips: frozenset[int] | set[int] = frozenset()
    dropped_strips: frozenset[int] | set[int] = frozenset()
    hang_up_at: int | None = None
    silent_at: int | None = None


def simulator_info(
    model_sha256: str,
    core_fingerprint: int,
    labels: tuple[str, ...],
    engine: str = "reference",
    status: int = 0,
) -> Info:
    """Make the handshake of a simulated device."""
    return Info(
        protocol_version=PROTOCOL_VERSION,
        status=status,
        fs_hz=360,
        window_samples=WINDOW_SAMPLES,
        max_block=240,
        arena_bytes=0,
        core_state_bytes=0,
        core_fingerprint=core_fingerprint,
        rhythm_fingerprint=rhythm_fingerprint(),
        model_sha256=model_sha256,
        firmware_version="none",
        board="simulator (this computer, no device)",
        engine=engine,
        labels=labels,
    )


def with_morphology(info: Info, manifest: Manifest) -> Info:
    """Add a morphology network to the handshake of a simulated device."""
    return replace(
        info,
        morphology_sha256=manifest.model_sha256,
        strip_fingerprint=strip_fingerprint(),
        morphology_labels=manifest.labels,
    )


@contextmanager
def simulator(
    info: Info,
    engine: Engine,
    faults: Faults | None = None,
    clock: Clock | None = None,
    morphology: MorphologyModel | None = None,
) -> Iterator[Transport]:
    """Give the host's end of a line to a simulated device; closing it ends the device."""
    device = Simulator(info, engine, faults or Faults(), morphology)
    transport = SimulatedLine(device, clock or SystemClock())
    try:
        yield transport
    finally:
        transport.close()


class SimulatedLine:
    """A transport to a device in this process: it answers within `write`, and `read` waits on `clock`.

    Parameters
    ----------
    device : Simulator
    clock : Clock
        A virtual one makes waiting free and exact.
    """

    def __init__(self, device: Simulator, clock: Clock) -> None:
        self._device, self._clock = device, clock
        self._answers = b""

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that the device has sent; wait when there are none."""
        data, self._answers = self._answers, b""
        if not data:
            if self._device.has_hung_up:
                raise LinkError("simulator: the link was lost (the other end closed the connection).")
            self._clock.sleep(timeout_s)
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        if self._device.has_hung_up:
            raise LinkError("simulator: the link was lost (the other end closed the connection).")
        self._answers += self._device.receive(data)

    def close(self) -> None:
        """Do nothing: there is no connection to close."""


class Simulator:
    """A device in Python: bytes in, bytes out.

    Parameters
    ----------
    info : Info
        Its handshake.
    engine : Engine
        Its network.
    faults : Faults
        Faults of the device and of its line.
    morphology : MorphologyModel, optional
        Its second network.

    Attributes
    ----------
    has_hung_up : bool
        The device has closed the line, by `Faults.hang_up_at`.
    """

    def __init__(
        self, info: Info, engine: Engine, faults: Faults, morphology: MorphologyModel | None = None
    ) -> None:
        self._info, self._engine, self._faults, self._morphology = info, engine, faults, morphology
        self._decoder = Decoder(on_reject=self._reject)
        self._sequence = 0
        self._pending = b""
        self._answers: list[bytes] = []
        self._samples_in = 0
        self._session: _Session | None = None
        self._silent = False
        self.has_hung_up = False

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host and return the answer."""
        with suppress(_HangUpError):
            for frame in self._cut(data):
                for message in self._decoder.feed(frame):
                    self._answer(message)
        answer = b"".join(self._answers)
        self._answers.clear()
        return answer

    def serve(self, line: socket.socket) -> None:
        """Answer on a connected socket until either end closes it."""
        with line, suppress(OSError):  # the host has gone
            while not self.has_hung_up and (data := line.recv(65_536)):
                line.sendall(self.receive(data))

    def _cut(self, data: bytes) -> Iterator[bytes]:
        """Cut `data` into whole frames, with the line's faults applied to the blocks of samples."""
        *frames, self._pending = (self._pending + data).split(b"\0")
        for frame in frames:
            if len(frame) < _SHORTEST_SAMPLES:
                yield frame + b"\0"
                continue
            number, self._samples_in = self._samples_in, self._samples_in + 1
            if number in self._faults.damaged_samples:
                frame = _flip_bit(frame)
            if number not in self._faults.dropped_samples:
                yield frame + b"\0"

    def _send(self, message: Message) -> None:
        if self._silent:
            return
        frame = encode(message, self._sequence)
        if self._sequence in self._faults.damaged_replies:
            frame = _flip_bit(frame)
        self._sequence += 1
        self._answers.append(frame)

    def _reject(self, error: FrameError) -> None:
        if error.code:
            self._send(Error(error.code, str(error)))
        elif self._session:
            self._session.rejected += 1
            self._nak(3)

    def _nak(self, reason: int) -> None:
        session = self._session
        if session and session.nak_sent_for != session.taken:
            session.nak_sent_for = session.taken
            self._send(Nak(session.taken, reason))

    def _answer(self, message: Message) -> None:
        if isinstance(message, Hello):
            self._send(self._info)
        elif isinstance(message, Start):
            self._start(message)
        elif isinstance(message, (GetStatus, GetSettings, SetSettings, GetLog)):
            self._send(Error(5, "the simulator has no state, settings or log: it is no board"))
        elif self._session is None:
            self._send(Error(4, "expected START first"))
        elif isinstance(message, (Samples, Deltas)):
            self._take(self._session, message)
        elif isinstance(message, Finish):
            self._finish(self._session, message)

    def _start(self, message: Start) -> None:
        if self._info.status:
            self._send(Error(1, STATUS_TEXT[self._info.status]))
            return
        if message.mode != MODE_REPLAY:
            self._send(Error(7, "START: the simulator has no analog front end, mode is 0 (replay)"))
            return
        self._session = _Session(message, self._info.labels, self._morphology)
        self._send(Started(message.session_id))
        self._send(Credit(0))

    def _take(self, session: _Session, message: Samples | Deltas) -> None:
        if message.first_index > session.taken:
            self._nak(1)
            return
        if message.first_index == session.taken:
            values = message.values
            beats = session.path.push(values, message.lead_flags)
            self._send_changes(session)
            session.taken += len(values)
            self._send_beats(session, beats)
            if session.strips:
                self._send_strips(session.strips.take(values, session.path.changes))
            self._misbehave(session.taken)
        due = session.taken + MAX_SAMPLES > session.credit + WINDOW_SAMPLES // 4
        if due or message.first_index < session.taken:
            session.credit = session.taken
            self._send(Credit(session.taken))

    def _misbehave(self, taken: int) -> None:
        if self._faults.hang_up_at is not None and taken >= self._faults.hang_up_at:
            self.has_hung_up = True
            raise _HangUpError
        self._silent = self._faults.silent_at is not None and taken >= self._faults.silent_at

    def _finish(self, session: _Session, message: Finish) -> None:
        if message.total_samples > session.taken:
            session.nak_sent_for = None
            self._nak(1)
            return
        if not session.finished:
            beats = session.path.finish()
            self._send_beats(session, beats)
            changes, ventricular = session.path.changes, session.path.ventricular
            if session.strips:
                self._send_strips(session.strips.finish(changes))
            self._send_events(session.events.finish(changes, session.taken, ventricular))
            session.finished = True
        strips = session.strips.count if session.strips else 0
        self._send(Done(session.taken, session.beats, session.rejected, 0, 0, 0, 0, strips))

    def _send_changes(self, session: _Session) -> None:
        changes = session.path.changes
        for number in range(session.changes, len(changes)):
            if number not in self._faults.dropped_changes:
                sample, reasons, bad = changes[number].tolist()
                self._send(SignalQuality(sample, bad, reasons))
        session.changes = len(changes)

    def _send_beats(self, session: _Session, beats: NDArray[np.void]) -> None:
        """Send beats, and the events up to now."""
        outputs, path = self._engine.run(beat_inputs(beats)), session.path
        events, labels = session.events.take(
            beats, outputs, path.changes, session.taken, path.ventricular, path.leads
        )
        for row in zip(beats, outputs, labels.tolist(), strict=True):
            if session.beats not in self._faults.dropped_beats:
                self._send(self._beat(session.beats, *row))
            session.beats += 1
        self._send_events(events)

    def _send_events(self, events: Iterable[RhythmEvent]) -> None:
        for event in events:
            if event.event_index in self._faults.wrong_events:
                event = replace(event, end=event.end + 1)
            if event.event_index not in self._faults.dropped_events:
                self._send(event)

    def _send_strips(self, results: Iterable[Morphology]) -> None:
        for result in results:
            if result.strip_index in self._faults.wrong_strips:
                result = replace(result, output=bytes([result.output[0] ^ 1]) + result.output[1:])
            if result.strip_index not in self._faults.dropped_strips:
                self._send(result)

    def _beat(self, index: int, beat: np.void, output: NDArray[np.int8], label: int) -> Beat:
        if index in self._faults.wrong_outputs:
            output = output ^ np.array([1] + [0] * (len(output) - 1), np.int8)
        r_sample, rr, flags = int(beat["r_sample"]), int(beat["rr_samples"]), int(beat["flags"])
        place = (index, r_sample, rr, flags, int(beat["quality"]), int(beat["p_wave"]))
        return Beat(*place, label, 0, int(beat["crc32"]), output.astype(np.int8).tobytes())


class _Session:
    """State of the device between START and DONE."""

    def __init__(self, start: Start, labels: Sequence[str], morphology: MorphologyModel | None) -> None:
        gain, fs_hz = start.adu_per_mv, start.fs_hz
        self.strips = MorphologyStream(morphology, gain, fs_hz) if morphology else None
        self.path = SignalPath(start.adu_per_mv, start.mains_hz, fs_hz=start.fs_hz)
        self.events = EventStream(labels, start.fs_hz)
        self.taken = 0
        self.credit = 0
        self.beats = 0
        self.changes = 0
        self.rejected = 0
        self.finished = False
        self.nak_sent_for: int | None = None


class _HangUpError(Exception):
    """The device closes the line here."""


def _flip_bit(frame: bytes) -> bytes:
    """Change one bit of `frame` without making a zero byte."""
    at = len(frame) // 2
    return frame[:at] + bytes([frame[at] ^ (1 if frame[at] != 1 else 2)]) + frame[at + 1 :]
