"""Stages that are repeated only when something that they depend on has changed.

A stage's inputs are named hashes: of files, of records, of settings. They are written beside its outputs'
hashes when it is done; the next time it is left out when all of them are as they were.
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

DONE, CACHED, FAILED = "done", "cached", "failed"


@dataclass(frozen=True)
class Stage:
    """One step of a job.

    Attributes
    ----------
    name : str
        Unique within the job.
    inputs : callable
        Gives the hash of everything that the outputs depend on, by name; called when the stage's turn comes.
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
    """How a stage ended.

    Attributes
    ----------
    name : str
    status : str
        "done", "cached" or "failed".
    seconds : float
        What it took, now or, when cached, at the time.
    reason : str
        Why it was done: what had changed.
    """

    name: str
    status: str
    seconds: float
    reason: str = ""


class Stages:
    """Runs stages and remembers them in a folder of stamps.

    Parameters
    ----------
    folder : Path
        Where the stamps are kept.
    fresh : bool
        True: nothing is left out.
    on_result : callable
        Called with the result of each stage, also of one that fails.
    """

    def __init__(
        self,
        folder: Path,
        fresh: bool = False,
        on_result: Callable[[StageResult], None] = lambda result: None,
    ) -> None:
        self._folder, self._fresh, self._on_result = folder, fresh, on_result
        self.results: list[StageResult] = []

    def run(self, stage: Stage) -> StageResult:
        """Do a stage, or leave it out when nothing has changed. A failure is kept in `results`, too."""
        stamp_path = self._folder / f"{stage.name.replace(' ', '-')}.json"
        stamp, inputs = _read(stamp_path), dict(stage.inputs())
        reason = "asked for" if self._fresh else _why(stamp, inputs, stage.outputs)
        status, start = FAILED if reason else CACHED, time.monotonic()
        try:
            if reason:
                _do(stage, stamp_path, inputs)
                status = DONE
        finally:
            seconds = time.monotonic() - start if reason else stamp["seconds"]
            self.results.append(StageResult(stage.name, status, seconds, reason))
            self._on_result(self.results[-1])
        return self.results[-1]


def hash_files(files: Iterable[Path], root: Path) -> dict[str, str]:
    """SHA-256 of each file, by its path from `root`; of a folder, of every file in it."""
    return {
        str(path.relative_to(root) if path.is_relative_to(root) else path): hash_bytes(path.read_bytes())
        for path in _flat(files)
    }


def hash_together(files: Iterable[Path]) -> str:
    """One SHA-256 of the names and contents of files; a missing one counts as missing."""
    digest = hashlib.sha256()
    for path in sorted(files):
        content = hash_bytes(path.read_bytes()) if path.is_file() else "missing"
        digest.update(f"{path.name} {content}\n".encode())
    return digest.hexdigest()


def hash_bytes(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def hash_value(value: Any) -> str:
    """SHA-256 of anything that JSON can write."""
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
    stamp_path.parent.mkdir(parents=True, exist_ok=True)
    stamp_path.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")


def _read(stamp_path: Path) -> dict[str, Any]:
    try:
        stamp = json.loads(stamp_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _why(stamp: dict[str, Any], inputs: dict[str, str], outputs: tuple[Path, ...]) -> str:
    """Why a stage must be done; empty when it need not."""
    if not stamp:
        return "not done before"
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
