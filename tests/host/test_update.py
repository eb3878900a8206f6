"""Updates by Bluetooth: the host's program against the device's own C, over a line that breaks."""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError
from bleak.exc import BleakGATTProtocolError as ProtocolError

from ecg_edge.ecg.errors import LinkError, OutputError, ToolError
from ecg_edge.host.cli import main as cli
from ecg_edge.host.devices.update_key import create_key, load_key, public_bytes, sign
from ecg_edge.host.link import bluetooth
from ecg_edge.host.link.update import (
    PIECE_BYTES,
    RESULTS,
    ConnectionLostError,
    UpdateRefusedError,
    send_image,
)
from tests.support import update_device
from tests.support.c_tables import c_number, c_table
from tests.support.update_device import KEY, STRANGER, UpdateDevice

IMAGE = b"\xe9" + bytes(range(256)) * 8


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return update_device.build(tmp_path_factory.mktemp("update"))


class Air:
    """A line to a device that carries some messages in each connection, and may change a piece."""

    def __init__(self, device: UpdateDevice, carries: list[int] | None = None) -> None:
        self.device, self.carries = device, carries or []
        self.connections = self.pieces = 0
        self.damage: Callable[[bytes], bytes] = lambda message: message
        self.before_piece: Callable[[int], None] = lambda number: None
        self._left = 0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Air]:
        self._left = self.carries[self.connections] if self.connections < len(self.carries) else 10**6
        self.connections += 1
        if self._left == 0:
            raise ConnectionLostError("no answer")
        yield self

    def _carry(self, answer: Callable[[], int]) -> None:
        """Lose the answer of the last message, which the device has taken."""
        self._left -= 1
        code = answer()
        if self._left <= 0:
            raise ConnectionLostError("no answer")
        if code:
            raise UpdateRefusedError(code)

    async def state(self) -> bytes:
        return self.device.state()

    async def control(self, message: bytes) -> None:
        self._carry(lambda: self.device.control(message))

    async def data(self, message: bytes) -> None:
        self.before_piece(self.pieces)
        self.pieces += 1
        changed = self.damage(message)
        self._carry(lambda: self.device.data(int.from_bytes(changed[:4], "little"), changed[4:]))


def send(air: Air, image: bytes = IMAGE, key: object = KEY) -> list[int]:
    """Send an image; the progress that was told."""
    told: list[int] = []
    signature = sign(key, hashlib.sha256(image).digest())  # type: ignore[arg-type]
    asyncio.run(send_image(air.connect, image, signature, told.append, pause_s=0))
    return told


def test_the_results_are_those_of_the_device() -> None:
    rows = c_table("lib/ecg_board/include/ecg_board/update.h", "ECG_UPDATE_RESULTS")
    assert {int(row[1]): row[2] for row in rows if row[1] != "0"} == RESULTS


def test_the_characteristics_are_those_of_the_device() -> None:
    header = (Path(__file__).parents[2] / "firmware/lib/ecg_ble/include/ecg_ble/ecg_service.h").read_text()
    for name, uuid in (("CONTROL", bluetooth.CONTROL), ("DATA", bluetooth.DATA)):
        assert f"ECG_BLE_UPDATE_{name} 0x{uuid[4:8]}u" in header
    assert PIECE_BYTES + 4 + 3 <= 247
    assert c_number("lib/ecg_board/include/ecg_board/update.h", "ECG_UPDATE_STATE_BYTES") == 8


def test_an_image_arrives_and_is_started(c: ctypes.CDLL) -> None:
    air = Air(UpdateDevice(c))
    told = send(air)
    assert (air.device.image(), air.device.counts()) == (IMAGE, (1, 1, 0))
    assert told == [*range(PIECE_BYTES, len(IMAGE), PIECE_BYTES), len(IMAGE)]


