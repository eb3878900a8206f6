"""The documentation site builds offline, with warnings as errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        **{"cwd": ROOT, "env": environment, "capture_output": True, "text": True},
    )
    assert built.returncode == 0, built.stderr
    assert "ecg_core_push" in (tmp_path / "reference/c-api.html").read_text()
    assert "ecg_edge.ecg.scoring.beats" in (tmp_path / "reference/python/ecg.html").read_text()
    assert "ecg-edge replay" in (tmp_path / "reference/cli.html").read_text()
