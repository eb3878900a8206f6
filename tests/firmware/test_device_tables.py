"""The host has the same names for states, causes, settings and counters as the firmware."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ecg_edge.host.link import messages
from ecg_edge.host.reference import device_states
from tests.support.c_tables import c_table


@pytest.mark.parametrize(
    ("header", "macro", "text", "ours"),
    [
        ("src/mode.h", "MODE_STATES", 3, device_states.STATES),
        ("src/mode.h", "MODE_CAUSES", 2, device_states.CAUSES),
        ("src/reset_cause.h", "RESET_CAUSES", 2, device_states.RESET_CAUSES),
        ("src/device.h", "LOG_KINDS", 2, device_states.LOG_KINDS),
        (
            "lib/ecg_store/include/ecg_store/settings.h",
            "ECG_SETTINGS_SOURCES",
            2,
            device_states.SETTINGS_SOURCES,
        ),
    ],
)
def test_numbers_have_the_firmware_s_texts(header: str, macro: str, text: int, ours: dict[int, str]) -> None:
    assert {int(row[1]): row[text] for row in c_table(header, macro)} == ours


def test_status_has_the_firmware_s_fields() -> None:
    rows = c_table("lib/ecg_link/include/ecg_link/device.h", "ECG_LINK_STATUS_FIELDS")
    assert [row[0] for row in rows] == [field.name for field in fields(messages.DeviceStatus)]


def test_settings_have_the_firmware_s_fields() -> None:
    rows = c_table("lib/ecg_store/include/ecg_store/settings.h", "ECG_SETTINGS_FIELDS")
    assert [row[0] for row in rows] == [field.name for field in fields(messages.SetSettings)]


def test_every_transition_joins_two_states_of_one_part() -> None:
    part = {row[0]: row[2] for row in c_table("src/mode.h", "MODE_STATES")}
    causes = {row[0] for row in c_table("src/mode.h", "MODE_CAUSES")}
    rows = c_table("src/mode.h", "MODE_TRANSITIONS")
    assert all(part[start] == part[end] and cause in causes for start, cause, end in rows)
    assert len({(start, cause) for start, cause, _ in rows}) == len(rows)
    assert causes == {cause for _, cause, _ in rows}
