"""A source's items into the outbox, and the latest state to the publisher."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Final

from ecg_edge.host.bridge.home_assistant import discovery
from ecg_edge.host.bridge.messages import AlarmState, StateMessage, Topics, Translator, now_text
from ecg_edge.host.bridge.outbox import Outbox
from ecg_edge.host.bridge.publisher import Publisher
from ecg_edge.host.link.clock import Clock, SystemClock
from ecg_edge.host.live.alarms import Alarm
from ecg_edge.host.live.items import Item
from ecg_edge.host.live.link_notes import LinkNotes
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.live.sources import Source

STATE_S: Final = 1.0
_HOURS: Final = 0.1  # of signal in memory: the state needs the last seconds
_MOST_MARKS: Final = 1000


class Bridge:
    """One session.

    Parameters
    ----------
    source : Source
    topics : Topics
    outbox : Outbox
    publisher : Publisher
        Connected, and not started yet.
    discovery_prefix : str or None
        Home Assistant's; None: nothing for it.
    on_note : callable
        Called with a line of text when messages are dropped, and when the link is lost or back.
    clock : Clock, optional
        The computer's when left out.
    """

    def __init__(
        self,
        source: Source,
        topics: Topics,
        outbox: Outbox,
        publisher: Publisher,
        discovery_prefix: str | None = None,
        on_note: Callable[[str], None] = lambda text: None,
        clock: Clock | None = None,
    ) -> None:
        self._source, self._topics, self._outbox = source, topics, outbox
        self._publisher, self._on_note, self._discovery_prefix = publisher, on_note, discovery_prefix
        self._link = LinkNotes(on_note, on_note)
        self._clock = clock or SystemClock()
        self._state_at = self._clock.now()
        self._last: StateMessage | None = None
        self._has_dropped = False

    def run(self, stop: threading.Event) -> None:
        """Bridge until the source ends or `stop` is set.

        Raises
        ------
        EcgEdgeError
            When the source cannot be opened.
        """
        batches: Iterator[list[Item]] = self._source.items(stop)
        first = next(batches, [])
        origin = self._source.origin
        self._session = LiveSession(origin, _HOURS, _MOST_MARKS)
        self._translator = Translator(origin)
        self._outbox.begin()
        self._put([self._translator.begin()])
        self._publisher.start(self._fixed())
        self._take(first)
        for items in batches:
            self._take(items)
        self._put(list(self._translator.flush()))
        self._publisher.set_state(self._encoded(self._state()))

    def _fixed(self) -> dict[str, bytes]:
        if self._discovery_prefix is None:
            return {}
        topic, content = discovery(self._topics, self._source.origin, self._discovery_prefix)
        return {topic: self._encoded(content)}

    @staticmethod
    def _encoded(content: object) -> bytes:
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()

    def _take(self, items: list[Item]) -> None:
        self._session.take(items)
        self._link.take(items)
        self._put(list(self._translator.take(items)))
        if self._clock.now() >= self._state_at:
            self._state_at = self._clock.now() + STATE_S
            self._send_state()

    def _put(self, bodies: list[tuple[str, dict[str, object]]]) -> None:
        if self._outbox.put(bodies) and not self._has_dropped:
            self._has_dropped = True
            self._on_note(f"{self._outbox.path}: full. The oldest messages are dropped from now on.")

    def _send_state(self) -> None:
        state = self._state()
        if self._last is None or {**state, "time": ""} != {**self._last, "time": ""}:
            self._publisher.set_state(self._encoded(state))
            self._last = state

    def _state(self) -> StateMessage:
        session = self._session
        rate, latest = session.heart_rate(), session.latest_alarm
        active = [_alarm_state(alarm) for alarm in session.alarms()[1] if alarm.end is None]
        return {
            "session": self._outbox.session,
            "time": now_text(),
            "link": session.is_up,
            "link_text": session.link_text,
            "heart_rate": None if rate is None else round(rate, 1),
            "signal": self._signal(),
            "reasons": session.bad_reasons if session.is_bad else 0,
            "alarms": active,
            "last_alarm": None if latest is None else _alarm_state(latest),
            "lost": asdict(self._source.losses),
            "buffer": self._outbox.state,
        }

    def _signal(self) -> str:
        if not self._session.is_up:
            return "no link"
        if self._session.lead_flags:
            return "electrode off"
        return "bad" if self._session.is_bad else "good"


def _alarm_state(alarm: Alarm) -> AlarmState:
    return {
        "name": alarm.name,
        "priority": alarm.priority,
        "technical": alarm.technical,
        "onset": alarm.onset,
        "end": alarm.end,
    }
