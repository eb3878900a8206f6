"""Samples from a sketch that prints numbers, and devices that send something else."""

from __future__ import annotations

import os
import pty
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.cli.main import main
from ecg_edge.host.devices import discovery
from ecg_edge.host.devices.discovery import Port, examine
from ecg_edge.host.link import foreign
from ecg_edge.host.live.items import BeatMark, LeadChange, LinkChange, Wave
from ecg_edge.host.live.text import LinearResampler, LineParser, TextSource
from ecg_edge.quantize.bundle.manifest import load_bundle
from tests.support.clock import VirtualClock
from tests.support.simulated import make_ecg


def test_lines_with_numbers() -> None:
    parser = LineParser()
    data = b"12\r\n512\r\necg:513\n514.5, 7\n-3 9\n!\nhello\n"
    found = [value for k in range(0, len(data), 5) for value in parser.feed(data[k : k + 5])]
    assert found == [512, 513, 514.5, -3, None]  # the first line may be cut off
    assert parser.bad_lines == 1


def test_resampling_in_pieces_is_resampling_at_once() -> None:
    values = np.random.default_rng(1).normal(size=500)
    whole = LinearResampler(100, 360).push(values)
    resampler = LinearResampler(100, 360)
    parts = [resampler.push(values[k : k + 7]) for k in range(0, 500, 7)]
    assert np.concatenate(parts) == pytest.approx(whole)
    assert len(whole) == pytest.approx(500 * 3.6, abs=4)
    assert whole[::18] == pytest.approx(np.interp(np.arange(0, 499, 5), np.arange(500), values))


class Sketch:
    """A line on which a sketch prints a signal, with a virtual clock."""

    def __init__(self, clock: VirtualClock, lines: list[bytes], fs_hz: int) -> None:
        self.clock, self._lines, self._fs_hz, self._sent = clock, lines, fs_hz, 0

    @contextmanager
    def line(self) -> Iterator[Sketch]:
        """Open the line."""
        yield self

    def read(self, timeout_s: float) -> bytes:
        """Return what was printed within `timeout_s`."""
        self.clock.sleep(timeout_s)
        until = int(self.clock.now() * self._fs_hz)
        data, self._sent = b"".join(self._lines[self._sent : until]), until
        return data

    def write(self, data: bytes) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def test_a_sketch_is_shown_and_classified(shipped_bundle: Path) -> None:
    signal, peaks = make_ecg(20)
    lines = [b"%d\r\n" % value for value in signal]
    lines[3600:3960] = [b"!\r\n"] * 360
    clock = VirtualClock()
    line, bundle = Sketch(clock, lines, 360).line, load_bundle(shipped_bundle)
    source = TextSource(line, "port", bundle, 360, 200, clock=clock)
    stop, items = threading.Event(), []
    for batch in source.items(stop):
        items += batch
        if clock.now() > 23:
            stop.set()
    samples = np.concatenate([item.samples for item in items if isinstance(item, Wave)])
    assert np.array_equal(samples[:3000], signal[1:3001])
    beats = np.array([item.sample for item in items if isinstance(item, BeatMark)])
    early = peaks[(peaks > 1000) & (peaks < 3000)]
    assert all(np.abs(beats - (peak - 1)).min() <= 3 for peak in early)
    assert [item.flags for item in items if isinstance(item, LeadChange)] == [3, 0]
    assert [item.up for item in items if isinstance(item, LinkChange)] == [True, False]


@pytest.mark.parametrize("until_s", [19.0, 23.0])  # stopped while numbers come, and after they ended
def test_the_last_beats_of_a_sketch_are_told(shipped_bundle: Path, until_s: float) -> None:
    signal, peaks = make_ecg(20)
    clock = VirtualClock()
    line = Sketch(clock, [b"%d\r\n" % value for value in signal], 360).line
    source = TextSource(line, "port", load_bundle(shipped_bundle), 360, 200, clock=clock)
    stop, items = threading.Event(), []
    for batch in source.items(stop):
        items += batch
        if clock.now() > until_s:
            stop.set()
    end = max(item.end for item in items if isinstance(item, Wave))
    last = [item for item in items if isinstance(item, BeatMark)][-1]
    assert abs(last.sample - (peaks[peaks < end - 36][-1] - 1)) <= 3


