"""The log of all frames of a replay, frames.log.gz: a gzip member for each record.

A killed process leaves the records before whole, and `kept_bytes` is where the next run goes on.
"""

from __future__ import annotations

import gzip
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ecg_edge.ecg.files import reporting_write_errors


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
        line = f"{time.monotonic() - self._began:.6f} {direction} {encoded.rstrip(bytes(1)).hex()}\n"
        with reporting_write_errors(self._path):
            if self._member is None:
                self._member = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=1)
            member, self._member = self._member, None  # after an error there is no whole one
            member.write(line.encode("ascii"))
            self._member = member

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
