"""What the folder store keeps beside a file's bytes, in the project's SQLite file.

A file and its row belong together by version, that is by size and mtime. The row is durable before the file can be
seen, so a crash leaves the old file with its row or the new one with its own, and never a mixture. A row without its
file is harmless and goes with the key's next put. It must not go because its file cannot be seen: while a disk is not
mounted, that would disown every output.
"""

from __future__ import annotations

import os
from pathlib import Path
from sqlite3 import Connection

import msgspec
from msgspec.structs import replace

from safelight.errors import Conflict
from safelight.local.database import Database
from safelight.ports import Head

_ROW = "SELECT head FROM objects WHERE store = ? AND key = ? AND version = ?"
_NEWEST = "SELECT coalesce(max(mtime_ns), 0) FROM objects WHERE store = ? AND key = ?"
_ADD = "INSERT INTO objects (store, key, version, mtime_ns, head) VALUES (?, ?, ?, ?, ?)"
_FORGET_OTHERS = "DELETE FROM objects WHERE store = ? AND key = ? AND version != ?"
_FORGET = "DELETE FROM objects WHERE store = ? AND key = ?"
_COARSEST_MTIME_NS = 2_000_000_000  # FAT keeps every other second

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Head).decode


def version_of(found: os.stat_result) -> str:
    """Return the version of the file: its size and mtime."""
    return f"{found.st_size}-{found.st_mtime_ns}"


class Objects:
    """The rows of one store."""

    def __init__(self, path: Path | str, store: str) -> None:
        self.database = Database(path)
        self._store = store

    def find(self, key: str, version: str) -> Head | None:
        """Return what was kept with this version of the key, or None when Safelight did not write it."""
        rows = self.database.read(_ROW, (self._store, key, version))
        return _decode(rows[0][0]) if rows else None

    def add(self, key: str, file: int, head: Head, now: float) -> str:
        """Date a file that nobody sees yet so that its version is new for the key; keep its row, return the version."""
        with self.database.write() as rows:
            newest: int = rows.execute(_NEWEST, (self._store, key)).fetchone()[0]
            found = _date(file, max(int(now * 1e9), newest + 1), newest)
            version = version_of(found)
            record = _encode(replace(head, version=version, size=found.st_size)).decode()
            rows.execute(_ADD, (self._store, key, version, found.st_mtime_ns, record))
        return version

    def keep_only(self, rows: Connection, key: str, version: str) -> None:
        """Drop the key's other rows, in the write transaction in which the file becomes visible.

        Raises:
            Conflict: another put of the key became visible since, and dropped this version's row.
        """
        if self.find(key, version) is None:
            raise Conflict(f"key {key!r}: another writer was faster")
        rows.execute(_FORGET_OTHERS, (self._store, key, version))

    def forget(self, rows: Connection, key: str) -> None:
        """Drop all rows of the key."""
        rows.execute(_FORGET, (self._store, key))


def _date(file: int, mtime_ns: int, newest: int) -> os.stat_result:
    os.utime(file, ns=(mtime_ns, mtime_ns))
    found = os.fstat(file)
    if found.st_mtime_ns > newest:
        return found
    return _date(file, mtime_ns + _COARSEST_MTIME_NS, newest)  # the file system rounded it down
