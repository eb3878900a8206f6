"""A real PostgreSQL server on loopback, for one test."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.mosquitto import free_port

# Debian keeps the server's programs outside PATH.
SEARCH = ":".join([os.environ.get("PATH", ""), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))])


def find_postgres() -> str | None:
    """Path of the server's program."""
    return shutil.which("postgres", path=SEARCH)


@contextmanager
def postgresql() -> Iterator[str]:
    """A server with an empty database; gives its address.

    The server refuses to run as root: then it runs as Debian's user "postgres".
    """
    if find_postgres() is None:
        pytest.skip("PostgreSQL is not installed: ./setup.sh tests")
    with tempfile.TemporaryDirectory(prefix="ecg-edge-pg-", dir="/tmp") as folder:
        owner = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(folder, owner)
        control, port, data = shutil.which("pg_ctl", path=SEARCH) or "", free_port(), f"{folder}/data"
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
        log = f"{folder}/log"
        _as(owner, control, "initdb", "-s", "-D", data, "-o", "--auth=trust --username=ecg --encoding=UTF8")
        _as(owner, control, "start", "-s", "-w", "-D", data, "-l", log, "-o", options)
        try:
            yield f"postgresql://ecg@127.0.0.1:{port}/postgres"
        finally:
            _as(owner, control, "stop", "-s", "-D", data, "-m", "immediate")


def _as(owner: str, *command: str) -> None:
    before = ["runuser", "-u", owner, "--"] if os.geteuid() == 0 else []
    subprocess.run([*before, *command], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=60)
