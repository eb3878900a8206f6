"""The key that signs updates of the firmware: ECDSA with the curve P-256 over the SHA-256 digest of an image.

    create_key(path)        once
    key = load_key(path)
    sign(key, digest)       64 bytes for the device

The public key is built into the firmware (`build --update-key`), which then takes updates of its owner alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from ecg_edge.ecg.errors import OutputError, ToolError
from ecg_edge.ecg.files import make_folder, write_error

_CURVE: Final = ec.SECP256R1()
_HALF: Final = 32


def create_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Make a key and write it as PEM, readable by its owner alone.

    Raises
    ------
    OutputError
        When there is a file already, or it cannot be written.
    """
    key = ec.generate_private_key(_CURVE)
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    make_folder(path.parent)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise OutputError(
            f"{path}: there is a key already. Devices that were built with it take updates of no other; "
            "name another file for a second key."
        ) from None
    except OSError as error:
        raise write_error(path, error) from None
    return key


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read a private key of the curve P-256 from a PEM file.

    Raises
    ------
    ToolError
        When there is none.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ToolError(
            f"{path}: cannot be read ({error.strerror}). Make a key with `ecg-edge update key`."
        ) from None
    except (ValueError, TypeError):
        raise ToolError(f"{path}: not a private key in PEM without a password.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != _CURVE.name:
        raise ToolError(f"{path}: not a key of the curve P-256. Make one with `ecg-edge update key`.")
    return key


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key as the firmware has it: 4, x and y, 65 bytes."""
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def sign(key: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    """Sign a SHA-256 digest: r and s, big-endian, 32 bytes each."""
    r, s = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
