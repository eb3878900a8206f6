"""The packages import each other in one direction only; `.importlinter` says which."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_imports_point_down(project_root: Path) -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
