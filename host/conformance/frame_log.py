"""The log of all frames of a replay, frames.log.gz: a gzip member for each record.

A killed process leaves the records before whole, and `kept_bytes` is where the next run goes on.
"""

from __future__ import annotations

import gzip
import io
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ecg_edge.ecg.files import reporting_write_errors


class RecordLog:
    """Frames of one record, kept in memory: several records stream at once, and the log has them in order."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._member = gzip.GzipFile(fileobj=self._buffer, mode="wb", compresslevel=1)
        self._began = time.monotonic()

    def __call__(self, direction: str, encoded: bytes) -> None:
        """Write one frame."""
        self._member.write(_line(self._began, direction, encoded))

    def content(self) -> bytes:
        """Return the gzip member of all frames."""
        self._member.close()
        return self._buffer.getvalue()


def _line(began: float, direction: str, encoded: bytes) -> bytes:
    return f"{time.monotonic() - began:.6f} {direction} {encoded.rstrip(bytes(1)).hex()}\n".encode("ascii")


class FrameLog:
    """Raw frames, one per line: seconds, direction (">" to the device), encoded bytes in hexadecimal.

    Parameters
    ----------
    path : Path
        File; made when missing.
    kept_bytes : int
        Length of what stays of an earlier run.

    Attributes
    ----------
    kept_bytes : int
        Length of the file with all records that have ended.
    """

    def __init__(self, path: Path, kept_bytes: int = 0) -> None:
        self._path, self.kept_bytes = path, kept_bytes
        with reporting_write_errors(path):
            self._file = path.open("ab")
            self._file.truncate(kept_bytes)
        self._member: gzip.GzipFile | None = None
        self._began = time.monotonic()

    def __call__(self, direction: str, encoded: bytes) -> None:
        """Write one frame."""
        line = _line(self._began, direction, encoded)
        with reporting_write_errors(self._path):
            if self._member is None:
                self._member = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=1)
            member, self._member = self._member, None  # after an error there is no whole one
            member.write(line)
            self._member = member

    def append(self, record: RecordLog) -> None:
        """Write all of a record's frames that were kept apart."""
        with reporting_write_errors(self._path):
            self._file.write(record.content())
            self._file.flush()
            self.kept_bytes = os.fstat(self._file.fileno()).st_size

    def end_record(self) -> None:
        """Write all of a record's frames."""
        with reporting_write_errors(self._path):
            member, self._member = self._member, None
            if member is not None:
                member.close()
                self._file.flush()
                self.kept_bytes = os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> FrameLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end_record()
        finally:
            with suppress(OSError):  # what is left of a record on a full disk
                self._file.close()
            os.truncate(self._path, self.kept_bytes)
