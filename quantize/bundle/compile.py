"""Compile the project's C into a shared library with the system's compiler.

Libraries are kept in the user's cache under a hash of everything that goes into them: the same sources are
compiled once.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ecg_edge.ecg.errors import ToolError
from ecg_edge.ecg.files import PROJECT_ROOT, cache_folder

ECG_NN = PROJECT_ROOT / "firmware" / "lib" / "ecg_nn"
ECG_BASE = PROJECT_ROOT / "firmware" / "lib" / "ecg_base"  # what the C libraries share
ECG_NN_INCLUDES = (ECG_NN / "include", ECG_BASE / "include")
FLAGS = ("-std=c99", "-O3", "-fPIC", "-shared")


def find_compiler() -> str:
    """Path of the C compiler: the one in CC, or the first of cc, gcc, clang.

    Raises
    ------
    ToolError
        When there is none.
    """
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise ToolError(
        f"no C compiler found (looked for {', '.join(names)}). Install one (Debian: `apt-get install gcc`), "
        "or set CC to its path."
    )


def compile_library(sources: Sequence[Path], includes: Sequence[Path] = (), extra: str = "") -> Path:
    """Compile C files, and a piece of C text, into a shared library; taken from the cache when it is there.

    Parameters
    ----------
    sources : sequence of Path
        The C files.
    includes : sequence of Path
        Folders for `#include`; their headers take part in the cache's hash.
    extra : str
        One more source, as text.

    Returns
    -------
    Path
        The library.

    Raises
    ------
    ToolError
        When there is no compiler, or it reports an error.
    """
    compiler = find_compiler()
    library = cache_folder() / "build" / f"{_hash(compiler, sources, includes, extra)}.so"
    if not library.is_file():
        _compile(compiler, library, sources, includes, extra)
    return library


def load_library(path: Path) -> ctypes.CDLL:
    """Load a shared library."""
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise ToolError(
            f"{path}: cannot be loaded ({error}). Delete the file and run the command again."
        ) from error


def ecg_nn_sources() -> list[Path]:
    """The C files of the inference kernels.

    Raises
    ------
    ToolError
        When they are not where a checkout has them.
    """
    sources = sorted((ECG_NN / "src").glob("*.c"))
    if not sources:
        raise ToolError(f"{ECG_NN}/src: no C files. Run from a checkout installed with `pip install -e .`.")
    return [*sources, *sorted((ECG_BASE / "src").glob("*.c"))]


def _hash(compiler: str, sources: Sequence[Path], includes: Sequence[Path], extra: str) -> str:
    digest = hashlib.sha256("\0".join([compiler, *FLAGS, extra]).encode())
    headers = {
        header for folder in [*includes, *(s.parent for s in sources)] for header in folder.rglob("*.h")
    }
    for path in [*sources, *sorted(headers)]:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(_read(path)).digest())
    return digest.hexdigest()[:32]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: cannot be read ({error.strerror}). Export the bundle again.") from error


def _compile(
    compiler: str, library: Path, sources: Sequence[Path], includes: Sequence[Path], extra: str
) -> None:
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        made = Path(scratch) / library.name
        extra_file = Path(scratch) / "extra.c"
        extra_file.write_text(extra, encoding="utf-8")
        command = [compiler, *FLAGS, *(f"-I{folder}" for folder in includes), *map(str, sources)]
        command += [str(extra_file), "-o", str(made)] if extra else ["-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolError(f"{compiler} failed on {sources[0].parent}:\n{done.stderr.strip()[:2000]}")
        made.replace(library)
