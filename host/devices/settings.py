"""Change a device's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from ecg_edge.host.devices.device_log import MOST_LATE
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import DeviceSettings, GetSettings, SetSettings


def change_settings(link: Link, wanted: Mapping[str, int]) -> DeviceSettings:
    """Change the named settings, leave the others, and return what the device has then.

    Parameters
    ----------
    link : Link
    wanted : mapping of str to int
        New values by name, the names those of `SetSettings`.

    Raises
    ------
    LinkError
        When the device does not answer.
    """
    found = link.ask(GetSettings(), DeviceSettings)
    if not wanted:
        return found
    fields = {name: value for name, value in asdict(found).items() if name != "source"}
    found = link.ask(replace(SetSettings(**fields), **wanted), DeviceSettings)
    for _ in range(MOST_LATE):
        if all(getattr(found, name) == value for name, value in wanted.items()):
            break
        found = link.ask(GetSettings(), DeviceSettings)  # that was a late answer, with the settings of before
    return found
