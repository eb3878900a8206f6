"""What the numbers in STATUS, SETTINGS and LOG mean: the tables of the firmware's headers.

`tests/firmware/test_device_tables.py` compares them with the C.
"""

from __future__ import annotations

from typing import Final

STATES: Final = {
    0: "self-test",
    1: "model refused",
    2: "idle",
    3: "live, electrodes off",
    4: "live",
    5: "live, saturated",
    6: "replay",
    7: "no host",
    8: "host connected",
    9: "log has room",
    10: "log full",
    11: "no log: the flash does not work",
}
"""States of mode, host and log, by number (`firmware/src/mode.h`)."""

CAUSES: Final = {
    0: "self-test passed",
    1: "self-test failed",
    2: "START in live mode, or LIVE without a host",
    3: "START in replay mode",
    4: "FINISH, or a START that is refused",
    5: "a lead flag for 0.1 s",
    6: "no lead flag for 1 s",
    7: "at a limit of the ADC for 0.1 s",
    8: "within the limits for 1 s",
    9: "a frame from the host",
    10: "no frame for host_timeout_s",
    11: "a record finds no room",
    12: "sectors were erased",
    13: "what was written is not there",
}
"""Causes of transitions, by number."""

RESET_CAUSES: Final = {
    0: "unknown",
    1: "power on",
    2: "reset button or debugger",
    3: "brown-out: the supply voltage was too low",
    4: "watchdog: the program had stopped",
    5: "software",
}
"""Why the device started (`firmware/src/reset_cause.h`)."""

SETTINGS_SOURCES: Final = {
    0: "stored",
    1: "defaults: none were stored yet",
    2: "stored, but the last change was interrupted and lost",
    3: "defaults: both copies are damaged",
    4: "defaults: the flash memory does not work",
}
"""Where the settings are from (`ecg_store/settings.h`)."""

LOG_KINDS: Final = {
    1: "start",
    2: "mode",
    3: "event",
    4: "loss",
    5: "settings changed",
    6: "sampling rate",
}
"""Kinds of records in the log (`firmware/src/device.h`)."""

LOG_START, LOG_MODE, LOG_EVENT, LOG_LOSS, LOG_SETTINGS, LOG_RATE = LOG_KINDS
