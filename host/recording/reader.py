"""A thread that reads a source into a session, and records it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.live.items import Item, LinkChange
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.live.sources import Source
from ecg_edge.host.recording.recorder import Recorder


class Reader:
    """A thread that reads a source into a session, and into a recorder where there is one.

    Parameters
    ----------
    source : Source

    Raises
    ------
    EcgEdgeError
        When the source gives nothing: no device, no record.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stop = threading.Event()
        self._batches: Iterator[list[Item]] = source.items(self._stop)
        first = next(self._batches, [])
        self.session = LiveSession(source.origin)
        self.session.take(first)
        self._first = first
        self.recorder: Recorder | None = None
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def start(self, recorder: Recorder | None = None) -> None:
        """Begin to read."""
        self.recorder = recorder
        if recorder is not None:
            recorder.take(self._first)
        self._thread.start()

    def stop(self) -> None:
        """Stop the source and close the recorder."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        if self.recorder is not None:
            self.recorder.close()

    def _run(self) -> None:
        try:
            for items in self._batches:
                self.session.take(items)
                self._record(items)
        except Exception as error:  # nobody else would see it: the page shows how the link ended
            self.session.take([LinkChange(self.session.end, False, _reason(error))])

    def _record(self, items: list[Item]) -> None:
        if self.recorder is None:
            return
        drift = getattr(self._source, "drift", None)
        try:
            self.recorder.take(items)
            self.recorder.tick(drift.ppm if drift else None)
        except Exception as error:  # a full disk does not end the monitor
            self.recorder = None
            self.session.take([LinkChange(self.session.end, True, f"recording stopped: {_reason(error)}")])


def _reason(error: Exception) -> str:
    """The text of an error; with its kind where the text is not written for users."""
    return str(error) if isinstance(error, EcgEdgeError) else f"{type(error).__name__}: {error}"
