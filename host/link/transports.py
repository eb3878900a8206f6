"""Byte streams to a device: serial ports and sockets; and the names of the ports.

    with open_transport("/dev/ttyUSB0") as transport: ...

| port | device |
|---|---|
| `/dev/ttyUSB0`, `COM3` | a serial device, at 921600 baud by default |
| `emulator` | the stm32f405 firmware of the last build, booted in QEMU while the transport is open |
| `pico` | the pico firmware of the last build, booted in rp2040js |
| `native` | the same application of the last build as a program on this computer |
| `emulator:ELF`, `pico:UF2`, `native:PROGRAM` | the same with an image of your own |
| `simulator` | a device in Python, in the same process |
| `socket://host:port`, `unix:/path` | a TCP or Unix socket |
| `rfc2217://...` and pyserial's other URLs | as pyserial defines them |
"""

from __future__ import annotations

import io
import select
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Protocol
from urllib.parse import urlsplit

import serial

from ecg_edge.ecg.errors import LinkError

DEFAULT_BAUD = 921_600
FALLBACK_BAUD = 460_800  # where 921600 damages frames: long cables, slow USB bridges
MAX_BAUD = 2**32 - 1  # the widest field of a driver

_POLL_S = 0.05
_CHUNK = 65_536
_WRITE_TIMEOUT_S = 10.0
_LISTEN_S = 2.0
RESET_S = 0.1


class Transport(Protocol):
    """A byte stream in both directions."""

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have arrived, after at most `timeout_s` seconds; b"" for none."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        ...

    def close(self) -> None:
        """Close the line. May be called again."""
        ...


