"""The boards that the firmware is built for, from `firmware/boards.toml`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from ecg_edge.ecg.files import PROJECT_ROOT

BOARDS_FILE: Final = PROJECT_ROOT / "firmware" / "boards.toml"


@dataclass(frozen=True)
class Board:
    """One environment of PlatformIO. `firmware/boards.toml` describes each field."""

    environment: str
    name: str
    program: str
    flash_port: bool
    virtual: bool
    ran_on_silicon: bool
    compiler: str = ""
    compiler_file: str = ""
    compiler_install: str = ""
    platform: str = ""
    emulator: str = ""
    emulator_install: str = ""
    flash_chip: str = ""
    flash_tool: str = ""
    flash_install: str = ""


def read_boards() -> dict[str, Board]:
    """Read the boards.

    Returns
    -------
    dict of str to Board
        By environment, in the order of the file.
    """
    tables = tomllib.loads(BOARDS_FILE.read_text(encoding="utf-8"))
    return {environment: Board(environment, **table) for environment, table in tables.items()}


BOARDS: Final = read_boards()
