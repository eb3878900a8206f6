"""The model bundle: one folder that ties model, firmware and host together by hashes.

models/<name>/
    manifest.json           this module's `Manifest`
    model.tflite            the int8 network; its SHA-256 is the bundle's identity
    golden.json             inputs and TFLM's outputs: what the device checks at boot
    c/network.{c,h}         the generated engine
    c/model_data.{c,h}      the flatbuffer as an aligned C array, for TFLM
    c/op_resolver.h         the operators that TFLM needs, from the model's own list
    c/model_info.{c,h}      SHA-256, labels, fingerprint and golden vectors for the boot self-test
    c/model.h               the model under fixed names, for a firmware with one model
    MODEL_CARD.md
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypedDict

from ecg_edge.ecg.errors import BundleError
from ecg_edge.ecg.files import PROJECT_ROOT, parse_json, sha256_of
from ecg_edge.ecg.typed_json import Range, fault_in

SCHEMA_VERSION = 2
MANIFEST_NAME = "manifest.json"
MODEL_NAME = "model.tflite"
GOLDEN_NAME = "golden.json"
MODEL_INFO_NAME = "model_info.h"
C_FOLDER = "c"

SHIPPED_BUNDLE: Final = PROJECT_ROOT / "models" / "nlrav"
"""Folder of the shipped bundle that records judge: it trained on DS1, and never met the patients of DS2."""
BOARD_BUNDLE: Final = PROJECT_ROOT / "models" / "nlrav-all"
"""Folder of the shipped bundle for one's own ECG: it trained on every patient of mitdb and svdb."""
SHIPPED_MORPHOLOGY: Final = PROJECT_ROOT / "models" / "morphology"
"""Folder of the shipped morphology network, the second one in an image."""
STRIP_INPUT: Final = "strip"
"""The one input of a morphology network."""

_LARGEST: Final = 2**53  # the largest number that every reader of JSON keeps exact
Count: TypeAlias = Annotated[int, Range(0, _LARGEST)]
"""A number of things, a seed or a fingerprint: an integer from 0."""


class _Spread(TypedDict):
    division: str
    seeds: list[Count]
    patients: Count
    figures: dict[str, list[float | None]]


class Spread(_Spread, total=False):
    """What other seeds of the same recipe give on folds of patients, by figure.

    Attributes
    ----------
    division : str
        Name of the folds.
    seeds : list of int
        The seeds.
    patients : int
        Patients in all folds.
    figures : dict of str to list
        For each figure its value by seed.
    elsewhere : dict of str to list, optional
        The same of the same recipe and seeds, trained where sums are rounded otherwise; None for a seed that
        was not trained there.
    made_by_sha256 : str, optional
        Hash of the recipe's settings, of the training's version, and of the signal path's behaviour.
    rhythm_fingerprint : int, optional
        Rhythm rules that had a say in the labels; without it the labels are those of the network alone.
    """

    elsewhere: dict[str, list[float | None]]
    made_by_sha256: str
    rhythm_fingerprint: Count


class Training(TypedDict, total=False):
    """Data that a network was trained on; empty for a model that was trained elsewhere."""

    recipe: str
    description: str
    database: str
    split: str
    peaks: str
    records: list[str]
    beats: dict[str, Count]
    strips: dict[str, Count]
    seed: Count
    spread: Spread


Metrics: TypeAlias = Mapping[str, Mapping[str, Mapping[str, float | None]]]
"""Evaluation figures by protocol, engine and name."""


@dataclass(frozen=True)
class Tensor:
    """An int8 tensor: real value = scale * (q - zero_point)."""

    name: str
    shape: tuple[Annotated[int, Range(1, _LARGEST)], ...]
    scale: Annotated[float, Range(0, low_open=True)]
    zero_point: Annotated[int, Range(-128, 127)]


