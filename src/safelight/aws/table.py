"""The ledger's table: what CloudFormation and the tests make, what its items are called, and how they are read.

Keys and jobs share it, since a transaction covers a key and its job: `key/<bucket>/<key>` (lease, token, head) and
`job/<id>` (the record). Beside them are `days/<month>`, which tells on which days there are jobs of a status to list,
`kept/<id>` (a message that was given up, see `kept`) and `digest` (the mail in the making, see `parcels`).
"""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from safelight.aws.client import Client
from safelight.aws.faults import Refused
from safelight.errors import Busy
from safelight.job import Outcome, Status
from safelight.ports import KeyHead

SHARDS = 4
"""One partition of an index takes 1,000 writes a second; each job writes there thrice."""

BY_STATUS, BY_OWED = "by_status", "by_owed"
_READ = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["record", "attempts", "token"]}

DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "listed", "owed", "changed")
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": index,
            "KeySchema": [
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": "changed", "KeyType": "RANGE"},
            ],
            "Projection": _READ,
        }
        for index, partition in ((BY_STATUS, "listed"), (BY_OWED, "owed"))
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
"""As `CreateTable` and `AWS::DynamoDB::Table` both have it; the name is added by whoever makes it."""

TIME_TO_LIVE = {"AttributeName": "expires", "Enabled": True}
"""As `UpdateTimeToLive` and `TimeToLiveSpecification` have it."""

Values = dict[str, Any]


class Text(Struct, frozen=True):
    """DynamoDB's string."""

    S: str


class Number(Struct, frozen=True):
    """DynamoDB's number, which is text."""

    N: str


class KeyItem(Struct, frozen=True, kw_only=True):
    """The lease and the head of one key. `holder` is one claim's own mark, by which it knows itself again."""

    token: Number
    lease_until: Number = Number("0")
    holder: Text | None = None
    head_version: Text | None = None
    head_sequencer: Text | None = None

    @property
    def head(self) -> KeyHead | None:
        """Return the newest version that a worker has begun."""
        if self.head_version is None:
            return None
        sequencer = None if self.head_sequencer is None else self.head_sequencer.S
        return KeyHead(version=self.head_version.S, sequencer=sequencer)

    def next_token(self, now: float) -> int:
        """Return the token for a claim whose clock is not above the last one's.

        Raises:
            Busy: somebody holds the key.
        """
        until = float(self.lease_until.N)
        if until > now:
            raise Busy("another worker develops this key now", retry_after_s=until - now)
        return int(self.token.N) + 1


class JobItem(Struct, frozen=True, kw_only=True):
    """One job. `changed` orders all jobs; `owed` is there while somebody is to be told of its ending."""

    record: Text
    attempts: Number
    token: Number
    changed: Text
    owed: Text | None = None

    @property
    def outcome(self) -> Outcome:
        """Return the record with the attempts that the ledger counted."""
        return replace(_decode(self.record.S), attempts=int(self.attempts.N))


_decode = msgspec.json.Decoder(Outcome).decode


def key_pk(bucket: str, key: str) -> str:
    """Return the name of a key's item; at most 1,092 bytes, where DynamoDB allows 2,048."""
    return f"key/{bucket}/{key}"


def job_pk(job_id: str) -> str:
    """Return the name of a job's item."""
    return f"job/{job_id}"


def days_pk(month: str) -> str:
    """Return the name of the item that holds the days of a month, such as 2026-11."""
    return f"days/{month}"


def shard_of(job_id: str) -> str:
    """Return which shard of an index a job is in."""
    return str(sum(job_id.encode()) % SHARDS)


def listed_as(status: Status, day: str, shard: str) -> str:
    """Return the partition of `by_status` that holds such jobs."""
    return f"{status.value}#{day}#{shard}"


def changed_at(microseconds: int, job_id: str) -> str:
    """Return what orders jobs by the time of their last change; no two are equal."""
    return f"{microseconds:016d}#{job_id}"


def day_of(changed: str) -> str:
    """Return the day (UTC) of a last change."""
    return datetime.fromtimestamp(int(changed.partition("#")[0]) / 1e6, UTC).strftime("%Y-%m-%d")


def values(**given: str | float) -> Values:
    """Return values for an expression, under their names with a colon."""
    return {f":{name}": {"S": value} if isinstance(value, str) else {"N": repr(value)} for name, value in given.items()}


def reading(name: str, pk: str) -> Values:
    """Return what GetItem takes, to read an item of the table of this name as it is now."""
    return {"TableName": name, "Key": {"pk": {"S": pk}}, "ConsistentRead": True}


def updating(name: str, pk: str, expression: str, given: Values, condition: str = "") -> Values:
    """Return what UpdateItem and a transaction take, to change an item of the table of this name."""
    update: Values = {
        "TableName": name,
        "Key": {"pk": {"S": pk}},
        "UpdateExpression": expression,
        "ExpressionAttributeNames": names_in(expression, condition),
    }
    if given:
        update["ExpressionAttributeValues"] = given
    if condition:
        update["ConditionExpression"] = condition
    return update


def updated(client: Client, update: Values) -> bool:
    """Update an item while its condition holds, and return whether it did."""
    try:
        client.json("dynamodb", "UpdateItem", update, object)
    except Refused as err:
        if not unmet(err):
            raise
        return False
    return True


def unmet(err: Refused) -> bool:
    """Return whether a refusal says that an update's condition did not hold."""
    return err.refusal.code == "ConditionalCheckFailedException"


def names_in(*expressions: str) -> dict[str, str]:
    """Return the names that expressions hold, as `#name`: many plain ones are reserved words."""
    return {name: name[1:] for text in expressions for name in re.findall(r"#\w+", text)}
