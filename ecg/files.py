"""Project and cache folders, hashes and JSON files."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from pathlib import Path
from typing import Any, Final

from ecg_edge.ecg.errors import EcgEdgeError

PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent
"""Folder of `firmware/`, `models/` and the packages: the checkout, or the installed package."""


def cache_folder() -> Path:
    """The user's cache folder of this project."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ecg-edge"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_json(path: Path | str, obj: Any) -> None:
    """Write `obj` as JSON to a file, whose folder is made when missing, or to standard output for "-".

    Dataclasses, paths and numpy values are written as what they hold; figures that are not finite as null.
    """
    text = json.dumps(_plain(obj), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EcgEdgeError(f"{target}: cannot be written ({error.strerror}). Name another file.") from None


def _plain(value: Any) -> Any:
    """`value` with only what JSON knows."""
    if hasattr(value, "__dataclass_fields__"):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
