"""The tables of the energy page are computed from its currents and the project's counts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def program(project_root: Path) -> ModuleType:
    path = project_root / "docs/explanation/energy_budget.py"
    spec = importlib.util.spec_from_file_location("energy_budget", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_computed_tables(program: ModuleType) -> None:
    text = program.PAGE.read_text(encoding="utf-8")
    assert text == program.page(text), "python docs/explanation/energy_budget.py"
    assert "Projected, never measured" in text


def test_counts_are_those_of_the_pages_they_name(program: ModuleType, project_root: Path) -> None:
    for board in program.budget()["board"]:
        for part in ("signal_path", "beat", "strip"):
            if part in board:
                page = (project_root / board[part]["page"]).read_text(encoding="utf-8")
                assert f" {board[part]['count']:,} " in page


def test_what_was_not_checked_is_called_an_assumption(program: ModuleType) -> None:
    data = program.budget()
    boards = [board[part] for board in data["board"] for part in ("awake", "asleep", "rest")]
    for part in [data["cell"], data["front_end"], data["front_end_module"], *boards, *data["mode"]]:
        assert part.get("checked") or "assumption" in part["source"]


def test_a_longer_time_awake_takes_more_current(program: ModuleType) -> None:
    data = program.budget()
    board, mode = data["board"][0], data["mode"][0]
    slow = {**board, "clock_mhz": board["clock_mhz"] / 10}
    assert program.duty(slow, data["load"]) == pytest.approx(10 * program.duty(board, data["load"]))
    assert program.current_ma(slow, mode, data) > program.current_ma(board, mode, data)
