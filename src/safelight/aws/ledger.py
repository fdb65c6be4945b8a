"""The ledger in one DynamoDB table.

A claim is one conditional write; what a claim does to its key and its job is one transaction, which holds only while
the claim's token is still the key's. Each write can be said twice (its answer may be lost): a claim knows itself again
by a mark of its own, a transaction by its request token.

Reads are consistent, but for lists (`jobs`, `unnotified`): their indexes follow within a second or so.

Source: Amazon DynamoDB developer guide, "Condition expressions", "Managing complex workflows with transactions".
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from safelight.aws import table
from safelight.aws.client import Client
from safelight.aws.faults import CONDITION, Refused
from safelight.aws.index import Index
from safelight.aws.table import JobItem, KeyItem, Text, Values, job_pk, key_pk, values
from safelight.errors import Busy, LostLease, Unavailable
from safelight.job import Job, Outcome, Status
from safelight.ports import Claim, KeyHead

CLAIM_TRIES = 5
RETENTION_S = 90 * 86_400
"""How long a key and a job are kept after their last change."""

_FREE = "attribute_not_exists(#token) OR (#lease_until <= :now AND #token < :token)"
_TAKE = "SET #token = :token, #lease_until = :until, #lease_job = :job, #holder = :holder, #expires = :expires"
_HELD = "#token = :token"
_END_LEASE = "SET #lease_until = :zero, #expires = :expires REMOVE #lease_job, #holder"
_KEEP_LEASE = "SET #expires = :expires"
_FREE_EARLY = "SET #lease_until = :zero REMOVE #lease_job, #holder"
_SET_HEAD = "SET #head_version = :version, #head_sequencer = :sequencer, #expires = :expires"
_SET_HEAD_ALONE = "SET #head_version = :version, #expires = :expires REMOVE #head_sequencer"
_SAVE = (
    "SET #record = :record, #status = :status, #token = :token, #changed = :changed, #listed = :listed, "
    "#expires = :expires, #attempts = "
)
_ONE_MORE = "if_not_exists(#attempts, :zero) + :one"
_AS_COUNTED = "if_not_exists(#attempts, :attempts)"
_NOT_ENDED_BY_US = "attribute_not_exists(#token) OR #token <> :token OR #status IN (:queued, :running)"
_AS_READ = "#changed = :seen"

_encode = msgspec.json.Encoder().encode


class _KeyAnswer(Struct):
    Attributes: KeyItem | None = None
    Item: KeyItem | None = None


class _JobAnswer(Struct):
    Item: JobItem | None = None


class DynamoLedger:
    """The jobs of one deployment.

    Args:
        client: how DynamoDB is reached.
        name: the table's name; `table.DEFINITION` says what it is.
        now: seconds since 1970; it times the leases.
        unique: gives a text that no other call was ever given, of at most 36 characters.
        retention_s: after which DynamoDB may forget what did not change.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        *,
        now: Callable[[], float],
        unique: Callable[[], str],
        retention_s: float = RETENTION_S,
    ) -> None:
        self._client = client
        self._name = name
        self._now = now
        self._unique = unique
        self._retention_s = retention_s
        self._index = Index(client, name, now, retention_s)
        self._last_change = 0
        self._held: dict[str, str] = {}

    def claim(self, job: Job, *, lease_s: float) -> Claim:
        """Lease the job's key."""
        upload = job.upload
        taken = self._take(job, lease_s)
        self._held[job.id] = key_pk(upload.bucket, upload.key)
        found = self._job(job.id)  # nobody else starts or ends it while we hold its key
        known = None if found is None else found.outcome
        return Claim(
            job_id=job.id,
            bucket=upload.bucket,
            key=upload.key,
            token=int(taken.token.N),
            head=taken.head,
            known=known,
            known_token=None if found is None else int(found.token.N),
            notified=known is not None and known.status.ended and found is not None and found.owed is None,
        )

    def start(self, claim: Claim, outcome: Outcome, head: KeyHead) -> None:
        """Record that the job runs, count the attempt, and make its version the key's head."""
        given = values(token=claim.token, version=head.version, expires=self._expires())
        if head.sequencer is not None:
            given |= values(sequencer=head.sequencer)
        set_head = self._update(
            key_pk(claim.bucket, claim.key), _SET_HEAD if head.sequencer is not None else _SET_HEAD_ALONE, given, _HELD
        )
        save = _SAVE + _ONE_MORE + " REMOVE #owed"
        job = self._update(job_pk(claim.job_id), save, self._saved(claim.token, outcome) | values(zero=0, one=1))
        self._transact(set_head, job)

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """Record how the job ended, and owe its notice or end the lease. A repeat changes nothing."""
        key, held = key_pk(claim.bucket, claim.key), values(token=claim.token, expires=self._expires())
        given = self._saved(claim.token, outcome)
        given |= values(attempts=outcome.attempts, queued=Status.QUEUED.value, running=Status.RUNNING.value)
        if outcome.owes_notice:
            lease = self._update(key, _KEEP_LEASE, held, _HELD)
            given |= values(owed=table.shard_of(claim.job_id))
            save = f"{_SAVE}{_AS_COUNTED}, #owed = :owed"
        else:
            lease = self._update(key, _END_LEASE, held | values(zero=0), _HELD)
            save = f"{_SAVE}{_AS_COUNTED} REMOVE #owed"
        self._transact(lease, self._update(job_pk(claim.job_id), save, given, _NOT_ENDED_BY_US))
        if not outcome.owes_notice:
            self._held.pop(claim.job_id, None)

    def release(self, claim: Claim) -> None:
        """End the lease early; the job stays as it is."""
        self._try(key_pk(claim.bucket, claim.key), _FREE_EARLY, values(token=claim.token, zero=0), _HELD)
        self._held.pop(claim.job_id, None)

    def abandon(self, job_id: str) -> None:
        """End the lease that this job's worker held, since that worker is known to be dead.

        No index leads from a job to its lease. What was claimed through this ledger it remembers, and a job that was
        started names its key; another process's claim that was not yet started is left to its end.
        """
        pk = self._held.pop(job_id, None)
        if pk is None and (found := self._job(job_id)):
            pk = key_pk(found.outcome.upload.bucket, found.outcome.upload.key)
        if pk is not None:
            self._try(pk, _FREE_EARLY, values(job=job_id, zero=0), "#lease_job = :job")

    def reopen(self, job_id: str) -> Outcome | None:
        """Put an ended job back to `queued`, so that its next message develops it again; None when it is unknown."""
        for _ in range(CLAIM_TRIES):
            found = self._job(job_id)
            if found is None or not found.outcome.status.ended:
                return None if found is None else found.outcome
            known = found.outcome
            queued = Outcome(
                id=known.id,
                status=Status.QUEUED,
                recipe=known.recipe,
                recipe_digest=known.recipe_digest,
                upload=known.upload,
                attempts=known.attempts,
            )
            given = self._saved(int(found.token.N), queued) | values(attempts=known.attempts, seen=found.changed.S)
            if self._try(job_pk(job_id), f"{_SAVE}{_AS_COUNTED} REMOVE #owed", given, _AS_READ):
                return queued
        raise Unavailable("the job changes all the time")

    def mark_notified(self, job_id: str, token: int) -> None:
        """Record that the notice of the ending that `token` made was handed over."""
        self._try(job_pk(job_id), "REMOVE #owed", values(token=token), "#token = :token AND attribute_exists(#owed)")

    def unnotified(self, *, limit: int = 100) -> list[tuple[Outcome, int]]:
        """List the endings whose notice is still owed, the oldest first, each with its token."""
        return [(item.outcome, int(item.token.N)) for item in self._index.owed(limit)]

    def get(self, job_id: str) -> Outcome | None:
        """Return the job, or None."""
        found = self._job(job_id)
        return None if found is None else found.outcome

    def head(self, bucket: str, key: str) -> KeyHead | None:
        """Return the key's head, or None when no worker ever began it."""
        found = self._key(key_pk(bucket, key))
        return None if found is None else found.head

    def jobs(self, *, status: Status | None = None, limit: int = 100, after: str | None = None) -> list[Outcome]:
        """List jobs, the one that changed last first; `after` is the id of the last one already seen."""
        before = None
        if after is not None:
            found = self._job(after)
            if found is None:
                return []
            before = found.changed.S
        statuses = tuple(Status) if status is None else (status,)
        return [item.outcome for item in self._index.jobs(statuses, before, limit)]

    def _take(self, job: Job, lease_s: float) -> KeyItem:
        """Write our token over that of a key that is free, and return the key as it is then."""
        pk, now, holder = key_pk(job.upload.bucket, job.upload.key), self._now(), self._unique()
        token = int(now * 1000)
        for _ in range(CLAIM_TRIES):
            given = values(
                token=token, now=now, until=now + lease_s, job=job.id, holder=holder, expires=self._expires()
            )
            update = self._update(pk, _TAKE, given, _FREE) | {"ReturnValues": "ALL_NEW"}
            try:
                taken = self._client.json("dynamodb", "UpdateItem", update, _KeyAnswer).Attributes
            except Refused as err:
                taken = self._lost(err, pk)
                if taken is None or taken.holder != Text(holder):
                    token = int(now * 1000) if taken is None else taken.next_token(now)
                    continue
            if taken is not None:
                return taken
        raise Busy("many workers want this key now", retry_after_s=1.0)

    def _lost(self, err: Refused, pk: str) -> KeyItem | None:
        """Return what a failed condition found in the way; it may be our own write, whose answer was lost."""
        if not table.unmet(err):
            raise err
        return self._key(pk)

    def _saved(self, token: int, outcome: Outcome) -> Values:
        """Return the values of `_SAVE`; the day is made known first, so that a list never misses the job."""
        changed = table.changed_at(self._change(), outcome.id)
        day, shard = table.day_of(changed), table.shard_of(outcome.id)
        self._index.note(outcome.status, day)
        return values(
            record=_encode(outcome).decode(),
            status=outcome.status.value,
            token=token,
            changed=changed,
            listed=table.listed_as(outcome.status, day, shard),
            expires=self._expires(),
        )

    def _change(self) -> int:
        """Return the time in microseconds; it grows with every call, also where the clock does not."""
        self._last_change = max(self._last_change + 1, int(self._now() * 1e6))
        return self._last_change

    def _expires(self) -> int:
        return int(self._now() + self._retention_s)

    def _update(self, pk: str, expression: str, given: Values, condition: str = "") -> Values:
        return table.updating(self._name, pk, expression, given, condition)

    def _try(self, pk: str, expression: str, given: Values, condition: str) -> bool:
        """Update an item while a condition holds, and return whether it did."""
        return table.updated(self._client, self._update(pk, expression, given, condition))

    def _transact(self, key: Values, job: Values) -> None:
        """Do both or neither; nothing is done when the job is as it should be already."""
        items = {"TransactItems": [{"Update": key}, {"Update": job}], "ClientRequestToken": self._unique()}
        try:
            self._client.json("dynamodb", "TransactWriteItems", items, object)
        except Refused as err:
            if CONDITION not in err.refusal.reasons:
                raise
            if err.refusal.reasons[0] == CONDITION:
                raise LostLease("another worker has taken this key over since") from err

    def _key(self, pk: str) -> KeyItem | None:
        return self._client.json("dynamodb", "GetItem", table.reading(self._name, pk), _KeyAnswer).Item

    def _job(self, job_id: str) -> JobItem | None:
        return self._client.json("dynamodb", "GetItem", table.reading(self._name, job_pk(job_id)), _JobAnswer).Item
