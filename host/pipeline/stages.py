"""Stages that run only when their inputs or outputs have changed.

The inputs of a stage are named hashes: of files, of records, of settings. They are stored with the hashes of
its outputs when it is done; the stage is cached while all of them stay the same.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.files import read_json, write_json

DONE, CACHED, FAILED = "done", "cached", "failed"

OnStart = Callable[[str, str, float | None], None]


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline.

    Attributes
    ----------
    name : str
        Unique within the pipeline.
    inputs : callable
        Returns the hash of everything that the outputs depend on, by name; called just before the stage.
    outputs : tuple of Path
        Files and folders that the stage makes.
    action : callable
        Makes them.
    """

    name: str
    inputs: Callable[[], Mapping[str, str]]
    outputs: tuple[Path, ...]
    action: Callable[[], object]


@dataclass(frozen=True)
class StageResult:
    """Result of a stage.

    Attributes
    ----------
    name : str
    status : str
        "done", "cached" or "failed".
    seconds : float
        Duration, now or, when cached, of the run that made the outputs.
    reason : str
        Change that made the stage run; empty when cached.
    """

    name: str
    status: str
    seconds: float
    reason: str = ""


class Stages:
    """Run stages, and store a stamp of each.

    Parameters
    ----------
    folder : Path
        Folder of the stamps.
    force : bool
        Run every stage, also those that have not changed.
    on_start : callable
        Called before a stage runs, not for a cached one: its name, the reason, and the seconds that it took
        the last time or None.
    on_result : callable
        Called with the result of each stage, also of one that fails.
    """

    def __init__(
        self,
        folder: Path,
        force: bool = False,
        on_start: OnStart = lambda name, reason, seconds: None,
        on_result: Callable[[StageResult], None] = lambda result: None,
    ) -> None:
        self._folder, self._force, self._on_start, self._on_result = folder, force, on_start, on_result
        self.results: list[StageResult] = []

    def run(self, stage: Stage) -> StageResult:
        """Run a stage unless it is cached. A failure is appended to `results`, too."""
        stamp_path = self._folder / f"{stage.name.replace(' ', '-')}.json"
        stamp, inputs = _read(stamp_path), dict(stage.inputs())
        reason = "forced" if self._force else _why(stamp, inputs, stage.outputs)
        status, start = FAILED if reason else CACHED, time.monotonic()
        try:
            if reason:
                self._on_start(stage.name, reason, stamp.get("seconds"))
                _do(stage, stamp_path, inputs)
                status = DONE
        finally:
            seconds = time.monotonic() - start if reason else stamp["seconds"]
            self.results.append(StageResult(stage.name, status, seconds, reason))
            self._on_result(self.results[-1])
        return self.results[-1]


def hash_files(files: Iterable[Path], root: Path) -> dict[str, str]:
    """Hash each file, by its path from `root`; of a folder, every file in it."""
    return {
        str(path.relative_to(root) if path.is_relative_to(root) else path): hash_bytes(path.read_bytes())
        for path in _flat(files)
    }


def hash_together(files: Iterable[Path]) -> str:
    """Hash the names and contents of files together; a missing file has a hash of its own."""
    digest = hashlib.sha256()
    for path in sorted(files):
        content = hash_bytes(path.read_bytes()) if path.is_file() else "missing"
        digest.update(f"{path.name} {content}\n".encode())
    return digest.hexdigest()


def hash_bytes(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def hash_value(value: Any) -> str:
    """Hash a value that JSON can hold."""
    return hash_bytes(json.dumps(value, sort_keys=True, default=str).encode())


def _do(stage: Stage, stamp_path: Path, inputs: dict[str, str]) -> None:
    stamp_path.unlink(missing_ok=True)
    start = time.monotonic()
    stage.action()
    seconds = time.monotonic() - start
    missing = [str(path) for path in stage.outputs if not path.exists()]
    if missing:
        raise EcgEdgeError(
            f"stage {stage.name}: did not make {', '.join(missing)}. This is a fault of ecg-edge."
        )
    stamp = {"seconds": round(seconds, 1), "inputs": inputs, "outputs": hash_files(stage.outputs, Path("/"))}
    write_json(stamp_path, stamp)


def _read(stamp_path: Path) -> dict[str, Any]:
    try:
        stamp = read_json(stamp_path)
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _why(stamp: dict[str, Any], inputs: dict[str, str], outputs: tuple[Path, ...]) -> str:
    """Return the reason to run a stage; empty when it is cached."""
    if not stamp:
        return "not run before"
    before = stamp["inputs"]
    changed = sorted(name for name in before.keys() | inputs.keys() if before.get(name) != inputs.get(name))
    if changed:
        return f"changed: {changed[0]}" + (f" and {len(changed) - 1} more" if len(changed) > 1 else "")
    if not all(path.exists() for path in outputs) or hash_files(outputs, Path("/")) != stamp["outputs"]:
        return "its output was changed or deleted"
    return ""


def _flat(paths: Iterable[Path]) -> list[Path]:
    files: set[Path] = set()
    for path in paths:
        files.update(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else files.add(path)
    return sorted(files)
