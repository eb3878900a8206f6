"""Devices that talk something else than this protocol: what they are, by the bytes that they send."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NUMBERS: Final = "numbers"
ESP_BOOT: Final = "boot log of an ESP chip"
TEXT: Final = "text"
BINARY: Final = "bytes"
SILENT: Final = "silent"

_ESP: Final = re.compile(rb"rst:0x|ets [A-Z][a-z]{2} |ESP-ROM|boot: ESP-IDF|Guru Meditation")
_ANSI: Final = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_NUMBER: Final = re.compile(
    rb"\s*(?:[A-Za-z_]\w*\s*[:=]\s*)?-?\d+(?:\.\d+)?\s*(?:[,;\t ]\s*[^\r\n]*)?|\s*!\s*"
)
_SHOWN: Final = 60


@dataclass(frozen=True)
class Foreign:
    """What a device sends.

    Attributes
    ----------
    kind : str
        NUMBERS, ESP_BOOT, TEXT, BINARY or SILENT.
    shown : str
        Its first readable text, or bytes in hexadecimal.
    advice : str
        What to do.
    """

    kind: str
    shown: str
    advice: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.shown!r}" if self.kind != SILENT else SILENT


_ADVICE: Final = {
    NUMBERS: "A sketch prints samples: `ecg-edge monitor PORT --text --rate 250` shows and classifies them.",
    ESP_BOOT: "The chip restarts, or holds other firmware: `ecg-edge flash --env esp32dev` writes this one.",
    TEXT: "Other firmware is on it: `ecg-edge flash` writes this one.",
    BINARY: "The baud rate may be another one (--baud), or other firmware is on it.",
    SILENT: "Is the ecg-edge firmware on it? `ecg-edge flash` writes it.",
}


def describe(data: bytes) -> Foreign:
    """Find out what bytes are that are no frames of this protocol."""
    kind = _kind(data)
    readable = re.sub(rb"[^!-~]+", b" ", _ANSI.sub(b" ", data)).decode("ascii").strip()
    shown = data[:16].hex(" ") if kind == BINARY else readable[:_SHOWN]
    return Foreign(kind, shown, _ADVICE[kind])


def _kind(data: bytes) -> str:
    if not data:
        return SILENT
    if _ESP.search(data):
        return ESP_BOOT
    if _is_binary(data):
        return BINARY
    lines = [line for line in re.split(rb"[\r\n]+", data)[1:-1] if line.strip()]  # the ends may be cut off
    numbers = sum(_NUMBER.fullmatch(line) is not None for line in lines)
    return NUMBERS if len(lines) >= 3 and numbers >= 0.8 * len(lines) else TEXT


def _is_binary(data: bytes) -> bool:
    """Text at another baud rate counts as binary, too."""
    plain = sum(byte in b"\t\r\n\x1b" or 0x20 <= byte < 0x7F for byte in data)
    return plain < 0.9 * len(data)
