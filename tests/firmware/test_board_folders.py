"""Every board has all parts of the checklist in docs/how-to/port-a-board.md; a failure names what lacks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.board_parts import (
    board_folders,
    missing_parts,
    optional_functions,
    required_functions,
)
from ecg_edge.host.devices.boards import BOARDS

ENVIRONMENTS = [name for name in BOARDS if not pio.takes_one_model(name)]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_board_has_all_its_parts(environment: str, project_root: Path) -> None:
    assert missing_parts(environment, project_root) == []


def test_every_folder_is_the_one_of_an_environment(project_root: Path) -> None:
    folders = {path for path in (project_root / "firmware/src/boards").iterdir() if path.is_dir()}
    assert set(board_folders(project_root).values()) == folders


def test_what_lacks_is_named(project_root: Path, tmp_path: Path) -> None:
    for name in ("firmware/src/boards/board.h", "firmware/platformio.ini", "firmware/boards.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project_root / name, tmp_path / name)
    for name in ("docs/boards.md", "docs/how-to/wiring.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    with (tmp_path / "firmware/platformio.ini").open("a") as file:
        file.write("\n[env:mine]\nboard = mine\nbuild_src_filter = +<*.c> +<boards/mine/>\n")
    folder = tmp_path / "firmware/src/boards/mine"
    folder.mkdir()
    (folder / "board.c").write_text("void board_init(void) {\n}\n")
    found = missing_parts("mine", tmp_path)
    assert "[mine] in firmware/boards.toml" in found
    assert "board_read in mine/" in found and "board_init in mine/" not in found
    assert "a call of app_run in mine/" in found
    assert "`mine` in docs/boards.md" in found and "`mine` in docs/how-to/wiring.md" in found
    assert missing_parts("yours", tmp_path) == ["[env:yours] in firmware/platformio.ini"]


def test_functions_are_found_in_the_header(project_root: Path) -> None:
    functions = required_functions(project_root / "firmware/src")
    assert {"board_init", "board_name", "board_read", "board_sample"} <= set(functions)


def test_optional_functions_are_told_from_defaults(project_root: Path) -> None:
    found = {name: optional_functions(name, project_root) for name in ("esp32c3", "native")}
    assert all(found["esp32c3"].values())
    assert found["native"]["board_notify"] and not found["native"]["board_jitter_ticks"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize("environment", ["blackpill_f411", "nucleo_f446re"])
def test_a_board_that_no_emulator_has_is_compiled(
    environment: str, shipped_image: Callable[[str], Path]
) -> None:
    program = shipped_image(environment)
    assert program.is_file()
    assert environment.encode() in program.with_suffix(".bin").read_bytes()
