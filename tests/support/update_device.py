"""A device that takes updates, as a library: `ecg_board/update.h` and the ESP32's signatures by mbedTLS."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from ecg_edge.host.devices.update_key import public_bytes, sign
from tests.support.device_c import WARNINGS, include_options, linked_sources_of

ROOT = Path(__file__).resolve().parents[2]
OK, BUSY, ORDER, LENGTH, SIZE, PLACE, CHECKSUM, MEMORY, COMMAND, SIGNATURE = range(10)
BEGIN, END, ABORT = b"\x01", b"\x02", b"\x03"
KEY = ec.derive_private_key(12345, ec.SECP256R1())
STRANGER = ec.derive_private_key(54321, ec.SECP256R1())


def build(folder: Path) -> ctypes.CDLL:
    """Compile protocol and signatures; undefined behaviour stops the test."""
    board, output = ROOT / "firmware/src/boards/esp32", folder / "update.so"
    checks = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-shared", "-fPIC"]
    sources = [str(ROOT / "tests/firmware/update_harness.c"), str(board / "signature.c")]
    options = [*WARNINGS, *checks, *include_options("ecg_board"), f"-I{board}", "-o", str(output)]
    subprocess.run(["gcc", *options, *sources, *linked_sources_of("ecg_board"), "-lmbedcrypto"], check=True)
    return ctypes.CDLL(str(output))


class UpdateDevice:
    """One device with a key and a memory of some bytes; a new one forgets what was under way."""

    def __init__(self, c: ctypes.CDLL, capacity: int = 4096, key: bytes | None = None) -> None:
        self.c = c
        c.harness_start(capacity, public_bytes(KEY) if key is None else key)

    def set(self, free: bool = True, works: bool = True) -> None:
        """Say whether the electrodes are off, and whether the memory works."""
        self.c.harness_set(ctypes.c_bool(free), ctypes.c_bool(works))

    def control(self, message: bytes) -> int:
        return int(self.c.harness_control(message, ctypes.c_size_t(len(message))))

    def data(self, offset: int, piece: bytes) -> int:
        message = offset.to_bytes(4, "little") + piece
        return int(self.c.harness_data(message, ctypes.c_size_t(len(message))))

    def state(self) -> bytes:
        found = (ctypes.c_uint8 * 8)()
        self.c.harness_state(found)
        return bytes(found)

    def received(self) -> int:
        return int.from_bytes(self.state()[4:], "little")

    def begin(self, image: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> int:
        digest = hashlib.sha256(image).digest()
        return self.control(BEGIN + len(image).to_bytes(4, "little") + digest + sign(key, digest))

    def image(self) -> bytes:
        return self._look()[0]

    def counts(self) -> tuple[int, int, int]:
        """How often an image was begun, finished and given up."""
        return self._look()[1]

    def _look(self) -> tuple[bytes, tuple[int, int, int]]:
        buffer, counts = (ctypes.c_uint8 * 4096)(), (ctypes.c_uint * 3)()
        size = self.c.harness_image(buffer, counts)
        return bytes(buffer[:size]), (counts[0], counts[1], counts[2])
