"""The drawing of the state machine is made from the firmware's table."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def test_drawing_and_table_are_those_of_the_firmware(project_root: Path) -> None:
    path = project_root / "docs/images/draw_modes.py"
    spec = importlib.util.spec_from_file_location("draw_modes", path)
    assert spec and spec.loader
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    again = "python docs/images/draw_modes.py"
    assert drawing.IMAGE.read_text(encoding="utf-8") == drawing.image(), again
    text = drawing.PAGE.read_text(encoding="utf-8")
    assert text == drawing.page(text), again
