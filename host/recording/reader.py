"""A thread that reads a source into a session, and records it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

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

    Attributes
    ----------
    session : LiveSession
    recorder : Recorder or None
    recording_error : str
        Why the recording stopped; "" while it goes on.

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
        self.session = LiveSession(source.origin, started=getattr(source, "started", None))
        self.session.take(first)
        self._first = first
        self.recorder: Recorder | None = None
        self.recording_error = ""
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
            recorder, self.recorder, self.recording_error = self.recorder, None, _reason(error)
            with suppress(Exception):  # the first error is the one to tell
                recorder.close(self.recording_error)
            text = f"recording stopped: {self.recording_error}"
            self.session.take([LinkChange(self.session.end, self.session.is_up, text)])


def _reason(error: Exception) -> str:
    """The text of an error; with its kind where the text is not written for users."""
    return str(error) if isinstance(error, EcgEdgeError) else f"{type(error).__name__}: {error}"
