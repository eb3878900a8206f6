"""The Bluetooth LE line of an update, by bleak (the extra `update`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.link.update import ConnectionLostError, UpdateRefusedError

NAME: Final = "ecg-edge"
CONTROL: Final = "3ba60005-e62b-448d-ba15-312ae6c79ddf"
DATA: Final = "3ba60006-e62b-448d-ba15-312ae6c79ddf"
SCAN_S: Final = 15.0
_APPLICATION_ERRORS: Final = range(0x80, 0xA0)  # that Bluetooth leaves to applications
_NOT_PAIRED: Final = (0x05, 0x08, 0x0F)  # insufficient authentication, authorization, encryption
_BROKEN: Final = (BleakError, OSError, TimeoutError, EOFError)


class BluetoothLine:
    """Messages of an update to a connected device."""

    def __init__(self, client: BleakClient) -> None:
        self._client = client

    async def state(self) -> bytes:
        """Read the device's state of the update."""
        with _telling_errors():
            return bytes(await self._client.read_gatt_char(CONTROL))

    async def control(self, message: bytes) -> None:
        """Write a control message, and wait for the answer."""
        with _telling_errors():
            await self._client.write_gatt_char(CONTROL, message, response=True)

    async def data(self, message: bytes) -> None:
        """Write a piece, and wait for the answer."""
        with _telling_errors():
            await self._client.write_gatt_char(DATA, message, response=True)


@contextmanager
def _telling_errors() -> Iterator[None]:
    """Turn bleak's errors into this project's."""
    try:
        yield
    except BleakGATTProtocolError as error:
        raise _answer(int(error.code)) from None
    except _BROKEN as error:
        raise ConnectionLostError(str(error) or type(error).__name__) from None


def _answer(code: int) -> LinkError:
    if code in _APPLICATION_ERRORS:
        return UpdateRefusedError(code - _APPLICATION_ERRORS.start)
    if code in _NOT_PAIRED:
        return LinkError(
            "The device takes updates of a paired computer alone. Pair with it in the system's Bluetooth "
            "settings, and send the update again."
        )
    return ConnectionLostError(f"ATT error {code:#04x}")


@asynccontextmanager
async def connect(address: str | None = None) -> AsyncIterator[BluetoothLine]:
    """Find a device, connect and pair with it.

    Parameters
    ----------
    address : str, optional
        Bluetooth address (on macOS the system's identifier); the first device of the name `ecg-edge` when
        left out.

    Raises
    ------
    LinkError
        When this computer has no Bluetooth.
    ConnectionLostError
        When no device answers.
    """
    try:
        find = BleakScanner.find_device_by_address if address else BleakScanner.find_device_by_name
        device = await find(address or NAME, timeout=SCAN_S)
    except _BROKEN as error:
        raise LinkError(
            f"This computer's Bluetooth cannot be used ({error}). Is there an adapter, and is it on?"
        ) from None
    if device is None:
        raise ConnectionLostError(f"{address or NAME} is not found within {SCAN_S:.0f} s")
    client = BleakClient(device, pair=True)
    with _telling_errors():
        await client.connect()
    try:
        yield BluetoothLine(client)
    finally:
        with suppress(*_BROKEN):  # a device that starts again has gone already
            await client.disconnect()
