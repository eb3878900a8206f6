"""Project and cache folders, hashes, and files that are complete whenever they have their final name.

    write_json(path, figures)
    figures = read_json(path)
    with writing(path) as file:         # a text stream; `writing_bytes` for bytes
        file.write("...")
    with replacing(path) as temporary:  # for libraries that write by name
        network.save(temporary)
    with locked_folder(folder):         # one process at a time
        ...

Everything is written beside its final name and renamed at the end. After an error, the file that was there
before is unchanged and the unfinished one is gone.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, TextIO

from ecg_edge.ecg.errors import OutputError

PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent
"""Folder of `firmware/`, `models/` and the packages: the checkout, or the installed package."""

IS_CHECKOUT: Final = (PROJECT_ROOT / "pyproject.toml").is_file()
"""True in a checkout or an unpacked source archive; an installed package has no pyproject.toml."""

LOCK_NAME: Final = ".ecg-edge.lock"

UNENCODABLE: Final = "backslashreplace"
"""Error handler of text that is written: file names that are not UTF-8, characters that a terminal lacks."""

_UTF_8: Final = ("utf-8", "utf8")
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)
_NOT_A_FOLDER: Final = (errno.ENOTDIR, errno.EEXIST)
_DENIED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


def cache_folder() -> Path:
    """Return the user's cache folder of this project."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ecg-edge"


