"""The ledger in the project's SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from sqlite3 import Connection

import msgspec
from msgspec.structs import replace

from safelight.errors import Busy, LostLease
from safelight.job import DELETED, Job, Outcome, Status
from safelight.local.database import Database
from safelight.ports import Claim, KeyHead

_KEY = "SELECT token, lease_until, head_version, head_sequencer FROM keys WHERE bucket = ? AND key = ?"
_CLAIM = """
    INSERT INTO keys (bucket, key, token, lease_until, lease_job) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (bucket, key) DO UPDATE
    SET token = excluded.token, lease_until = excluded.lease_until, lease_job = excluded.lease_job"""
_SET_HEAD = "UPDATE keys SET head_version = ?, head_sequencer = ? WHERE bucket = ? AND key = ?"
_BEGUN = """
    SELECT key FROM keys WHERE bucket = :bucket AND key = :key AND head_version NOT GLOB :deleted
    UNION ALL
    SELECT key FROM keys WHERE bucket = :bucket AND key > :key || '/' AND key < :key || '0'
    AND head_version NOT GLOB :deleted"""  # 0 is the character after /
_SEEN = "SELECT key FROM keys WHERE bucket = ? AND place = ? AND head_version NOT GLOB ?"
_SEE = "UPDATE keys SET place = ? WHERE bucket = ? AND key = ?"
_END_LEASE = "UPDATE keys SET lease_until = 0, lease_job = NULL WHERE bucket = ? AND key = ? AND token = ?"
_ABANDON = "UPDATE keys SET lease_until = 0, lease_job = NULL WHERE lease_job = ?"
_END_ALL_LEASES = "UPDATE keys SET lease_until = 0, lease_job = NULL WHERE lease_until > 0"
_JOB = "SELECT record, owed, status, token, attempts FROM jobs WHERE id = ?"
_SAVE = """
    INSERT INTO jobs (id, bucket, key, status, record, attempts, token, owed, changed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(changed), 0) + 1 FROM jobs))
    ON CONFLICT (id) DO UPDATE
    SET status = excluded.status, record = excluded.record, attempts = excluded.attempts, token = excluded.token,
        owed = excluded.owed, changed = excluded.changed"""
_REOPEN = """
    UPDATE jobs SET status = ?, record = ?, owed = 0, changed = (SELECT max(changed) + 1 FROM jobs) WHERE id = ?"""
_MARK_NOTIFIED = "UPDATE jobs SET owed = 0 WHERE id = ? AND token = ?"
_UNNOTIFIED = "SELECT record, token FROM jobs WHERE owed = 1 ORDER BY changed LIMIT ?"
_CHANGED = "SELECT changed FROM jobs WHERE id = ?"
_LIST = "SELECT record FROM jobs WHERE changed < ? ORDER BY changed DESC LIMIT ?"
_LIST_STATUS = "SELECT record FROM jobs WHERE status = ? AND changed < ? ORDER BY changed DESC LIMIT ?"
_LIKE = "SELECT record FROM jobs WHERE id >= ? AND id < ? ORDER BY id LIMIT 2"
_COUNT = "SELECT status, count(*) FROM jobs GROUP BY status"
_NEWEST = 2**63 - 1
_AFTER_ALL = "~"
"""Above every letter and digit of an id."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Outcome).decode


