"""The table of boards, and what building and flashing do with it."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from ecg_edge.ecg.errors import ToolError
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.devices.boards import BOARDS, Board


def test_each_environment_has_a_board(project_root: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(project_root / "firmware" / "platformio.ini")
    environments = [name.removeprefix("env:") for name in parser.sections() if name.startswith("env:")]
    assert environments == list(BOARDS)


def test_the_downloaded_platform_is_the_one_of_the_project(project_root: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(project_root / "firmware" / "platformio.ini")
    for board in BOARDS.values():
        section = f"env:{board.environment}"
        parent = parser.get(section, "extends", fallback=section)
        platform = parser.get(section, "platform", fallback=parser.get(parent, "platform"))
        own = platform.startswith("symlink://")
        assert own == (not board.platform)
        assert own or board.platform.startswith(platform.replace(" @ ", " "))


@pytest.mark.parametrize("board", [board for board in BOARDS.values() if board.compiler])
def test_each_compiler_has_a_command_that_installs_it(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match=board.compiler_install):
        pio.check_compiler(board.environment)


def test_a_port_is_refused_where_flashing_uses_none(shipped_bundle: Path) -> None:
    with pytest.raises(ToolError, match=r"ttyUSB0.*--port"):
        pio.upload("stm32f405", shipped_bundle, "/dev/ttyUSB0")


def test_a_missing_flash_tool_is_named(
    shipped_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "arm-none-eabi-gcc"
    compiler.write_text("#!/bin/sh\necho /newlib/nano.specs\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"dfu-util.*apt-get install dfu-util"):
        pio.upload("stm32f405", shipped_bundle)


@pytest.mark.parametrize("answer", ["HTTPClientError: ", "UnknownPackageError: no such package"])
def test_a_platform_that_cannot_be_downloaded_is_named(
    answer: str, shipped_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PlatformIO prints `HTTPClientError: ` and nothing more after a minute without a network."""
    package = tmp_path / "platformio"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(f"import sys\nsys.exit({answer!r})\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ToolError) as error:
        pio.build("esp32dev", shipped_bundle, tmp_path / "build")
    assert ("espressif32" in str(error.value)) == ("HTTPClientError" in answer)
    assert ("network" in str(error.value)) == ("HTTPClientError" in answer)
