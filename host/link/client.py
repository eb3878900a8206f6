"""The host's part of the serial protocol: handshake, start, and streaming with credit and go-back.

link = Link(transport)
info = link.handshake()
result = link.stream(samples, Start(...), on_beat=print)
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import repeat
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError
from ecg_edge.ecg.figures import counted
from ecg_edge.host.link import foreign
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.link.frames import Decoder, encode, samples_frame_bytes
from ecg_edge.host.link.messages import (
    ERROR_TEXT,
    LEADS_OFF,
    MAX_SAMPLES,
    NAK_TEXT,
    PROTOCOL_VERSION,
    Beat,
    Credit,
    Deltas,
    DeviceSettings,
    DeviceStatus,
    Done,
    Error,
    Finish,
    Hello,
    Info,
    LogRecords,
    Message,
    Morphology,
    Nak,
    RhythmEvent,
    Samples,
    SignalQuality,
    Start,
    Started,
)
from ecg_edge.host.link.steps import PackedSteps
from ecg_edge.host.link.transports import Transport

RESEND_S = 1.0  # silence after which the host sends again
HELLO_S = 0.5  # the same while a board may still be booting
GIVE_UP_S = 10.0  # silence after which the link counts as lost
STUCK_S = 30.0  # the same for a device that answers and takes no sample
LATE_S = 0.5  # for beats that arrive after DONE
_NO_SPANS = np.zeros((0, 2), np.int64)
_FIRST_BYTES = 400  # kept to describe a device that sends something else

NO_SESSION = 4  # code of ERROR: samples without START
Answer = TypeVar("Answer", DeviceStatus, DeviceSettings, LogRecords)
FrameLog = Callable[[str, bytes], None]  # direction ("<" from the device, ">" to it), encoded frame


class RefusalError(LinkError):
    """The device sent ERROR; `code` is that of the frame."""

    def __init__(self, message: Error) -> None:
        name = ERROR_TEXT.get(message.code, "unknown error")
        super().__init__(f"The device refuses: {name} (code {message.code}): {message.text}")
        self.code = message.code


@dataclass
class Progress:
    """State of a stream, complete also when it ends early.

    Attributes
    ----------
    samples_sent, samples_taken : int
        Samples sent at least once, and taken by the device.
    beats : list of Beat
        All beats that arrived, in the order of arrival.
    changes : list of SignalQuality
        Changes of the signal's quality between good and bad.
    events : list of RhythmEvent
        All rhythm events that arrived, in the order of arrival.
    strips : list of Morphology
        All results of the morphology network that arrived, in the order of arrival.
    naks, resends : int
        Requests of the device to go back, and repetitions after silence.
    retransmitted_frames : int
        Frames of samples sent more than once.
    bad_frames, sequence_gaps : int
        Frames from the device that arrived damaged, and that are missing by their sequence numbers.
    repeated_frames : int
        Frames from the device that the line doubled.
    passes : int
        Times that the signal was begun: more than one after losses on the line.
    last_losses : int
        Damaged and missing frames of the last pass.
    seconds : float
        Wall time from the first sample to DONE, or to the end.
    done : Done or None
        The device's totals; None when the stream ended early.
    """

    samples_sent: int = 0
    samples_taken: int = 0
    beats: list[Beat] = field(default_factory=list)
    changes: list[SignalQuality] = field(default_factory=list)
    events: list[RhythmEvent] = field(default_factory=list)
    strips: list[Morphology] = field(default_factory=list)
    naks: int = 0
    resends: int = 0
    retransmitted_frames: int = 0
    bad_frames: int = 0
    sequence_gaps: int = 0
    repeated_frames: int = 0
    passes: int = 0
    last_losses: int = 0
    seconds: float = 0.0
    done: Done | None = None


class Link:
    """One device behind a transport.

    Parameters
    ----------
    transport : Transport
        The open line.
    clock : Clock, optional
        The clock of time-outs; the computer's when left out.
    session : int
        Number of the last session on this line, 0 for none.
    drop_repeated : bool
        Drop frames that the line doubled.

    Attributes
    ----------
    log : callable or None
        Called with direction and encoded bytes of every frame.
    clock : Clock
    """

    def __init__(
        self, transport: Transport, clock: Clock | None = None, session: int = 0, drop_repeated: bool = False
    ) -> None:
        self.log: FrameLog | None = None
        self.clock = clock or SystemClock()
        self._transport = transport
        self._sequence = 0
        self._session = session
        self._received_bytes = 0
        self._first_bytes = b""
        self._waiting: list[Message] = []  # arrived together with an answer, after it
        self._decoder = Decoder(lambda frame: self._write_log("<", frame), drop_repeated=drop_repeated)

    @property
    def bad_frames(self) -> int:
        """Frames from the device that arrived damaged, since the link was opened."""
        return self._decoder.bad_frames

    @property
    def sequence_gaps(self) -> int:
        """Frames from the device that are missing, since the link was opened."""
        return self._decoder.sequence_gaps

    @property
    def repeated_frames(self) -> int:
        """Frames from the device that the line doubled, since the link was opened."""
        return self._decoder.repeated_frames

    @property
    def session(self) -> int:
        """Number of the last session."""
        return self._session

    def send(self, *messages: Message) -> None:
        """Send messages in one write."""
        frames = []
        for message in messages:
            frames.append(encode(message, self._sequence))
            self._sequence += 1
            self._write_log(">", frames[-1])
        self._transport.write(b"".join(frames))

    def receive(self, timeout_s: float) -> list[Message]:
        """Return the messages that arrive within `timeout_s`; ERROR becomes a LinkError."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            return waiting
        data = self._transport.read(timeout_s)
        self._received_bytes += len(data)
        self._first_bytes += data[: _FIRST_BYTES - len(self._first_bytes)]
        messages = self._decoder.feed(data)
        for message in messages:
            if isinstance(message, Error):
                raise RefusalError(message)
        return messages

    def _write_log(self, direction: str, encoded: bytes) -> None:
        if self.log:
            self.log(direction, encoded)

    def handshake(self, give_up_s: float = GIVE_UP_S) -> Info:
        """Request the device's identity; repeated for `give_up_s`, as the board may still be booting."""
        self._transport.write(b"\0")  # ends noise that the device took for the start of a frame
        info = self._ask(Hello, lambda m: isinstance(m, Info), HELLO_S, "HELLO", give_up_s)
        assert isinstance(info, Info)
        if info.protocol_version != PROTOCOL_VERSION:
            raise LinkError(
                f"The device ({info.board}, firmware {info.firmware_version}) has protocol version "
                f"{info.protocol_version}, this program has {PROTOCOL_VERSION}. "
                "Write the firmware of this version: `ecg-edge flash`; for an emulator or the native program "
                "`ecg-edge build`."
            )
        return info

    def start(
        self, fs_hz: int, adu_per_mv: int, mains_hz: int, mode: int, give_up_s: float = GIVE_UP_S
    ) -> None:
        """Begin a session, and drop the rest of an earlier session on the line."""

        def request() -> Message:
            self._session = (self._session + 1) or 1
            return Start(self._session, fs_hz, adu_per_mv, mains_hz, mode)

        self._ask(request, lambda m: m == Started(self._session), RESEND_S, "START", give_up_s)

    def ask(self, request: Message, answer: type[Answer], give_up_s: float = GIVE_UP_S) -> Answer:
        """Send a request, again when it stays without an answer, and return the answer."""
        found = self._ask(
            lambda: request, lambda m: isinstance(m, answer), HELLO_S, type(request).__name__, give_up_s
        )
        assert isinstance(found, answer)
        return found

    def _ask(
        self,
        request: Callable[[], Message],
        fits: Callable[[Message], bool],
        every_s: float,
        name: str,
        give_up_s: float,
    ) -> Message:
        self._waiting = []
        give_up = self.clock.now() + give_up_s
        while self.clock.now() < give_up:
            self.send(request())
            again = self.clock.now() + every_s
            while (left_s := again - self.clock.now()) > 0:
                messages = self.receive(left_s)
                for number, message in enumerate(messages, start=1):
                    if fits(message):
                        self._waiting = messages[number:]
                        return message
        raise LinkError(
            f"The device does not answer {name} (waited {give_up_s:.0f} s): {self._describe_received()} "
            "Is the ecg-edge firmware on it, is this its port, and is the baud rate the firmware's?"
        )

    def _describe_received(self) -> str:
        """Describe the bytes that arrived, which tell a silent device from a foreign one."""
        if not self._received_bytes:
            return "nothing arrived."
        if self._decoder.frames:
            return f"{counted(self._decoder.frames, 'other frame')} arrived."
        found = foreign.describe(self._first_bytes)
        return (
            f"{self._received_bytes:,} bytes arrived, but no frame of this protocol: {found}. {found.advice}"
        )

    def stream(
        self,
        samples: NDArray[np.int16],
        window_samples: int,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        progress: Progress | None = None,
        blocks: Iterable[int] = repeat(MAX_SAMPLES),
        off_spans: NDArray[np.int64] = _NO_SPANS,
    ) -> Progress:
        """Send a whole signal and collect its beats, after `start`.

        Parameters
        ----------
        samples : int16 array, shape (n,)
            ADC units at the rate that START named.
        window_samples : int
            How far the host may run ahead of the newest credit, from INFO.
        on_progress : callable
            Called after each batch of frames from the device.
        progress : Progress, optional
            Filled as the stream goes on, so that the caller has it when the stream ends early.
        blocks : iterable of int
            Sizes of the blocks of samples, 1 to 240 each, without end. The results are independent of them.
        off_spans : int64 array, shape (k, 2)
            First sample of each segment that is sent with the flags of electrodes that are off, and first one
            after it; ascending.
        """
        cut = _SampleBlocks(samples, off_spans)
        return _Stream(self, cut, window_samples, on_progress, progress or Progress(), blocks).run()


