"""Memory of this computer, asked before a number in a file decides how much of it is taken.

require_memory(path, "lead II has 400,000,000 samples", 8_000_000_000)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

from ecg_edge.ecg.errors import RecordError

_GROUPS: Final = Path("/sys/fs/cgroup")
_LIMITS: Final = (
    ("memory.max", "memory.stat", "anon"),
    ("memory/memory.limit_in_bytes", "memory/memory.stat", "total_rss"),
)
"""Limit of a container, and its memory that is no cache of files, in both versions of Linux's cgroups."""


def require_memory(path: Path, what: str, needed: int) -> None:
    """Refuse what this computer has no memory for, before any of it is taken.

    Parameters
    ----------
    path : Path
        File whose numbers decide.
    what : str
        The numbers, for the message: "lead II has 400,000,000 samples".
    needed : int
        Bytes.

    Raises
    ------
    RecordError
        When fewer are free.
    """
    free = free_bytes()
    if needed > free:
        raise RecordError(
            f"{path}: {what}. Reading it takes about {_gigabytes(needed)} GB of memory, and this computer "
            f"has {_gigabytes(free)} GB free. Correct a wrong length; else cut out the part that you need "
            "(WFDB's program `xform` with -f and -t cuts its records), or read it on a larger computer."
        )


def free_bytes() -> int:
    """Return the memory that this process can still take: the least that any limit allows."""
    return max(min([_system(), *_container(), *_shell()]), 0)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f}"


def _system() -> int:
    """Memory that is free or holds nothing but caches, and free swap space."""
    return int(psutil.virtual_memory().available + psutil.swap_memory().free)


def _container() -> Iterator[int]:
    """Memory that a container leaves, which psutil does not tell."""
    for limit, table, name in _LIMITS:
        text = _text(_GROUPS / limit).strip()
        if text.isdecimal():
            yield int(text) - _numbers(_GROUPS / table).get(name, 0)


def _shell() -> Iterator[int]:
    """Address space that `ulimit -v` leaves."""
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        yield limit - int(psutil.Process().memory_info().vms)


def _numbers(path: Path) -> dict[str, int]:
    """Read the first two words of each line of a file: a name and a number."""
    words = [line.split() for line in _text(path).splitlines()]
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdecimal()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