def test_a_line_that_breaks_goes_on_where_it_was(c: ctypes.CDLL) -> None:
    """Twice after some pieces, once before the announcement is answered, once without any connection."""
    air = Air(UpdateDevice(c), [4, 1, 0, 3])
    send(air)
    assert (air.device.image(), air.device.counts()) == (IMAGE, (1, 1, 0))
    assert air.connections == 5
    assert air.pieces == -(-len(IMAGE) // PIECE_BYTES)  # a piece whose answer was lost is not sent again


def test_a_device_that_was_reset_gets_the_image_from_its_beginning(c: ctypes.CDLL) -> None:
    air = Air(UpdateDevice(c), [5])

    def reset(number: int) -> None:
        if number == 4:
            air.device = UpdateDevice(c)

    air.before_piece = reset
    with pytest.raises(UpdateRefusedError) as refused:
        send(air)
    assert refused.value.code == update_device.ORDER
    air.before_piece = lambda number: None
    send(air)
    assert (air.device.image(), air.device.counts()) == (IMAGE, (1, 1, 0))


def test_a_line_that_never_comes_back_is_given_up(c: ctypes.CDLL) -> None:
    air = Air(UpdateDevice(c), [4, *[0] * 20])
    with pytest.raises(LinkError, match=rf"5 times in a row after {2 * PIECE_BYTES} of {len(IMAGE)} bytes"):
        send(air)
    assert air.connections == 6


def test_a_line_that_breaks_at_the_last_message_is_not_begun_again(c: ctypes.CDLL) -> None:
    pieces = -(-len(IMAGE) // PIECE_BYTES)
    air = Air(UpdateDevice(c), [pieces + 2])
    with pytest.raises(LinkError, match="last message"):
        send(air)
    assert (air.connections, air.device.counts()) == (1, (1, 1, 0))


def test_a_damaged_image_is_not_started(c: ctypes.CDLL) -> None:
    air = Air(UpdateDevice(c))
    air.damage = lambda message: message[:-1] + bytes([message[-1] ^ 1])
    with pytest.raises(UpdateRefusedError, match="not the one that was announced"):
        send(air)
    assert air.device.counts() == (1, 0, 1)


def test_another_key_and_too_large_an_image_erase_nothing(c: ctypes.CDLL) -> None:
    air = Air(UpdateDevice(c, capacity=len(IMAGE)))
    with pytest.raises(UpdateRefusedError, match="not of the key"):
        send(air, key=STRANGER)
    with pytest.raises(LinkError, match=rf"{len(IMAGE) + 1} bytes, and the device has room for {len(IMAGE)}"):
        send(air, IMAGE + b"x")
    assert (air.device.counts(), air.pieces) == ((0, 0, 0), 0)


def test_electrodes_stop_an_update_and_it_goes_on_without_them(c: ctypes.CDLL) -> None:
    air = Air(UpdateDevice(c))
    air.device.set(free=False)
    with pytest.raises(UpdateRefusedError, match="take the electrodes off"):
        send(air)
    air.device.set()
    air.before_piece = lambda number: air.device.set(free=number != 3)
    with pytest.raises(UpdateRefusedError, match="take the electrodes off"):
        send(air)
    air.device.set()
    air.before_piece = lambda number: None
    assert send(air)[0] == 4 * PIECE_BYTES
    assert (air.device.image(), air.device.counts()) == (IMAGE, (1, 1, 0))


def test_a_device_of_another_version_is_named(c: ctypes.CDLL) -> None:
    air = Air(UpdateDevice(c))

    async def nothing() -> bytes:
        return b""

    air.state = nothing  # type: ignore[method-assign]
    with pytest.raises(LinkError, match="ecg-edge flash"):
        send(air)


# ---- keys -------------------------------------------------------------------------------------------


def test_a_key_is_its_owners_alone_and_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key.pem"
    key = create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_bytes(load_key(path)) == public_bytes(key)
    assert len(public_bytes(key)) == 65
    before = path.read_bytes()
    with pytest.raises(OutputError, match="there is a key already"):
        create_key(path)
    assert path.read_bytes() == before


def test_what_is_no_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="ecg-edge update key"):
        load_key(tmp_path / "none.pem")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ToolError, match="not a private key"):
        load_key(tmp_path / "text")


# ---- bleak ------------------------------------------------------------------------------------------


