"""A real broker on loopback, and a subscriber that drops doubles and sees losses."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin"


def free_port() -> int:
    """A TCP port that nobody listens on, and that the system gives to no client."""
    while True:
        port = random.randrange(20_000, 30_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Mosquitto:
    """A broker that can be killed and started again; it keeps its sessions on disk.

    Parameters
    ----------
    folder : Path
        For its files.
    lines : str
        Further lines of its configuration.
    autosave : bool
        Write its sessions with every change, and not only at its end.
    """

    def __init__(self, folder: Path, *lines: str, autosave: bool = True) -> None:
        program = shutil.which("mosquitto", path=SEARCH)
        if program is None:
            pytest.skip("mosquitto is not installed: ./setup.sh tests")
        self.port = free_port()
        config = folder / "mosquitto.conf"
        saving = ("autosave_on_changes true", "autosave_interval 1") if autosave else ()
        access = () if any(line.startswith("password_file") for line in lines) else ("allow_anonymous true",)
        config.write_text(
            "\n".join(
                (
                    *(f"user {os.environ.get('USER', 'root')}", f"listener {self.port} 127.0.0.1"),
                    *("persistence true", f"persistence_location {folder}/", *saving),
                    *("max_queued_messages 0", "set_tcp_nodelay true"),
                    *(*access, *lines),
                )
            )
            + "\n"
        )
        self._command = [program, "-c", str(config)]
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Address for `--mqtt`."""
        return f"mqtt://localhost:{self.port}"

    @property
    def pid(self) -> int:
        """Number of the process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stderr=log, stdout=log)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(self._log.read_text())

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def kill(self) -> None:
        """End it by SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Mosquitto:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Subscriber:
    """A subscriber of everything, whose session the broker keeps while it is away.

    The rule by which it drops doubles is that of docs/reference/mqtt.md: within a stream, a number of a topic
    that is not above the last one came before.

    Attributes
    ----------
    messages : dict
        By topic, without doubles.
    plain : dict
        The latest content of topics without numbers.
    doubles, lost : int
        Messages that came again, and that are missing.
    delays_s : list of float
        Time from the making of each message to its arrival.
    """

    def __init__(self, port: int, client_id: str = "subscriber", keep: bool = True) -> None:
        self.messages: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.plain: dict[str, bytes] = {}
        self.doubles = self.lost = self.count = 0
        self.delays_s: list[float] = []
        self._next: dict[tuple[str, str], int] = {}
        self._keep = keep
        self._ready = threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        self.client.on_message = self._take
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.reconnect_delay_set(0.1, 0.2)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self.client.connect("127.0.0.1", port, clean_start=False, properties=properties)
        self.client.loop_start()
        assert self._ready.wait(10)

    def _take(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        content = json.loads(message.payload) if message.payload.startswith(b"{") else {}
        if "seq" not in content:
            self.plain[message.topic] = message.payload
            return
        key = (message.topic, content["stream"])
        expected = self._next.get(key, 0)
        if content["seq"] < expected:
            self.doubles += 1
            return
        self.lost += content["seq"] - expected
        self._next[key] = content["seq"] + 1
        self.count += 1
        self.delays_s.append(time.time() - datetime.fromisoformat(content["time"]).timestamp())
        if self._keep:
            self.messages[message.topic].append(content)

    def wait(self, condition: Callable[[], object], timeout_s: float = 20.0) -> None:
        """Wait until `condition` holds."""
        until = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < until, (self.plain, {k: len(v) for k, v in self.messages.items()})
            time.sleep(0.02)

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()
