"""The states of a folder while a program writes in it: what a process that is killed leaves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

_CHANGES: Final = ("open", "pwrite", "ftruncate", "replace", "unlink")
"""Calls of `os` that change files."""


class FileChanges:
    """Copies of a folder, one after each call that may have changed a file in it.

    Parameters
    ----------
    folder : Path
        Folder that the program writes in.
    copies : Path
        Folder of the copies.
    patch : pytest.MonkeyPatch
        Undone by the caller, before the copies are read.

    Attributes
    ----------
    states : list of (Path, int)
        Each copy, and `given` at that moment.
    given : int
        Number that the caller advances: what the program has taken so far.
    """

    def __init__(self, folder: Path, copies: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder, self._copies = folder, copies
        self._last: dict[str, bytes] = {}
        self.states: list[tuple[Path, int]] = []
        self.given = 0
        for name in _CHANGES:
            patch.setattr(os, name, self._seen(getattr(os, name)))
        # A text file has its content at the fsync before its rename; to wait for the disk would show no more.
        patch.setattr(os, "fsync", self._seen(lambda _: None))

    def _seen(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def seen(*words: Any, **options: Any) -> Any:
            result = call(*words, **options)
            self._keep()
            return result

        return seen

    def _keep(self) -> None:
        content = {path.name: path.read_bytes() for path in self._folder.iterdir()}
        if content == self._last:
            return
        self._last = content
        copy = self._copies / f"{len(self.states):04d}"
        shutil.copytree(self._folder, copy)
        self.states.append((copy, self.given))
