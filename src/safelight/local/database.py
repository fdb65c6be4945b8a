"""The project's SQLite file: one connection, its schema, and its faults in our words."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safelight.errors import Denied, DiskFull, NewerProject, SafelightError, Unavailable

BUSY_TIMEOUT_S = 10.0

# One entry for each version of the schema, in order; never edit one that was released, add the next.
# No STRICT and no RETURNING: Python 3.11 of RHEL 9 comes with SQLite 3.34.
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE keys (
            bucket TEXT NOT NULL, key TEXT NOT NULL, head_version TEXT, head_sequencer TEXT,
            token INTEGER NOT NULL, lease_until REAL NOT NULL, lease_job TEXT,
            PRIMARY KEY (bucket, key)) WITHOUT ROWID""",
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, status TEXT NOT NULL, record TEXT NOT NULL,
            attempts INTEGER NOT NULL, token INTEGER NOT NULL, owed INTEGER NOT NULL, changed INTEGER NOT NULL,
            FOREIGN KEY (bucket, key) REFERENCES keys (bucket, key))""",
        "CREATE UNIQUE INDEX jobs_changed ON jobs (changed)",
        "CREATE INDEX jobs_status ON jobs (status, changed)",
        "CREATE INDEX jobs_owed ON jobs (changed) WHERE owed = 1",  # `owed`: the notice of its ending
        # AUTOINCREMENT: a receipt names `seq`, which must not come again when a message is sent again.
        """CREATE TABLE queue (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL,
            visible_at REAL NOT NULL, receives INTEGER NOT NULL)""",
        "CREATE INDEX queue_visible ON queue (visible_at)",
        "CREATE TABLE dead (id TEXT PRIMARY KEY, body BLOB NOT NULL, reason TEXT NOT NULL, died_at REAL NOT NULL)",
        """CREATE TABLE objects (
            store TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, mtime_ns INTEGER NOT NULL,
            head TEXT NOT NULL, PRIMARY KEY (store, key, version)) WITHOUT ROWID""",
    ),
    (
        # A notice belongs to one mail for good once `mail` is set: a repeat after a crash tells the same jobs again.
        """CREATE TABLE outbox (
            message_id TEXT PRIMARY KEY, kind TEXT NOT NULL, outcome TEXT NOT NULL, created_at REAL NOT NULL,
            mail TEXT)""",
        "CREATE INDEX outbox_mail ON outbox (mail)",
        """CREATE TABLE mails (
            id TEXT PRIMARY KEY, subject TEXT NOT NULL, made_at REAL NOT NULL, gap_s REAL NOT NULL,
            tries INTEGER NOT NULL DEFAULT 0, next_try_at REAL NOT NULL, settled TEXT NOT NULL DEFAULT '[]',
            refused INTEGER NOT NULL DEFAULT 0, sent_at REAL) WITHOUT ROWID""",
        "CREATE INDEX mails_subject ON mails (subject, made_at)",
        "CREATE INDEX mails_unsent ON mails (next_try_at) WHERE sent_at IS NULL",
    ),
    # In which place the original was seen: what is missing in another one was not deleted.
    ("ALTER TABLE keys ADD COLUMN place TEXT",),
)

_DENIED = {sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CANTOPEN}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PERHAPS_FULL = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_PAGE_BYTES = 65536  # the shared-memory file beside a WAL grows by 32 kB at a time


class Database:
    """One connection to the project's database, safe to use from several threads.

    Args:
        path: the file, which is made when missing; `:memory:` for one that nobody else sees.
        busy_timeout_s: how long to wait for another process that writes.

    Raises:
        NewerProject: a newer Safelight wrote the file.
    """

    def __init__(self, path: Path | str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._lock = threading.RLock()
        with self._translated():
            self._connection = sqlite3.connect(
                path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def read(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        """Return the rows of one statement."""
        with self._lock, self._translated():
            return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Hold the only write transaction; commit at the end, durably, or leave everything as it was."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        self._use_wal()
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        if self._version() != len(_MIGRATIONS):
            self._migrate()

    def _use_wal(self) -> None:
        # Two processes that make this change at once get SQLITE_BUSY without a wait: SQLite sees a deadlock.
        give_up_at = time.monotonic() + self._busy_timeout_s
        while self._connection.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as err:
                if _primary_code(err) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                    raise
                time.sleep(0.01)
            else:
                return  # a file system without shared memory stays in the old mode, which is as safe

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        with self.write() as connection:
            version = self._version()  # read again: another process may have migrated while we waited
            if version > len(_MIGRATIONS):
                raise NewerProject(
                    f"the project's database has version {version}; this Safelight knows up to {len(_MIGRATIONS)}"
                )
            for statements in _MIGRATIONS[version:]:
                for statement in statements:
                    connection.execute(statement)
            # A pragma takes no parameters.
            connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
            raise  # a mistake of ours, not the world's
        except sqlite3.DatabaseError as err:
            raise self._in_our_words(err) from err

    def _in_our_words(self, err: sqlite3.Error) -> SafelightError:
        code = _primary_code(err)
        if code == sqlite3.SQLITE_FULL or (code in _PERHAPS_FULL and self._disk_is_full()):
            return DiskFull("the project's database cannot grow: the disk is full")
        if code in _DENIED:
            return Denied(
                "the project's database cannot be opened for writing",
                remedy="Check that the project's folder .safelight exists and that Safelight may write there.",
            )
        if code in _DAMAGED:
            return Unavailable(
                "the project's database is damaged",
                remedy="Stop Safelight, move .safelight/safelight.db* away and start again: pictures are not touched.",
            )
        name = getattr(err, "sqlite_errorname", "no code")
        return Unavailable(f"the project's database did not answer ({name})")

    def _disk_is_full(self) -> bool:
        # SQLite tells ENOSPC only where it writes the file itself, not for the files beside it.
        try:
            return shutil.disk_usage(Path(self._path).parent).free < _PAGE_BYTES
        except OSError:
            return False


def _primary_code(err: sqlite3.Error) -> int | None:
    code: int | None = getattr(err, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
