"""Fingerprints of a C library with a change in it: what is not changed is compiled once."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.support.device_c import LIBRARIES, include_options, linked_sources_of, require_program

OPTIONS = ["-std=c99", "-O1", "-fPIC"]
SCRATCH_BYTES = 1 << 16  # more than the state of any of them


class ChangedLibrary:
    """A library of the device, compiled with its base library.

    Parameters
    ----------
    name : str
        E.g. "ecg_core".
    folder : Path
        Where the objects of the unchanged files go.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        sources = map(Path, linked_sources_of(name))
        self._objects = {source.name: self._compile(source, folder, []) for source in sources}

    def fingerprint(
        self,
        function: str,
        folder: Path,
        changed: Iterable[Path] = (),
        headers: Iterable[Path] = (),
        more: tuple[int, ...] = (),
    ) -> int:
        """Call a fingerprint's function with other files in place of those of their names.

        Parameters
        ----------
        function : str
            E.g. "ecg_core_fingerprint".
        folder : Path
            Where the changed objects go.
        changed : iterable of Path
            Source files to compile; headers beside them are found first.
        headers : iterable of Path
            Folders with changed headers for them.
        more : tuple of int
            Arguments of the function after its scratch memory.
        """
        others = {source.name: self._compile(source, folder, headers) for source in changed}
        objects = {**self._objects, **others}.values()
        library = folder / "changed.so"
        subprocess.run([require_program("gcc"), "-shared", "-o", library, *objects], check=True)
        compute = getattr(ctypes.CDLL(str(library)), function)
        compute.restype = ctypes.c_uint32
        return int(compute(ctypes.create_string_buffer(SCRATCH_BYTES), *more))

    def _compile(self, source: Path, folder: Path, headers: Iterable[Path]) -> Path:
        target = folder / f"{source.stem}.o"
        own = LIBRARIES / self._name / "src"
        includes = [*(f"-I{header}" for header in headers), *include_options(self._name), f"-I{own}"]
        compiler = [require_program("gcc"), *OPTIONS, *includes]
        subprocess.run([*compiler, "-c", str(source), "-o", str(target)], check=True)
        return target
