"""Messages on disk until the broker has them, with the numbers that they are sent under.

A message gets its number and is written in one transaction, so neither a killed process nor a power cut
repeats or skips a number.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from ecg_edge.ecg.errors import OutputError
from ecg_edge.ecg.files import make_folder
from ecg_edge.host.bridge.messages import Body, BufferState

DEFAULT_LIMIT_BYTES: Final = 200_000_000
_SESSIONS: Final = "sessions"
_DROPPED: Final = "dropped messages"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS outbox
    (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS stream (name TEXT NOT NULL);
"""


class Waiting(NamedTuple):
    """A message that waits: its number on disk, kind and content."""

    id: int
    kind: str
    payload: bytes


class Outbox:
    """A bounded queue on disk; the oldest messages are dropped when it is full.

    Parameters
    ----------
    path : Path
        File of the queue; made when missing.
    limit_bytes : int
        Size of all messages in it, at most.
    survives_power_cut : bool
        Force each transaction to the disk; else a power cut may take numbers back that the broker has.

    Attributes
    ----------
    stream : str
        Name under which all numbers count.
    session : int
        Number of this session, from 1; 0 before the first.

    Raises
    ------
    OutputError
        When the file cannot be used.
    """

    def __init__(
        self, path: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES, survives_power_cut: bool = True
    ) -> None:
        self.path, self._limit = path, limit_bytes
        self._lock = threading.Lock()
        make_folder(path.parent)
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA synchronous={'FULL' if survives_power_cut else 'NORMAL'}")
            self._db.executescript(_TABLES)
            self._read()
        except sqlite3.Error as error:
            raise self._error(error) from None

    def _read(self) -> None:
        with self._transaction():
            found = self._db.execute("SELECT name FROM stream").fetchone()
            self.stream = found[0] if found else secrets.token_hex(8)
            if found is None:
                self._db.execute("INSERT INTO stream VALUES (?)", (self.stream,))
            self._counters = dict(self._db.execute("SELECT name, value FROM counters"))
            self.session = self._counters.get(_SESSIONS, 0)
        sums = "SELECT count(*), coalesce(sum(length(payload)), 0) FROM outbox"
        self._messages, self._bytes = self._db.execute(sums).fetchone()

    def _error(self, error: sqlite3.Error) -> OutputError:
        return OutputError(
            f"{self.path}: cannot be used ({error}). Free space, name another folder with --state, or "
            "remove it: messages that wait in it are lost then."
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def _count(self, name: str, by: int = 1) -> int:
        value: int = self._counters.get(name, 0)
        self._counters[name] = value + by
        return value

    def _write_counters(self) -> None:
        self._db.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", self._counters.items())

    def begin(self) -> None:
        """Begin a session; its number is written with its first message."""
        self.session = self._count(_SESSIONS) + 1

    def put(self, bodies: Iterable[Body]) -> int:
        """Number messages and write them; return how many old ones were dropped for them.

        On a full disk the new ones are dropped.
        """
        rows = [(kind, self._numbered(kind, body)) for kind, body in bodies]
        if not rows:
            return 0
        with self._lock:
            before = self._dropped
            try:
                with self._transaction():
                    change = self._insert(rows)
                    self._write_counters()
            except sqlite3.Error:
                self._count(_DROPPED, len(rows))
            else:
                self._messages, self._bytes = self._messages + change[0], self._bytes + change[1]
            return self._dropped - before

    def _numbered(self, kind: str, body: dict[str, object]) -> bytes:
        head = {"stream": self.stream, "seq": self._count(kind), "session": self.session}
        return json.dumps({**head, **body}, separators=(",", ":"), ensure_ascii=False).encode()

    def _insert(self, rows: Sequence[tuple[str, bytes]]) -> tuple[int, int]:
        """Write rows in place of the oldest; return the change in messages and bytes."""
        added = sum(len(payload) for _, payload in rows)
        dropped = self._oldest(self._bytes + added - self._limit)
        self._db.executemany("DELETE FROM outbox WHERE id = ?", [(row_id,) for row_id, _ in dropped])
        self._db.executemany("INSERT INTO outbox (kind, payload) VALUES (?, ?)", rows)
        self._count(_DROPPED, len(dropped))
        return len(rows) - len(dropped), added - sum(size for _, size in dropped)

    def _oldest(self, size: int) -> list[tuple[int, int]]:
        """The oldest messages of at least `size` bytes: number and size of each."""
        found: list[tuple[int, int]] = []
        if size > 0:
            for row in self._db.execute("SELECT id, length(payload) FROM outbox ORDER BY id"):
                found.append(row)
                size -= row[1]
                if size <= 0:
                    break
        return found

    def after(self, row_id: int, count: int) -> list[Waiting]:
        """Return the oldest `count` messages behind number `row_id` on disk.

        Raises
        ------
        OutputError
            When the file cannot be read.
        """
        query = "SELECT id, kind, payload FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
        with self._lock:
            try:
                return [Waiting(*row) for row in self._db.execute(query, (row_id, count))]
            except sqlite3.Error as error:
                raise self._error(error) from None

    def remove(self, messages: Iterable[Waiting]) -> None:
        """Remove messages that the broker has."""
        with self._lock, suppress(sqlite3.Error), self._transaction():  # else sent again, and dropped there
            for message in messages:
                removed = self._db.execute("DELETE FROM outbox WHERE id = ?", (message.id,)).rowcount
                self._messages -= removed
                self._bytes -= removed * len(message.payload)

    @property
    def _dropped(self) -> int:
        return int(self._counters.get(_DROPPED, 0))

    @property
    def state(self) -> BufferState:
        """Number and size of the messages that wait, and the number of those dropped."""
        return {"messages": self._messages, "bytes": self._bytes, "dropped": self._dropped}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
