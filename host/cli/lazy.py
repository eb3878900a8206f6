"""Commands that are imported when they run: `--help` must not wait for numpy, let alone for TensorFlow."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from ecg_edge.host.cli import console

COMMANDS: Final = "ecg_edge.host.cli.commands"
CONTEXT: Final = {"help_option_names": ["-h", "--help"]}


class LazyCommand(TyperCommand):
    """A name and a line of help; the command itself is imported when it is called."""

    package = COMMANDS

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Import the real command and let it parse the arguments."""
        command = load_command(str(self.name), self.package)
        return command.make_context(info_name, args, parent=parent, **extra)


def register(app: typer.Typer, lines: Mapping[str, str], panel: str | None = None, group: str = "") -> None:
    """Add commands to `app` that are imported when they run.

    Parameters
    ----------
    app : Typer
        Group of the commands.
    lines : mapping
        Line of help by name of command.
    panel : str, optional
        Heading above them in the group's help.
    group : str
        Subpackage of `ecg_edge.host.cli.commands` that holds their modules; empty for the package itself.
    """
    package = f"{COMMANDS}.{group}" if group else COMMANDS
    kind = type("LazyCommand", (LazyCommand,), {"package": package})
    for name, line in lines.items():
        app.command(name, cls=kind, help=line, rich_help_panel=panel)(lambda: None)


def load_command(name: str, package: str = COMMANDS) -> Any:
    """Import one command.

    Parameters
    ----------
    name : str
        Name of the command, and of its module in `package`.
    package : str
        Import name of the package.

    Returns
    -------
    click.Command
        The module's `app` (a group), or its function that is named after the command (in a subpackage: after
        the subpackage), with the examples of its `EXAMPLES`.
    """
    module = importlib.import_module(f"{package}.{name}")
    group = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False, context_settings=CONTEXT)
        function = name if package == COMMANDS else package.rpartition(".")[2]
        epilog = console.examples(*getattr(module, "EXAMPLES", ()))
        body = getattr(module, function)
        group.command(name, epilog=epilog, help=_help_text(body))(body)
    command = typer.main.get_command(group)
    command.name = name
    _complete(command)
    return command


def loaded(command: Any) -> Any:
    """Return the real command for a lazy one, and any other command itself."""
    return load_command(str(command.name), command.package) if isinstance(command, LazyCommand) else command


def _help_text(function: Any) -> str:
    """Docstring with each paragraph on one line, so that it is wrapped to the width of the terminal."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _complete(command: Any) -> None:
    """Give the command, or each command of the group, the option -q; have it refuse infinite numbers."""
    for one in getattr(command, "commands", {}).values():
        _complete(one)
    if not hasattr(command, "commands") and not isinstance(command, LazyCommand):
        for option in command.params:
            option.callback = _finite(option.callback)
        command.params.append(_quiet_option())


def _finite(then: Any) -> Any:
    """Callback that refuses inf and nan, which pass every other check of a number, before `then`."""

    def check(context: Any, option: Any, value: Any) -> Any:
        for number in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(number, float) and not math.isfinite(number):
                raise typer.BadParameter(f"{number} is not a finite number", ctx=context, param=option)
        return then(context, option, value) if then else value

    return check


def _quiet_option() -> Any:
    """Option of a command that has no other, so that each version of typer makes its own kind."""
    template = typer.Typer(add_completion=False)
    template.command()(_only_quiet)
    return typer.main.get_command(template).params[0]


def _only_quiet(
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            is_eager=True,  # before --json, which reads it
            expose_value=False,
            callback=console.set_quiet,
            help="Print results and errors only: no progress, no notes.",
        ),
    ] = False,
) -> None:
    """Carry the option."""