def sha256_of(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---- reading ----------------------------------------------------------------------------------------


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        When it is not UTF-8 or not JSON, or has lists within lists beyond Python's limit.
    """
    return parse_json(path.read_text(encoding="utf-8"))


def parse_json(text: str) -> Any:
    """Parse JSON. Raises a ValueError as `read_json`."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(str(error)) from None


# ---- writing ----------------------------------------------------------------------------------------


def make_folder(path: Path) -> Path:
    """Create a folder and those above it.

    Raises
    ------
    OutputError
        When it cannot be created, for example because a file has its name.
    """
    with reporting_write_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def check_writable_folder(path: Path) -> Path:
    """Create a folder and check that a file can be written there, before long work begins.

    Raises
    ------
    OutputError
        When the folder cannot be created or written to.
    """
    make_folder(path)
    probe = path / f".ecg-edge-{os.getpid()}"
    with reporting_write_errors(path):
        probe.write_bytes(b"\0")
        probe.unlink()
    return path


def check_writable_file(path: Path) -> Path:
    """Check that a file can be written there, before long work begins; its folder is created when missing.

    Raises
    ------
    OutputError
        When it is a folder, or its folder cannot be created or written to.
    """
    _refuse_folder(path)
    if not _is_stream(path):
        check_writable_folder(path.resolve().parent)
    return path


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise OutputError(f"{path}: is a folder. Name a file.")


def _is_stream(path: Path) -> bool:
    """True for a pipe, a terminal or a device: it has no content to keep."""
    return path.exists() and not path.is_file()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` with the same suffix; rename it to `path` at the end.

    Parameters
    ----------
    path : Path
        Final name. Its folder is created when missing.

    Raises
    ------
    OutputError
        When the file cannot be written. The temporary file is removed.
    """
    _refuse_folder(path)
    if _is_stream(path):
        with reporting_write_errors(path):
            yield path  # not what it links to: /dev/fd/63 and /dev/stdout name pipes that have no other path
        return
    target = path.resolve()  # a link stays a link; the file that it names is replaced
    make_folder(target.parent)
    temporary = target.with_name(f".{target.stem}-{os.getpid()}{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    except BaseException as error:  # Ctrl-C, too, leaves no unfinished file
        _remove(temporary)
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            raise write_error(path, _system_reason(temporary, error)) from None
        raise


@contextmanager
def writing(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """Open a UTF-8 text stream whose content appears at `path` when the block ends without an error.

    Parameters
    ----------
    path : Path
        Final name. Its folder is created when missing.
    newline : str, optional
        As for `open`; "" for the csv module.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors=UNENCODABLE, newline=newline) as file,
    ):
        yield file
        _flush(file)


@contextmanager
def writing_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a binary stream whose content appears at `path` when the block ends without an error."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        yield file
        _flush(file)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, complete or not at all."""
    with writing(path) as file:
        file.write(text)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file, complete or not at all."""
    with writing_bytes(path) as file:
        file.write(content)


def write_json(path: Path | str, obj: Any) -> None:
    """Write `obj` as JSON to a file, complete or not at all, or to standard output for "-".

    Dataclasses, paths and numpy values are written as their content; numbers that are not finite as null.
    """
    to_output = str(path) == "-"
    escape = to_output and (sys.stdout.encoding or "").lower() not in _UTF_8
    text = json.dumps(_plain(obj), indent=2, ensure_ascii=escape, allow_nan=False) + "\n"
    if to_output:
        sys.stdout.write(text)
    else:
        write_text(Path(path), text)


@contextmanager
def reporting_write_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into an `OutputError` that names `path`, the reason and the remedy."""
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from None


def write_error(path: Path, error: OSError) -> OutputError:
    """Build the error for a file or folder that cannot be written."""
    reason = error.strerror or str(error) or type(error).__name__
    return OutputError(f"{path}: cannot be written ({reason}). {_advice(path, error)}")


def _advice(path: Path, error: OSError) -> str:
    if error.errno in _NO_SPACE:
        return "Free some space on the disk, or choose another folder."
    if error.errno in _NOT_A_FOLDER:
        return f"{_file_on_the_way(path)} is a file, not a folder: choose another folder."
    if error.errno in _DENIED:
        return "Make the folder writable, or choose another one."
    return "Choose another folder."


def _file_on_the_way(path: Path) -> Path:
    """Find the file that stands where a folder is needed."""
    return next((parent for parent in (path, *path.parents) if parent.is_file()), path)


def _flush(file: IO[Any]) -> None:
    """Write everything to the disk now: some file systems report a full disk only at this point."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno != errno.EINVAL:  # a pipe or terminal
            raise


def _system_reason(file: Path, error: OSError) -> OSError:
    """The system's reason why `file` cannot be written, where a library gives one of its own."""
    if error.errno is not None:
        return error
    try:
        file.touch()
    except OSError as found:
        return found
    _remove(file)
    return error


def _remove(path: Path) -> None:
    with suppress(OSError):  # the first error is the one to report
        path.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    """Convert `value` to the types that JSON has."""
    if hasattr(value, "__dataclass_fields__"):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# ---- one process at a time --------------------------------------------------------------------------


@contextmanager
def locked_folder(path: Path) -> Iterator[Path]:
    """Reserve a folder for this process while the block runs; the folder is created when missing.

    The operating system releases the lock when the process ends, also when it is killed.

    Raises
    ------
    OutputError
        When another process holds the folder; the message names that process.
    """
    lock = make_folder(path) / LOCK_NAME
    with reporting_write_errors(path):
        file = _open_locked(lock)
    if file is None:
        raise OutputError(f"{path}: in use by {_holder(lock)}. Wait until it ends, or choose another folder.")
    try:
        yield path
    finally:
        _remove(lock)  # before the lock is released: nobody else can hold it yet
        file.close()


def _open_locked(lock: Path) -> IO[str] | None:
    """Open and lock the file; None when another process holds it."""
    while True:
        file = lock.open("a+", encoding="utf-8")
        if not _lock(file):
            file.close()
            return None
        if _is_same(file, lock):
            break
        file.close()  # the process before removed it between opening and locking
    file.truncate(0)
    file.write(f"process {os.getpid()} ({' '.join(sys.argv)[:200]})")
    file.flush()
    return file


def _is_same(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _lock(file: IO[str]) -> bool:
    if sys.platform == "win32":
        import msvcrt  # only there

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl  # not on Windows

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: Path) -> str:
    try:
        return lock.read_text(encoding="utf-8", errors="replace") or "another process"
    except OSError:
        return "another process"