class Client:
    """Stands in for bleak's: answers with an error, or keeps what is written."""

    error: Exception | None = None
    written: list[tuple[str, bytes, bool]] = []  # noqa: RUF012

    def __init__(self, device: object, pair: bool) -> None:
        assert pair

    async def connect(self) -> None: ...

    async def disconnect(self) -> None:
        raise BleakError("gone")

    async def read_gatt_char(self, uuid: str) -> bytearray:
        return bytearray(8)

    async def write_gatt_char(self, uuid: str, message: bytes, response: bool) -> None:
        if self.error:
            raise self.error
        self.written.append((uuid, message, response))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    async def found(name: str, timeout: float) -> object:
        return name

    monkeypatch.setattr(bluetooth.BleakScanner, "find_device_by_name", found)
    monkeypatch.setattr(bluetooth, "BleakClient", Client)
    monkeypatch.setattr(Client, "error", None)
    monkeypatch.setattr(Client, "written", [])
    return Client


async def write_both() -> bytes:
    async with bluetooth.connect() as line:
        await line.control(b"c")
        await line.data(b"d")
        return await line.state()


def test_messages_go_to_their_characteristics_and_wait_for_the_answer(client: type[Client]) -> None:
    assert asyncio.run(write_both()) == bytes(8)
    assert client.written == [(bluetooth.CONTROL, b"c", True), (bluetooth.DATA, b"d", True)]


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ProtocolError(0x89), UpdateRefusedError, "not of the key"),
        (ProtocolError(0x81), UpdateRefusedError, "electrodes"),
        (ProtocolError(0x05), LinkError, "Pair with it"),
        (ProtocolError(0x0E), ConnectionLostError, "0x0e"),
        (BleakError("disconnected"), ConnectionLostError, "disconnected"),
        (EOFError(), ConnectionLostError, "EOFError"),
    ],
)
def test_errors_of_bleak_become_ours(
    error: Exception, kind: type[LinkError], text: str, client: type[Client]
) -> None:
    client.error = error
    with pytest.raises(LinkError, match=text) as found:
        asyncio.run(write_both())
    assert type(found.value) is kind


@pytest.mark.parametrize(
    "error",
    [
        BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF),
        FileNotFoundError("no system bus"),
    ],
)
def test_a_computer_without_bluetooth_is_told_at_once(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(name: str, timeout: float) -> None:
        raise error

    monkeypatch.setattr(bluetooth.BleakScanner, "find_device_by_name", fails)
    with pytest.raises(LinkError, match="an adapter, and is it on") as found:
        asyncio.run(send_image(bluetooth.connect, IMAGE, bytes(64), pause_s=0))
    assert type(found.value) is LinkError


def test_a_device_that_is_not_there_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(name: str, timeout: float) -> None:
        return None

    monkeypatch.setattr(bluetooth.BleakScanner, "find_device_by_address", nothing)

    async def try_it() -> None:
        async with bluetooth.connect("24:0A:C4:00:11:22"):
            raise AssertionError

    with pytest.raises(ConnectionLostError, match="24:0A:C4:00:11:22 is not found"):
        asyncio.run(try_it())


# ---- command ----------------------------------------------------------------------------------------


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(list(words))
    return int(stop.value.code or 0)


def test_key_and_send(
    c: ctypes.CDLL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert run("update", "key") == 0
    own = tmp_path / "ecg-edge" / "update-key.pem"
    air = Air(UpdateDevice(c, key=public_bytes(load_key(own))))
    monkeypatch.setattr(bluetooth, "connect", lambda address: air.connect())
    image = tmp_path / "firmware.bin"
    image.write_bytes(IMAGE)
    assert run("update", "send", str(image)) == 0
    assert air.device.image() == IMAGE
    air.device = UpdateDevice(c)
    assert run("update", "send", str(image)) == 3
    assert "not of the key" in capsys.readouterr().err
    image.write_bytes(b"text")
    assert run("update", "send", str(image)) == 2
    assert "firmware.bin of" in capsys.readouterr().err


def test_the_firmware_gets_the_public_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecg_edge.host.cli.commands.build import public_key

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert public_key("esp32c3", None) == ""
    assert public_key("stm32f405", None) == ""
    key = create_key(tmp_path / "ecg-edge" / "update-key.pem")
    assert public_key("esp32c3", None) == public_bytes(key).hex()
    assert public_key("stm32f405", None) == ""
    other = create_key(tmp_path / "other.pem")
    assert public_key("esp32dev", tmp_path / "other.pem") == public_bytes(other).hex()
