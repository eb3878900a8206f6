"""What a device says of itself: its log, in words."""

from __future__ import annotations

import struct
from typing import Final

from ecg_edge.ecg.errors import LinkError
from ecg_edge.ecg.figures import counted
from ecg_edge.firmware.binding.rhythm import kind_name
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import GetLog, LogRecord, LogRecords
from ecg_edge.host.reference import device_states as names

_EVENT = struct.Struct("<BBIIHB")
_PHASES = {0: "begins", 2: "ends"}
MOST_LATE: Final = 5
"""Late answers in a row: a slow device answers twice where a request was sent again."""


def read_log(link: Link, first: int = 0) -> list[LogRecord]:
    """Read all records from number `first` on, the oldest first.

    Raises
    ------
    LinkError
        When the device's answers do not go on.
    """
    records: list[LogRecord] = []
    late = 0
    while True:
        answer = link.ask(GetLog(first), LogRecords)
        if first < answer.end and answer.next <= first:
            late += 1
            if late > MOST_LATE:
                raise LinkError("The device's log does not go on: it answers with the same number again.")
            continue
        records += answer.records
        if answer.next >= answer.end:
            return records
        first, late = answer.next, 0


def describe(record: LogRecord) -> str:
    """Return what a record tells, in one line."""
    kind = names.LOG_KINDS.get(record.kind, f"kind {record.kind}")
    if record.kind == names.LOG_START:
        cause = names.RESET_CAUSES.get(record.detail, str(record.detail))
        return f"start: {cause}; settings: {names.SETTINGS_SOURCES.get(record.data[0], '?')}"
    if record.kind == names.LOG_MODE:
        start, cause_number = record.data[:2]
        states, causes = names.STATES, names.CAUSES
        return f"{states.get(start)} -> {states.get(record.detail)} ({causes.get(cause_number)})"
    if record.kind == names.LOG_EVENT:
        phase, _, onset, _, rate_x10, confidence = _EVENT.unpack_from(record.data)
        text = kind_name(record.detail)
        rate = f", {rate_x10 / 10:.0f}/min" if rate_x10 else ""
        return f"{text} {_PHASES.get(phase, '')} (sample {onset}{rate}, confidence {confidence} %)"
    if record.kind == names.LOG_LOSS:
        missed, lost = struct.unpack_from("<II", record.data)
        return f"since the start: {counted(missed, 'sample')} missed, {counted(lost, 'received byte')} lost"
    if record.kind == names.LOG_RATE:
        (rate_mhz,) = struct.unpack_from("<I", record.data)
        return f"measured sampling rate: {rate_mhz / 1000:.3f} Hz"
    return kind
