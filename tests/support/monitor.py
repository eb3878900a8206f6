"""The monitor's server on a free port, for one session that a test fills."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import ClientConnection, connect

from ecg_edge.host.live.items import Item
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.live.sources import Source
from ecg_edge.host.live.timeline import Losses
from ecg_edge.host.monitor.server import Monitor
from ecg_edge.host.recording.reader import Reader
from tests.support.made_session import ORIGIN


class SilentSource:
    """A source that is connected and gives nothing."""

    origin = ORIGIN
    losses = Losses()

    def items(self, stop: threading.Event) -> Iterator[list[Item]]:
        """Wait until `stop` is set."""
        yield []
        while not stop.wait(0.05):
            yield []


@dataclass(frozen=True)
class Answer:
    """Answer of the server."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Content as JSON."""
        return json.loads(self.content)


@dataclass(frozen=True)
class Page:
    """A running server."""

    session: LiveSession
    url: str
    port: int

    @property
    def host(self) -> str:
        """Value of Host."""
        return f"127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> Answer:
        """Send a GET request."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        found = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        line.close()
        return found

    def connect(self, query: str = "", origin: str | None = None, **headers: str) -> ClientConnection:
        """Open the WebSocket."""
        uri = f"ws://{self.host}/live{query}"
        return connect(uri, origin=origin, additional_headers=headers, max_size=None)  # type: ignore[arg-type]


@contextmanager
def running(address: str = "127.0.0.1", source: Source | None = None) -> Iterator[Page]:
    """Run the server for as long as the context lasts, for a source that gives nothing when left out."""
    shown = source or SilentSource()
    reader = Reader(shown)
    monitor = Monitor(shown, reader, address, 0)
    if source is not None:
        reader.start()
    thread = threading.Thread(target=monitor.run, daemon=True)
    thread.start()
    page = Page(reader.session, monitor.url, int(monitor.url.split(":")[2].split("/")[0]))
    try:
        yield page
    finally:
        monitor.stop()
        thread.join(10)
        reader.stop()


def wait(tab: Any, condition: str, seconds: float) -> None:
    """Wait until a JavaScript expression is true, without the eval that the page forbids."""
    until = time.monotonic() + seconds
    while not tab.evaluate(condition):
        assert time.monotonic() < until, condition
        tab.wait_for_timeout(20)


def sees(tab: Any, selector: str, text: str, seconds: float) -> float:
    """Wait until an element shows a text. Returns the seconds that it took."""
    began = time.monotonic()
    condition = f"document.querySelector({selector!r}).textContent.includes({text!r})"
    wait(tab, condition, seconds)
    return time.monotonic() - began
