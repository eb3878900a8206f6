"""Download of a file over HTTP: resumes a transfer that was cut, retries, and checks the SHA-256."""

from __future__ import annotations

import errno
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecg_edge.ecg.errors import RecordError

TIMEOUT_S = 20.0
RETRY_WAITS_S = (1.0, 3.0)
BLOCK_BYTES = 1 << 16
HTTP_PARTIAL = 206
HTTP_RANGE_NOT_SATISFIABLE = 416
HTTP_TOO_MANY_REQUESTS = 429
HTTP_SERVER_ERROR = 500

OFFLINE_ADVICE = (
    "Check the network, or copy the records here and name their folder with --data or ECG_EDGE_DATA."
)


class UnreachableError(RecordError):
    """The server cannot be reached, or the connection breaks again and again."""


class _CutError(Exception):
    """The connection ended before the file did, or the server does not state where it ends."""


def fetch(url: str, target: Path, sha256: str | None, on_bytes: Callable[[int], None]) -> None:
    """Download `url` to `target`; a transfer that was cut stays in `<target>.part` for the next call.

    Parameters
    ----------
    url : str
        Address of the file.
    target : Path
        Final name; appears only when the file is complete and its checksum is right.
    sha256 : str or None
        Checksum in hexadecimal; None: not checked.
    on_bytes : callable
        Called with the number of bytes of each block received.

    Raises
    ------
    RecordError
        When `url` is no address, the server cannot be reached or refuses, the disk is full, or the checksum
        is wrong twice.
    """
    part = target.with_name(target.name + ".part")
    if sha256 is None:
        part.unlink(missing_ok=True)  # without a checksum a stale part would go unnoticed
    for _ in range(2):  # a resumed part may be stale: a wrong checksum is worth one fresh start
        _fetch_with_retries(url, part, on_bytes)
        actual = hashlib.sha256(part.read_bytes()).hexdigest()
        if sha256 in (None, actual):
            part.replace(target)
            return
        part.unlink()
    raise RecordError(
        f"{url}: SHA-256 is {actual[:16]}..., but SHA256SUMS.txt says {str(sha256)[:16]}.... "
        f"{target.name} was damaged on its way or on the server; try again later or name another with --url."
    )


def _fetch_with_retries(url: str, part: Path, on_bytes: Callable[[int], None]) -> None:
    for wait_s in (*RETRY_WAITS_S, None):
        try:
            return _append(url, part, on_bytes)
        except urllib.error.HTTPError as error:
            if wait_s is None or not _is_passing(error.code):
                raise RecordError(_refusal(url, error)) from None
        except (ValueError, http.client.InvalidURL) as error:
            raise RecordError(
                f"{url}: not an address ({error}). Give --url one as https://physionet.org/files is."
            ) from None
        except (OSError, http.client.HTTPException, _CutError) as error:
            if wait_s is None:
                text = f"{url}: cannot be fetched ({_reason(error)}). {OFFLINE_ADVICE}"
                raise UnreachableError(text) from None
        time.sleep(wait_s)


def _append(url: str, part: Path, on_bytes: Callable[[int], None]) -> None:
    """Receive the rest of `part`; all of it from a server that ignores the range."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "ecg-edge", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if have and error.code == HTTP_RANGE_NOT_SATISFIABLE:
            return  # nothing is missing; the checksum decides
        raise
    with response:
        expected = response.headers.get("Content-Length", "0")
        if not (expected.isascii() and expected.isdigit()):
            raise _CutError(f"the server states the length {expected!r}")
        received = _store(response, part, "ab" if response.status == HTTP_PARTIAL else "wb", on_bytes)
    if received < int(expected):
        raise _CutError(f"connection closed after {received} of {expected} bytes")


def _store(response: http.client.HTTPResponse, part: Path, mode: str, on_bytes: Callable[[int], None]) -> int:
    received = 0
    with _on_disk(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        file = part.open(mode)
    with file:
        while block := response.read(BLOCK_BYTES):
            with _on_disk(part):
                file.write(block)
                file.flush()
            received += len(block)
            on_bytes(len(block))
    return received


@contextmanager
def _on_disk(part: Path) -> Iterator[None]:
    """Separate errors of the disk from those of the network: both are OSError."""
    try:
        yield
    except OSError as error:
        raise _disk_error(part, error) from None


def _disk_error(part: Path, error: OSError) -> RecordError:
    advice = "Free some space" if error.errno == errno.ENOSPC else "Make the folder writable"
    return RecordError(
        f"{part}: cannot be written ({error.strerror}). {advice}, or choose another folder with --to; "
        "what was fetched so far is kept and the next call goes on from there."
    )


def _is_passing(code: int) -> bool:
    return code >= HTTP_SERVER_ERROR or code == HTTP_TOO_MANY_REQUESTS


def _refusal(url: str, error: urllib.error.HTTPError) -> str:
    return (
        f"{url}: the server answered {error.code} ({error.reason}). "
        "Check --url: below it the server must have <database>/<version>/SHA256SUMS.txt as PhysioNet has."
    )


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error or type(error).__name__)
