"""The check of the ESP32 family's sources against ESP-IDF's headers: what it says where they are not."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = "firmware/scripts/idf_types.py"

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
    script = project_root / SCRIPT
    run = subprocess.run([sys.executable, str(script), *options], capture_output=True, text=True)
    assert run.returncode == 2
    assert f"{missing}: {tmp_path / 'nothing'}" in run.stderr and "Traceback" not in run.stderr


def test_settings_that_esp_idf_does_not_have_are_named(project_root: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("idf_types", project_root / SCRIPT)
    assert spec and spec.loader
    idf_types = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(idf_types)
    text = "".join(path.read_text() for path in (project_root / "firmware").glob("sdkconfig.defaults*"))
    names = set(re.findall(r"^CONFIG_(\w+)=", text, re.MULTILINE))
    (tmp_path / "components").mkdir()
    (tmp_path / "components/Kconfig").write_text(
        "".join(f"    config {name}\n        bool\n" for name in names)
    )
    (tmp_path / "Kconfig").write_text("config PM_ENABLE\n")
    assert idf_types.unknown_settings(tmp_path) == []
    (tmp_path / "Kconfig").unlink()
    (tmp_path / "components/Kconfig").write_text(
        "".join(f"config {name}\n" for name in names - {"PM_ENABLE"})
    )
    assert idf_types.unknown_settings(tmp_path) == ["sdkconfig.defaults: ESP-IDF has no setting PM_ENABLE"]
