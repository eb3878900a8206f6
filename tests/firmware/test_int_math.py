"""The integer arithmetic of the base library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.device_c import SANITIZERS, WARNINGS, include_options, linked_sources_of, require_program


def test_logarithms_are_those_of_six_squarings(project_root: Path, tmp_path: Path) -> None:
    program = tmp_path / "int_math"
    sources = [*linked_sources_of(), str(project_root / "tests/firmware/int_math_harness.c")]
    command = [
        require_program("gcc"),
        *WARNINGS,
        *SANITIZERS,
        *include_options(),
        *sources,
        "-o",
        str(program),
    ]
    subprocess.run(command, check=True)
    assert subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout == "0\n"


def test_the_logarithms_table_is_what_its_script_writes(project_root: Path) -> None:
    command = [sys.executable, str(project_root / "firmware/scripts/log2_table.py")]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert written == (project_root / "firmware/lib/ecg_base/src/log2_table.h").read_text()
