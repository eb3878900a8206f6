"""Record the output of `ecg-edge demo` as docs/images/demo.svg.

python docs/images/record_demo.py
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100
LINE_UP = "\x1b[1A"
# Moves of the cursor and erased lines: only what stands last on a line stays visible.
CONTROLS = re.compile(r"\r|\x1b\[2K|\x1b\[1A|\x1b\[\?25[lh]")


def record() -> str:
    """Run the demo in an empty folder and return its output, colours included."""
    command = [sys.executable, "-m", "ecg_edge.host.cli.main", "demo", "--out", "sessions/demo"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": str(WIDTH), "FORCE_COLOR": "1"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
        )
    return done.stdout.decode("utf-8")


def visible_lines(output: str) -> list[str]:
    """Return the lines that stay on the screen: progress that erases itself is left out."""
    lines: list[str] = []
    for line in output.rstrip("\n").split("\n"):
        del lines[len(lines) - line.count(LINE_UP) :]
        parts = [part for part in CONTROLS.split(line) if part.strip()]
        lines.append(parts[-1] if parts else "")
    return lines


def to_svg(output: str) -> str:
    """Draw the output as a terminal, without fonts from elsewhere."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="256")
    for line in ["\x1b[1m$ ecg-edge demo\x1b[0m", *visible_lines(output)]:
        console.print(Text.from_ansi(line))
    svg = console.export_svg(title="ecg-edge demo")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    (ROOT / "docs/images/demo.svg").write_text(to_svg(record()), encoding="utf-8")
