"""The monitor's web application: what it answers, and what it refuses."""

from __future__ import annotations

import base64
import io
import json
import socket
import struct
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb

pytest.importorskip("fastapi")

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from ecg_edge.firmware.binding.rhythm import ASYSTOLE, BEGIN, END
from ecg_edge.host.live.items import INVALID, Gap, LinkChange
from ecg_edge.host.monitor.server import hosts_of, is_loopback
from tests.support.made_session import FS_HZ, event, items, samples
from tests.support.messages import made_event
from tests.support.monitor import Page, running


@pytest.fixture
def page() -> Iterator[Page]:
    with running() as page:
        page.session.take([LinkChange(0, True, "connected"), *items(0, 25 * FS_HZ)])
        page.session.take([event(0, 20 * FS_HZ, 22 * FS_HZ), event(2, 20 * FS_HZ, 23 * FS_HZ)])
        page.session.take([made_event(ASYSTOLE, phase, 21 * FS_HZ, 24 * FS_HZ) for phase in (BEGIN, END)])
        yield page


def read(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Next JSON message of a kind."""
    for _ in range(1000):
        message = socket.recv(timeout=10)
        if isinstance(message, str) and json.loads(message)["type"] == kind:
            found: dict[str, Any] = json.loads(message)
            return found
    raise AssertionError(f"no {kind}")


def test_the_page_and_its_files(page: Page) -> None:
    for path in ("/", "/monitor.css", "/monitor.js"):
        answer = page.get(path)
        assert answer.status == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
    for path in ("/app.py", "/../pyproject.toml", "/static/index.html", "/%2e%2e/server.py", "/openapi.json"):
        assert page.get(path).status == 404


def test_a_chunk_has_samples_and_beats(page: Page) -> None:
    chunk = page.get("/chunk/1").json()
    values = np.frombuffer(base64.b64decode(chunk["samples"]), "<i2")
    assert np.array_equal(values, samples(3600, 7200))
    assert [beat["sample"] for beat in chunk["beats"]] == list(range(3600, 7200, FS_HZ))
    last = page.get("/chunk/2").json()
    assert last["known"] == 5 * FS_HZ
    assert (np.frombuffer(base64.b64decode(last["samples"]), "<i2")[5 * FS_HZ :] == INVALID).all()
    for number in ("-1", "3", "x"):
        assert page.get(f"/chunk/{number}").status in (404, 422)


def test_the_overview(page: Page) -> None:
    page.session.take([Gap(25 * FS_HZ, 30 * FS_HZ, "the link was lost", False)])
    answer = page.get(f"/overview?start=0&end={30 * FS_HZ}&points=30").json()
    assert answer["low"][0] == samples(0, FS_HZ).min()
    assert answer["high"][24] == samples(24 * FS_HZ, 25 * FS_HZ).max()
    assert answer["high"][25:] == [None] * 5
    assert page.get("/overview?start=0&end=10&points=100000").status == 422


def test_exports(page: Page, tmp_path: Path) -> None:
    page.session.take(
        [Gap(25 * FS_HZ, 26 * FS_HZ, "the link was lost", False), *items(26 * FS_HZ, 27 * FS_HZ)]
    )
    lines = page.get(f"/export.csv?start=3600&end={26 * FS_HZ}").content.decode().splitlines()
    assert lines[2] == f"3600,10.0000,{samples(3600, 3601)[0] / 200:.4f},N"
    assert lines[-1] == f"{26 * FS_HZ - 1},{26 - 1 / FS_HZ:.4f},,"
    content = page.get(f"/export.zip?start=3600&end={27 * FS_HZ}").content
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    physical = wfdb.rdrecord(str(tmp_path / "ecg")).p_signal[:, 0]
    assert len(physical) == 17 * FS_HZ
    assert np.isnan(physical[15 * FS_HZ : 16 * FS_HZ]).all()
    beats = wfdb.rdann(str(tmp_path / "ecg"), "dev").sample
    assert beats.tolist() == [FS_HZ * second for second in range(17) if second != 15]
    assert "(VT" in wfdb.rdann(str(tmp_path / "ecg"), "rhy").aux_note
    assert page.get("/export.csv?start=9000&end=8000").status == 422


def test_an_export_has_the_time_of_the_signal_and_its_length(page: Page, tmp_path: Path) -> None:
    page.session.started = datetime(2026, 1, 31, 23, 59, 55, tzinfo=timezone.utc)
    page.session.take([Gap(25 * FS_HZ, 27 * FS_HZ, "the link was lost", False)])
    content = page.get(f"/export.zip?start={10 * FS_HZ}&end={26 * FS_HZ}").content
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    record = wfdb.rdrecord(str(tmp_path / "ecg"))
    assert (str(record.base_date), str(record.base_time)) == ("2026-02-01", "00:00:05")
    assert record.sig_len == 16 * FS_HZ and np.isnan(record.p_signal[-FS_HZ:]).all()


def test_a_browser_gets_what_is_new_and_acknowledges(page: Page) -> None:
    with page.connect() as socket:
        hello = read(socket, "hello")
        assert hello["origin"]["fs_hz"] == FS_HZ
        assert [mark["type"] for mark in hello["events"]] == ["link", *["event"] * 4]
        assert [read(socket, "chunk")["number"] for _ in range(3)] == [0, 1, 2]
        state = read(socket, "state")
        (alarm,) = state["alarms"]
        assert (alarm["name"], alarm["priority"], alarm["acknowledged"]) == ("asystole", 3, False)
        page.session.take(items(25 * FS_HZ, 26 * FS_HZ))
        assert [mark["sample"] for mark in read(socket, "marks")["marks"]] == [25 * FS_HZ]
        socket.send(json.dumps({"acknowledge": alarm["number"]}))
        for _ in range(50):
            if not read(socket, "state")["alarms"]:
                break
        else:
            pytest.fail("the alarm is still there")


def test_the_samples_come_in_order_without_a_hole(page: Page) -> None:
    at = None
    with page.connect() as socket:
        for k in range(20):
            page.session.take(items(25 * FS_HZ + 36 * k, 25 * FS_HZ + 36 * (k + 1)))
            while isinstance(data := socket.recv(timeout=10), str):
                pass
            start = int(np.frombuffer(data[:8], "<f8")[0])
            values = np.frombuffer(data[8:], "<i2")
            assert at is None or start == at
            assert np.array_equal(values, samples(start, start + len(values)))
            at = start + len(values)


@pytest.mark.parametrize("text", ["x" * 300, "[]", "{}", '{"acknowledge": "x"}', "not json", "y" * 5000])
def test_other_messages_end_the_connection(page: Page, text: str) -> None:
    with page.connect() as socket, pytest.raises(ConnectionClosed):
        socket.send(text)
        for _ in range(500):
            socket.recv(timeout=10)


REFUSED = [
    {"host": "evil.example:8360"},
    {"origin": "http://evil.example"},
    {"origin": "http://127.0.0.1:9999"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
]


@pytest.mark.parametrize("headers", REFUSED)
def test_other_names_and_other_pages_are_refused(page: Page, headers: dict[str, str]) -> None:
    for path in ("/", "/chunk/0", "/export.csv?start=0&end=100"):
        assert page.get(path, **headers).status == 403
    if "host" not in headers:
        with pytest.raises(InvalidStatus), page.connect(**headers):
            pass


def test_the_own_page_is_served(page: Page) -> None:
    own = {"origin": f"http://{page.host}", "sec-fetch-site": "same-origin"}
    assert page.get("/chunk/0", **own).status == 200
    with page.connect(**own) as socket:
        read(socket, "hello")


def test_a_token_is_needed_everywhere_but_on_a_loopback_address() -> None:
    with running("0.0.0.0") as page:
        page.session.take(items(0, 3600))
        token = page.url.partition("?token=")[2]
        assert len(token) >= 32
        for query in ("", "?token=", "?token=wrong"):
            assert page.get(f"/chunk/0{query}").status == 403
            with pytest.raises(InvalidStatus), page.connect(query=query):
                pass
        answer = page.get(f"/?token={token}")
        assert answer.status == 200
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly; SameSite=Strict" in cookie
        cookie = cookie.partition(";")[0]
        assert page.get("/chunk/0", cookie=cookie).status == 200
        with page.connect(cookie=cookie, origin=f"http://{page.host}") as socket:
            read(socket, "hello")


def test_a_browser_that_reads_nothing_stalls_nobody(page: Page) -> None:
    with page.connect(), page.connect() as other:
        began = time.monotonic()
        for k in range(2000):  # 200 s of signal: more than the buffers hold
            start = 25 * FS_HZ + 36 * k
            page.session.take(items(start, start + 36))
            if k % 100 == 0:
                time.sleep(0.05)
        assert time.monotonic() - began < 10
        state = read(other, "state")
        while state["end"] < 25 * FS_HZ + 72_000:
            state = read(other, "state")


def leave_abruptly(page: Page) -> None:
    """Ask for the WebSocket and reset the connection before anything is read."""
    with socket.create_connection(("127.0.0.1", page.port)) as line:
        head = f"GET /live HTTP/1.1\r\nHost: {page.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        line.sendall((head + key).encode())
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_nothing_is_sent_to_a_browser_that_has_gone(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    page.session.take(items(25 * FS_HZ, 120 * FS_HZ))  # the first burst: seven chunks and more
    for _ in range(10):
        leave_abruptly(page)
    with page.connect() as other:
        state = read(other, "state")
        while state["browsers"] > 1:
            state = read(other, "state")
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize(
    ("address", "expected"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_loopback(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
    assert ("127.0.0.1:80" in hosts_of(address, 80)) is True
