"""What the firmware makes of a beat for Bluetooth, with a board that keeps what it is told to notify."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest

from tests.support.device_c import WARNINGS, include_options, linked_sources_of

HARNESS = """
#include <string.h>
#include "boards/board.h"
#include "radio.h"
static uint8_t notified[244];
size_t board_notify_bytes(void) { return sizeof notified; }
void board_notify(board_value_t value, const uint8_t *bytes, size_t size) {
    if (value == BOARD_VALUE_BEAT) {
        memcpy(notified, bytes, size);
    }
}
uint16_t board_battery_mv(void) { return 0; }
int symbol_sent(uint8_t label, const char *labels);
int symbol_sent(uint8_t label, const char *labels) {
    const ecg_link_beat_t beat = {.label = label};
    radio_begin(true, 360);
    radio_beat(&beat, labels);
    return notified[10];
}
"""
LIBRARIES = ("ecg_ble", "ecg_rhythm")
UNCLASSIFIABLE, NOT_LABELLED = 254, 255


@pytest.fixture(scope="module")
def radio(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder, source = tmp_path_factory.mktemp("radio"), project_root / "firmware/src"
    (folder / "harness.c").write_text(HARNESS)
    options = [*WARNINGS, "-shared", "-fPIC", f"-I{source}"]
    options += include_options(*LIBRARIES, "ecg_core", "ecg_link", "ecg_store")
    files = [str(folder / "harness.c"), str(source / "radio.c"), *linked_sources_of(*LIBRARIES)]
    subprocess.run(["gcc", *options, "-o", str(folder / "radio.so"), *files], check=True)
    return ctypes.CDLL(str(folder / "radio.so"))


@pytest.mark.parametrize(
    ("labels", "symbols"), [("N,L,R,A,V", "NLRAV"), ("N", "N"), ("N,PVC,V", "N?V"), ("normal,V", "?V")]
)
def test_a_beat_has_the_letter_of_its_label(radio: ctypes.CDLL, labels: str, symbols: str) -> None:
    numbers = [*range(len(symbols)), len(symbols), UNCLASSIFIABLE, NOT_LABELLED]
    assert "".join(chr(radio.symbol_sent(k, labels.encode())) for k in numbers) == symbols + "???"