class SqliteLedger:
    """The jobs of one project.

    Args:
        path: the project's database, or `:memory:`.
        now: seconds since 1970; it times the leases.
    """

    def __init__(self, path: Path | str, now: Callable[[], float]) -> None:
        self._database = Database(path)
        self._now = now

    def claim(self, job: Job, *, lease_s: float) -> Claim:
        """Lease the job's key."""
        bucket, key, now = job.upload.bucket, job.upload.key, self._now()
        with self._database.write() as rows:
            token, lease_until, *head = rows.execute(_KEY, (bucket, key)).fetchone() or (0, 0.0, None, None)
            if lease_until > now:
                raise Busy("another worker develops this key now", retry_after_s=lease_until - now)
            token = max(token + 1, int(now * 1000))
            rows.execute(_CLAIM, (bucket, key, token, now + lease_s, job.id))
            record, owed, _, known_token, _ = rows.execute(_JOB, (job.id,)).fetchone() or (None, 0, None, None, 0)
        known = None if record is None else _decode(record)
        return Claim(
            job_id=job.id,
            bucket=bucket,
            key=key,
            token=token,
            head=_head(*head),
            known=known,
            known_token=known_token,
            notified=known is not None and known.status.ended and not owed,
        )

    def start(self, claim: Claim, outcome: Outcome, head: KeyHead) -> None:
        """Record that the job runs, count the attempt, and make its version the key's head."""
        with self._database.write() as rows:
            _check(rows, claim)
            known = rows.execute(_JOB, (claim.job_id,)).fetchone()
            _save(rows, claim, replace(outcome, attempts=known[4] + 1 if known else 1))
            rows.execute(_SET_HEAD, (head.version, head.sequencer, claim.bucket, claim.key))

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """Record how the job ended, and owe a notice for it; where none is owed, end the lease."""
        with self._database.write() as rows:
            _check(rows, claim)
            known = rows.execute(_JOB, (claim.job_id,)).fetchone()
            if known and known[3] == claim.token and Status(known[2]).ended:
                return
            _save(rows, claim, replace(outcome, attempts=known[4]) if known else outcome)
            if not outcome.owes_notice:
                rows.execute(_END_LEASE, (claim.bucket, claim.key, claim.token))

    def release(self, claim: Claim) -> None:
        """End the lease early; the job stays as it is."""
        with self._database.write() as rows:
            rows.execute(_END_LEASE, (claim.bucket, claim.key, claim.token))

    def abandon(self, job_id: str) -> None:
        """End the lease that this job's worker held, since that worker is known to be dead."""
        with self._database.write() as rows:
            rows.execute(_ABANDON, (job_id,))

    def reopen(self, job_id: str) -> Outcome | None:
        """Put an ended job back to `queued`, so that its next message develops it again; None when it is unknown."""
        with self._database.write() as rows:
            found = rows.execute(_JOB, (job_id,)).fetchone()
            if found is None:
                return None
            known = _decode(found[0])
            if not known.status.ended:
                return known
            queued = Outcome(
                id=known.id,
                status=Status.QUEUED,
                recipe=known.recipe,
                recipe_digest=known.recipe_digest,
                upload=known.upload,
                attempts=known.attempts,
            )
            rows.execute(_REOPEN, (queued.status.value, _encode(queued).decode(), job_id))
            return queued

    def release_all(self) -> None:
        """End every lease; only for who knows that no worker lives, as a service that has just locked the project."""
        with self._database.write() as rows:
            rows.execute(_END_ALL_LEASES)

    def mark_notified(self, job_id: str, token: int) -> None:
        """Record that the notice of the ending that `token` made was handed over."""
        with self._database.write() as rows:
            rows.execute(_MARK_NOTIFIED, (job_id, token))

    def unnotified(self, *, limit: int = 100) -> list[tuple[Outcome, int]]:
        """List the endings whose notice is still owed, the oldest first, each with its token."""
        return [(_decode(record), token) for record, token in self._database.read(_UNNOTIFIED, (limit,))]

    def get(self, job_id: str) -> Outcome | None:
        """Return the job, or None."""
        found = self._database.read(_JOB, (job_id,))
        return _decode(found[0][0]) if found else None

    def head(self, bucket: str, key: str) -> KeyHead | None:
        """Return the key's head, or None when no worker ever began it."""
        found = self._database.read(_KEY, (bucket, key))
        return _head(*found[0][2:]) if found else None

    def begun(self, bucket: str, key: str) -> list[str]:
        """List the keys at `key` and below it, as if it were a folder, that a worker began and no removal ended."""
        given = {"bucket": bucket, "key": key, "deleted": DELETED + "*"}
        return [found for (found,) in self._database.read(_BEGUN, given)]

    def see(self, bucket: str, keys: Iterable[str], place: str) -> None:
        """Record that the originals of these keys were seen in a place; a key that nobody claimed is left out."""
        with self._database.write() as rows:
            rows.executemany(_SEE, [(place, bucket, key) for key in keys])

    def seen(self, bucket: str, place: str) -> set[str]:
        """Return the keys whose originals were seen in a place and are not known to be deleted."""
        return {key for (key,) in self._database.read(_SEEN, (bucket, place, DELETED + "*"))}

    def jobs(self, *, status: Status | None = None, limit: int = 100, after: str | None = None) -> list[Outcome]:
        """List jobs, the one that changed last first; `after` is the id of the last one already seen."""
        before = _NEWEST
        if after is not None:
            found = self._database.read(_CHANGED, (after,))
            before = found[0][0] if found else 0
        if status is None:
            rows = self._database.read(_LIST, (before, limit))
        else:
            rows = self._database.read(_LIST_STATUS, (status.value, before, limit))
        return [_decode(record) for (record,) in rows]

    def like(self, start: str) -> list[Outcome]:
        """List two jobs at most whose id begins so: the second one tells that there is no saying which is meant."""
        return [_decode(record) for (record,) in self._database.read(_LIKE, (start, start + _AFTER_ALL))]

    def counts(self) -> dict[Status, int]:
        """Count the jobs of each status that has any."""
        return {Status(status): count for status, count in self._database.read(_COUNT)}

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _head(version: str | None, sequencer: str | None) -> KeyHead | None:
    return None if version is None else KeyHead(version=version, sequencer=sequencer)


def _check(rows: Connection, claim: Claim) -> None:
    found = rows.execute(_KEY, (claim.bucket, claim.key)).fetchone()
    if found is None or found[0] != claim.token:
        raise LostLease("another worker has taken this key over since")


def _save(rows: Connection, claim: Claim, outcome: Outcome) -> None:
    status, record = outcome.status, _encode(outcome).decode()
    owed = outcome.owes_notice
    values = (claim.job_id, claim.bucket, claim.key, status.value, record, outcome.attempts, claim.token, owed)
    rows.execute(_SAVE, values)
