"""A scripted front end for the board in QEMU, whose own ADC model has no meaning.

QEMU's interface for debuggers stops the board where a sample enters its queue, and this module writes the
next instant of a script into the board's memory. The firmware is the same; meanwhile the board's time stands.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ecg_edge.ecg.errors import ToolError

ENTRY: Final = "sample_gaps_add"
"""Function that each sample passes: fourth argument the address of the reading, fifth the lead flags."""
BEGIN: Final = "ecg_adc_start"
"""Function with which live mode begins: so does the script."""

_REGISTERS, _SAMPLE, _STACK, _PLACE = 16, 3, 13, 15  # number of registers, and three of them
_BELOW: Final = 1024  # bytes, more than the function and an interrupt in it use
_INSTANT: Final = struct.Struct("<hBB")


@contextmanager
def played(address: Path, image: Path, script: Path) -> Iterator[None]:
    """Play a script (`write_front_end`; its events are ignored) for as long as the context lasts.

    After the last instant the front end stays there.

    Parameters
    ----------
    address : Path
        Socket of QEMU's interface for debuggers.
    image : Path
        ELF that QEMU runs.
    script : Path
        File of instants.
    """
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(address))
    player = _Player(line, list(_INSTANT.iter_unpack(script.read_bytes())))
    player.start(_address_of(ENTRY, image), _address_of(BEGIN, image))
    try:
        yield
    finally:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        player.join()
        line.close()


def _address_of(symbol: str, image: Path) -> int:
    with image.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        found = table.get_symbol_by_name(symbol) if isinstance(table, SymbolTableSection) else None
    if not found:
        raise ToolError(f"{image}: has no function {symbol}. Build it again.")
    return int(found[0]["st_value"]) & ~1


class _Player:
    """The other end of QEMU's interface, which is gdb's remote serial protocol."""

    def __init__(self, line: socket.socket, instants: list[tuple[int, int, int]]) -> None:
        self._line, self._instants = line, instants
        self._data, self._begin = b"", 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self, entry: int, begin: int) -> None:
        """Stop the board at the two functions from now on, and let it go on."""
        self._begin = begin
        self._receive()  # it has stopped, because of this connection
        self._ask("qXfer:features:read:target.xml:0,ffb")  # without it QEMU writes no register
        for place in (entry, begin):
            self._ask(f"Z1,{place:x},2")
        self._send("c")
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join(5)

    def _run(self) -> None:
        number = 0
        with suppress(OSError, EOFError):
            while True:
                self._receive()  # it has stopped
                values = struct.unpack(f"<{_REGISTERS}I", bytes.fromhex(self._ask("g")[: 8 * _REGISTERS]))
                if values[_PLACE] == self._begin:
                    number = 0
                else:
                    self._write(values[_SAMPLE], values[_STACK], *self._instants[number][:2])
                    number = min(number + 1, len(self._instants) - 1)
                self._ask("s")  # past the breakpoint
                self._send("c")

    def _write(self, sample: int, stack: int, sample_adu: int, lead_flags: int) -> None:
        if sample == 0:  # QEMU's converter failed, as it does: the reading lies below the stack
            sample = stack - _BELOW
            self._ask(f"P{_SAMPLE:x}={struct.pack('<I', sample).hex()}")
        self._ask(f"M{sample:x},2:{struct.pack('<h', sample_adu).hex()}")
        self._ask(f"M{stack:x},1:{lead_flags:02x}")

    def _ask(self, request: str) -> str:
        self._send(request)
        return self._receive()

    def _send(self, request: str) -> None:
        data = request.encode()
        self._line.sendall(b"$%s#%02x" % (data, sum(data) % 256))

    def _receive(self) -> str:
        """Take the next packet, and acknowledge it; acknowledgements of ours are skipped."""
        while b"#" not in self._data or len(self._data) < self._data.index(b"#") + 3:
            received = self._line.recv(4096)
            if not received:
                raise EOFError
            self._data += received
        packet, _, rest = self._data.partition(b"#")
        self._data = rest[2:]
        self._line.sendall(b"+")
        return packet.partition(b"$")[2].decode()
