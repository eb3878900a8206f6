"""The web application of one live session.

| request | answer |
|---|---|
| GET / and two files beside it | the page |
| GET /chunk/N | ten seconds of the session: samples, beats, annotations |
| GET /overview?start=&end=&points= | smallest and largest sample of each of `points` parts |
| GET /export.csv, /export.zip?start=&end= | a part of the session, as CSV and as a WFDB record |
| WebSocket /live | what is new: samples (binary), marks and state (JSON); takes {"acknowledge": N} |

A browser gets its samples from the session's memory, at a position of its own. One that cannot keep up is
taken to the newest samples, and nothing else ever waits for it.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from importlib.resources import files
from typing import Any, Final

import numpy as np
from fastapi import FastAPI, HTTPException, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from ecg_edge.host.live.items import INVALID, BeatMark, Mark, Reference
from ecg_edge.host.live.marks import to_json
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.live.timeline import Losses
from ecg_edge.host.monitor.exports import LONGEST_S, csv_blocks, wfdb_archive
from ecg_edge.host.monitor.guard import Guard
from ecg_edge.host.recording.rhythm_notes import reasons_text

CHUNK_S: Final = 10
EVERY_S: Final = 0.04
STATE_EVERY: Final = 6  # turns
BEHIND_S: Final = 30  # then a browser is taken to the newest samples
MOST_BROWSERS: Final = 16
MOST_POINTS: Final = 4000
LONGEST_MESSAGE: Final = 256
_FILES: Final = {
    "": ("index.html", "text/html; charset=utf-8"),
    "monitor.css": ("monitor.css", "text/css; charset=utf-8"),
    "monitor.js": ("monitor.js", "text/javascript; charset=utf-8"),
}


def make_app(
    session: LiveSession,
    losses: Callable[[], Losses],
    hosts: Iterable[str],
    token: str | None = None,
    drift_ppm: Callable[[], float | None] = lambda: None,
) -> Guard:
    """Make the application.

    Parameters
    ----------
    session : LiveSession
        What it shows.
    losses : callable
        Gives everything lost so far.
    hosts : iterable of str
        Values of Host that are this server, with their ports.
    token : str, optional
        Token that every request needs.
    drift_ppm : callable
        Gives the rate of the device's clock.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    shown = _Shown(session, losses, drift_ppm)
    _add_files(app)
    _add_parts(app, session, shown)

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        if shown.browsers >= MOST_BROWSERS:
            await socket.close(1013, "too many browsers")
            return
        await socket.accept()
        shown.browsers += 1
        try:
            await _Browser(socket, shown).serve()
        finally:
            shown.browsers -= 1

    return Guard(app, hosts, token)


def _add_files(app: FastAPI) -> None:
    folder = files("ecg_edge.host.monitor") / "static"
    for path, (name, kind) in _FILES.items():
        content = (folder / name).read_bytes()

        def get(content: bytes = content, kind: str = kind) -> Response:
            return Response(content, media_type=kind)

        app.get(f"/{path}", response_model=None)(_without_parameters(get))


def _without_parameters(get: Callable[[], Response]) -> Callable[[], Response]:
    return lambda: get()


def _add_parts(app: FastAPI, session: LiveSession, shown: _Shown) -> None:
    fs_hz = session.origin.fs_hz

    @app.get("/chunk/{number}")
    def chunk(number: int) -> dict[str, Any]:
        if not 0 <= number <= session.end // (CHUNK_S * fs_hz):
            raise HTTPException(404)
        return shown.chunk(number)

    @app.get("/overview")
    def overview(start: int, end: int, points: int) -> dict[str, Any]:
        if not 1 <= points <= MOST_POINTS or end <= start:
            raise HTTPException(422)
        return shown.overview(start, end, points)

    def part(start: int, end: int) -> tuple[int, int]:
        start, end = max(start, session.first), min(end, session.end)
        if not 0 < end - start <= LONGEST_S * fs_hz:
            raise HTTPException(422, f"at most {LONGEST_S:.0f} s of the session")
        return start, end

    @app.get("/export.csv")
    def csv(start: int, end: int) -> StreamingResponse:
        headers = {"content-disposition": "attachment; filename=ecg.csv"}
        return StreamingResponse(
            csv_blocks(session, *part(start, end)), media_type="text/csv", headers=headers
        )

    @app.get("/export.zip")
    def archive(start: int, end: int) -> Response:
        headers = {"content-disposition": "attachment; filename=ecg.zip"}
        return Response(
            wfdb_archive(session, *part(start, end)), media_type="application/zip", headers=headers
        )