@dataclass(frozen=True)
class Manifest:
    """Description of a bundle; docs/reference/manifest.schema.json is its schema.

    Attributes
    ----------
    name : str
        The bundle's name, usually the recipe's.
    model_sha256 : str
        SHA-256 of `model.tflite`, in hexadecimal.
    core_fingerprint : int
        `ecg_core_fingerprint` of the signal path that made the training beats; of a morphology network
        `ecg_strip_fingerprint`.
    inputs, outputs : tuple of Tensor
        Tensors of the network's interface, in the order of the `.tflite` file.
    labels : tuple of str
        The class of each output.
    arena_bytes : dict
        RAM for tensors, in bytes, per engine ("generated", "tflm").
    operators : tuple of str
        TFLite operators in execution order.
    training : Training
        Recipe, databases, records and beats the network was trained on.
    metrics : Metrics
        Evaluation figures by protocol, engine and name.
    tools : dict
        Versions of the programs that made the bundle.
    """

    name: str
    model_sha256: str
    core_fingerprint: Annotated[int, Range(0, 2**32 - 1)]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    labels: tuple[str, ...]
    arena_bytes: dict[str, Count]
    operators: tuple[str, ...]
    training: Training
    metrics: Metrics
    tools: dict[str, str]
    schema_version: int = SCHEMA_VERSION

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs in the order of the `.tflite` file."""
        return [tensor.name for tensor in self.inputs]

    @property
    def takes_strips(self) -> bool:
        """True for a morphology network, False for a beat classifier."""
        return self.input_names == [STRIP_INPUT]

    def trained_on(self, database: str, names: Sequence[str]) -> list[str]:
        """List the records whose beats trained the network; nstdb's are made of mitdb's 118 and 119."""
        own = self.training.get("database")
        seen = {
            str(name) if "/" in str(name) else f"{own}/{name}" for name in self.training.get("records", ())
        }
        origin = {
            name: f"mitdb/{name[:3]}" if database == "nstdb" else f"{database}/{name}" for name in names
        }
        return [name for name in names if origin[name] in seen]

    def to_json(self) -> str:
        """Format as JSON text, keys in the order of the attributes."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose manifest, model and generated C belong together."""

    path: Path
    manifest: Manifest

    @property
    def model_path(self) -> Path:
        """Path of the int8 flatbuffer."""
        return self.path / MODEL_NAME

    @property
    def c_path(self) -> Path:
        """Folder of the generated C."""
        return self.path / C_FOLDER


def c_prefix(name: str) -> str:
    """Convert a bundle's name to the prefix of its C symbols: "my-net" gives "my_net" in `my_net_run`.

    Raises
    ------
    BundleError
        When no C identifier can be made from the name.
    """
    prefix = re.sub(r"[^a-z0-9_]", "_", name.lower())
    if not re.match(r"[a-z]", prefix) or prefix.startswith(("ecg_nn", "ecg_model")):
        raise BundleError(
            f"bundle name {name!r}: it is the prefix of the C symbols, so it must begin with a letter A to Z "
            "and not with ecg_nn or ecg_model. Choose another name."
        )
    return prefix


def c_string(text: str) -> str:
    """Escape printable ASCII for a C string literal."""
    # "??" would begin a trigraph.
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")


MOST_LABELS: Final = 32
"""Labels of a network that a device takes; a test compares it with the C (ecg_rhythm_labels.h, engine.h)."""
MOST_LABEL_TEXT: Final = 160
"""Characters of all labels, with a comma between: INFO, one frame, has those of two networks."""


def check_labels(labels: Sequence[str], where: str) -> None:
    """Check that labels are few, short, different, printable ASCII and without commas, which separate them.

    Raises
    ------
    BundleError
        Names `where` and the label.
    """
    for label in labels:
        if (
            not label
            or "," in label
            or label != label.strip()
            or not label.isascii()
            or not label.isprintable()
        ):
            raise BundleError(
                f"{where}: label {label!r} must be printable ASCII, not empty and without commas and outer "
                "spaces. Rename it."
            )
    repeated = sorted({label for label in labels if labels.count(label) > 1})
    if repeated or not labels:
        what = f"{', '.join(repeated)} stands there more than once" if repeated else "there is none"
        raise BundleError(f"{where}: labels must be different, at least one: {what}. Name each output.")
    if len(labels) > MOST_LABELS:
        raise BundleError(f"{where}: {len(labels)} labels, but a device takes {MOST_LABELS} at most.")
    if (size := len(",".join(labels))) > MOST_LABEL_TEXT:
        raise BundleError(
            f"{where}: the labels have {size} characters with their commas, but a device sends "
            f"{MOST_LABEL_TEXT} at most. Shorten them."
        )


