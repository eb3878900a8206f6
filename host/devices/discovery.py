"""Find devices: the serial ports of this computer, and what is behind each.

for found in discover():
    print(found.port, found.kind, found.detail, found.advice)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.link import foreign
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import Info
from ecg_edge.host.link.transports import DEFAULT_BAUD, FALLBACK_BAUD, Transport, connect

DEVICE: Final = "ecg-edge"
CLOSED: Final = "cannot be opened"
TEXT_BAUDS: Final = (115_200, 9_600)
ASK_S: Final = 1.2
LISTEN_S: Final = 1.0

# Bridges and chips of the boards that the firmware is built for, by USB vendor.
_BOARD_VENDORS: Final = {
    0x10C4: "Silicon Labs CP210x",
    0x1A86: "WCH CH34x",
    0x0403: "FTDI",
    0x303A: "Espressif",
    0x0483: "STMicroelectronics",
    0x2341: "Arduino",
    0x239A: "Adafruit",
    0x2E8A: "Raspberry Pi",
    0x1209: "pid.codes",  # the Pico's own USB connector
}


@dataclass(frozen=True)
class Port:
    """A serial port of this computer.

    Attributes
    ----------
    name : str
        E.g. "/dev/ttyUSB0" or "COM3".
    usb : str
        USB vendor and product, "10c4:ea60"; "" where it is no USB device.
    description : str
        As the system or the vendor's number describes it.
    """

    name: str
    usb: str
    description: str


@dataclass(frozen=True)
class Found:
    """What is behind a port.

    Attributes
    ----------
    port : Port
    kind : str
        DEVICE, CLOSED, or a kind of `ecg_edge.host.link.foreign`.
    baud : int
        Rate at which it answered or was read; 0 for none.
    detail : str
        The device's handshake, what it printed, or why it cannot be opened.
    advice : str
        What to do; "" for a device.
    """

    port: Port
    kind: str
    baud: int
    detail: str
    advice: str


def list_ports() -> list[Port]:
    """List the serial ports, those on USB first."""
    from serial.tools.list_ports import comports

    found = [
        Port(
            port.device,
            f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None else "",
            _BOARD_VENDORS.get(port.vid or 0) or (port.description if port.description != "n/a" else ""),
        )
        for port in comports()
    ]
    return sorted(found, key=lambda port: (not port.usb, port.name))


def discover(ports: list[Port] | None = None) -> list[Found]:
    """Ask every port, all at once; takes up to five seconds."""
    listed = list_ports() if ports is None else ports
    with ThreadPoolExecutor(max_workers=max(len(listed), 1)) as pool:
        return list(pool.map(examine, listed))


def examine(port: Port) -> Found:
    """Find out what is behind a port: a device of this protocol, or something else and what it sends."""
    data, baud = b"", 0
    try:
        for rate in (DEFAULT_BAUD, FALLBACK_BAUD):
            with closing(connect(port.name, rate)) as line:
                heard = bytearray()
                info = _ask(line, heard)
                if info is not None:
                    return Found(port, DEVICE, rate, _describe_device(info), "")
                data, baud = data or bytes(heard), baud or (rate if heard else 0)
        described = foreign.describe(data)
        if described.kind in (foreign.BINARY, foreign.SILENT):
            for rate, text in _listen(port.name):
                slower = foreign.describe(text)
                if slower.kind not in (foreign.BINARY, foreign.SILENT):
                    described, baud = slower, rate
                    break
    except LinkError as error:
        reason, _, advice = str(error).partition(". ")
        return Found(port, CLOSED, 0, reason.removeprefix(f"{port.name}: "), advice)
    detail = f"sends {described}" if described.kind != foreign.SILENT else "sends nothing"
    return Found(port, described.kind, baud, detail, described.advice.replace("PORT", port.name))


def _ask(line: Transport, heard: bytearray) -> Info | None:
    """Return the device's handshake, if it gives one; `heard` gets what arrived."""
    link = Link(_Tapped(line, heard))
    try:
        return link.handshake(ASK_S)
    except LinkError as error:
        if "protocol version" in str(error):
            raise
        return None


def _listen(name: str) -> Iterator[tuple[int, bytes]]:
    """Read at the baud rates of sketches."""
    for rate in TEXT_BAUDS:
        with closing(connect(name, rate)) as line:
            until, data = time.monotonic() + LISTEN_S, b""
            while (left_s := until - time.monotonic()) > 0 and len(data) < 4000:
                data += line.read(left_s)
            yield rate, data


class _Tapped:
    """A line that keeps what was read."""

    def __init__(self, line: Transport, heard: bytearray) -> None:
        self._line, self._heard = line, heard
        self.write, self.close = line.write, line.close

    def read(self, timeout_s: float) -> bytes:
        """Read, and keep what was read."""
        data = self._line.read(timeout_s)
        self._heard += data
        return data


def _describe_device(info: Info) -> str:
    return (
        f"{info.board}, firmware {info.firmware_version}, {info.fs_hz} Hz, labels {','.join(info.labels)}, "
        f"model {info.model_sha256[:12]}"
    )


def choose_port() -> str:
    """Return the port of the only device of this protocol; see `only_device`."""
    return only_device(discover())


def only_device(found: list[Found]) -> str:
    """Return the port of the only device of this protocol among `found`.

    Raises
    ------
    LinkError
        When there is none, or more than one; the message lists what there is.
    """
    devices = [one for one in found if one.kind == DEVICE]
    if len(devices) == 1:
        return devices[0].port.name
    listed = "".join(f"\n  {one.port.name}: {one.detail}. {one.advice}".rstrip() for one in found)
    if devices:
        raise LinkError(f"{len(devices)} devices answer. Name the port of one of them:{listed}")
    raise LinkError(
        "No device answers on any serial port. "
        + (f"There is:{listed}" if listed else "There is no serial port: plug the board in.")
    )
