"""Changing a device's settings, those of a slow device as well."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from ecg_edge.ecg.errors import LinkError
from ecg_edge.host.cli.commands.device import app
from ecg_edge.host.devices.settings import change_settings
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import DeviceSettings, GetSettings, SetSettings


class Device:
    """Keeps settings; the first request is answered `copies` times: the others find these answers."""

    def __init__(self, copies: int) -> None:
        self.copies, self.answers = copies, list[DeviceSettings]()
        self.settings = SetSettings(200, 50, 1, 1, 1, 10)

    def ask(self, request: GetSettings | SetSettings, answer: type[Any]) -> Any:
        if isinstance(request, SetSettings):
            self.settings = request
        self.answers += [DeviceSettings(1, **asdict(self.settings))] * self.copies
        self.copies = 1
        return self.answers.pop(0)


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_the_changed_settings_come_back(copies: int) -> None:
    device = Device(copies)
    found = change_settings(cast(Link, device), {"mains_hz": 60, "buzzer": 0})
    assert found == DeviceSettings(1, 200, 60, 1, 0, 1, 10)
    assert device.settings == SetSettings(200, 60, 1, 0, 1, 10)


def test_without_changes_the_settings_are_read() -> None:
    device = Device(1)
    assert change_settings(cast(Link, device), {}) == DeviceSettings(1, 200, 50, 1, 1, 1, 10)


@pytest.mark.parametrize("seconds", ["1", "9"])
def test_a_time_out_that_a_live_session_does_not_outlast_is_refused(seconds: str) -> None:
    done = CliRunner().invoke(app, ["settings", "unix:/nowhere", "--host-timeout", seconds])
    assert done.exit_code == 2 and "at least 10" in done.output


@pytest.mark.parametrize("seconds", ["0", "10", "255"])
def test_other_time_outs_are_taken(seconds: str) -> None:
    done = CliRunner().invoke(app, ["settings", "unix:/nowhere", "--host-timeout", seconds])
    assert isinstance(done.exception, LinkError)
