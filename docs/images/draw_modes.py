"""Draws the state machine of `firmware/src/mode.h`: modes.svg, and the tables of docs/reference/modes.md.

The tables of LED and buzzer are those of `firmware/src/led.h` and `firmware/src/buzzer.h`.

python docs/images/draw_modes.py
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.c_tables import c_number, c_table  # noqa: E402

HEADER = "src/mode.h"
IMAGE, PAGE = ROOT / "docs/images/modes.svg", ROOT / "docs/reference/modes.md"
MARK = "<!-- made by docs/images/draw_modes.py -->\n"
LED_MARK, LED_END = "<!-- LED: made by docs/images/draw_modes.py -->\n", "<!-- end -->\n"
WIDTH, HEIGHT, BOX_W, BOX_H = 980, 640, 150, 44

# Centre of each state's box; a state without one stops the drawing.
PLACES = {
    "SELF_TEST": (110, 70),
    "REFUSED": (110, 190),
    "IDLE": (470, 70),
    "LEADS_OFF": (380, 220),
    "LIVE": (560, 370),
    "SATURATED": (90, 370),
    "REPLAY": (820, 220),
    "HOST_AWAY": (110, 560),
    "HOST_HERE": (330, 560),
    "LOG_OPEN": (550, 560),
    "LOG_FULL": (760, 480),
    "LOG_FAILED": (760, 600),
}


def _edge(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """Point where the line from `start` to `end` leaves the box around `start`."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    scale = min(
        BOX_W / 2 / abs(dx) if dx else math.inf,
        BOX_H / 2 / abs(dy) if dy else math.inf,
    )
    return start[0] + dx * scale, start[1] + dy * scale


def _arrow(start: str, end: str, numbers: list[int]) -> str:
    """Draw an arrow, bent to its left, with the numbers of its causes."""
    (x1, y1), (x2, y2) = PLACES[start], PLACES[end]
    length = math.hypot(x2 - x1, y2 - y1)
    nx, ny = (y2 - y1) / length, -(x2 - x1) / length
    bend = 34
    middle = ((x1 + x2) / 2 + nx * bend, (y1 + y2) / 2 + ny * bend)
    (ax, ay), (bx, by) = _edge((x1, y1), middle), _edge((x2, y2), middle)
    tx, ty = (x1 + x2) / 2 + nx * bend * 0.62, (y1 + y2) / 2 + ny * bend * 0.62
    text = ", ".join(map(str, numbers))
    path = f"M{ax:.0f},{ay:.0f} Q{middle[0]:.0f},{middle[1]:.0f} {bx:.0f},{by:.0f}"
    return (
        f'<path d="{path}" class="arrow" marker-end="url(#tip)"/>'
        f'<text x="{tx:.0f}" y="{ty + 5:.0f}" class="cause">{text}</text>'
    )


def _box(x: float, y: float, text: str, is_first: bool) -> list[str]:
    """Draw a state."""
    corner = f'x="{x - BOX_W / 2:.0f}" y="{y - BOX_H / 2:.0f}"'
    kind = ' class="first"' if is_first else ""
    parts = [f'<rect {corner} width="{BOX_W}" height="{BOX_H}" rx="8"{kind}/>']
    lines = text.replace(": ", ":\n").replace(", ", ",\n").split("\n")
    for row, line in enumerate(lines):
        at = y + 5 + 16 * (row - (len(lines) - 1) / 2)
        parts.append(f'<text x="{x}" y="{at:.0f}">{escape(line)}</text>')
    return parts


def image() -> str:
    """Return the drawing."""
    states = c_table(HEADER, "MODE_STATES")
    number = {row[0]: int(row[1]) for row in c_table(HEADER, "MODE_CAUSES")}
    causes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for start, cause, end in c_table(HEADER, "MODE_TRANSITIONS"):
        causes[start, end].append(number[cause])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="State machine of the firmware; the table below has every transition">',
        "<style>text{font:14px sans-serif;text-anchor:middle;fill:#222}"
        ".cause{font-size:12px;paint-order:stroke;stroke:#fff;stroke-width:4px}rect{fill:#eef3fb;stroke:#335}.first{stroke-width:3}"
        ".arrow{fill:none;stroke:#335}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#335"/></marker></defs>',
        f'<rect x="0" y="0" width="{WIDTH}" height="{HEIGHT}" style="fill:#fff;stroke:none"/>',
    ]
    parts += [_arrow(start, end, sorted(numbers)) for (start, end), numbers in causes.items()]
    first = {part: name for name, _, part, _ in reversed(states)}
    for name, _, part, text in states:
        parts += _box(*PLACES[name], text, first[part] == name)
    return "\n".join([*parts, "</svg>", ""])


def table() -> str:
    """Return the rows of all transitions."""
    states = {row[0]: row[3] for row in c_table(HEADER, "MODE_STATES")}
    causes = {row[0]: (row[1], row[2]) for row in c_table(HEADER, "MODE_CAUSES")}
    rows = ["| from | cause | to |", "|---|---|---|"]
    for start, cause, end in c_table(HEADER, "MODE_TRANSITIONS"):
        rows.append(f"| {states[start]} | {causes[cause][0]}: {causes[cause][1]} | {states[end]} |")
    return "\n".join([*rows, ""])


def led_table() -> str:
    """Return the rows of all patterns of the LED."""
    flash, blink, period = (c_number("src/led.h", f"LED_{name}_MS") for name in ("FLASH", "BLINK", "PERIOD"))
    rows = ["| LED | meaning |", "|---|---|", f"| a flash of {flash} ms | a beat was reported |"]
    for blinks, _, text in c_table("src/led.h", "LED_CODES"):
        times = f"{blinks} blink{'s' if blinks != '1' else ''} of {blink // 2} ms, every {period / 1000:g} s"
        rows.append(f"| {times} | {text} |")
    rows.append("| dark | no beat: still starting, no session, electrodes off, or no power |")
    return "\n".join([*rows, ""])


def buzzer_table() -> str:
    """Return the rows of all patterns of the buzzer."""
    rows = ["| priority | buzzer | such as |", "|---|---|---|"]
    for priority, pulses, on, off, period, text in c_table("src/buzzer.h", "BUZZER_PATTERNS"):
        again = f", every {int(period) / 1000:g} s" if period != "0" else ", once"
        times = f"{pulses} pulse{'s' if pulses != '1' else ''} of {on} ms"
        rest = f" with {off} ms between" if pulses != "1" else ""
        rows.append(f"| {priority.lower()} | {times}{rest}{again} | {text} |")
    return "\n".join([*rows, ""])


def page(before: str) -> str:
    """Return the page with its tables made anew."""
    head = before.partition(MARK)[0]
    start, _, rest = head.partition(LED_MARK)
    end = rest.partition(LED_END)[2]
    return (
        start
        + LED_MARK
        + "\n"
        + led_table()
        + "\n"
        + buzzer_table()
        + "\n"
        + LED_END
        + end
        + MARK
        + "\n"
        + table()
    )


if __name__ == "__main__":
    IMAGE.write_text(image(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
