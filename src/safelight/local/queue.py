"""The queue in the project's SQLite file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection

from safelight.local.database import Database
from safelight.ports import Buried, Message

_SEND = "INSERT INTO queue (id, body, visible_at, receives) VALUES (?, ?, ?, 0) ON CONFLICT (id) DO NOTHING"
_ANY_VISIBLE = "SELECT 1 FROM queue WHERE visible_at <= ? LIMIT 1"
_VISIBLE = "SELECT seq, id, body, receives + 1 FROM queue WHERE visible_at <= ? ORDER BY visible_at, seq LIMIT ?"
_TAKE = "UPDATE queue SET receives = receives + 1, visible_at = ? WHERE seq = ?"
_DELETE = "DELETE FROM queue WHERE seq = ? AND receives = ?"
_RELEASE = "UPDATE queue SET visible_at = ? WHERE seq = ? AND receives = ?"
_BURY = """
    INSERT INTO dead (id, body, reason, died_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body, reason = excluded.reason, died_at = excluded.died_at"""
_BURIED = "SELECT id, body, reason FROM dead ORDER BY died_at LIMIT ?"
_DEAD = "SELECT body FROM dead WHERE id = ?"
_FORGET_DEAD = "DELETE FROM dead WHERE id = ?"
_REVEAL_ALL = "UPDATE queue SET visible_at = ? WHERE visible_at > ?"
_COUNT = "SELECT count(*) FROM queue"
_FIRST_VISIBLE = "SELECT min(visible_at) FROM queue"


class SqliteQueue:
    """The messages of one project.

    Args:
        path: the project's database, or `:memory:`.
        now: seconds since 1970; it times delays and deliveries.
    """

    def __init__(self, path: Path | str, now: Callable[[], float]) -> None:
        self._database = Database(path)
        self._now = now

    def send(self, body: bytes, *, id: str, delay_s: float = 0) -> None:  # noqa: A002 - the field's word
        """Add a message; one with the same id that is still there is left as it is."""
        with self._database.write() as rows:
            rows.execute(_SEND, (id, body, self._now() + delay_s))

    def receive(self, limit: int, *, visible_again_s: float) -> list[Message]:
        """Take up to `limit` messages and hide them for a while."""
        now = self._now()
        if not self._database.read(_ANY_VISIBLE, (now,)):
            return []  # most calls find nothing: they need not wait for the write lock
        with self._database.write() as rows:
            found = rows.execute(_VISIBLE, (now, limit)).fetchall()
            rows.executemany(_TAKE, [(now + visible_again_s, seq) for seq, *_ in found])
        return [Message(id=id_, body=body, receives=n, receipt=f"{seq}:{n}") for seq, id_, body, n in found]

    def delete(self, message: Message) -> None:
        """Acknowledge. Only the newest delivery of a message can."""
        with self._database.write() as rows:
            rows.execute(_DELETE, _delivery(message))

    def release(self, message: Message, *, delay_s: float) -> None:
        """Hand back: visible again after `delay_s`. Only the newest delivery can."""
        with self._database.write() as rows:
            rows.execute(_RELEASE, (self._now() + delay_s, *_delivery(message)))

    def reveal_all(self) -> None:
        """Make every hidden message visible; only for who knows that nobody works on one any more."""
        now = self._now()
        with self._database.write() as rows:
            rows.execute(_REVEAL_ALL, (now, now))

    def bury(self, message: Message, *, reason: str) -> None:
        """Deliver no more, but keep the message for a replay. Only the newest delivery can."""
        with self._database.write() as rows:
            if rows.execute(_DELETE, _delivery(message)).rowcount:
                rows.execute(_BURY, (message.id, message.body, reason, self._now()))

    def buried(self, *, limit: int = 100) -> list[Buried]:
        """List the messages that are kept, the oldest first."""
        found = self._database.read(_BURIED, (limit,))
        return [Buried(id=id_, body=body, reason=reason) for id_, body, reason in found]

    def exhume(self, message_id: str) -> bool:
        """Deliver a kept message again as if it were new; False when none is kept under that id."""
        with self._database.write() as rows:
            return _exhume(rows, message_id, self._now())

    def waiting(self) -> int:
        """Count the messages that are not yet acknowledged, hidden ones too."""
        return int(self._database.read(_COUNT)[0][0])

    def next_visible_s(self) -> float | None:
        """Return in how many seconds the next message can be received; None when there is none."""
        first = self._database.read(_FIRST_VISIBLE)[0][0]
        return None if first is None else max(0.0, float(first) - self._now())

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _delivery(message: Message) -> tuple[int, int]:
    seq, receives = message.receipt.split(":")
    return int(seq), int(receives)


def _exhume(rows: Connection, id_: str, now: float) -> bool:
    found = rows.execute(_DEAD, (id_,)).fetchone()
    if found is None:
        return False
    rows.execute(_SEND, (id_, found[0], now))
    rows.execute(_FORGET_DEAD, (id_,))
    return True
