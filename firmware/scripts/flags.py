"""PlatformIO extra script: C99 for our C, and the version of the project."""

# ruff: noqa: F821 (PlatformIO gives Import and env)

import re
from pathlib import Path

Import("env")


def project_version(pyproject: Path) -> str:
    """The version in pyproject.toml, so that it is written once."""
    found = re.search(r'^version = "([^"]+)"', pyproject.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise SystemExit(f'{pyproject}: no line `version = "..."`; the firmware reports that version.')
    return found.group(1)


root = Path(env.subst("$PROJECT_DIR")).parent
version = project_version(root / "pyproject.toml")
env.Append(CFLAGS=["-std=c99"], CPPDEFINES=[("FIRMWARE_VERSION", env.StringifyMacro(version))])
