"""Processes that end with this one: emulators, and the firmware as a program."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecg_edge.ecg.errors import ToolError
from ecg_edge.host.devices.images import describe_file

_STOP_TIMEOUT_S = 5.0
_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process of its own session, so that Ctrl-C reaches this program alone; stop it at the end.

    Parameters
    ----------
    command : list of str
        Program and arguments.
    log : Path
        File of what it writes to its standard error.

    Raises
    ------
    ToolError
        When it cannot be started.
    """
    try:
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
    except OSError as error:
        program = Path(command[0])
        raise ToolError(
            f"{program}: cannot be started ({error.strerror}): it is {describe_file(program)}. "
            "Build the firmware with `ecg-edge build --env native`."
        ) from None
    try:
        yield process
    finally:
        _stop(process)


def _die_with_parent() -> Callable[[], None] | None:
    """Make the call by which a child on Linux is killed when this process is, also by SIGKILL."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()  # looked up here: little may run after the fork

    def set_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the call
            os._exit(1)

    return set_signal


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def wait_for_socket(
    line: Path, process: subprocess.Popen[bytes], timeout_s: float, failure: Callable[[], str]
) -> None:
    """Wait until a process has made its socket.

    Raises
    ------
    ToolError
        With the text of `failure`, when the process ends before, or after `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not line.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ToolError(failure())
        time.sleep(0.01)


def messages(log: Path) -> str:
    """Return what a process wrote to its standard error."""
    return log.read_text(errors="replace").strip() or "it printed nothing"
