"""What a job uses of AWS, in units that AWS bills; each is called as its price in `deploy/prices.toml`.

Source: Amazon DynamoDB developer guide, "Capacity unit consumption for write operations" and "Write considerations for
secondary indexes"; Amazon SQS and Amazon SNS pricing (requests of up to 64 KB).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

Units = dict[str, float]

MESSAGE: Mapping[str, float] = {"lambda_request": 1, "event": 1, "sqs_request": 3}
"""What an upload's message costs before anything is developed: EventBridge sends it, Lambda receives and deletes it."""

ATTRIBUTES_BYTES = 230
"""What a job's item holds beside its record: names and values of the other attributes."""

LOG_BYTES = 2_400
"""Two lines and the metrics of a job, and Lambda's own three of the invocation, each with CloudWatch's 26 bytes."""


def write_units(record_bytes: int) -> int:
    """Return what one write of a job's item takes, or one of its entry in an index: each 1 KiB that is begun."""
    return ceil((record_bytes + ATTRIBUTES_BYTES) / 1024)


def so_far(calls: Mapping[str, int]) -> Units:
    """Return the units of the calls that a job makes before its ending is written, and of its log.

    A start writes a key's head and the job, twice each since it is a transaction, and the job's entry in one index;
    what is known then fits into 1 KiB.

    Args:
        calls: how many there were of each: DynamoDB's actions, `get` and `put` of S3.
    """
    return {
        "dynamodb_write": calls.get("UpdateItem", 0) + calls.get("TransactWriteItems", 0) * 5,
        "dynamodb_read": calls.get("GetItem", 0),
        "s3_get": calls.get("get", 0),
        "s3_put": calls.get("put", 0),
        "log_gb": LOG_BYTES / 1e9,
    }


def still_to_come(record_bytes: int, *, owes_notice: bool) -> Units:
    """Return the units of writing the ending, telling of it and giving the key back.

    The ending takes the job's entry out of one place of an index and makes it in another, and one in the index of
    notices that are owed. When it was told, the job and that entry are written again, and the lease ends.
    """
    written = write_units(record_bytes)
    ending = 2 + 2 * written + (1 + written)
    return {"dynamodb_write": ending + (written + 2 * written + 1 if owes_notice else 0)}


def total(*parts: Mapping[str, float]) -> Units:
    """Add units up."""
    found: Units = {}
    for part in parts:
        for name, count in part.items():
            found[name] = found.get(name, 0) + count
    return found


def usd(units: Mapping[str, float], rates: Mapping[str, float]) -> float:
    """Return what units cost, each at its rate in dollars; what has no rate is free."""
    return sum(count * rates.get(name, 0) for name, count in units.items())
