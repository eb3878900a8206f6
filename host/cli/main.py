"""The command line, `ecg-edge`.

Each command is a function in `ecg_edge.host.cli.commands.<name>`, imported when it runs: `--help` must
not wait for numpy, let alone for TensorFlow.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ecg_edge.ecg.errors import EcgEdgeError, ToolError

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

COMMANDS = {
    "run": "The main job: train, quantize, verify, build, boot, replay, score, report.",
    "demo": "The shipped model on the emulated board: no training, no TensorFlow.",
    "doctor": "Check this computer and say how to mend what is missing.",
    "data": "Get, list and check ECG records.",
    "train": "Train a recipe's network.",
    "prune": "Prune a trained network.",
    "quantize": "Make a pruned network int8.",
    "verify": "Compare float, LiteRT, TFLM and generated C on the same beats.",
    "export": "Write the model bundle and its C.",
    "bench": "Count instructions and bytes of the generated C on emulated cores.",
    "build": "Build firmware for a board.",
    "flash": "Write firmware to a board.",
    "emulate": "Boot firmware in QEMU with its serial port on a socket.",
    "replay": "Stream whole records to a device and compare every beat with the reference.",
    "detect": "Score the R-peak detector against annotations.",
    "rhythm": "Find rhythm events on whole records and score them.",
    "plot": "Draw what the signal path saw and decided; list and draw its errors.",
    "score": "Score beat labels against annotations.",
    "report": "Make a session's report again.",
}

# What `pip install` brings each module that is not among the base dependencies.
EXTRAS = {
    "imblearn": "train",
    "optuna": "train",
    "sklearn": "train",
    "tensorflow": "train",
    "tensorflow_model_optimization": "train",
    "tf_keras": "train",
}

app = typer.Typer(
    name="ecg-edge",
    help="From the MIT-BIH records to a verified beat classifier on a microcontroller.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class LazyCommand(TyperCommand):
    """A name and a line of help; the command itself is imported when it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Import the real command and let it parse the arguments."""
        return load_command(str(self.name)).make_context(info_name, args, parent=parent, **extra)


def load_command(name: str) -> Any:
    """The click command of `name`: the module's `app` (a group), or its function of that name."""
    module = importlib.import_module(f"ecg_edge.host.cli.commands.{name}")
    group = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
        group.command(name)(getattr(module, name))
    command = typer.main.get_command(group)
    command.name = name
    return command


def _register() -> None:
    for name, line in COMMANDS.items():
        app.command(name, cls=LazyCommand, help=line)(lambda: None)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ecg-edge {importlib.metadata.version('ecg-edge')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before the command."""


_register()


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 0 pass, 1 mismatch, 2 usage, 3 link or device.

    A SIGTERM leaves in order as Ctrl-C does, so that no emulator stays behind.

    Parameters
    ----------
    args : list of str, optional
        The words after the program's name; else those of this process.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    try:
        app(args=args, prog_name="ecg-edge")
    except EcgEdgeError as error:
        _leave(error)
    except ModuleNotFoundError as error:
        _leave(_missing_module(error))
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _leave(error: EcgEdgeError) -> None:
    sys.stdout.flush()
    print(f"ecg-edge: {error}", file=sys.stderr)
    sys.exit(error.exit_code)


def _missing_module(error: ModuleNotFoundError) -> ToolError:
    """The mendable form of `error`; raises it again when no extra brings that module."""
    top = (error.name or "").partition(".")[0]
    extra = EXTRAS.get(top)
    if extra is None:
        raise error
    return ToolError(
        f"this command needs the Python package {top!r}, which is not installed. "
        f"Install it with: pip install -e '.[{extra}]'"
    )


if __name__ == "__main__":
    main()
