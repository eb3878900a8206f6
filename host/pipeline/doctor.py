"""Check the prerequisites on this computer, and suggest a fix for each that is missing.

Nothing here imports TensorFlow: versions come from the installed packages' metadata.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecg_edge.ecg.databases import databases_in, find_data_root, records_in
from ecg_edge.ecg.errors import RecordError, ToolError
from ecg_edge.ecg.files import IS_CHECKOUT, PROJECT_ROOT
from ecg_edge.host.devices.board_parts import board_folders, missing_parts, optional_functions
from ecg_edge.host.devices.boards import BOARDS, Board
from ecg_edge.host.devices.platformio import check_compiler, core_dir, is_set_up

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)
TOOL_TIMEOUT_S = 20
QEMU_MACHINE = "netduinoplus2"

CORE_SOURCES = PROJECT_ROOT / "firmware" / "lib" / "ecg_core"

OK, WARN, FAIL = "ok", "warn", "fail"
SETUP = "make setup"
FOR_TRAINING = ("TensorFlow", "model optimization")


@dataclass(frozen=True)
class Check:
    """Result of one check.

    Attributes
    ----------
    name : str
        Name of the prerequisite.
    status : str
        "ok"; "warn": some commands will not work; "fail": `ecg-edge run` will not work.
    found : str
        What was found.
    fix : str
        Command or advice that provides it; empty for "ok".
    """

    name: str
    status: str
    found: str
    fix: str = ""


def run_checks(data: Path | None = None) -> list[Check]:
    """Run all checks, in the order in which to fix them.

    Parameters
    ----------
    data : Path, optional
        Folder of records named on the command line.
    """
    checks: tuple[Callable[[], Check], ...] = (
        check_python,
        check_signal_path,
        check_tensorflow,
        check_model_optimization,
        check_scikit_learn,
        check_tflite_micro,
        check_c_compiler,
        check_arm_compiler,
        check_emulator,
        check_platformio,
        check_serial,
    )
    return [*(check() for check in checks), *check_boards(), check_records(data)]


def check_python() -> Check:
    """Check that TensorFlow and this project support the interpreter."""
    found = platform.python_version()
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return Check("Python", OK, found)
    return Check("Python", FAIL, found, "use Python 3.10 to 3.13: make setup PYTHON=python3.12")


def check_signal_path() -> Check:
    """Check that the C extension is built for this Python, and not older than its source."""
    try:
        extension = importlib.import_module("ecg_edge.firmware.binding._ecg_core")
    except ImportError as error:
        headers = Path(sysconfig.get_path("include"), "Python.h").exists()
        first = "" if headers else "apt-get install python3-dev, then "
        return Check("signal path", FAIL, str(error), f"{first}build the C extension: {SETUP}")
    built, changed = Path(extension.__file__ or "").stat().st_mtime, _newest(CORE_SOURCES)
    # An installer writes files in any order: only in a checkout does a newer source mean a changed one.
    if IS_CHECKOUT and changed > built:
        return Check(
            "signal path", FAIL, f"C extension is older than {CORE_SOURCES}", f"build it again: {SETUP}"
        )
    return Check("signal path", OK, "C extension built for this Python")


def check_tensorflow() -> Check:
    """Check that TensorFlow is installed and tf_keras has the same minor version."""
    tensorflow, tf_keras = _version("tensorflow"), _version("tf-keras")
    found = f"TensorFlow {tensorflow or 'missing'}, tf_keras {tf_keras or 'missing'}"
    if tensorflow is None:
        return Check("TensorFlow", WARN, found, "for training and quantization: pip install -e '.[train]'")
    if tf_keras is None or _minor(tensorflow) != _minor(tf_keras):
        fix = f"install the matching pair: pip install 'tf-keras=={_minor(tensorflow)}.*'"
        return Check("TensorFlow", FAIL, found, fix)
    return Check("TensorFlow", OK, found)


def check_model_optimization() -> Check:
    """Check that the pruning toolkit is installed."""
    version = _version("tensorflow-model-optimization")
    if version is None:
        return Check("model optimization", WARN, "missing", "for pruning: pip install -e '.[train]'")
    return Check("model optimization", OK, f"tensorflow-model-optimization {version}")


def check_scikit_learn() -> Check:
    """Check that the package of scores of the morphology network is installed."""
    version = _version("scikit-learn")
    if version is None:
        fix = "for `ecg-edge evaluate morphology`: pip install -e '.[evaluate]'"
        return Check("scikit-learn", WARN, "missing", fix)
    return Check("scikit-learn", OK, version)


def check_tflite_micro() -> Check:
    """Check that the TensorFlow Lite Micro wheel is installed, where one exists for this machine."""
    version = _version("tflite-micro")
    if version:
        return Check("TFLite Micro", OK, f"tflite-micro {version}")
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return Check("TFLite Micro", FAIL, "missing", f"the reference engine: {SETUP}, or pip install -e .")
    return Check("TFLite Micro", WARN, "no wheel for this machine", "the generated C is the reference here")


def check_c_compiler() -> Check:
    """Check for a host C compiler: for the extension, the native firmware and the reference engine."""
    for name in ("cc", "gcc", "clang"):
        if line := _first_line(name, "--version"):
            return Check("C compiler", OK, line)
    return Check("C compiler", FAIL, "missing", "apt-get install gcc libc6-dev")


def check_arm_compiler() -> Check:
    """Check for the bare-metal ARM compiler with its C library."""
    line = _first_line("arm-none-eabi-gcc", "--version")
    if line is None:
        fix = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
        return Check("ARM compiler", FAIL, "arm-none-eabi-gcc is missing", fix)
    library = _first_line("arm-none-eabi-gcc", "-print-file-name=libc.a") or ""
    if not Path(library).is_absolute():  # the compiler answers the bare name when it finds no such file
        return Check(
            "ARM compiler", FAIL, f"{line}, without newlib", "apt-get install libnewlib-arm-none-eabi"
        )
    return Check("ARM compiler", OK, line)


def check_emulator() -> Check:
    """Check for QEMU with the machine that emulates the board."""
    line = _first_line("qemu-system-arm", "--version")
    if line is None:
        return Check("emulator", FAIL, "qemu-system-arm is missing", "apt-get install qemu-system-arm")
    if QEMU_MACHINE not in (_output("qemu-system-arm", "-machine", "help") or ""):
        fix = "install QEMU 5.2 or newer with the ARM machines: apt-get install qemu-system-arm"
        return Check("emulator", FAIL, f"{line}, without the machine {QEMU_MACHINE}", fix)
    return Check("emulator", OK, line)


def check_platformio() -> Check:
    """Check for PlatformIO, and for the build tool that it otherwise downloads from its registry."""
    version = _version("platformio")
    if version is None:
        return Check("PlatformIO", FAIL, "missing", f"{SETUP}, or pip install -e .")
    if not is_set_up():
        return Check("PlatformIO", FAIL, f"{version}, without tool-scons in {core_dir()}", SETUP)
    return Check("PlatformIO", OK, f"{version}, tool-scons in {core_dir()}")


def check_serial() -> Check:
    """Check that this user may open the serial ports."""
    from serial.tools.list_ports import comports

    ports = [port.device for port in comports()]
    closed = [port for port in ports if not os.access(port, os.R_OK | os.W_OK)]
    if closed:
        group = _group_of(closed[0])
        fix = f"sudo usermod -aG {group} $USER, then log out and in again"
        return Check("serial ports", WARN, f"no permission for {', '.join(closed)} (group {group})", fix)
    return Check("serial ports", OK, ", ".join(ports) or "none; the emulator needs none")


def check_boards() -> list[Check]:
    """Check what a build for each real board downloads, and the tool that writes to it; warnings only."""
    boards = {(board.flash_tool, board.platform): board for board in reversed(BOARDS.values())}
    wanted = [board for needs, board in reversed(boards.items()) if any(needs) and not board.virtual]
    return [_check_board(board) for board in wanted]


def run_board_checks(environment: str) -> list[Check]:
    """Run the checks of one board: its code, what builds it, runs it and writes to it, and the ports.

    Parameters
    ----------
    environment : str
        PlatformIO environment, also one that is not complete yet.
    """
    board = BOARDS.get(environment)
    parts = [check_parts(environment)] if IS_CHECKOUT or board is None else []
    if environment in board_folders(PROJECT_ROOT):
        parts.append(check_functions(environment))
    if board is None:
        return parts
    checks = [*parts, check_platformio(), check_board_compiler(board), check_board_emulator(board)]
    return (
        checks if board.virtual else [*checks, _check_flash_tool(board), check_serial(), check_silicon(board)]
    )


def check_parts(environment: str) -> Check:
    """Check the board against the checklist of docs/how-to/port-a-board.md."""
    missing = missing_parts(environment, PROJECT_ROOT)
    fix = "docs/how-to/port-a-board.md has the checklist"
    if missing:
        return Check("parts", FAIL, f"missing: {'; '.join(missing)}", fix)
    return Check("parts", OK, f"every part in {board_folders(PROJECT_ROOT)[environment]}")


def check_functions(environment: str) -> Check:
    """List the optional functions that the board leaves out."""
    own = optional_functions(environment, PROJECT_ROOT)
    left_out = [name for name, is_own in own.items() if not is_own]
    if left_out:
        fix = "firmware/src/boards/board.h says what each does; a board may leave them out"
        return Check("optional functions", WARN, f"without {', '.join(left_out)}", fix)
    return Check("optional functions", OK, "all")


def check_board_compiler(board: Board) -> Check:
    """Check for the compiler of a board, or for the platform that brings it."""
    if not board.compiler:
        return _check_platform(board, "compiler")
    try:
        check_compiler(board.environment)
    except ToolError as error:
        return Check("compiler", FAIL, str(error).split(":")[0], board.compiler_install)
    return Check("compiler", OK, _first_line(board.compiler, "--version") or board.compiler)


def check_board_emulator(board: Board) -> Check:
    """Check for the emulator of a board."""
    if board.virtual:
        return Check("emulator", OK, "none needed: the firmware runs on this computer")
    if not board.emulator:
        return Check(
            "emulator", WARN, f"none is known for {board.name}", "try it on a board: `ecg-edge flash`"
        )
    if board.environment == "pico":
        found = shutil.which(board.emulator)
        return Check("emulator", OK, found) if found else _no_emulator(board)
    return check_emulator()


def _no_emulator(board: Board) -> Check:
    return Check("emulator", FAIL, f"{board.emulator} is missing", board.emulator_install)


def check_silicon(board: Board) -> Check:
    """Tell if somebody has run this firmware on the board itself."""
    if board.ran_on_silicon:
        return Check("on silicon", OK, "a replay has ended with PASS")
    fix = "after `ecg-edge replay` ends with PASS there: ran_on_silicon = true in firmware/boards.toml"
    return Check("on silicon", WARN, "never run on the board itself", fix)


def _check_board(board: Board) -> Check:
    check = _check_flash_tool(board)
    return dataclasses.replace(check, name=f"board {board.environment}")


def _check_flash_tool(board: Board) -> Check:
    name = "flash tool"
    if board.flash_tool:
        tool = shutil.which(board.flash_tool)
        if tool is None:
            return Check(name, WARN, f"{board.flash_tool} is missing", f"to flash: {board.flash_install}")
        return Check(name, OK, tool)
    if not board.platform:  # written by a script of this project
        return Check(name, OK, "a drive that the board shows")
    return _check_platform(board, name)


def _check_platform(board: Board, name: str) -> Check:
    """Check for the platform that PlatformIO downloads."""
    platform_name = board.platform.partition(" ")[0]
    installed = sorted((core_dir() / "platforms").glob(f"{platform_name}*/platform.json"))
    if not installed:
        fix = f"`ecg-edge build --env {board.environment}` downloads it; the first build needs the network"
        return Check(name, WARN, f"{board.platform} is not downloaded", fix)
    return Check(name, OK, f"{platform_name} in {installed[0].parent}")


def check_records(data: Path | None = None) -> Check:
    """Check for a folder with ECG records."""
    try:
        root = find_data_root(data)
    except RecordError as error:
        return Check("records", FAIL, str(error), "name the right folder, or unset ECG_EDGE_DATA")
    if root is None:
        fix = "ecg-edge data get mitdb, or name a folder with ECG_EDGE_DATA; without: synthetic ECG"
        return Check("records", WARN, "none", fix)
    counts = ", ".join(f"{name} {len(records_in(root, name))}" for name in databases_in(root))
    return Check("records", OK, f"{counts} in {root}")


def _newest(folder: Path) -> float:
    """Return the time of the last change of a C file in a folder; 0 for none."""
    return max((path.stat().st_mtime for path in folder.rglob("*.[ch]")), default=0.0)


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _first_line(*command: str) -> str | None:
    lines = (_output(*command) or "").strip().splitlines()
    return lines[0] if lines else None


def _output(*command: str) -> str | None:
    """Return the standard output of a program; None when it is missing or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _group_of(port: str) -> str:
    try:
        return Path(port).group()
    except (KeyError, OSError, NotImplementedError):
        return "dialout"
