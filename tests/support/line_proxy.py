"""A socket between host and device with faults, in the direction to the host or in both."""

from __future__ import annotations

import os
import random
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PIECE = 256  # at most: small, so that there are many, however fast the computer

Fault = Callable[[bytes, random.Random], list[bytes]]
"""Makes of what one side sent in one go the pieces that arrive."""


def flip(data: bytes, chosen: random.Random, share: float = 0.01) -> list[bytes]:
    """Change a bit in a share of the bytes."""
    return [bytes(b ^ (1 << chosen.randrange(8)) if chosen.random() < share else b for b in data)]


def drop(data: bytes, chosen: random.Random) -> list[bytes]:
    """Lose one piece in twenty."""
    return [] if chosen.random() < 0.05 else [data]


def double(data: bytes, chosen: random.Random) -> list[bytes]:
    """Deliver one piece in ten twice."""
    return [data, data] if chosen.random() < 0.1 else [data]


def burst(data: bytes, chosen: random.Random) -> list[bytes]:
    """Put noise before one piece in twenty."""
    noise = chosen.randbytes(300) if chosen.random() < 0.05 else b""
    return [noise + data]


class Reorder:
    """Hold one piece in twenty back until after the next one."""

    __name__ = "reorder"

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def __call__(self, data: bytes, chosen: random.Random) -> list[bytes]:
        """Give the pieces in their new order."""
        if not self._held and chosen.random() < 0.05:
            self._held = [data]
            return []
        held, self._held = self._held, []
        return [data, *held]


def stall(data: bytes, chosen: random.Random) -> list[bytes]:
    """Deliver nothing for two seconds, once in a while."""
    if chosen.random() < 0.004:
        time.sleep(2.0)
    return [data]


class Cut(Exception):  # noqa: N818
    """The connection breaks here."""


def cut(data: bytes, chosen: random.Random) -> list[bytes]:
    """Break the connection once in a while."""
    if chosen.random() < 0.01:
        raise Cut
    return [data]


@contextmanager
def proxy(
    port: str, folder: Path, fault: Fault, seed: int = 1, to_device: Fault | None = None
) -> Iterator[str]:
    """Listen on a socket and connect each that comes to the device on `port`.

    Parameters
    ----------
    port : str
        A terminal.
    folder : Path
        Folder for the socket.
    fault : callable
        Fault in the direction to the host.
    seed : int
        Of what is chosen at random.
    to_device : callable, optional
        Fault in the direction to the device.

    Yields
    ------
    str
        Address of the socket.
    """
    path, stop = folder / "proxy", threading.Event()
    device = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(
            target=_serve, args=(listener, device, (fault, to_device), stop, seed), daemon=True
        )
        thread.start()
        try:
            yield f"unix:{path}"
        finally:
            stop.set()
            thread.join()
            os.close(device)


Faults = tuple[Fault, "Fault | None"]


def _serve(listener: socket.socket, device: int, faults: Faults, stop: threading.Event, seed: int) -> None:
    chosen = random.Random(seed)
    listener.settimeout(0.1)
    while not stop.is_set():
        with suppress(TimeoutError, OSError, Cut):
            line, _ = listener.accept()
            with line:
                _carry(line, device, faults, stop, chosen)


def _carry(
    line: socket.socket, device: int, faults: Faults, stop: threading.Event, chosen: random.Random
) -> None:
    to_host, to_device = faults
    while not stop.is_set():
        ready, _, _ = select.select([line, device], [], [], 0.1)
        if line in ready:
            data = line.recv(PIECE)
            if not data:
                return
            for piece in to_device(data, chosen) if to_device else [data]:
                _write_all(device, piece)
        if device in ready:
            for piece in to_host(os.read(device, PIECE), chosen):
                line.sendall(piece)


def _write_all(device: int, data: bytes) -> None:
    while data:
        with suppress(BlockingIOError):
            data = data[os.write(device, data) :]
