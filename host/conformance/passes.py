"""One record over a bad line: streamed again until nothing is missing, also after the line was lost.

A device keeps no beats, so what the line lost comes back only when the record is streamed again from its
start. The device computes the same each time; what arrived in several passes counts once, and what differs
between two passes stays a difference.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import astuple, fields
from types import TracebackType
from typing import Final, TypeVar

from ecg_edge.ecg.errors import EcgEdgeError, LinkError
from ecg_edge.ecg.records import Record
from ecg_edge.host.conformance.comparison import Comparator, Comparison, compare
from ecg_edge.host.link.client import NO_SESSION, FrameLog, Link, Progress, RefusalError
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.link.messages import MODE_REPLAY, Info
from ecg_edge.host.link.transports import Transport
from ecg_edge.host.reference.expected import Expected

MAX_PASSES: Final = 10
_FRUITLESS_PASSES: Final = 3  # in a row, lost before the device took a sample
RECONNECT_S = 10.0
_RETRY_S: Final = 0.5
_HANDSHAKE_S: Final = 3.0
_ADDED: Final = (
    *("naks", "resends", "retransmitted_frames", "bad_frames", "sequence_gaps", "repeated_frames"),
    *("passes", "seconds"),
)


class Line:
    """The line to a device, which can be opened again.

    Parameters
    ----------
    open_line : callable
        Opens the line.
    check : callable
        Raises when the device with this handshake is the wrong one.
    clock : Clock, optional
        The computer's when left out.

    Attributes
    ----------
    info : Info
        The device's handshake.
    """

    def __init__(
        self,
        open_line: Callable[[], AbstractContextManager[Transport]],
        check: Callable[[Info], None],
        clock: Clock | None = None,
    ) -> None:
        self._open_line, self._check, self._clock = open_line, check, clock or SystemClock()
        self._stack = ExitStack()
        self._log: FrameLog | None = None
        self.link = self._open(random.randrange(1, 2**31))
        try:
            self.info = self.link.handshake()
            check(self.info)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _open(self, session: int) -> Link:
        return Link(self._stack.enter_context(self._open_line()), self._clock, session, drop_repeated=True)

    def write_log(self, log: FrameLog) -> None:
        """Write all further frames to `log`."""
        self._log = self.link.log = log

    def reopen(self) -> None:
        """Open the line again, and wait for the same device for at most `RECONNECT_S`.

        Raises
        ------
        EcgEdgeError
            When it does not come back, or another one does.
        """
        until = self._clock.now() + RECONNECT_S
        while True:
            self._stack.close()
            try:
                self.link = self._open(self.link.session)
                self.link.log = self._log
                info = self.link.handshake(_HANDSHAKE_S)
                break
            except LinkError:
                if self._clock.now() >= until:
                    raise
                self._clock.sleep(_RETRY_S)
        self._check(info)
        if info != self.info:
            raise EcgEdgeError("Another device answers after the link was lost. Replay again.")


class RecordStream:
    """One record on a line, with what all passes brought.

    Parameters
    ----------
    line : Line
    record : Record
    expected : Expected
        The report that the device must give.
    mains_hz : int
        As in START.
    blocks : callable
        Makes the sizes of the blocks of a pass.
    on_update : callable
        Called with the progress of the pass, and the beats in it that agree.

    Attributes
    ----------
    progress : Progress
        Up to date also when `run` raises.
    """

    def __init__(
        self,
        line: Line,
        record: Record,
        expected: Expected,
        mains_hz: int,
        blocks: Callable[[], Iterable[int]],
        on_update: Callable[[Progress, int], None],
    ) -> None:
        self._line, self._record, self._expected = line, record, expected
        self._mains_hz, self._blocks, self._on_update = mains_hz, blocks, on_update
        self.progress = Progress()
        self._fruitless = 0

    def run(self) -> None:
        """Stream the record.

        Raises
        ------
        LinkError
            When the line is lost and does not come back, carries no sample, or is lost in every pass.
        """
        while True:
            try:
                self._pass()
            except LinkError as error:
                self._recover(error)
                continue
            if not self._is_another_worth_it():
                return

    def comparison(self) -> Comparison:
        """Compare what arrived with the reference."""
        return compare(self._expected, self.progress)

    def _pass(self) -> None:
        record, link, comparator = self._record, self._line.link, Comparator(self._expected)
        progress, compared = Progress(passes=1), 0

        def update(progress: Progress) -> None:
            nonlocal compared
            comparator.take(progress.beats[compared:])
            compared = len(progress.beats)
            self._on_update(progress, comparator.comparison.agreeing)

        link.start(record.fs_hz, record.adu_per_mv, self._mains_hz, MODE_REPLAY)
        try:
            window = self._line.info.window_samples
            link.stream(record.samples, window, update, progress, self._blocks(), record.invalid_spans)
        finally:
            merge(self.progress, progress)

    def _recover(self, error: LinkError) -> None:
        is_refused = isinstance(error, RefusalError) and error.code != NO_SESSION
        self._fruitless = 0 if self.progress.samples_taken else self._fruitless + 1
        is_hopeless = self._fruitless >= _FRUITLESS_PASSES or self.progress.passes >= MAX_PASSES
        if is_refused or is_hopeless:
            raise error
        try:
            self._line.reopen()
        except LinkError:
            raise error from None

    def _is_another_worth_it(self) -> bool:
        lossy = self.progress.last_losses > 0 and self.progress.passes < MAX_PASSES
        return lossy and self.comparison().is_only_lost


def merge(into: Progress, of: Progress) -> None:
    """Add a pass to those before."""
    into.beats += new_in(into.beats, of.beats)
    into.events += new_in(into.events, of.events)
    into.strips += new_in(into.strips, of.strips)
    into.changes = sorted([*into.changes, *new_in(into.changes, of.changes)], key=astuple)
    for field in fields(Progress):
        if field.name in _ADDED:
            setattr(into, field.name, getattr(into, field.name) + getattr(of, field.name))
        elif field.name not in ("beats", "events", "strips", "changes"):
            setattr(into, field.name, getattr(of, field.name))


Report = TypeVar("Report")


def new_in(known: Iterable[Report], found: Iterable[Report]) -> list[Report]:
    """Return what was not known; twice where it came twice."""
    seen = set(known)
    return [one for one in found if one not in seen]