def load_bundle(path: Path) -> Bundle:
    """Read a bundle and check that its manifest, its model and its generated C belong together.

    Raises
    ------
    BundleError
        When a file is missing, a field of the manifest is missing or has another type or range, the model's
        SHA-256 is not the manifest's, or the generated C has another model or other labels.
    """
    if path.exists() and not path.is_dir():
        raise BundleError(f"{path}: is a file. A bundle is a folder, such as models/nlrav: name the folder.")
    manifest = _read_manifest(path / MANIFEST_NAME)
    _check_model(path / MODEL_NAME, manifest)
    _check_c(path / C_FOLDER / MODEL_INFO_NAME, manifest)
    return Bundle(path, manifest)


def _check_model(path: Path, manifest: Manifest) -> None:
    if not path.is_file():
        raise BundleError(f"{path}: not found. Make the bundle again with `ecg-edge export`.")
    actual = sha256_of(path)
    if actual != manifest.model_sha256:
        raise BundleError(
            f"{path}: SHA-256 is {actual[:12]}..., but {manifest.model_sha256[:12]}... in the manifest. "
            "The model was changed after the export; make the bundle again with `ecg-edge export`."
        )


def _check_c(path: Path, manifest: Manifest) -> None:
    """Check that the generated C holds the manifest's model and labels, in the same order."""
    text = _read_text(path)
    found = re.search(r'^#define (\w+)_LABELS "(.*)"$', text, re.MULTILINE)
    prefix, labels = (found[1], found[2]) if found else ("", "")
    expected = c_string(",".join(manifest.labels))
    if prefix != c_prefix(manifest.name).upper() or labels != expected or manifest.model_sha256 not in text:
        raise BundleError(
            f"{path}: generated from another model than {MANIFEST_NAME} describes (here: {prefix.lower()}, "
            f"labels {labels}; there: {manifest.name}, labels {expected}). Export the bundle again."
        )


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(
            f"{path}: not found. A bundle is a folder such as models/nlrav; make one with `ecg-edge export`."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(
            f"{path}: cannot be read ({error}). Make it again with `ecg-edge export`."
        ) from None


def _read_manifest(path: Path) -> Manifest:
    try:
        raw = parse_json(_read_text(path))
    except ValueError as error:
        raise BundleError(f"{path}: not JSON ({error}). Make it again with `ecg-edge export`.") from None
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION or not isinstance(version, int):
        raise BundleError(
            f"{path}: schema_version is {version!r}, this program reads {SCHEMA_VERSION}. "
            "Export the bundle with the same version of ecg-edge."
        )
    if fault := fault_in(raw, Manifest, closed=True):
        raise BundleError(f"{path}: {fault}. Export the bundle again.")
    manifest = _manifest_of(raw)
    _check_manifest(path, manifest)
    return manifest


def _manifest_of(raw: dict[str, Any]) -> Manifest:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()
    }
    for key in ("inputs", "outputs"):
        values[key] = tuple(Tensor(**{**tensor, "shape": tuple(tensor["shape"])}) for tensor in raw[key])
    return Manifest(**values)


def _check_manifest(path: Path, manifest: Manifest) -> None:
    """Check what the types of the fields do not tell."""
    try:
        c_prefix(manifest.name)
    except BundleError as error:
        raise BundleError(f"{path}: name: {error}") from None
    check_labels(manifest.labels, f"{path}: labels")
    if fault := next(_faults_of(manifest), None):
        raise BundleError(f"{path}: {fault}. Export the bundle again.")


def _faults_of(manifest: Manifest) -> Iterator[str]:
    if not re.fullmatch(r"[0-9a-f]{64}", manifest.model_sha256):
        yield "model_sha256 must be 64 hexadecimal digits in lower case"
    elements = [math.prod(tensor.shape) for tensor in manifest.outputs]
    if elements != [len(manifest.labels)]:
        yield f"outputs have {elements} elements, but there are {len(manifest.labels)} labels"
    if not manifest.inputs:
        yield "inputs must not be empty"
    if len(set(manifest.input_names)) != len(manifest.inputs):
        yield "two of the inputs have the same name"
    if spread := manifest.training.get("spread"):
        figures = [*spread["figures"].values(), *spread.get("elsewhere", {}).values()]
        if any(len(values) != len(spread["seeds"]) for values in figures):
            yield "training.spread must have one value for each of its seeds in every figure"
