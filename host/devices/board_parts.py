"""What a board needs to be complete, by the checklist of docs/how-to/port-a-board.md."""

from __future__ import annotations

import configparser
import json
import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FUNCTION = re.compile(r"^(?:OPTIONAL )?[a-z][\w \*]*?\b\*?(board_\w+)\(", re.MULTILINE)
_DEFINITION = r"^[a-z][\w \*]*?\b\*?{name}\([^;{{]*\) \{{"


def required_functions(sources: Path) -> list[str]:
    """List the functions of board.h that no default stands in for."""
    defaults = sources / "board_defaults.c"
    given = _FUNCTION.findall(defaults.read_text()) if defaults.is_file() else []
    declared = _FUNCTION.findall((sources / "boards" / "board.h").read_text())
    return [name for name in dict.fromkeys(declared) if name not in given]


def _option(parser: configparser.ConfigParser, section: str, name: str) -> str:
    """Look an option up, in the section or in the one that it extends."""
    parent = parser.get(section, "extends", fallback=section)
    return parser.get(section, name, fallback="") or parser.get(parent, name, fallback="")


def board_folders(project: Path) -> dict[str, Path]:
    """Map each environment to its board's folder, as build_src_filter names it; ESP-IDF's boards have one."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(project / "firmware" / "platformio.ini")
    found = {}
    for section in parser.sections():
        if section.startswith("env:"):
            name = re.search(r"\+<boards/(\w+)/>", _option(parser, section, "build_src_filter"))
            is_espidf = "espidf" in _option(parser, section, "framework")
            folder = name[1] if name else "esp32" if is_espidf else _option(parser, section, "board")
            found[section.removeprefix("env:")] = project / "firmware" / "src" / "boards" / folder
    return found


def missing_parts(environment: str, project: Path) -> list[str]:
    """List what a board lacks; an empty list when it is complete.

    Parameters
    ----------
    environment : str
        Its name in platformio.ini.
    project : Path
        The checkout.
    """
    folder = board_folders(project).get(environment)
    if folder is None:
        return [f"[env:{environment}] in firmware/platformio.ini"]
    tables = tomllib.loads((project / "firmware" / "boards.toml").read_text())
    missing = [] if environment in tables else [f"[{environment}] in firmware/boards.toml"]
    return missing + _missing_code(folder, project) + _missing_files(environment, project)


def _missing_code(folder: Path, project: Path) -> list[str]:
    code = _code_of(folder)
    functions = required_functions(project / "firmware" / "src")
    missing = [f"{name} in {folder.name}/" for name in functions if not _defines(code, name)]
    return missing if "app_run();" in code else [*missing, f"a call of app_run in {folder.name}/"]


def _missing_files(environment: str, project: Path) -> list[str]:
    missing = [
        f"`{environment}` in docs/{page}"
        for page in ("boards.md", "how-to/wiring.md")
        if environment != "native"
        and f"`{environment}`" not in _without_env((project / "docs" / page).read_text())
    ]
    manifest = project / "firmware" / "platforms" / "cortex_m" / "boards" / f"{environment}.json"
    if manifest.is_file():
        script = json.loads(manifest.read_text())["build"]["ldscript"]
        missing += [] if (project / "firmware" / script).is_file() else [script]
    return missing


def optional_functions(environment: str, project: Path) -> dict[str, bool]:
    """List the functions of board.h that have a default, and whether the board defines its own."""
    sources = project / "firmware" / "src"
    code = _code_of(board_folders(project)[environment])
    defaults = _FUNCTION.findall((sources / "board_defaults.c").read_text())
    return {name: _defines(code, name) for name in defaults}


def _code_of(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.c")))


def _defines(code: str, name: str) -> bool:
    return re.search(_DEFINITION.format(name=name), code, re.MULTILINE) is not None


def _without_env(text: str) -> str:
    return text.replace("`env:", "`")
