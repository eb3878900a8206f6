"""What Home Assistant's MQTT discovery needs, so that a device appears there by itself.

One retained message describes the device and its four entities (device discovery, Home Assistant 2024.11 and
newer).
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from ecg_edge.host.bridge.messages import OFFLINE, ONLINE, STATE, STATUS, Topics
from ecg_edge.host.live.items import Origin

DISCOVERY_PREFIX: Final = "homeassistant"
SIGNALS: Final = ("good", "bad", "electrode off", "no link")


def discovery(topics: Topics, origin: Origin, prefix: str = DISCOVERY_PREFIX) -> tuple[str, dict[str, Any]]:
    """Make topic and content of the message.

    Parameters
    ----------
    topics : Topics
        The device's.
    origin : Origin
        The device itself.
    prefix : str
        Home Assistant's discovery prefix.
    """
    identifier = f"ecg-edge-{topics.name}"
    return f"{prefix}/device/{identifier}/config", {
        "device": {
            "identifiers": [identifier],
            "name": f"ECG {topics.name}",
            "manufacturer": "ecg-edge",
            "model": origin.device,
        },
        "origin": {"name": "ecg-edge", "sw_version": version("ecg-edge")},
        "components": {
            name: {"unique_id": f"{identifier}-{name.replace('_', '-')}", **component}
            for name, component in _components(topics).items()
        },
        "state_topic": topics.of(STATE),
        "availability_topic": topics.of(STATUS),
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
    }


def _components(topics: Topics) -> dict[str, dict[str, Any]]:
    return {
        "heart_rate": {
            "platform": "sensor",
            "name": "Heart rate",
            "icon": "mdi:heart-pulse",
            "unit_of_measurement": "bpm",
            "state_class": "measurement",
            "suggested_display_precision": 0,
            "value_template": "{{ value_json.heart_rate }}",
        },
        "last_alarm": {
            "platform": "sensor",
            "name": "Last alarm",
            "icon": "mdi:bell-alert",
            "value_template": "{{ value_json.last_alarm.name if value_json.last_alarm else 'none' }}",
            "json_attributes_topic": topics.of(STATE),
            "json_attributes_template": "{{ (value_json.last_alarm or {}) | tojson }}",
        },
        "signal": {
            "platform": "sensor",
            "name": "Signal quality",
            "icon": "mdi:sine-wave",
            "device_class": "enum",
            "options": list(SIGNALS),
            "value_template": "{{ value_json.signal }}",
        },
        "link": {
            "platform": "binary_sensor",
            "name": "Device",
            "device_class": "connectivity",
            "value_template": "{{ 'ON' if value_json.link else 'OFF' }}",
        },
    }
