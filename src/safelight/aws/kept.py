"""Messages that were given up, kept in the ledger's table until somebody delivers them again or time forgets them.

The dead-letter function empties the dead-letter queue into here, since a queue forgets after 14 days and cannot be
looked through. A message is one item, `kept/<id>`; of a long one (SQS takes a million bytes, an item holds 400,000) the
further parts are items of their own. What is to be listed stands in the index by status, in a partition of its own.

Only GetItem, UpdateItem and Query are called.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from safelight.aws import table
from safelight.aws.client import Client
from safelight.aws.ledger import RETENTION_S
from safelight.aws.table import Number, Text, Values, names_in, values
from safelight.ports import Queue
from safelight.times import timestamp

PART_BYTES = 128_000
"""Of a body in one item, where DynamoDB takes 400 kB altogether; each kB is paid for with every update."""
SHOWN = 500
"""How many characters of a body one sees without fetching it."""
LISTED = "kept"

_PUT = "SET #body = :body, #expires = :expires"
_KEEP = "SET #record = :record, #body = :body, #parts = :parts, #changed = :changed, #expires = :expires"
_NOT_DONE = "attribute_not_exists(#done) OR #done <> :sent"
_DONE = "SET #done = :sent"
_THERE = "attribute_exists(#record)"


class KeptMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that was given up, without its body.

    `name` is the id that it had in the queue. `jobs` are those that it asks for: a replay of them makes it good. Where
    it could not be read, `problem` says why, and only delivering it again makes something of it.
    """

    id: str
    name: str
    reason: str
    kept_at: str
    size: int
    start: str
    jobs: tuple[str, ...] = ()
    problem: str = ""


class _Body(Struct, frozen=True):
    B: bytes = b""


class _Item(Struct):
    record: Text | None = None
    body: _Body = _Body()
    parts: Number = Number("1")


class _Answer(Struct):
    Item: _Item | None = None


class _Page(Struct):
    Items: tuple[_Item, ...] = ()
    LastEvaluatedKey: dict[str, Any] | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(KeptMessage).decode


def kept_id(name: str) -> str:
    """Return under which id a message is kept that has this id in its queue."""
    return "msg_" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def kept_message(name: str, body: bytes, *, reason: str, kept_at: float) -> KeptMessage:
    """Return what is known of a message as it comes from the dead-letter queue."""
    return KeptMessage(
        id=kept_id(name),
        name=name.encode("utf-8", "replace").decode(),
        reason=reason,
        kept_at=timestamp(kept_at),
        size=len(body),
        start=body[: 4 * SHOWN].decode("utf-8", "replace")[:SHOWN],
    )


class Kept:
    """The kept messages of one deployment.

    Args:
        client: how DynamoDB is reached.
        name: the ledger's table.
        now: seconds since 1970.
        retention_s: after which DynamoDB may forget a message.
    """

    def __init__(
        self, client: Client, name: str, *, now: Callable[[], float], retention_s: float = RETENTION_S
    ) -> None:
        self._client = client
        self._name = name
        self._now = now
        self._retention_s = retention_s

    def keep(self, message: KeptMessage, body: bytes, *, sent: str) -> bool:
        """Keep a message, whole when this returns, and list it where it could not be read.

        A repeat changes nothing; an earlier sending of the same message is replaced.

        Args:
            message: what is known of it.
            body: its body.
            sent: the queue's own mark of this sending.

        Returns:
            False where all was done for this sending before; it may have been delivered again since.
        """
        parts = [body[at : at + PART_BYTES] for at in range(0, len(body), PART_BYTES)] or [b""]
        for number, part in enumerate(parts[1:], 1):
            self._update(_pk(message.id, number), _PUT, self._bytes(part))
        given = self._bytes(parts[0]) | values(
            record=_encode(message).decode(),
            parts=len(parts),
            changed=table.changed_at(int(self._now() * 1e6), message.id),
            sent=sent,
        )
        if message.problem:
            return self._update(
                _pk(message.id), f"{_KEEP}, #listed = :listed", given | values(listed=LISTED), _NOT_DONE
            )
        return self._update(_pk(message.id), f"{_KEEP} REMOVE #listed", given, _NOT_DONE)

    def done(self, message_id: str, *, sent: str) -> None:
        """Record that all was done for this sending, so that a repeat of it need do nothing."""
        self._update(_pk(message_id), _DONE, values(sent=sent), _THERE)

    def unreadable(self, *, limit: int = 100) -> list[KeptMessage]:
        """List the messages that could not be read and were not delivered again, the latest first."""
        condition = "#listed = :listed"
        query: Values = {
            "TableName": self._name,
            "IndexName": table.BY_STATUS,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names_in(condition),
            "ExpressionAttributeValues": values(listed=LISTED),
            "ScanIndexForward": False,
            "Limit": max(limit, 1),
        }
        found: list[KeptMessage] = []
        start: Values = {}
        while True:
            page = self._client.json("dynamodb", "Query", query | start, _Page)
            found += (_decode(item.record.S) for item in page.Items if item.record)
            if not page.LastEvaluatedKey or len(found) >= limit:
                return found[:limit]
            start = {"ExclusiveStartKey": page.LastEvaluatedKey}

    def get(self, message_id: str) -> KeptMessage | None:
        """Return what is known of a message; None when none is kept under that id."""
        found = self._item(message_id)
        return None if found is None or found.record is None else _decode(found.record.S)

    def body(self, message_id: str) -> bytes | None:
        """Return the body of a message as it was sent; None when none is kept under that id."""
        found = self._item(message_id)
        if found is None or found.record is None:
            return None
        rest = [self._item(message_id, number) for number in range(1, int(found.parts.N))]
        return b"".join(part.body.B for part in (found, *rest) if part)

    def deliver(self, message_id: str, queue: Queue) -> bool:
        """Deliver a message again as if it were new, and list it no more; False when none is kept under that id.

        It stays kept until its time is over. After a crash in between it is still listed.
        """
        message, body = self.get(message_id), self.body(message_id)
        if message is None or body is None:
            return False
        queue.send(body, id=message.name)
        self._update(_pk(message_id), "REMOVE #listed", {}, _THERE)
        return True

    def _item(self, message_id: str, part: int = 0) -> _Item | None:
        return self._client.json("dynamodb", "GetItem", table.reading(self._name, _pk(message_id, part)), _Answer).Item

    def _update(self, pk: str, expression: str, given: Values, condition: str = "") -> bool:
        """Update an item while a condition holds, and return whether it did."""
        return table.updated(self._client, table.updating(self._name, pk, expression, given, condition))

    def _bytes(self, body: bytes) -> Values:
        return {":body": {"B": body}, **values(expires=int(self._now() + self._retention_s))}


def _pk(message_id: str, part: int = 0) -> str:
    return f"kept/{message_id}" + (f"/{part}" if part else "")
