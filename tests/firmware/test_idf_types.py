"""The check of the ESP32 family's sources against ESP-IDF's headers: what it says where they are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


OPTIONS = ("--idf", "--nimble", "--mbedtls", "--libc")


@pytest.mark.parametrize("missing", OPTIONS)
def test_a_missing_folder_is_named(project_root: Path, tmp_path: Path, missing: str) -> None:
    folders = {name: tmp_path / name.strip("-") for name in OPTIONS}
    (folders["--idf"] / "components").mkdir(parents=True)
    (folders["--nimble"] / "nimble/host/include").mkdir(parents=True)
    (folders["--mbedtls"] / "include/mbedtls").mkdir(parents=True)
    folders["--libc"].mkdir()
    (folders["--libc"] / "stdio.h").touch()
    folders[missing] = tmp_path / "nothing"
    options = [str(part) for pair in folders.items() for part in pair]
    script = project_root / "firmware/scripts/idf_types.py"
    run = subprocess.run([sys.executable, str(script), *options], capture_output=True, text=True)
    assert run.returncode == 2
    assert f"{missing}: {tmp_path / 'nothing'}" in run.stderr and "Traceback" not in run.stderr
