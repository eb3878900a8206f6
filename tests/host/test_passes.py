"""A record over a bad line: nothing is lost and nothing comes twice, or it is stated what and where."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat

import pytest

from ecg_edge.ecg.errors import EcgEdgeError, LinkError
from ecg_edge.ecg.records import Record, load_record
from ecg_edge.firmware import fingerprint
from ecg_edge.host.conformance.passes import MAX_PASSES, Line, RecordStream, merge
from ecg_edge.host.conformance.session import RecordRun
from ecg_edge.host.devices.simulator import Faults, Simulator, simulator_info
from ecg_edge.host.link.client import Progress, RefusalError
from ecg_edge.host.link.messages import Info
from ecg_edge.host.reference.expected import Expected, expect
from tests.support.clock import VirtualClock
from tests.support.line_proxy import Cut, Fault, Reorder, burst, double, drop, flip
from tests.support.simulated import LABELS, HashEngine, make_database

INFO = simulator_info("ab" * 32, fingerprint(), LABELS, "hash")
BYTES_PER_S = 92_160
PIECE = 40


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return load_record(make_database(tmp_path_factory.mktemp("data"), ("100",), 40.0), "mitdb", "100")


@pytest.fixture(scope="module")
def expected(record: Record) -> Expected:
    return expect(record.samples, record.adu_per_mv, 60, HashEngine(), LABELS, record.fs_hz)


def whole(data: bytes, chosen: random.Random) -> list[bytes]:
    """No fault."""
    return [data]


class BadLine:
    """A simulated device behind a line with faults; it keeps its state when the line is opened again.

    Attributes
    ----------
    opened : int
    """

    def __init__(
        self, to_host: Fault = whole, to_device: Fault = whole, faults: Faults | None = None
    ) -> None:
        self.clock = VirtualClock()
        self.device = Simulator(INFO, HashEngine(), faults or Faults())
        self.opened = 0
        self._faults = {"<": to_host, ">": to_device}
        self._chosen = random.Random(1)
        self._answers = b""

    @contextmanager
    def open(self) -> Iterator[BadLine]:
        """Open the line; what was under way is gone."""
        self.opened, self._answers = self.opened + 1, b""
        yield self

    def write(self, data: bytes) -> None:
        """Send to the device."""
        for piece in self._pass(">", data):
            self._answers += b"".join(self._pass("<", self.device.receive(piece)))

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived; wait when there is nothing."""
        data, self._answers = self._answers, b""
        if not data:
            self.clock.sleep(timeout_s)
        return data

    def close(self) -> None:
        """Do nothing."""

    def _pass(self, way: str, data: bytes) -> Iterator[bytes]:
        self.clock.sleep(len(data) / BYTES_PER_S)
        for start in range(0, len(data), PIECE):
            try:
                yield from self._faults[way](data[start : start + PIECE], self._chosen)
            except Cut:
                raise LinkError("the cable is out") from None


def accept(info: Info) -> None:
    """Accept every device."""


def run(line: BadLine, record: Record, expected: Expected, block: int = 40) -> RecordRun:
    """Stream the record."""
    with Line(line.open, accept, line.clock) as opened:
        stream = RecordStream(opened, record, expected, 60, lambda: repeat(block), lambda *_: None)
        stream.run()
    return RecordRun(record, stream.progress, stream.comparison(), LABELS)


def assert_whole(done: RecordRun, expected: Expected) -> None:
    """All beats, events and changes arrived, each once."""
    assert done.verdict == "pass" and done.lost_samples == 0
    assert sorted(done.progress.beats, key=lambda beat: beat.beat_index) == expected.beat_messages()
    assert sorted(done.progress.events, key=lambda event: event.event_index) == expected.events
    assert done.progress.changes == expected.quality_messages()


def cut(data: bytes, chosen: random.Random) -> list[bytes]:
    """Break the connection now and then."""
    if chosen.random() < 0.003:
        raise Cut
    return [data]


FAULTS = (flip, drop, double, burst, cut, Reorder())
NAMES = [fault.__name__ for fault in FAULTS]


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_bad_way_to_the_host_loses_and_doubles_nothing(
    record: Record, expected: Expected, fault: Fault
) -> None:
    done = run(BadLine(to_host=fault), record, expected)
    assert_whole(done, expected)
    assert (done.progress.passes == 1) == (fault is double)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_bad_way_to_the_device_loses_and_doubles_nothing(
    record: Record, expected: Expected, fault: Fault
) -> None:
    line = BadLine(to_device=fault)
    assert_whole(run(line, record, expected), expected)
    assert (line.opened > 1) == (fault is cut)


