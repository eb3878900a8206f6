"""The published JSON schema of results.json is that of the types, and results satisfy it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ecg_edge.ecg.typed_json import fault_in
from ecg_edge.host.conformance.replay import replay
from ecg_edge.host.conformance.results import SessionResults
from ecg_edge.host.link.messages import Info
from tests.support.simulated import make_database
from tests.support.typed_schema import schema_of

TITLE = "results.json of a session: a device compared with the reference"


@pytest.fixture(scope="module")
def published(project_root: Path) -> Any:
    """The schema of the documentation."""
    return json.loads((project_root / "docs" / "reference" / "results.schema.json").read_text())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, shipped_bundle: Path) -> Any:
    """results.json of a replay to the simulated device."""
    folder = tmp_path_factory.mktemp("replay")
    data = make_database(folder / "data", seconds=30.0)
    out = folder / "session"
    replay(["100", "101"], port="simulator", bundle_path=shipped_bundle, data=data, out=out)
    return json.loads((out / "results.json").read_text())


def test_the_published_schema_is_that_of_the_types(published: Any) -> None:
    assert published == schema_of(SessionResults, TITLE), "regenerate docs/reference/results.schema.json"


def test_results_satisfy_the_schema(published: Any, written: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(written, published, jsonschema.Draft202012Validator)
    assert fault_in(written, SessionResults) is None and fault_in(written["device"], Info) is None
    assert written["verdict"] == "pass" and len(written["records"]) == 2


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "good"),
        (("beats",), None),
        (("records", 0, "link", "naks"), "0"),
        (("records", 1, "scores", "ec57", 0, "qrs_se"), "high"),
        (("scores", "all", "classes", "confusion", "counts", 0, 0), 0.5),
        (("device_name",), "x"),
        (("training",), []),
        (("training", "seed"), "x"),
    ],
)
def test_other_results_do_not(published: Any, written: Any, path: tuple[Any, ...], value: Any) -> None:
    changed = copy.deepcopy(written)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, published, jsonschema.Draft202012Validator)
    if path[-1] != "device_name":  # a key too many does no harm
        assert str(fault_in(changed, SessionResults)).startswith(".".join(map(str, path)) + " must be ")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("bundle",), SessionResults),
        (("records", 1, "link", "naks"), SessionResults),
        (("scores", "all", "classes", "labels", "N", "f1"), SessionResults),
        (("device", "board"), Info),
    ],
)
def test_a_key_that_is_missing_is_named(written: Any, path: tuple[Any, ...], kind: Any) -> None:
    changed = copy.deepcopy(written)
    place = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    whole = (changed, SessionResults) if kind is SessionResults else (changed["device"], Info, "device")
    assert fault_in(*whole) == ".".join(map(str, path)) + " is missing"