class _SampleBlocks:
    """A signal, cut into blocks that are sent in the shorter of two frames."""

    def __init__(self, samples: NDArray[np.int16], off_spans: NDArray[np.int64]) -> None:
        self.count = len(samples)
        self._first = samples
        self._borders = off_spans.ravel()
        self._data = samples.astype("<i2", copy=False).tobytes()
        self._steps = PackedSteps(samples)

    def end(self, start: int, size: int) -> int:
        """End of a block of at most `size` samples: a frame has one value of the lead flags."""
        borders = self._borders[np.searchsorted(self._borders, start, "right") :][:1]
        return int(min([start + size, self.count, *borders.tolist()]))

    def block(self, start: int, end: int) -> Samples | Deltas:
        """Samples `start` to `end`: as DELTAS unless SAMPLES has fewer bytes."""
        steps = self._steps.between(start, end)
        flags = LEADS_OFF if np.searchsorted(self._borders, start, "right") % 2 else 0
        if 2 + len(steps) > 2 * (end - start):
            return Samples(start, flags, self._data[2 * start : 2 * end])
        return Deltas(start, flags, end - start, int(self._first[start]), steps)


class _ReceiveWindow:
    """The device's receive buffer, as the protocol defines it: space for a window of full frames.

    Credit counts samples, and short blocks have more bytes a sample, so they are counted here too.
    """

    def __init__(self, window_samples: int) -> None:
        self._free = samples_frame_bytes(MAX_SAMPLES) * max(1, window_samples // MAX_SAMPLES)
        self._under_way: deque[tuple[int, int]] = deque()  # index after a frame's last sample, its bytes

    def fits(self, count: int) -> bool:
        """Test if a frame of `count` samples may be sent now."""
        return samples_frame_bytes(count) <= self._free

    def fill(self, count: int, end: int) -> None:
        """Note a frame of `count` samples up to `end` as under way."""
        self._under_way.append((end, samples_frame_bytes(count)))
        self._free -= samples_frame_bytes(count)

    def release(self, taken: float = math.inf) -> None:
        """Free the space of all samples before `taken`, or of everything under way."""
        while self._under_way and self._under_way[0][0] <= taken:
            self._free += self._under_way.popleft()[1]


class _Stream:
    """State of one stream: samples sent, samples taken, time since the last answer."""

    def __init__(
        self,
        link: Link,
        samples: _SampleBlocks,
        window_samples: int,
        on_progress: Callable[[Progress], None],
        progress: Progress,
        blocks: Iterable[int],
    ) -> None:
        self._link, self._on_progress, self.progress = link, on_progress, progress
        self._clock = link.clock
        self._window, self._receive_window = window_samples, _ReceiveWindow(window_samples)
        self._sizes = (min(size, MAX_SAMPLES, window_samples) for size in blocks)
        self._size = next(self._sizes)
        self._samples, self._total = samples, samples.count
        self._next = 0  # index of the sample to send next
        self._finish_sent = False

    def run(self) -> Progress:
        """Stream to the end; `progress` is up to date also when this raises."""
        link, began = self._link, self._clock.now()
        bad, gaps, repeated = link.bad_frames, link.sequence_gaps, link.repeated_frames
        try:
            self._run()
        finally:
            self.progress.seconds = self._clock.now() - began
            self.progress.bad_frames = link.bad_frames - bad
            self.progress.sequence_gaps = link.sequence_gaps - gaps
            self.progress.repeated_frames = link.repeated_frames - repeated
            self.progress.last_losses = self.progress.bad_frames + self.progress.sequence_gaps
        return self.progress

    def _run(self) -> None:
        last_arrival = last_taken = self._clock.now()
        resend_at = last_arrival + RESEND_S
        while self.progress.done is None:
            self._send_allowed()
            messages = self._link.receive(max(resend_at - self._clock.now(), 0.0))
            now = self._clock.now()
            if messages:
                taken = self.progress.samples_taken
                for message in messages:
                    self._take(message)
                last_arrival, resend_at = now, now + RESEND_S
                last_taken = now if self.progress.samples_taken > taken else last_taken
                self._on_progress(self.progress)
                if now - last_taken >= STUCK_S and self.progress.done is None:
                    raise LinkError(self._standstill())
            elif now - last_arrival >= GIVE_UP_S:
                raise LinkError(self._silence())
            elif now >= resend_at:
                self._go_back(self.progress.samples_taken)
                self.progress.resends += 1
                resend_at = now + RESEND_S
        self._take_late()

    def _take_late(self) -> None:
        """Take beats that a line with several ways delivers after DONE."""
        assert self.progress.done is not None
        until = self._clock.now() + LATE_S
        done = self.progress.done
        while self._is_behind(done) and self._clock.now() < until:
            for message in self._link.receive(max(until - self._clock.now(), 0.0)):
                self._take(message)

    def _is_behind(self, done: Done) -> bool:
        return len(self.progress.beats) < done.beats or len(self.progress.strips) < done.strips

    def _send_allowed(self) -> None:
        """Send what the newest credit allows, and FINISH after the last sample."""
        frames: list[Message] = []
        while self._next < self._total:
            end = self._samples.end(self._next, self._size)
            count = end - self._next
            if end > self.progress.samples_taken + self._window or not self._receive_window.fits(count):
                break
            frames.append(self._samples.block(self._next, end))
            self._receive_window.fill(count, end)
            self.progress.retransmitted_frames += self._next < self.progress.samples_sent
            self._next, self._size = end, next(self._sizes)
            self.progress.samples_sent = max(self.progress.samples_sent, end)
        if self._next == self._total and not self._finish_sent:
            frames.append(Finish(self._total))
            self._finish_sent = True
        if frames:
            self._link.send(*frames)

    def _take(self, message: Message) -> None:
        if isinstance(message, Beat):
            self.progress.beats.append(message)
        elif isinstance(message, SignalQuality):
            self.progress.changes.append(message)
        elif isinstance(message, RhythmEvent):
            self.progress.events.append(message)
        elif isinstance(message, Morphology):
            self.progress.strips.append(message)
        elif isinstance(message, Credit):
            self._check_index("CREDIT", message.next_index)
            self.progress.samples_taken = max(self.progress.samples_taken, message.next_index)
            self._next = max(self._next, self.progress.samples_taken)
            self._receive_window.release(self.progress.samples_taken)
        elif isinstance(message, Nak):
            self._check_index(
                f"NAK ({NAK_TEXT.get(message.reason, 'unknown reason')})", message.expected_index
            )
            self.progress.naks += 1
            self.progress.samples_taken = max(self.progress.samples_taken, message.expected_index)
            self._go_back(message.expected_index)
        elif isinstance(message, Done) and (self._finish_sent or message.samples == self._total):
            self.progress.done = message
            self.progress.samples_taken = message.samples

    def _check_index(self, name: str, index: int) -> None:
        if index > self.progress.samples_sent:
            raise LinkError(
                f"The device sent {name} for sample {index}; only {self.progress.samples_sent} were sent. "
                "Host and device disagree on the protocol: flash the firmware of this version."
            )

    def _go_back(self, index: int) -> None:
        self._next = max(index, self.progress.samples_taken)
        self._receive_window.release()
        self._finish_sent = False

    def _standstill(self) -> str:
        return (
            f"The device answers, but took no sample for {STUCK_S:.0f} s, after sample "
            f"{self.progress.samples_taken} of {self._total}: the line damages what this program sends. "
            "Try shorter frames (`--block-size 40`), a lower `--baud`, or another cable."
        )

    def _silence(self) -> str:
        return (
            f"The link was lost: nothing from the device for {GIVE_UP_S:.0f} s, after sample "
            f"{self.progress.samples_taken} of {self._total}. Check cable and power, then replay again."
        )