@pytest.mark.parametrize("fault", (flip, drop, burst, Reorder()), ids=lambda fault: fault.__name__)
def test_both_ways_bad_lose_and_double_nothing(record: Record, expected: Expected, fault: Fault) -> None:
    back = Reorder() if isinstance(fault, Reorder) else fault
    assert_whole(run(BadLine(fault, back), record, expected, block=20), expected)


def test_a_stalled_line_loses_nothing(record: Record, expected: Expected) -> None:
    def stall(data: bytes, chosen: random.Random) -> list[bytes]:
        if chosen.random() < 0.1:
            line.clock.sleep(2.0)
        return [data]

    line = BadLine(to_host=stall)
    assert_whole(run(line, record, expected), expected)
    assert line.clock.now() > 10


def test_what_is_lost_in_every_pass_is_stated_and_no_failure(record: Record, expected: Expected) -> None:
    def lose_a_stretch(data: bytes, chosen: random.Random) -> list[bytes]:
        session = line.device._session
        return [] if session is not None and 3000 < session.taken < 3900 else [data]

    line = BadLine(to_host=lose_a_stretch)
    done = run(line, record, expected)
    assert done.progress.passes == MAX_PASSES
    assert done.verdict == "inconclusive" and done.comparison.is_only_lost
    assert done.comparison.lost_beats == len(expected.beat_messages()) - len(done.progress.beats) > 0


def test_what_the_device_itself_does_not_send_is_a_failure(record: Record, expected: Expected) -> None:
    done = run(BadLine(faults=Faults(dropped_beats={4})), record, expected)
    assert done.verdict == "fail" and done.progress.passes == 1 and done.comparison.lost_beats == 1


def test_a_wrong_beat_on_a_bad_line_is_a_failure(record: Record, expected: Expected) -> None:
    done = run(BadLine(to_host=drop, faults=Faults(wrong_outputs={4})), record, expected)
    assert done.verdict == "fail" and done.comparison.differing_bytes > 0


class ResetOnce(Simulator):
    """A device that starts again at a sample, once."""

    def __init__(self, at: int, info: Info = INFO) -> None:
        super().__init__(INFO, HashEngine(), Faults())
        self._at, self._next_info = at, info

    def _misbehave(self, taken: int) -> None:
        super()._misbehave(taken)
        if taken >= self._at:
            self._session, self._at, self._sequence = None, 1 << 60, 0
            self._info = self._next_info


def test_a_record_is_done_again_after_a_reset_of_the_device(record: Record, expected: Expected) -> None:
    line = BadLine()
    line.device = ResetOnce(7000)
    done = run(line, record, expected)
    assert_whole(done, expected)
    assert done.progress.passes == 2


def test_another_device_after_the_reset_is_an_error(record: Record, expected: Expected) -> None:
    line = BadLine()
    line.device = ResetOnce(7000, simulator_info("cd" * 32, fingerprint(), LABELS, "hash"))
    with pytest.raises(EcgEdgeError, match="Another device answers"):
        run(line, record, expected)


def test_a_refusal_is_not_asked_for_again(record: Record, expected: Expected) -> None:
    line = BadLine()
    line.device = Simulator(simulator_info("ab" * 32, 0, LABELS, "hash", status=1), HashEngine(), Faults())
    with pytest.raises(RefusalError, match="self-test"):
        run(line, record, expected)
    assert line.opened == 1


class AsksAgain(Simulator):
    """A device that asks for the same samples as often as they are damaged, as the firmware does."""

    def _nak(self, reason: int) -> None:
        if self._session:
            self._session.nak_sent_for = None
        super()._nak(reason)


def test_a_line_that_damages_all_samples_ends_with_advice(record: Record, expected: Expected) -> None:
    def damage(data: bytes, chosen: random.Random) -> list[bytes]:
        return [bytes([data[0] ^ 4]) + data[1:]] if len(data) >= PIECE else [data]

    line = BadLine(to_device=damage)
    line.device = AsksAgain(INFO, HashEngine(), Faults())
    with pytest.raises(LinkError, match="--block-size"):
        run(line, record, expected, block=240)
    assert line.clock.now() < 120


def test_passes_add_up() -> None:
    first, second = Progress(naks=1, passes=1, samples_taken=5), Progress(naks=2, passes=1, samples_taken=9)
    merge(first, second)
    assert (first.naks, first.passes, first.samples_taken) == (3, 2, 9)
