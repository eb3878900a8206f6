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
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_edge.ecg.errors import BundleError
from ecg_edge.ecg.files import sha256_of

SCHEMA_VERSION = 2
MANIFEST_NAME = "manifest.json"
MODEL_NAME = "model.tflite"
GOLDEN_NAME = "golden.json"
C_FOLDER = "c"


@dataclass(frozen=True)
class Tensor:
    """An int8 tensor: real value = scale * (q - zero_point)."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself.

    Attributes
    ----------
    name : str
        The bundle's name, usually the recipe's.
    model_sha256 : str
        SHA-256 of `model.tflite`, in hexadecimal.
    core_fingerprint : int
        `ecg_core_fingerprint` of the signal path that made the training beats.
    inputs, outputs : tuple of Tensor
        Tensors of the network's interface, in the order of the `.tflite` file.
    labels : tuple of str
        The class of each output.
    arena_bytes : dict
        RAM for tensors, in bytes, per engine ("generated", "tflm").
    operators : tuple of str
        TFLite operators in execution order.
    training : dict
        Recipe, databases, records and beats the network was trained on.
    metrics : dict
        Evaluation figures, each under the name of its protocol.
    tools : dict
        Versions of what made the bundle.
    """

    name: str
    model_sha256: str
    core_fingerprint: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    labels: tuple[str, ...]
    arena_bytes: dict[str, int]
    operators: tuple[str, ...]
    training: dict[str, Any]
    metrics: dict[str, Any]
    tools: dict[str, str]
    schema_version: int = SCHEMA_VERSION

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs in the order of the `.tflite` file."""
        return [tensor.name for tensor in self.inputs]

    def to_json(self) -> str:
        """Format as JSON text, keys in the order of the attributes."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose hashes were checked."""

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


def load_bundle(path: Path) -> Bundle:
    """Read a bundle and check that its manifest and its model belong together.

    Raises
    ------
    BundleError
        When a file is missing, the manifest has another schema, or the model's SHA-256 is not the manifest's.
    """
    manifest = _read_manifest(path / MANIFEST_NAME)
    model = path / MODEL_NAME
    if not model.is_file():
        raise BundleError(f"{model}: not found. Make the bundle again with `ecg-edge export`.")
    actual = sha256_of(model)
    if actual != manifest.model_sha256:
        raise BundleError(
            f"{model}: SHA-256 is {actual[:12]}..., the manifest says {manifest.model_sha256[:12]}.... "
            "The model was changed after the export; make the bundle again with `ecg-edge export`."
        )
    return Bundle(path, manifest)


def _read_manifest(path: Path) -> Manifest:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BundleError(
            f"{path}: not found. A bundle is a folder such as models/nlrav; make one with `ecg-edge export`."
        ) from None
    except json.JSONDecodeError as error:
        raise BundleError(f"{path}: not JSON ({error}). Make it again with `ecg-edge export`.") from None
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{path}: schema version is {version!r}, this program reads {SCHEMA_VERSION}. "
            "Export the bundle with the same version of ecg-edge."
        )
    return _parse_manifest(path, raw)


def _parse_manifest(path: Path, raw: dict[str, Any]) -> Manifest:
    names = {field.name for field in dataclasses.fields(Manifest)}
    missing, unknown = sorted(names - raw.keys()), sorted(raw.keys() - names)
    if missing or unknown:
        raise BundleError(f"{path}: missing keys {missing}, unknown keys {unknown}. Export the bundle again.")
    fields = dict(raw)
    for key in ("inputs", "outputs"):
        fields[key] = tuple(Tensor(**{**tensor, "shape": tuple(tensor["shape"])}) for tensor in raw[key])
    for key in ("labels", "operators"):
        fields[key] = tuple(raw[key])
    return Manifest(**fields)
