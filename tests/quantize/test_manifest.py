"""Loading a bundle: every field and file that does not fit is a BundleError that names it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ecg_edge.ecg.errors import BundleError
from ecg_edge.ecg.files import PROJECT_ROOT
from ecg_edge.ecg.splits import DS1, DS2, PACED
from ecg_edge.host.devices.boards import BOARDS
from ecg_edge.host.link.frames import decode, encode
from ecg_edge.host.link.messages import PROTOCOL_VERSION, Info
from ecg_edge.quantize.bundle.manifest import (
    BOARD_BUNDLE,
    MOST_LABEL_TEXT,
    MOST_LABELS,
    SHIPPED_BUNDLE,
    check_labels,
    load_bundle,
)

SCHEMA = json.loads((PROJECT_ROOT / "docs/reference/manifest.schema.json").read_text())
SHIPPED = json.loads((SHIPPED_BUNDLE / "manifest.json").read_text())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped bundle."""
    return shutil.copytree(SHIPPED_BUNDLE, tmp_path / "copy")


def changed(copy: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the manifest of a bundle."""
    raw = json.loads((copy / "manifest.json").read_text())
    change(raw)
    (copy / "manifest.json").write_text(json.dumps(raw))
    return copy


def test_the_shipped_manifests_follow_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    found = sorted(SHIPPED_BUNDLE.parent.glob("*/manifest.json"))
    assert {SHIPPED_BUNDLE, BOARD_BUNDLE} <= {path.parent for path in found}
    for path in found:
        jsonschema.validate(json.loads(path.read_text()), SCHEMA)
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"]) == set(SHIPPED)
    assert load_bundle(SHIPPED_BUNDLE).manifest.training["database"] == "mitdb"


def test_the_bundle_for_boards_trained_on_every_patient_and_has_no_figures_of_them() -> None:
    judged, board = (load_bundle(path).manifest for path in (SHIPPED_BUNDLE, BOARD_BUNDLE))
    mitdb = [*DS1, *DS2]
    assert board.trained_on("mitdb", [*mitdb, *PACED]) == mitdb
    assert judged.trained_on("mitdb", mitdb) == [name for name in DS1 if name != "201"]
    assert board.metrics == {} and board.training["split"] == "all"
    assert board.labels == judged.labels and board.inputs == judged.inputs
    assert board.training["spread"]["patients"] == 101


WRONG: list[tuple[str, Any]] = [
    *((key, None) for key in SHIPPED),
    *((key, 1.5) for key in SHIPPED),
    *((key, [[]]) for key in SHIPPED),
    *((key, {"a": {"b": []}}) for key in SHIPPED),
    ("model_sha256", SHIPPED["model_sha256"].upper()),
    ("core_fingerprint", -1),
    ("core_fingerprint", True),
    ("core_fingerprint", 2**32),
    ("inputs", []),
    ("inputs", [{**SHIPPED["inputs"][0], "scale": 0}]),
    ("inputs", [{**SHIPPED["inputs"][0], "shape": [1, 0]}]),
    ("inputs", [{**SHIPPED["inputs"][0], "zero_point": 128}]),
    ("inputs", [{**SHIPPED["inputs"][0], "more": 1}]),
    ("inputs", [{"name": "beat"}]),
    ("outputs", [SHIPPED["outputs"][0]] * 2),
    ("labels", ["N", "L", "R", "A", "N"]),
    ("labels", ["N", "L", "R", "A", "V,"]),
    ("labels", ["N", "L", "R", "A", "É"]),
    ("labels", ["N", "L", "R", "A", ""]),
    ("labels", ["N", "L", "R", "A", " V"]),
    ("labels", ["N", "L", "R", "A", "V\n"]),
    ("labels", "NLRAV"),
    ("labels", []),
    ("labels", [f"label{k}" for k in range(33)]),
    ("arena_bytes", {"generated": -1}),
    ("training", {"records": "100"}),
    ("training", {"beats": {"N": 1.5}}),
    ("metrics", {"protocol": {"int8": {"accuracy": "high"}}}),
    ("tools", {"numpy": 2}),
    ("schema_version", "2"),
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_field_of_another_type_or_range_is_named(copy: Path, key: str, value: Any) -> None:
    changed(copy, lambda raw: raw.update({key: value}))
    with pytest.raises(BundleError, match=rf"manifest\.json.*{key}"):
        load_bundle(copy)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**SHIPPED, key: value}, SCHEMA)


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (["inputs", 0, "scale"], 0, r"inputs\.0\.scale must be above 0, not 0\. Export"),
        (
            ["inputs", 0, "more"],
            1,
            r"unknown key 'more' in inputs\.0; valid keys: name, shape, scale, zero_point",
        ),
        (["training", "spread", "patients"], -1, r"training\.spread\.patients must be at least 0"),
        (["training", "spread", "seeds"], [1], r"training\.spread must have one value for each of its seeds"),
    ],
)
def test_the_place_within_a_field_is_named(copy: Path, place: list[Any], value: Any, text: str) -> None:
    def change(raw: Any) -> None:
        for key in place[:-1]:
            raw = raw[key]
        raw[place[-1]] = value

    with pytest.raises(BundleError, match=rf"manifest\.json: {text}"):
        load_bundle(changed(copy, change))


@pytest.mark.parametrize("key", SHIPPED)
def test_a_missing_field_is_named(copy: Path, key: str) -> None:
    changed(copy, lambda raw: raw.pop(key))
    with pytest.raises(BundleError, match=rf"manifest\.json.*{key}"):
        load_bundle(copy)


def test_a_bundle_may_have_as_many_labels_as_a_device_takes() -> None:
    from ecg_edge.firmware.binding import labels

    assert labels.MOST_LABELS == MOST_LABELS
    check_labels([f"L{k}" for k in range(MOST_LABELS)], "here")


def test_labels_that_are_too_long_for_the_handshake_are_refused() -> None:
    longest = ["a" * 80, "b" * (MOST_LABEL_TEXT - 81)]
    check_labels(longest, "here")
    with pytest.raises(BundleError, match=f"here: .* {MOST_LABEL_TEXT + 1} characters .* {MOST_LABEL_TEXT}"):
        check_labels([*longest[:1], longest[1] + "b"], "here")


def test_two_networks_with_the_longest_labels_fit_the_handshake() -> None:
    sha256, labels = "ab" * 32, ("a" * MOST_LABEL_TEXT,)
    names = ("0.1.0.dev12+g0123456.d20260101", max(BOARDS, key=len), "e" * 31)  # engine.h: 32 bytes
    info = Info(PROTOCOL_VERSION, 0, 360, 1920, 240, 0, 0, 0, 0, sha256, *names, labels, sha256, 1, labels)
    assert decode(encode(info, 0)[:-1])[1] == info


def test_four_labels_for_five_outputs_are_refused(copy: Path) -> None:
    changed(copy, lambda raw: raw["labels"].pop())
    with pytest.raises(BundleError, match=r"manifest\.json.*\[5\].*4 labels"):
        load_bundle(copy)


def test_labels_in_another_order_than_the_generated_c_are_refused(copy: Path) -> None:
    changed(copy, lambda raw: raw["labels"].reverse())
    with pytest.raises(BundleError, match=r"model_info\.h.*N,L,R,A,V.*V,A,R,L,N"):
        load_bundle(copy)


def test_c_of_another_model_or_name_is_refused(copy: Path) -> None:
    header = copy / "c" / "model_info.h"
    header.write_text(header.read_text().replace(SHIPPED["model_sha256"], "0" * 64))
    with pytest.raises(BundleError, match=r"model_info\.h"):
        load_bundle(copy)


def test_a_name_that_is_not_that_of_the_generated_c_is_refused(copy: Path) -> None:
    changed(copy, lambda raw: raw.update(name="other"))
    with pytest.raises(BundleError, match=r"model_info\.h.*nlrav.*other"):
        load_bundle(copy)


@pytest.mark.parametrize("name", ["manifest.json", "model.tflite", "c/model_info.h"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=name.split("/")[-1]):
        load_bundle(copy)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_no_object_is_an_error(copy: Path, content: bytes) -> None:
    (copy / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(copy)


def test_a_file_where_a_folder_belongs_is_an_error(copy: Path) -> None:
    with pytest.raises(BundleError, match=r"model\.tflite.*folder"):
        load_bundle(copy / "model.tflite")


def test_a_folder_where_a_file_belongs_is_an_error(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    (copy / "manifest.json").mkdir()
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(copy)


def test_a_changed_model_is_refused(copy: Path) -> None:
    model = copy / "model.tflite"
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(BundleError, match=r"model\.tflite.*SHA-256"):
        load_bundle(copy)


def test_a_bundle_runs_without_tensorflow() -> None:
    code = """
import sys
from importlib.abc import MetaPathFinder

class NoTensorFlow(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in ("tensorflow", "tf_keras", "keras", "flatbuffers", "wfdb"):
            raise ImportError(name)

sys.meta_path.insert(0, NoTensorFlow())
from ecg_edge.quantize.bundle.engines import GeneratedEngine
from ecg_edge.quantize.bundle.golden import load_golden
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, load_bundle

bundle = load_bundle(SHIPPED_BUNDLE)
golden = load_golden(bundle)
assert (GeneratedEngine(bundle.c_path).run(golden.inputs) == golden.logits).all()
packages = {name.split(".")[1] for name in sys.modules if name.startswith("ecg_edge.")}
print(*sorted(packages))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ecg", "quantize"]
