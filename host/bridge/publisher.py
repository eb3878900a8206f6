"""A thread that hands the outbox to the broker, in order, over as many connections as it takes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final

from ecg_edge.ecg.errors import OutputError
from ecg_edge.host.bridge.broker import Broker, BrokerError
from ecg_edge.host.bridge.messages import OFFLINE, ONLINE, SESSION, STATE, STATUS, Topics
from ecg_edge.host.bridge.outbox import Outbox, Waiting

if TYPE_CHECKING:  # it needs an optional extra
    from ecg_edge.host.bridge.connection import Connection

POLL_S: Final = 0.1
FLUSH_S: Final = 10.0
RETRY_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
KEPT_S: Final = 2.0
"""Time that a broker may take from its confirmation until the message is safe on its disk."""


class Publisher:
    """The way to the broker.

    A message leaves the outbox when the broker has confirmed it. After a lost connection everything that was
    not confirmed is sent again, in order, and before it what was confirmed in the last 2 s: a broker
    may confirm a message before it is on its disk. So some messages come twice, under the same number.

    Parameters
    ----------
    broker : Broker
    topics : Topics
    outbox : Outbox
    on_note : callable
        Called with a line of text when the connection is lost or back.

    Attributes
    ----------
    is_connected : bool
    """

    def __init__(
        self,
        broker: Broker,
        topics: Topics,
        outbox: Outbox,
        on_note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._broker, self._topics, self._outbox, self._on_note = broker, topics, outbox, on_note
        self._retained: dict[str, bytes] = {}  # by topic: what a broker that forgot it gets again
        self._state: bytes | None = None
        self._waiting: deque[tuple[int, Waiting]] = deque()  # number on the connection, message
        self._taken: list[Waiting] = []
        self._recent: dict[int, tuple[float, Waiting]] = {}  # by number on disk: time of the confirmation
        self._stop = threading.Event()
        self._flush_until: float | None = None
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self.is_connected = False

    def connect(self) -> None:
        """Connect for the first time.

        Raises
        ------
        BrokerError
            When that fails.
        """
        self._connection = self._open()

    def start(self, fixed: Mapping[str, bytes]) -> None:
        """Begin to send.

        Parameters
        ----------
        fixed : mapping
            Retained messages by topic, sent at the beginning of every connection.
        """
        self._retained = dict(fixed)
        self._thread.start()

    def __enter__(self) -> Publisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(0.0 if error else FLUSH_S)

    def set_state(self, payload: bytes) -> None:
        """Send a state, in place of one that has not been sent yet."""
        self._state = payload

    def stop(self, flush_s: float = FLUSH_S) -> None:
        """Wait up to `flush_s` until the broker has everything, then go offline."""
        self._flush_until = time.monotonic() + flush_s
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(flush_s + 15.0)
        elif self._connection is not None:
            self._connection.close()

    def _open(self) -> Connection:
        from ecg_edge.host.bridge.connection import Connection

        self._waiting.clear()
        will = (self._topics.of(STATUS), OFFLINE)
        client_id = self._topics.of("bridge").replace("/", "-")
        return Connection(self._broker, client_id, will, self._confirm)

    def _confirm(self, number: int) -> None:
        found = [message for sent, message in self._waiting if sent == number]
        self._retained |= {self._topics.of(one.kind): one.payload for one in found if one.kind == SESSION}
        self._taken += found
        self._waiting = deque(pair for pair in self._waiting if pair[0] != number)

    def _run(self) -> None:
        failures, last = 0, ""
        while not self._is_over():
            try:
                connection = self._connection or self._open()
                self._connection = None
                if failures:
                    self._on_note(f"{self._broker.title}: connected again.")
                failures, last = 0, ""
                self._serve(connection)
            except (BrokerError, OutputError) as error:
                self.is_connected = False
                self._remove_taken()
                if str(error) != last:
                    self._on_note(f"{error} Messages wait on the disk.")
                last = str(error)
                self._stop.wait(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1

    def _is_over(self) -> bool:
        return self._stop.is_set() and time.monotonic() >= (self._flush_until or 0.0)

    def _serve(self, connection: Connection) -> None:
        for topic, payload in self._retained.items():
            connection.send(topic, payload, retain=True)
        connection.send(self._topics.of(STATUS), ONLINE, retain=True)
        self.is_connected, sent = True, 0
        again = self._confirmed_lately()
        while not self._is_over():
            while again and connection.room:
                self._send(connection, again.popleft())
            for message in self._outbox.after(sent, connection.room) if connection.room else []:
                self._send(connection, message)
                sent = message.id
            if self._state is not None and connection.room:
                state, self._state = self._state, None
                self._retained[self._topics.of(STATE)] = state
                connection.send(self._topics.of(STATE), state, retain=True)
            connection.work(
                0.0 if connection.room and self._outbox.state["messages"] > len(self._waiting) else POLL_S
            )
            self._remove_taken()
            is_done = connection.is_idle and not again and not self._outbox.after(sent, 1)
            if self._stop.is_set() and is_done:
                break
        self._leave(connection)

    def _send(self, connection: Connection, message: Waiting) -> None:
        number = connection.send(self._topics.of(message.kind), message.payload, message.kind == SESSION)
        self._waiting.append((number, message))

    def _confirmed_lately(self) -> deque[Waiting]:
        """What the last connection had confirmed at its end; kept until this one has lasted as long."""
        now = time.monotonic()
        self._recent = {row_id: (now, message) for row_id, (_, message) in self._recent.items()}
        return deque(message for _, message in self._recent.values())

    def _remove_taken(self) -> None:
        taken, self._taken = self._taken, []
        if taken:
            self._outbox.remove(taken)
        now = time.monotonic()
        self._recent |= {message.id: (now, message) for message in taken}
        while self.is_connected and self._recent:
            row_id, (confirmed, _) = next(iter(self._recent.items()))
            if now - confirmed <= KEPT_S:
                break
            del self._recent[row_id]

    def _leave(self, connection: Connection) -> None:
        connection.send(self._topics.of(STATUS), OFFLINE, retain=True)
        until = time.monotonic() + 1.0
        while not connection.is_idle and time.monotonic() < until:
            connection.work(POLL_S)
        self._remove_taken()
        self._flush_until = 0.0
        connection.close()
