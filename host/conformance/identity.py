"""Checks that a device holds the models that it is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ecg_edge.ecg.errors import BundleError, LinkError
from ecg_edge.firmware.binding.rhythm import rhythm_fingerprint
from ecg_edge.host.link.messages import STATUS_TEXT, Info
from ecg_edge.host.link.transports import port_kind
from ecg_edge.host.reference.labels import check_signal_path
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE, SHIPPED_BUNDLE, Bundle, load_bundle

_PROGRAMS: Final = ("emulator", "pico", "native")
"""Kinds of ports whose firmware is a file of the last build."""


def bundle_on(info: Info) -> Bundle:
    """Find the shipped bundle of the model that a device names; that of `SHIPPED_BUNDLE` where none is."""
    bundles = [load_bundle(path) for path in (SHIPPED_BUNDLE, BOARD_BUNDLE)]
    return next((one for one in bundles if one.manifest.model_sha256 == info.model_sha256), bundles[0])


def firmware_command(info: Info, port: str, options: str = "") -> str:
    """Name the command that puts firmware on a device: on a board, or into an emulator or native program.

    The port of an `ecg-edge emulate` that runs is a pseudo-terminal.
    """
    is_program = port_kind(port) in _PROGRAMS or port.startswith("/dev/pts/") or info.board == "native"
    command = f"ecg-edge build --env {info.board}" if is_program else "ecg-edge flash"
    return f"`{command} {options}".rstrip() + "`"


def check_device(info: Info, bundle: Bundle, port: str) -> None:
    """Refuse a device, at `port`, that is not the bundle's.

    Raises
    ------
    LinkError
        When the device's model, signal path, rhythm rules or labels are others, or its self-test failed.
    BundleError
        When this computer's signal path is not the one that the bundle was trained with.
    """
    manifest, device = bundle.manifest, f"The device ({info.board}, firmware {info.firmware_version})"
    command = firmware_command(info, port, f"--model {bundle.path}")
    flash = f"Put this bundle on it: {command}, or name the device's with --model."
    if info.model_sha256 != manifest.model_sha256:
        raise LinkError(
            f"{device} holds the model {info.model_sha256}, but the bundle {bundle.path} is "
            f"{manifest.model_sha256} (SHA-256). {flash}"
        )
    if info.core_fingerprint != manifest.core_fingerprint:
        raise LinkError(
            f"{device} has the signal path {info.core_fingerprint:08x}, but the bundle {bundle.path} was "
            f"trained with {manifest.core_fingerprint:08x}. {flash}"
        )
    own = rhythm_fingerprint()
    if info.rhythm_fingerprint != own:
        raise LinkError(
            f"{device} has the rhythm rules {info.rhythm_fingerprint:08x}, and this computer {own:08x}: "
            f"their labels and events would differ. Build its firmware again: {firmware_command(info, port)}."
        )
    if info.labels != manifest.labels:
        raise LinkError(
            f"{device} labels {','.join(info.labels)}, but the bundle {bundle.path} has "
            f"{','.join(manifest.labels)}. {flash}"
        )
    if info.status:
        raise LinkError(
            f"{device} refuses to label beats: {STATUS_TEXT.get(info.status, f'status {info.status}')}. "
            f"Build its firmware again: {firmware_command(info, port)}; if it stays so, that board's "
            "compiler or memory is at fault."
        )
    check_signal_path(bundle)


def load_morphology(path: Path) -> Bundle:
    """Read the bundle of a morphology network.

    Raises
    ------
    BundleError
        When it cannot be read, or is one of another kind of network.
    """
    bundle = load_bundle(path)
    if not bundle.manifest.takes_strips:
        raise BundleError(
            f"{path}: its inputs are {', '.join(bundle.manifest.input_names)}; a morphology network has the "
            "one input strip. Name another bundle with --morphology, or none."
        )
    return bundle


def check_morphology(info: Info, bundle: Bundle, port: str) -> None:
    """Refuse a device, at `port`, whose morphology network is not the bundle's.

    Raises
    ------
    LinkError
        When the device has none, or its model, strips or labels are others.
    """
    manifest, device = bundle.manifest, f"The device ({info.board}, firmware {info.firmware_version})"
    command = firmware_command(info, port, f"--morphology {bundle.path}")
    flash = f"Put both networks on it: {command}, or leave the second one out: `--morphology none`."
    if info.morphology_sha256 != manifest.model_sha256:
        found = f"the morphology network {info.morphology_sha256}"
        raise LinkError(
            f"{device} holds {found if info.morphology_sha256 else 'no morphology network'}, but the bundle "
            f"{bundle.path} is {manifest.model_sha256} (SHA-256). {flash}"
        )
    if info.strip_fingerprint != manifest.core_fingerprint:
        raise LinkError(
            f"{device} makes strips {info.strip_fingerprint:08x}, but the bundle {bundle.path} was trained "
            f"with {manifest.core_fingerprint:08x}. {flash}"
        )
    if info.morphology_labels != manifest.labels:
        raise LinkError(
            f"{device} labels strips {','.join(info.morphology_labels)}, but the bundle {bundle.path} has "
            f"{','.join(manifest.labels)}. {flash}"
        )
