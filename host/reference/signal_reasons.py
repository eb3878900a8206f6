"""Texts for signal that cannot be read: the one table for report and console."""

from __future__ import annotations

from typing import Final

from ecg_edge import firmware
from ecg_edge.firmware.binding.rhythm import LEADS_OFF, UNREADABLE

REASON_TEXTS: Final = {
    firmware.FLAG_LEADS_OFF: "electrode off",
    firmware.FLAG_SATURATED: "signal beyond the input's range",
    firmware.FLAG_FLAT: "no signal",
    firmware.FLAG_MAINS_HUM: "mains hum",
    firmware.FLAG_BASELINE_JUMP: "electrode moved",
    firmware.FLAG_MOTION: "movement",
    firmware.FLAG_MUSCLE_NOISE: "muscle noise",
}
"""Text of each reason for bad signal, by its flag."""

EVENT_ADVICE: Final = {
    UNREADABLE: "too noisy to read: check the electrodes and keep still",
    LEADS_OFF: "attach the electrode again",
}
"""Advice with each technical event, by its kind."""


def reasons_text(flags: int) -> str:
    """Write the reasons of bad signal in `flags`, e.g. "electrode moved, movement"; "" without any."""
    return ", ".join(text for flag, text in REASON_TEXTS.items() if flags & flag)
