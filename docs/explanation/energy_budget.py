"""Computes the tables of docs/explanation/energy.md from energy.toml and docs/results/cores.json.

python docs/explanation/energy_budget.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/explanation/energy.md"
MARK = "<!-- made by docs/explanation/energy_budget.py -->\n"

Table = dict[str, Any]


def budget() -> Table:
    """Return energy.toml."""
    data: Table = tomllib.loads((ROOT / "docs/explanation/energy.toml").read_text(encoding="utf-8"))
    return data


def _instructions(model: str, core: str) -> int:
    """Return the counted instructions of one run of a model."""
    cores = json.loads((ROOT / "docs/results/cores.json").read_text(encoding="utf-8"))["figures"]["figures"]
    return int(next(one["instructions"] for one in cores if (one["model"], one["core"]) == (model, core)))


def duty(board: Table, load: Table) -> float:
    """Return the share of time that the core is awake, 0 to 1."""
    beat = board["beat"]["count"] if "beat" in board else _instructions("nlrav", board["core"])
    strip = board["strip"]["count"] if "strip" in board else _instructions("morphology", board["core"])
    a_second = (
        load["fs_hz"] * board["signal_path"]["count"]
        + load["beats_per_minute"] / 60 * beat
        + strip / load["strip_every_s"]
    )
    return float(a_second * board["cycles_per_instruction"] / (board["clock_mhz"] * 1e6))


def current_ma(board: Table, mode: Table, data: Table) -> float:
    """Return the mean current in mA of a board in a mode."""
    awake = duty(board, data["load"])
    core = awake * board["awake"]["ma"] + (1 - awake) * board["asleep"]["ma"]
    front_end = data["front_end"]["ma"] + data["front_end_module"]["ma"]
    return float(core + board["rest"]["ma"] + front_end + mode["adds_ma"])


def _rows(data: Table) -> Iterator[str]:
    yield "| board | core awake | mode | mean current | projected |"
    yield "|---|---|---|---|---|"
    usable_mah = data["cell"]["mah"] * data["cell"]["usable"]
    for board in data["board"]:
        for mode in data["mode"]:
            if board["name"] in mode.get("boards", [board["name"]]):
                ma = current_ma(board, mode, data)
                name = mode["name"] + ("" if mode.get("in_firmware", True) else ", not in the firmware")
                awake = 100 * duty(board, data["load"])
                yield f"| {board['name']} | {awake:.1f} % | {name} | {ma:.0f} mA | {usable_mah / ma:.0f} h |"


def _sources(data: Table) -> Iterator[str]:
    yield "| part | mA | checked | source |"
    yield "|---|---|---|---|"
    parts = [("front end, AD8232", data["front_end"]), ("front end, module", data["front_end_module"])]
    for board in data["board"]:
        name = board["name"].partition(",")[0]
        parts += [(f"{name}, {part}", board[part]) for part in ("awake", "asleep", "rest")]
    parts += [(f"mode: {mode['name']}", {**mode, "ma": mode["adds_ma"]}) for mode in data["mode"]]
    for name, part in parts:
        yield f"| {name} | {part['ma']:g} | {'yes' if part.get('checked') else 'no'} | {part['source']} |"


def page(before: str) -> str:
    """Return the page with its tables made anew."""
    data = budget()
    tables = ["## Projection", "", *_rows(data), "", "## Where the currents come from", "", *_sources(data)]
    return before.partition(MARK)[0] + MARK + "\n" + "\n".join([*tables, ""])


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
