"""Find the project's source files that a module's results depend on: the module and all that it imports.

The import statements are parsed, not executed, so that TensorFlow is not imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ecg_edge.ecg.files import PROJECT_ROOT

# C of the device that Python calls: folders, by the module that calls them.
DEVICE_C = {
    "ecg_edge.firmware": ("ecg_base", "ecg_core", "ecg_rhythm"),
    "ecg_edge.quantize.bundle.engines": ("ecg_base", "ecg_nn"),
}

# Neither the place of the records nor the look of messages changes a result; the content of the records is an
# input of its own.
WITHOUT_INFLUENCE = {"ecg_edge.host.cli.main", "ecg_edge.host.cli.console", "ecg_edge.ecg.databases"}


def sources_of(*modules: str) -> list[Path]:
    """List the source files of `modules` and of all project modules that they import, in order of path.

    Parameters
    ----------
    modules : str
        Names such as "ecg_edge.training.train". A module that calls the device's C depends on it, too.
    """
    files: set[Path] = set()
    waiting, seen = list(modules), set(WITHOUT_INFLUENCE)
    while waiting:
        name = waiting.pop()
        path = None if name in seen else _file_of(name)
        seen.add(name)
        if path is not None:
            files.add(path)
            waiting += _imports(path)
            for library in DEVICE_C.get(name, ()):
                files.update((PROJECT_ROOT / "firmware" / "lib" / library).rglob("*.[ch]"))
    return sorted(files)


def _file_of(module: str) -> Path | None:
    """Return the file of a module of this project; None for any other name, such as a function."""
    package, _, rest = module.partition(".")
    if package != "ecg_edge" or not rest:
        return None
    base = PROJECT_ROOT.joinpath(*rest.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """List the names that a file imports, in dotted form, also within its functions."""
    return tuple(_imported_names(ast.parse(path.read_text(encoding="utf-8"))))


def _imported_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
