"""Tables of the C headers (X-macros), as rows of words."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def c_table(header: str, name: str) -> list[list[str]]:
    """Rows of the macro `name(X)` in a header of the firmware; texts come without their quotes."""
    text = (ROOT / "firmware" / header).read_text(encoding="utf-8")
    found = re.search(rf"#define {name}\(X\)((?:.*\\\n)*.*\n)", text)
    assert found, f"{name} is not in {header}"
    body = re.sub(r"/\*.*?\*/", "", found[1])
    rows = re.findall(r'X\(((?:"[^"]*"|[^()"])*)\)', body)
    words = [re.findall(r'"[^"]*"|[^,\s\\]+', row) for row in rows]
    return [[word.strip('"') for word in row] for row in words]


def c_number(header: str, name: str) -> int:
    """Value of the macro `name` in a header of the firmware, a plain number such as 60u."""
    text = (ROOT / "firmware" / header).read_text(encoding="utf-8")
    found = re.search(rf"#define {name} (\d+)u?\b", text)
    assert found, f"{name} is not in {header}"
    return int(found[1])