def test_bad_lines_of_every_connection_are_counted(shipped_bundle: Path) -> None:
    clock = VirtualClock()
    lines = [b"500\r\n", b"garbage\r\n"] * 1800

    class Unplugged(Sketch):
        def read(self, timeout_s: float) -> bytes:
            if 4.0 < clock.now() + timeout_s < 4.3:
                clock.sleep(timeout_s)
                raise LinkError("unplugged")
            return super().read(timeout_s)

    source = TextSource(
        Unplugged(clock, lines, 360).line, "port", load_bundle(shipped_bundle), 180, 200, clock=clock
    )
    stop = threading.Event()
    for _ in source.items(stop):
        if clock.now() > 8:
            stop.set()
    assert source.losses.bad_frames == pytest.approx(8 * 180, abs=200)


@pytest.mark.parametrize(("until_s", "outages"), [(8.5, 1), (12.0, 1)])
def test_a_pause_of_a_sketch_is_an_outage(shipped_bundle: Path, until_s: float, outages: int) -> None:
    signal, _ = make_ecg(14)
    lines = [b"%d\r\n" % value for value in signal]
    lines[5 * 360 : 9 * 360] = [b""] * (4 * 360)
    clock = VirtualClock()
    line, bundle = Sketch(clock, lines, 360).line, load_bundle(shipped_bundle)
    source = TextSource(line, "port", bundle, 360, 200, clock=clock)
    stop, items = threading.Event(), []
    for batch in source.items(stop):
        items += batch
        if clock.now() > until_s:
            stop.set()
    assert source.losses.outages == outages
    assert source.losses.outage_samples / 360 == pytest.approx(min(until_s, 9) - 5, abs=0.5)
    end_s = max(item.end for item in items if isinstance(item, Wave)) / 360
    assert end_s == pytest.approx(5 if until_s < 9 else until_s, abs=0.5)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", foreign.SILENT),
        (b"511\r\n512\r\n513\r\n514\r\n51", foreign.NUMBERS),
        (b"ecg:1.5\necg:1.6\necg:1.7\necg:1.8\n", foreign.NUMBERS),
        (b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13", foreign.ESP_BOOT),
        (b"Hello, world\nReady.\nWaiting for commands\n> ", foreign.TEXT),
        (bytes(range(128, 255)), foreign.BINARY),
    ],
)
def test_foreign_devices_are_named(data: bytes, kind: str) -> None:
    assert foreign.describe(data).kind == kind


@contextmanager
def printing(text: bytes) -> Iterator[str]:
    """A serial port on which a program prints `text` again and again."""
    ours, theirs = pty.openpty()
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            os.write(ours, text)
            time.sleep(0.02)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        stop.set()
        thread.join()
        os.close(ours)
        os.close(theirs)


def test_a_sketch_is_named_and_offered_text_mode(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "ASK_S", 0.3)
    with printing(b"511\n512\n513\n") as port:
        found = examine(Port(port, "", ""))
        with pytest.raises(SystemExit, match="1"):
            main(["ports", port])
    assert found.kind == foreign.NUMBERS
    assert f"ecg-edge monitor {port} --text" in found.advice
    assert "sends numbers: '511" in capsys.readouterr().out


def test_a_missing_port_has_advice() -> None:
    found = examine(Port("/dev/ttyNONE", "", ""))
    assert found.kind == discovery.CLOSED
    assert "No such file" in found.detail
    assert "ecg-edge ports" in found.advice


def test_the_only_device_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*kinds: str) -> None:
        ports = [discovery.Found(Port(f"p{k}", "", ""), kind, 0, "d", "a") for k, kind in enumerate(kinds)]
        monkeypatch.setattr(discovery, "discover", lambda: ports)

    found(foreign.NUMBERS, discovery.DEVICE)
    assert discovery.choose_port() == "p1"
    found(discovery.DEVICE, discovery.DEVICE)
    with pytest.raises(LinkError, match="2 devices answer"):
        discovery.choose_port()
    found(foreign.SILENT)
    with pytest.raises(LinkError, match=r"No device answers.*\n  p0: d"):
        discovery.choose_port()