class SerialTransport:
    """A serial device, opened for this process alone, or one of pyserial's URLs."""

    def __init__(self, port: str, baud: int = DEFAULT_BAUD) -> None:
        self._name = port
        if not 0 < baud <= MAX_BAUD:
            raise LinkError(f"{port}: no line has {baud} baud. Name the firmware's rate, {DEFAULT_BAUD}.")
        try:
            self._port = serial.serial_for_url(
                port, baudrate=baud, timeout=_POLL_S, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
            )
            _keep_lines(self._port)
        except (serial.SerialException, ValueError, OSError, OverflowError) as error:
            raise LinkError(f"{port}: cannot be opened ({_reason(error)}). {_advice(error)}") from error

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have arrived, after at most about `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        try:
            while True:
                data = bytes(self._port.read(max(1, self._port.in_waiting)))
                if data or time.monotonic() >= deadline:
                    return data
        except (serial.SerialException, OSError, TypeError) as error:  # TypeError: closed in another thread
            raise LinkError(_lost(self._name, error)) from error

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._port.write(data)
        except (serial.SerialException, OSError) as error:
            raise LinkError(_lost(self._name, error)) from error

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def reset_board(port: str, open_port: Callable[[str], serial.Serial] = serial.serial_for_url) -> None:
    """Reset an ESP32 by its serial lines: RTS pulls EN low, and DTR stays off, so that it does not load code.

    Boards without the usual two transistors do not react.

    Raises
    ------
    LinkError
        When the port cannot be opened or has no such lines.
    """
    if port_kind(port) != "serial":
        raise LinkError(f"{port}: has no lines DTR and RTS. --reset is for serial ports.")
    try:
        with closing(open_port(port)) as line:
            line.dtr, line.rts = False, True
            time.sleep(RESET_S)
            line.rts = False
            _keep_lines(line)
    except (serial.SerialException, ValueError, OSError) as error:
        raise LinkError(f"{port}: cannot be reset ({_reason(error)}). {_advice(error)}") from error


def _keep_lines(port: serial.Serial) -> None:
    """Leave DTR and RTS as they are when the port closes: their change resets most ESP32 boards.

    On opening both rise together, which resets none.
    """
    try:
        import termios
    except ImportError:  # Windows
        return
    with suppress(OSError, AttributeError, io.UnsupportedOperation, termios.error):  # not a terminal
        settings = termios.tcgetattr(port.fileno())
        settings[2] &= ~termios.HUPCL
        termios.tcsetattr(port.fileno(), termios.TCSANOW, settings)


class SocketTransport:
    """A connected stream socket."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self._socket, self._name = connection, name
        self._arrived = bytearray()  # while something was sent
        if connection.family == getattr(socket, "AF_INET", None):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that have arrived, after at most `timeout_s` seconds."""
        if self._arrived:
            data = bytes(self._arrived)
            self._arrived.clear()
            return data
        try:
            self._socket.settimeout(max(timeout_s, 0.001))
            return self._receive()
        except TimeoutError:
            return b""
        except OSError as error:
            raise LinkError(_lost(self._name, error)) from error

    def write(self, data: bytes) -> None:
        """Send all of `data`.

        What arrives meanwhile is kept for `read`: an emulator whose output is full takes no input, and the
        output of one that sends byte by byte is full after some hundred bytes.
        """
        rest = memoryview(data)
        try:
            self._socket.settimeout(0)
            while rest:
                ready, free, _ = select.select([self._socket], [self._socket], [], _WRITE_TIMEOUT_S)
                if not ready and not free:
                    raise TimeoutError("timed out")
                with suppress(BlockingIOError):  # not ready after all
                    if ready:
                        self._arrived += self._receive()
                    if free:
                        rest = rest[self._socket.send(rest) :]
        except OSError as error:
            raise LinkError(_lost(self._name, error)) from error

    def _receive(self) -> bytes:
        data = self._socket.recv(_CHUNK)
        if not data:
            raise LinkError(_lost(self._name, "the other end closed the connection"))
        return data

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def port_kind(port: str) -> str:
    """Name the kind of a port: "emulator", "pico", "native", "simulator", "socket" or "serial"."""
    scheme = port.partition(":")[0]
    if scheme in ("emulator", "pico", "native", "simulator"):
        return scheme
    return "socket" if scheme in ("unix", "socket") else "serial"


def connect(address: str, baud: int) -> Transport:
    """Open a serial port or a socket.

    Raises
    ------
    LinkError
        When it cannot be opened.
    """
    if address.startswith("unix:"):
        return SocketTransport(_unix_socket(address.removeprefix("unix:")), address)
    if address.startswith("socket://"):
        return SocketTransport(_tcp_socket(address), address)
    return SerialTransport(address, baud)


def _unix_socket(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _connect_when_listening(connection, path)
    except OSError as error:
        connection.close()
        raise LinkError(f"unix:{path}: cannot be opened ({_reason(error)}). {_SOCKET_ADVICE}") from error
    return connection


def _connect_when_listening(connection: socket.socket, path: str) -> None:
    """Wait for a program that is just starting: it makes the socket's file a moment before it listens."""
    give_up = time.monotonic() + _LISTEN_S
    while True:
        try:
            connection.connect(path)
            return
        except ConnectionRefusedError:
            if time.monotonic() >= give_up:
                raise
            time.sleep(0.01)


def _tcp_socket(url: str) -> socket.socket:
    parts = urlsplit(url)
    try:
        if parts.hostname is None or parts.port is None:
            raise ValueError("a socket URL is socket://HOST:PORT")
        return socket.create_connection((parts.hostname, parts.port), timeout=_WRITE_TIMEOUT_S)
    except (OSError, ValueError) as error:
        raise LinkError(f"{url}: cannot be opened ({_reason(error)}). {_SOCKET_ADVICE}") from error


_SOCKET_ADVICE = "Is the program that listens there running?"


def _reason(error: object) -> str:
    return getattr(error, "strerror", None) or str(error)


def _advice(error: Exception) -> str:
    text = str(error).lower()
    if "permission" in text:
        return "Add yourself to the group that owns it (`sudo usermod -aG dialout $USER`) and log in again."
    if "busy" in text or "exclusively" in text or "temporarily unavailable" in text:
        return "Another program has it open: close the serial monitor."
    return "Is the board plugged in? `ecg-edge ports` lists what there is."


def _lost(name: str, reason: object) -> str:
    return f"{name}: the link was lost ({_reason(reason)}). Check cable and power."
