"""Source files and compiler options of the device's C libraries, for tests that compile them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

LIBRARIES = Path(__file__).resolve().parents[2] / "firmware" / "lib"
BASE = "ecg_base"  # every other library uses it

WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]


def require_program(name: str) -> str:
    """Fail the test when a program is missing: a check that is skipped looks like one that passed."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed: ./setup.sh tests installs it", pytrace=False)
    return found


def sources_of(*libraries: str) -> list[str]:
    """C files of the libraries, such as "ecg_core", without those of the base library."""
    return sorted(str(path) for name in libraries for path in (LIBRARIES / name / "src").glob("*.c"))


def linked_sources_of(*libraries: str) -> list[str]:
    """C files of the libraries and of the base library: enough for a program."""
    return sources_of(BASE, *libraries)


def include_options(*libraries: str) -> list[str]:
    """Compiler options for the public headers of the libraries and of the base library."""
    return [f"-I{LIBRARIES / name / 'include'}" for name in (BASE, *libraries)]
