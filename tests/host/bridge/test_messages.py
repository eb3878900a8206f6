"""The messages: their published schema, and what items become."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.bridge.home_assistant import discovery
from ecg_edge.host.bridge.messages import Messages, Topics, Translator
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import (
    BeatMark,
    Gap,
    Item,
    LeadChange,
    LinkChange,
    Origin,
    QualityChange,
    Reference,
    StripMark,
    Wave,
)
from tests.support.typed_schema import schema_of

TITLE = "Messages of ecg-edge bridge, by the last part of their topic"
ORIGIN = Origin("port", "board, firmware 1, engine x", 360, 200.0, "ECG", ("N", "V"), "ab" * 32)


@pytest.fixture(scope="module")
def published(project_root: Path) -> Any:
    return json.loads((project_root / "docs" / "reference" / "mqtt.schema.json").read_text())


def test_the_published_schema_is_that_of_the_types(published: Any) -> None:
    assert published == schema_of(Messages, TITLE), "regenerate docs/reference/mqtt.schema.json"


def wave(start: int, count: int, lead_flags: int = 0) -> Wave:
    return Wave(start, np.arange(start, start + count).astype(np.int16), lead_flags)


ITEMS: list[Item] = [
    LinkChange(0, True, "connected"),
    *(wave(start, 36) for start in range(0, 720, 36)),
    BeatMark(300, "N", 280, 1, 99, 200),
    StripMark(350, "normal", 200),
    RhythmEvent(0, 1, 1, 0, 10, 300, 5, 800, 270, 250, 290, 0, 0),
    QualityChange(500, True, 4),
    Gap(720, 1000, "frames were lost", True),
    wave(1000, 36),
    LeadChange(1036, 2),
    wave(1036, 36, 2),
    Reference(400, "N", "note"),
]


def translated(items: list[Item]) -> list[tuple[str, dict[str, Any]]]:
    translator = Translator(ORIGIN)
    return [translator.begin(), *translator.take(items), *translator.flush()]


def test_messages_of_every_kind_satisfy_the_schema(published: Any) -> None:
    found = translated(ITEMS)
    kinds = set(Messages.__annotations__) - {"state"}
    assert {kind for kind, _ in found} == kinds
    for kind, body in found:
        message = {"stream": "ab", "seq": 0, "session": 1, **body}
        one = {**published, "required": [kind]}
        jsonschema.validate(json.loads(json.dumps({kind: message})), one, jsonschema.Draft202012Validator)


def test_another_field_does_not_satisfy_it(published: Any) -> None:
    (_, body), *_ = translated([])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"session": {"stream": "", "seq": 0, "session": 1, **body, "x": 1}}, published)


def test_samples_are_whole_and_in_seconds() -> None:
    waves = [body for kind, body in translated(ITEMS) if kind == "wave"]
    assert [(one["start"], len(one["samples"]), one["lead_flags"]) for one in waves] == [
        (0, 360, 0),
        (360, 360, 0),
        (1000, 36, 0),
        (1036, 36, 2),
    ]
    for before, after in pairwise(waves[:2]):
        assert before["start"] + len(before["samples"]) == after["start"]
    assert waves[1]["samples"] == list(range(360, 720))


def test_a_long_block_is_divided() -> None:
    waves = [body for kind, body in translated([wave(0, 1000)]) if kind == "wave"]
    assert [len(one["samples"]) for one in waves] == [360, 360, 280]


@pytest.mark.parametrize("name", ["", "a/b", "a b", "#", "x" * 65])
def test_a_name_that_is_no_part_of_a_topic_is_refused(name: str) -> None:
    with pytest.raises(EcgEdgeError, match="letters, digits"):
        Topics(name)


@pytest.mark.parametrize("prefix", ["", "/a", "a/", "a/+", "a b"])
def test_a_prefix_that_is_no_topic_is_refused(prefix: str) -> None:
    with pytest.raises(EcgEdgeError, match="prefix"):
        Topics("x", prefix)


def test_home_assistant_finds_four_entities() -> None:
    topic, content = discovery(Topics("bed3"), ORIGIN)
    assert topic == "homeassistant/device/ecg-edge-bed3/config"
    assert content["availability_topic"] == "ecg-edge/bed3/status"
    assert content["state_topic"] == "ecg-edge/bed3/state"
    components = content["components"]
    assert set(components) == {"heart_rate", "last_alarm", "signal", "link"}
    assert all({"platform", "unique_id", "value_template"} <= set(one) for one in components.values())


# Names that Home Assistant 2026.2 takes: schemas.py, sensor.py, binary_sensor.py of its integration mqtt.
DEVICE = {
    "identifiers",
    "connections",
    "manufacturer",
    "model",
    "model_id",
    "name",
    "hw_version",
    "sw_version",
}
SHARED = {"availability_topic", "payload_available", "payload_not_available", "state_topic"}
ENTITY = {
    *("platform", "unique_id", "name", "icon", "value_template", "device_class"),
    *("json_attributes_topic", "json_attributes_template"),
}
SENSOR = {"options", "state_class", "suggested_display_precision", "unit_of_measurement"}


def test_home_assistant_knows_every_name() -> None:
    _, content = discovery(Topics("bed3"), ORIGIN)
    assert set(content) <= {"device", "origin", "components", *SHARED}
    assert set(content["device"]) <= DEVICE and content["device"]["identifiers"]
    assert set(content["origin"]) <= {"name", "sw_version", "support_url"} and content["origin"]["name"]
    components = content["components"].values()
    for one in components:
        assert set(one) <= (ENTITY | SENSOR if one["platform"] == "sensor" else ENTITY)
        if "options" in one:  # allowed for an enumeration without a unit alone
            assert one["device_class"] == "enum" and not {"unit_of_measurement", "state_class"} & set(one)
    assert {one["platform"] for one in components} == {"sensor", "binary_sensor"}
    assert len({one["unique_id"] for one in components}) == len(components)
