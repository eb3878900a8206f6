"""Reading a device's log, from a device that is slow to answer as well."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.devices.device_log import read_log
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import GetLog, LogRecord, LogRecords

RECORDS = tuple(LogRecord(number, 1, 1, 0, number, 0, bytes(4)) for number in range(7))


class Device:
    """Answers three records at a time, the first request `copies` times: the others find these answers."""

    def __init__(self, copies: int = 1, stuck: bool = False) -> None:
        self.copies, self.stuck, self.answers = copies, stuck, list[LogRecords]()

    def ask(self, request: GetLog, answer: type[Any]) -> Any:
        first = 0 if self.stuck else request.first
        found = RECORDS[first : first + 3]
        following = 0 if self.stuck else first + len(found)
        self.answers += [LogRecords(following, len(RECORDS), found)] * self.copies
        self.copies = 1
        return self.answers.pop(0)


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_the_log_is_read_once_however_often_it_is_answered(copies: int) -> None:
    assert read_log(cast(Link, Device(copies))) == list(RECORDS)
    assert read_log(cast(Link, Device(copies)), 5) == list(RECORDS[5:])


def test_a_log_that_does_not_go_on_is_an_error() -> None:
    with pytest.raises(LinkError, match="does not go on"):
        read_log(cast(Link, Device(stuck=True)))
