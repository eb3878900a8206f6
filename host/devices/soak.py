"""A soak: many hours of a repeated signal in the live mode of the native program, and every sample looked at.

soak(program, samples, hours=24.0) -> Soak
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.devices.emulator import native_device, write_front_end
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import (
    Beat,
    DeviceStatus,
    Done,
    Finish,
    GetStatus,
    LiveSamples,
    Message,
    RhythmEvent,
)

KEEP_ALIVE_S: Final = 5.0
SILENCE_S: Final = 20.0
_LIVE: Final = 1
_WAVE_SAMPLES: Final = 36  # of a frame: the last one waits for a sample after it


@dataclass
class Soak:
    """What arrived, and what the device counted.

    Attributes
    ----------
    samples : int
        Samples that arrived.
    wrong_samples, gaps : int
        Samples that differ from the script, and frames that do not follow the one before.
    beats, events : int
        Beats and rhythm events that arrived.
    index_errors : int
        Beats and events whose index is not the next one.
    beats_per_repeat : list of int
        Beats with their R peak in each whole repeat of the signal.
    seconds : float
        Wall time.
    done, status
        The device's own counts.
    """

    samples: int = 0
    wrong_samples: int = 0
    gaps: int = 0
    beats: int = 0
    events: int = 0
    index_errors: int = 0
    beats_per_repeat: list[int] = field(default_factory=list)
    seconds: float = 0.0
    done: Done | None = None
    status: DeviceStatus | None = None

    def faults(self, expected_samples: int) -> list[str]:
        """List what does not add up; empty when all does."""
        assert self.done and self.status
        pairs = {
            "samples that arrived": (self.samples, expected_samples),
            "samples in DONE": (self.done.samples, expected_samples),
            "samples in STATUS": (self.status.samples, expected_samples),
            "beats in DONE": (self.done.beats, self.beats),
            "beats in STATUS": (self.status.beats, self.beats),
            "events in STATUS": (self.status.events, self.events),
            "wrong samples": (self.wrong_samples, 0),
            "gaps": (self.gaps, 0),
            "wrong indices": (self.index_errors, 0),
            "missed samples in STATUS": (self.status.missed_samples, 0),
            "lost bytes in STATUS": (self.status.lost_bytes, 0),
            "rejected frames in STATUS": (self.status.rejected_frames, 0),
            "records that the log lost": (self.status.log_lost, 0),
        }
        found = [
            f"{name}: {actual}, expected {wanted}"
            for name, (actual, wanted) in pairs.items()
            if actual != wanted
        ]
        settled = set(self.beats_per_repeat[2:])
        if len(settled) > 1:
            found.append(f"beats in each repeat of the signal: {sorted(settled)}, expected one number")
        return found


class _Soaking:
    """Takes the messages of a session."""

    def __init__(self, signal: NDArray[np.int16]) -> None:
        self.soak = Soak()
        self._signal = np.concatenate([signal, signal[:240]])
        self._length = len(signal)

    def take(self, messages: list[Message]) -> None:
        for message in messages:
            if isinstance(message, LiveSamples):
                self._take_samples(message)
            elif isinstance(message, Beat):
                self._take_beat(message)
            elif isinstance(message, RhythmEvent):
                self.soak.index_errors += message.event_index != self.soak.events
                self.soak.events += 1
            elif isinstance(message, Done):
                self.soak.done = message

    def _take_samples(self, wave: LiveSamples) -> None:
        self.soak.gaps += wave.first_index != self.soak.samples
        found = np.frombuffer(wave.data, "<i2")
        at = wave.first_index % self._length
        self.soak.wrong_samples += int(np.count_nonzero(found != self._signal[at : at + len(found)]))
        self.soak.samples += len(found)

    def _take_beat(self, beat: Beat) -> None:
        self.soak.index_errors += beat.beat_index != self.soak.beats
        self.soak.beats += 1
        repeat, counts = beat.r_sample // self._length, self.soak.beats_per_repeat
        counts += [0] * (repeat + 1 - len(counts))
        counts[repeat] += 1


def soak(
    program: Path,
    samples: NDArray[np.int16],
    adu_per_mv: int,
    hours: float,
    on_progress: Callable[[int], None] = lambda samples: None,
    fs_hz: int = 360,
) -> Soak:
    """Play a signal again and again, for some hours of the device's time, as fast as the line takes it.

    Parameters
    ----------
    program : Path
        The firmware as a program.
    samples : ndarray of int16, shape (n,)
        The signal, in ADC units at 360 Hz.
    adu_per_mv : int
        Its ADC units per millivolt.
    hours : float
        Length; rounded down to whole repeats.
    on_progress : callable
        Called with the number of samples so far.
    fs_hz : int
        Sampling rate of the program.

    Raises
    ------
    LinkError
        When the device sends nothing for 20 s.
    """
    total = max(1, int(hours * 3600 * fs_hz // len(samples))) * len(samples)
    soaking = _Soaking(samples)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ecg-edge-") as folder:
        script = Path(folder) / "script"
        write_front_end(script, samples)
        with (
            native_device(program, script, 0, samples=total) as port,
            open_transport(port) as transport,
        ):
            link = Link(transport)
            link.handshake()
            link.start(fs_hz, adu_per_mv, 60, _LIVE)
            _receive(link, soaking, total, on_progress)
            link.send(Finish(0))
            while soaking.soak.done is None:
                soaking.take(link.receive(1))
            soaking.soak.status = link.ask(GetStatus(), DeviceStatus)
    soaking.soak.beats_per_repeat = soaking.soak.beats_per_repeat[: total // len(samples)]
    soaking.soak.seconds = time.monotonic() - began
    return soaking.soak


def _receive(link: Link, soaking: _Soaking, total: int, on_progress: Callable[[int], None]) -> None:
    """Take what comes until the last full frame of samples; FINISH brings the rest."""
    heard_s = asked_s = time.monotonic()
    while soaking.soak.samples < total - _WAVE_SAMPLES:
        messages = link.receive(0.2)
        now = time.monotonic()
        if messages:
            before = soaking.soak.samples
            soaking.take(messages)
            on_progress(soaking.soak.samples)
            heard_s = now if soaking.soak.samples > before else heard_s
        if now - asked_s > KEEP_ALIVE_S:
            link.send(GetStatus())
            asked_s = now
        if now - heard_s > SILENCE_S:
            raise LinkError(f"The soak stands still after {soaking.soak.samples} samples.")
