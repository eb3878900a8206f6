"""Commands of `ecg-edge`, and command lines in its help and messages."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ecg_edge.host.cli import lazy
from ecg_edge.host.cli.main import app

PLACEHOLDER = "X1"  # for a value that a message fills in


def leaf_commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the words and the command of every verb."""
    for name, child in (group or typer.main.get_command(app)).commands.items():
        command = lazy.loaded(child)
        if hasattr(command, "commands"):
            yield from leaf_commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def parse(line: str) -> Any:
    """Parse a command line without running it; return the context of its verb."""
    words = shlex.split(line)
    assert words.pop(0) == "ecg-edge"
    command, context = typer.main.get_command(app), None
    while hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, f"{line!r}: no command {name!r}"
        command = lazy.loaded(command.commands[name])
    return command.make_context(line, words, parent=context)


def messages(path: Path) -> Iterator[str]:
    """Yield the strings of a source file, f-strings with a placeholder for each value."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else PLACEHOLDER for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def advised(text: str) -> list[str]:
    """Return the command lines between backticks."""
    return re.findall(r"`(ecg-edge [^`]+)`", " ".join(text.split()))
