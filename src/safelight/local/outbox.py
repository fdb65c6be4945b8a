"""Notices that are owed: kept until their mail was accepted, so that neither a crash nor a dead server loses one."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from safelight.job import Outcome
from safelight.local.database import Database
from safelight.mail import Kind

KEEP_S = 30 * 86_400

Kinds = tuple[Kind, Kind]
"""What a mail holds; one kind alone is written twice, as the statements take two."""

_ADD = "INSERT INTO outbox (message_id, kind, outcome, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_WAITING = "SELECT min(created_at), max(created_at) FROM outbox WHERE mail IS NULL AND kind IN (?, ?)"
_LAST = "SELECT made_at, gap_s FROM mails WHERE subject = ? ORDER BY made_at DESC LIMIT 1"
_BLOCKED = "SELECT 1 FROM mails WHERE subject = ? AND sent_at IS NULL AND refused = 0 LIMIT 1"
_IDS = "SELECT message_id FROM outbox WHERE mail IS NULL AND kind IN (?, ?) ORDER BY message_id"
_MAKE = "INSERT INTO mails (id, subject, made_at, gap_s, next_try_at) VALUES (?, ?, ?, ?, ?)"
_GROUP = "UPDATE outbox SET mail = ? WHERE mail IS NULL AND kind IN (?, ?)"
_FORGET_NOTICES = "DELETE FROM outbox WHERE mail IN (SELECT id FROM mails WHERE sent_at < ?)"
_FORGET_MAILS = "DELETE FROM mails WHERE sent_at < ?"
_DUE = """
    SELECT id, made_at, tries, settled FROM mails
    WHERE sent_at IS NULL AND next_try_at <= ? ORDER BY made_at, subject"""
_OUTCOMES = "SELECT rowid, outcome FROM outbox WHERE mail = ? AND rowid > ? ORDER BY rowid LIMIT 500"
_BEGIN_TRY = "UPDATE mails SET tries = tries + 1, next_try_at = ? WHERE id = ?"
_POSTPONE = "UPDATE mails SET next_try_at = ?, settled = ?, refused = ? WHERE id = ?"
_SENT = "UPDATE mails SET sent_at = ?, settled = ? WHERE id = ?"
_NEXT_TRY = "SELECT min(next_try_at) FROM mails WHERE sent_at IS NULL"


class Waiting(Struct, frozen=True, kw_only=True):
    """Notices that are in no mail yet, and the mail about the same subject that was made last."""

    first_at: float
    last_at: float
    last_mail_at: float = 0
    gap_s: float = 0
    blocked: bool = False
    """Whether that mail still waits for the server: what comes meanwhile goes into one mail after it."""

    @property
    def gap_ends_at(self) -> float:
        """The time before which no further mail about this subject may be made."""
        return self.last_mail_at + self.gap_s


class Parcel(Struct, frozen=True, kw_only=True):
    """A mail to be sent: a fixed group of notices. `id` is a hash of their message ids."""

    id: str
    made_at: float
    tries: int
    settled: tuple[str, ...] = ()


class Outbox:
    """The notices and mails of one project; several threads and processes may use it.

    `subject` is what a mail is about: `success`, `failure`, or `digest` for both. Methods raise what `Database` does.

    Args:
        path: the project's database, or `:memory:`.
    """

    def __init__(self, path: Path | str) -> None:
        self._database = Database(path)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def add(self, message_id: str, kind: Kind, outcome: Outcome, now: float) -> None:
        """Keep a notice; one with the same id is left as it is."""
        # json, not msgspec.json: a file's name may hold bytes that are no UTF-8; in a key they are lone surrogates.
        text = json.dumps(msgspec.to_builtins(outcome))
        with self._database.write() as rows:
            rows.execute(_ADD, (message_id, kind, text, now))

    def waiting(self, subject: str, kinds: Kinds) -> Waiting | None:
        """Return what waits to be put into a mail, or None."""
        first_at, last_at = self._database.read(_WAITING, kinds)[0]
        if first_at is None:
            return None
        last_mail_at, gap_s = next(iter(self._database.read(_LAST, (subject,))), (0, 0))
        return Waiting(
            first_at=first_at,
            last_at=last_at,
            last_mail_at=last_mail_at,
            gap_s=gap_s,
            blocked=bool(self._database.read(_BLOCKED, (subject,))),
        )

    def make(self, subject: str, kinds: Kinds, now: float, gap_s: float) -> None:
        """Put everything that waits into one mail, durably, before any of it is sent; forget what was sent long ago."""
        with self._database.write() as rows:
            ids = [row[0] for row in rows.execute(_IDS, kinds)]
            if ids:
                mail = hashlib.sha256("\0".join(ids).encode()).hexdigest()[:40]
                rows.execute(_MAKE, (mail, subject, now, gap_s, now))
                rows.execute(_GROUP, (mail, *kinds))
            rows.execute(_FORGET_NOTICES, (now - KEEP_S,))
            rows.execute(_FORGET_MAILS, (now - KEEP_S,))

    def due(self, now: float) -> list[Parcel]:
        """Return the mails to be sent now, oldest first."""
        return [
            Parcel(id=mail, made_at=made_at, tries=tries, settled=tuple(json.loads(settled)))
            for mail, made_at, tries, settled in self._database.read(_DUE, (now,))
        ]

    def outcomes(self, parcel: Parcel) -> Iterator[Outcome]:
        """Yield what the mail tells, in the order in which it was handed over."""
        last = 0
        while page := self._database.read(_OUTCOMES, (parcel.id, last)):
            last = page[-1][0]
            yield from (msgspec.convert(json.loads(text), Outcome) for _, text in page)

    def begin_try(self, parcel: Parcel, next_try_at: float) -> None:
        """Record a try before it is made: neither a crash nor a full disk may let tries follow one another fast."""
        with self._database.write() as rows:
            rows.execute(_BEGIN_TRY, (next_try_at, parcel.id))

    def postpone(self, parcel: Parcel, next_try_at: float, settled: Sequence[str], *, refused: bool) -> None:
        """Record that somebody still has to get the mail; a `refused` one no longer holds up those after it."""
        with self._database.write() as rows:
            rows.execute(_POSTPONE, (next_try_at, json.dumps(settled), refused, parcel.id))

    def sent(self, parcel: Parcel, now: float, settled: Sequence[str]) -> None:
        """Record that the mail is done."""
        with self._database.write() as rows:
            rows.execute(_SENT, (now, json.dumps(settled), parcel.id))

    def next_try_at(self) -> float | None:
        """Return when the next mail that was made is to be sent, or None."""
        found: float | None = self._database.read(_NEXT_TRY)[0][0]
        return found
