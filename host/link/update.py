"""Send an update of the firmware over a line that may break.

    await send_image(connect, image, signature)

docs/reference/ble.md has the messages, `firmware/lib/ecg_board` the device's side.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from ecg_edge.ecg.errors import LinkError

BEGIN: Final = b"\x01"
END: Final = b"\x02"
PIECE_BYTES: Final = 240  # with its offset and the head of the packet within an MTU of 247
RESULTS: Final = {
    1: "samples are being taken: take the electrodes off",
    2: "no update was begun",
    3: "a message has a wrong length",
    4: "the image is empty, or too large",
    5: "a piece is not the next one",
    6: "the image is not the one that was announced",
    7: "the memory did not take it, or it is no image",
    8: "unknown command",
    9: "the signature is not of the key in the device",
}


class UpdateRefusedError(LinkError):
    """The device refused a message of an update; `code` is one of `RESULTS`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The device refuses the update: {RESULTS.get(code, f'answer {code}')}.")
        self.code = code


class ConnectionLostError(LinkError):
    """The line broke; what the device has received stays there."""


class UpdateLine(Protocol):
    """What carries the messages; each call returns when the device has answered.

    Raises
    ------
    UpdateRefusedError
        When the device answers with an error.
    ConnectionLostError
        When it does not answer.
    """

    async def state(self) -> bytes:
        """Read capacity and bytes received, four bytes each."""
        ...

    async def control(self, message: bytes) -> None:
        """Write a control message."""
        ...

    async def data(self, message: bytes) -> None:
        """Write a piece: its offset, and the bytes."""
        ...


Connect = Callable[[], AbstractAsyncContextManager[UpdateLine]]


async def send_image(
    connect: Connect,
    image: bytes,
    signature: bytes,
    on_progress: Callable[[int], None] = lambda received: None,
    attempts: int = 5,
    pause_s: float = 2.0,
) -> None:
    """Send an image until the device has all of it; a line that breaks is opened again.

    Parameters
    ----------
    connect : callable
        Opens the line to the device.
    image : bytes
        The firmware's image, as esptool writes it.
    signature : bytes, 64
        Of its SHA-256 digest, by the key that the device's firmware has.
    on_progress : callable
        Called with the number of bytes that the device has.
    attempts : int
        Connections in a row that bring the update no further before it is given up.
    pause_s : float
        Wait before the next one, in seconds.

    Raises
    ------
    LinkError
        When the device refuses the image, or cannot be reached any more.
    """
    most, left = 0, attempts
    while True:
        sending = _Sending(image, signature, on_progress)
        try:
            async with connect() as line:
                await sending.send(line)
            return
        except ConnectionLostError as error:
            if sending.is_ending:
                raise LinkError(
                    "The connection was lost at the last message. The device has the whole image: when it "
                    "does not start again by itself, send the update again."
                ) from None
            left = attempts if sending.received > most else left - 1
            most = max(most, sending.received)
            if left == 0:
                raise LinkError(
                    f"The connection was lost {attempts} times in a row after {most} of {len(image)} bytes "
                    f"({error}). Bring the device nearer and send the update again: it goes on where it was."
                ) from None
            await asyncio.sleep(pause_s)


class _Sending:
    """One connection's part of an update."""

    def __init__(self, image: bytes, signature: bytes, on_progress: Callable[[int], None]) -> None:
        self.received = 0
        self.is_ending = False
        self._image, self._signature, self._on_progress = image, signature, on_progress

    async def send(self, line: UpdateLine) -> None:
        """Announce the image, send what the device does not have, and end."""
        capacity, _ = await _state(line)
        if len(self._image) > capacity:
            raise LinkError(
                f"The image has {len(self._image)} bytes, and the device has room for {capacity}. Is it "
                "firmware.bin of the device's own environment?"
            )
        await line.control(self._announcement())
        _, at = await _state(line)
        while at < len(self._image):
            piece = self._image[at : at + PIECE_BYTES]
            await line.data(at.to_bytes(4, "little") + piece)
            at += len(piece)
            self.received = at
            self._on_progress(at)
        self.is_ending = True
        await line.control(END)

    def _announcement(self) -> bytes:
        digest = hashlib.sha256(self._image).digest()
        return BEGIN + len(self._image).to_bytes(4, "little") + digest + self._signature


async def _state(line: UpdateLine) -> tuple[int, int]:
    """Read how large an image may be, and how much of the present one is there."""
    answer = await line.state()
    if len(answer) != 8:
        raise LinkError(
            f"The device answers with {len(answer)} bytes for 8: its firmware takes updates of another "
            "version. Write the new one by USB once: `ecg-edge flash`."
        )
    return int.from_bytes(answer[:4], "little"), int.from_bytes(answer[4:], "little")
