"""The command line, `ecg-edge`.

Each command is a function in `ecg_edge.host.cli.commands.<name>`, imported when it runs.
"""

from __future__ import annotations

import errno
import importlib.metadata
import io
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.errors import EcgEdgeError, ToolError
from ecg_edge.ecg.files import PROJECT_ROOT, UNENCODABLE
from ecg_edge.host.cli import EXIT_INTERRUPTED, console, interrupt_normally, lazy

EXIT_NOT_WRITTEN: Final = 1
EXIT_TERMINATED: Final = 143

# In the order in which a new user meets them.
PANELS: Final = {
    "Start": {
        "demo": "Verify the shipped model on the emulated board; needs no TensorFlow.",
        "doctor": "Check prerequisites and suggest fixes.",
        "data": "Download, list and check ECG records.",
        "synth": "Generate synthetic ECG of virtual patients, with its truth.",
    },
    "Train and export a model": {
        "run": "Run the whole pipeline, from records to a verified device and a report.",
        "train": "Train the network of a recipe.",
        "tune": "Search for the settings of a recipe.",
        "ablate": "Compare a recipe with variants of it, by folds of patients.",
        "prune": "Prune a trained network.",
        "quantize": "Quantize a pruned network to int8 and score it.",
        "verify": "Compare float, LiteRT, TFLM and generated C on the same beats.",
        "export": "Export a model bundle: manifest, golden vectors, generated C.",
        "bench": "Count instructions and bytes of the generated C on emulated cores.",
    },
    "Use a device": {
        "bridge": "Send live ECG, rhythm events and alarms to an MQTT broker.",
        "build": "Build firmware for a board.",
        "device": "Show what a device reports of itself, and change its settings.",
        "flash": "Build firmware and write it to a board.",
        "emulate": "Boot firmware in QEMU and print its port.",
        "monitor": "Show live ECG, rhythm events and alarms in a browser.",
        "ports": "List the ports of this computer, and what is behind each.",
        "record": "Record live ECG, beats and events from a device, or convert a session.",
        "replay": "Stream records to a device and compare each beat with the reference.",
        "update": "Send new firmware to an ESP32 by Bluetooth, and make the key that signs it.",
        "report": "Write the HTML report of a replay session.",
        "compare": "Compare two sessions: two boards, firmwares or models.",
    },
    "Read recordings": {
        "analyze": "Report what the device would tell of your own recordings.",
    },
    "Evaluate algorithms": {
        "evaluate": "Score the beat detector, both networks, the rhythm rules, or annotation files.",
        "plot": "Plot a segment with detector internals, or list missed and false beats.",
    },
}
COMMANDS: Final = {name: line for lines in PANELS.values() for name, line in lines.items()}

# The extra of this package that brings each module outside the base dependencies.
EXTRAS: Final = {
    "bleak": "update",
    "cryptography": "update",
    "distributed": "dask",
    "fastapi": "live",
    "edfio": "edf",
    "imblearn": "train",
    "optuna": "train",
    "paho": "bridge",
    "psycopg": "postgresql",
    "pyarrow": "parquet",
    "pyedflib": "live",
    "sklearn": "evaluate",
    "tensorflow": "train",
    "tensorflow_model_optimization": "train",
    "textual": "live",
    "tf_keras": "train",
    "uvicorn": "live",
    "websockets": "live",
}

BINDING: Final = "ecg_edge.firmware.binding._"
"""Beginning of the names of the compiled modules."""

app = typer.Typer(
    name="ecg-edge",
    help="Train, verify and run an int8 arrhythmia monitor on a microcontroller.",
    epilog="Exit codes: 0 success, 1 mismatch or standard output not written, 2 usage or files, 3 link or "
    "device, 130 Ctrl-C, 143 terminated.\n\nExample: ecg-edge demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=lazy.CONTEXT,
)
for _panel, _lines in PANELS.items():
    lazy.register(app, _lines, _panel)


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


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its code; the help lists them.

    SIGTERM unwinds as Ctrl-C does, so that no emulator keeps running.

    Parameters
    ----------
    args : list of str, optional
        Words after the program's name; those of this process when left out.
    """
    _prepare_streams()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    sys.exit(_run(args))


def _run(args: list[str] | None) -> int:
    """Exit code of the command, with standard output flushed."""
    try:
        code = _run_command(args)
        sys.stdout.flush()
    except OSError as error:
        return _not_written(error)
    return code


def _run_command(args: list[str] | None) -> int:
    try:
        interrupt_normally()
        app(args=args, prog_name="ecg-edge")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except EcgEdgeError as error:
        return _print_error(error)
    except (AttributeError, ImportError) as error:
        return _print_error(_import_error(error))
    except OSError as error:
        if error.filename is None:  # a stream, not a file
            raise
        return _print_error(
            EcgEdgeError(
                f"{error.filename}: cannot be read or written ({error.strerror}). Name another file."
            )
        )
    except MemoryError:
        return _print_error(
            EcgEdgeError(
                "this computer has not enough memory for the command. Name fewer or shorter records."
            )
        )
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def _print_error(error: EcgEdgeError) -> int:
    sys.stdout.flush()
    print(f"ecg-edge: {console.printable(str(error))}", file=sys.stderr)
    return error.exit_code


def _prepare_streams() -> None:
    """Escape what a stream cannot take; discard what goes to one that the caller closed (`>&-`)."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=UNENCODABLE)


def _not_written(error: OSError) -> int:
    """Print why standard output could not be written; nothing when its reader has left."""
    _discard_output()
    if error.errno != errno.EPIPE:
        print(f"ecg-edge: standard output: {error.strerror}. Free space, or name a file.", file=sys.stderr)
    return EXIT_NOT_WRITTEN


def _discard_output() -> None:
    """Send the rest of standard output nowhere, or the interpreter's flush at exit fails again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())


def _import_error(error: AttributeError | ImportError) -> ToolError:
    """The error that says what to install or build; raises `error` again when neither helps."""
    if BINDING in str(error):
        return ToolError(
            f"the compiled signal path is missing, or older than this program ({error}). "
            "Build it again with `pip install -e .`"
        )
    if isinstance(error, ModuleNotFoundError):
        return _missing_module(error)
    raise error


def _missing_module(error: ModuleNotFoundError) -> ToolError:
    """The error that names the extra to install; raises `error` again when no extra brings the module."""
    top = (error.name or "").partition(".")[0]
    extra = EXTRAS.get(top)
    if extra is None:
        raise error
    return ToolError(
        f"this command needs the Python package {top!r}, which is not installed. "
        f"Install it with: {_install_command(extra)}"
    )


def _install_command(extra: str) -> str:
    """The pip command for an extra: of the checkout when this runs from one, else of the package."""
    checkout = (PROJECT_ROOT / "setup.py").is_file()
    return f"pip install -e '.[{extra}]'" if checkout else f"pip install 'ecg-edge[{extra}]'"


if __name__ == "__main__":
    main()