class _Shown:
    """The session as JSON objects, and the number of browsers."""

    def __init__(
        self, session: LiveSession, losses: Callable[[], Losses], drift_ppm: Callable[[], float | None]
    ) -> None:
        self.session, self._losses, self._drift_ppm = session, losses, drift_ppm
        self.browsers = 0
        self.chunk_samples = CHUNK_S * session.origin.fs_hz

    def hello(self) -> dict[str, Any]:
        """What a browser needs before anything else."""
        return {
            "type": "hello",
            "origin": asdict(self.session.origin),
            "chunk_samples": self.chunk_samples,
            "events": [to_json(mark) for mark in self.session.events()],
        }

    def state(self) -> dict[str, Any]:
        """The session's state now."""
        session, rate = self.session, self.session.heart_rate()
        _, alarms = session.alarms()
        return {
            "type": "state",
            "first": session.first,
            "end": session.end,
            "heart_rate": None if rate is None else round(rate),
            "up": session.is_up,
            "link": session.link_text,
            "bad": reasons_text(session.bad_reasons) if session.is_bad else "",
            "leads_off": session.lead_flags,
            "morphology": session.strip.label if session.strip else "",
            "alarms": [asdict(alarm) for alarm in alarms],
            "losses": asdict(self._losses()),
            "drift_ppm": self._drift_ppm(),
            "browsers": self.browsers,
        }

    def chunk(self, number: int) -> dict[str, Any]:
        """Ten seconds; samples that are not known have the value of a gap."""
        start, end = number * self.chunk_samples, (number + 1) * self.chunk_samples
        values = np.full(self.chunk_samples, INVALID, "<i2")
        first, samples = self.session.samples(start, end)
        values[first - start : first - start + len(samples)] = samples
        return {
            "number": number,
            "known": len(samples) + first - start,
            "samples": base64.b64encode(values.tobytes()).decode(),
            "beats": [to_json(beat) for beat in self.session.beats(start, end)],
            "references": [to_json(mark) for mark in self.session.references(start, end)],
        }

    def overview(self, start: int, end: int, points: int) -> dict[str, Any]:
        """Smallest and largest sample of each part; None where there is none."""
        first, samples = self.session.samples(start, end)
        edges = np.linspace(start, end, points + 1).astype(np.int64) - first
        low: list[int | None] = []
        high: list[int | None] = []
        for a, b in zip(edges[:-1].clip(0).tolist(), edges[1:].clip(0).tolist(), strict=True):
            part = samples[a : max(b, a + 1)]
            top = int(part.max()) if len(part) else INVALID
            known = part if len(part) and int(part.min()) != INVALID else part[part != INVALID]
            low.append(None if top == INVALID else int(known.min()))
            high.append(None if top == INVALID else top)
        return {"start": start, "end": end, "low": low, "high": high}


class _Browser:
    """One WebSocket, and how far it has come."""

    def __init__(self, socket: WebSocket, shown: _Shown) -> None:
        self._socket, self._shown, self._session = socket, shown, shown.session
        self._turn = 0

    async def serve(self) -> None:
        """Send what is new until the browser leaves."""
        receiver = asyncio.create_task(self._receive())
        try:
            with suppress(WebSocketDisconnect, RuntimeError):  # RuntimeError: closed while sending
                await self._send()
        finally:
            receiver.cancel()

    async def _send(self) -> None:
        self._mark, _ = self._session.marks(1 << 62)
        await self._send_json(self._shown.hello())
        self._at = self._newest_chunk(6)
        for start in range(self._at, self._session.end + 1, self._shown.chunk_samples):
            number = start // self._shown.chunk_samples
            await self._send_json({"type": "chunk", **self._shown.chunk(number)})
        while True:
            await self._send_samples()
            await self._send_marks()
            if self._turn % STATE_EVERY == 0:
                await self._send_json(self._shown.state())
            self._turn += 1
            await asyncio.sleep(EVERY_S)

    def _newest_chunk(self, before: int = 0) -> int:
        size = self._shown.chunk_samples
        oldest = -(-self._session.first // size)
        return max(self._session.end // size - before, oldest, 0) * size

    async def _send_samples(self) -> None:
        fs_hz = self._session.origin.fs_hz
        if self._session.end - self._at > BEHIND_S * fs_hz and self._turn:
            self._at = self._newest_chunk()
        start, samples = self._session.samples(self._at, self._at + BEHIND_S * fs_hz)
        if len(samples):
            head = np.array([start], "<f8").tobytes()
            await self._socket.send_bytes(head + samples.astype("<i2").tobytes())
            self._at = start + len(samples)

    async def _send_marks(self) -> None:
        self._mark, marks = self._session.marks(self._mark)
        recent = self._session.end - BEHIND_S * self._session.origin.fs_hz
        shown = [to_json(mark) for mark in marks if not _is_old_beat(mark, recent)]
        if shown:
            await self._send_json({"type": "marks", "marks": shown})

    async def _send_json(self, content: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(content, separators=(",", ":")))
        await asyncio.sleep(0)  # a lost connection becomes known between two turns of the loop only

    async def _receive(self) -> None:
        """Take acknowledgements; anything else ends the connection."""
        with suppress(WebSocketDisconnect, ValueError, KeyError, TypeError, RuntimeError):
            while True:
                text = await self._socket.receive_text()
                if len(text) > LONGEST_MESSAGE:
                    raise ValueError
                self._session.acknowledge(int(json.loads(text)["acknowledge"]))
                await self._send_json(self._shown.state())
        with suppress(RuntimeError):
            await self._socket.close(1008)


def _is_old_beat(mark: Mark, before: int) -> bool:
    return isinstance(mark, (BeatMark, Reference)) and mark.sample < before
