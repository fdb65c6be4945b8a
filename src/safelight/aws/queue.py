"""The queue on SQS: a standard queue, and another one for the messages that are given up."""

import math
import re
from base64 import b64decode, b64encode
from typing import Any

from msgspec import Struct

from safelight.aws.client import Client
from safelight.aws.faults import Refused
from safelight.ports import Buried, Message

MAX_BATCH = 10
MAX_DELAY_S = 900
MAX_HIDDEN_S = 43_200
LOOK_S = 60
"""How long the messages that are kept are out of others' sight while one looks through them."""

UNKNOWN = "unknown"
"""The reason of a message that SQS itself put aside, after so many deliveries."""

_BASE64 = "base64"
_CODED_TYPE = "String.base64"
_NO_TEXT = re.compile("[\0-\x08\v\f\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What SQS takes in no text. Source: SQS API reference, SendMessage."""

_STALE = frozenset(
    ("ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidParameterValue", "InvalidParameterValueException")
)
"""How SQS says that a delivery is not the newest one any more, or that the message is gone. The last two it says of a
receipt that has run out; the other parameters are ours and in range."""


class _Attribute(Struct):
    StringValue: str = ""
    DataType: str = "String"


class _Received(Struct):
    MessageId: str
    ReceiptHandle: str
    Body: str
    Attributes: dict[str, str] = {}
    MessageAttributes: dict[str, _Attribute] = {}


class _Batch(Struct):
    Messages: tuple[_Received, ...] = ()


class SqsQueue:
    """The messages of one deployment.

    A standard queue keeps most of the contract, and differs where SQS knows less:
    - It knows no ids, so a message that is sent twice is delivered twice; the ledger finds the same job both times.
    - The receipt of an older delivery may still delete. Who deletes has done the work, so nothing is lost by it.
    - `bury` sends to the dead-letter queue and then deletes; after a crash in between there may be two of one id.
      `buried` shows the latest and `exhume` takes all of them.
      Where the function of dead letters empties that queue, there is nothing to find: what it took is in `kept`.
    - What a receive hands over is hidden also when the answer was lost on the way; it comes when its time is over.
    - `buried` and `exhume` have to receive everything that is kept, so two of them at once may each miss something.
    - Times are whole seconds, rounded up; a delay is at most 15 minutes and hiding at most 12 hours.

    Args:
        client: how SQS is reached.
        url: the queue.
        dead_url: where messages go that are given up.
        wait_s: how long a receive waits for a message; with 0 SQS asks only some of its servers and may find nothing.
    """

    def __init__(self, client: Client, url: str, dead_url: str, *, wait_s: int = 1) -> None:
        self._client = client
        self._url = url
        self._dead_url = dead_url
        self._wait_s = wait_s

    def send(self, body: bytes, *, id: str, delay_s: float = 0) -> None:  # noqa: A002 - the field's word
        """Add a message."""
        self._send(self._url, body, delay_s=delay_s, id=id)

    def receive(self, limit: int, *, visible_again_s: float) -> list[Message]:
        """Take up to `limit` messages and hide them for a while; at most 10 at once, since that is SQS's limit."""
        found = self._receive(self._url, min(limit, MAX_BATCH), visible_again_s)
        return [
            Message(
                id=_id(each),
                body=_body(each),
                receives=int(each.Attributes.get("ApproximateReceiveCount", "1")),
                receipt=each.ReceiptHandle,
            )
            for each in found
        ]

    def delete(self, message: Message) -> None:
        """Acknowledge."""
        self._delete(self._url, message.receipt)

    def release(self, message: Message, *, delay_s: float) -> None:
        """Hand back: visible again after `delay_s`."""
        self._reveal(self._url, message.receipt, delay_s)

    def bury(self, message: Message, *, reason: str) -> None:
        """Deliver no more, but keep the message for a replay."""
        if self._reveal(self._url, message.receipt, LOOK_S):  # only who has the newest delivery may
            self._send(self._dead_url, message.body, id=message.id, reason=reason)
            self._delete(self._url, message.receipt)

    def buried(self, *, limit: int = 100) -> list[Buried]:
        """List the messages that are kept, the latest of each id."""
        found = self._look()
        self._end_look(found)
        latest = {_id(each): each for each in sorted(found, key=_sent_at)}
        kept = [
            Buried(id=id_, body=_body(each), reason=_attribute(each, "reason") or UNKNOWN)
            for id_, each in latest.items()
        ]
        return kept[:limit]

    def exhume(self, message_id: str) -> bool:
        """Deliver a kept message again as if it were new; False when none is kept under that id."""
        found = self._look()
        wanted = sorted((each for each in found if _id(each) == message_id), key=_sent_at)
        if wanted:
            self.send(_body(wanted[-1]), id=message_id)
        for each in wanted:
            self._delete(self._dead_url, each.ReceiptHandle)
        self._end_look([each for each in found if each not in wanted])
        return bool(wanted)

    def _look(self) -> list[_Received]:
        """Receive all messages that are kept; nobody else can until `_end_look`, or a minute later."""
        found: list[_Received] = []
        while batch := self._receive(self._dead_url, MAX_BATCH, LOOK_S):
            found += batch
        return found

    def _end_look(self, found: list[_Received]) -> None:
        for each in found:
            self._reveal(self._dead_url, each.ReceiptHandle, 0)

    def _send(self, url: str, body: bytes, *, delay_s: float = 0, **attributes: str) -> None:
        text = _as_text(body)
        if text is None:
            text = _coded(body) or "\n"  # SQS takes no empty body
            attributes["encoding"] = _BASE64
        fields = {
            "QueueUrl": url,
            "MessageBody": text,
            "DelaySeconds": min(math.ceil(delay_s), MAX_DELAY_S),
            "MessageAttributes": {name: _value(value) for name, value in attributes.items() if value},
        }
        self._client.json("sqs", "SendMessage", fields, object)

    def _receive(self, url: str, limit: int, hidden_s: float) -> tuple[_Received, ...]:
        fields = {
            "QueueUrl": url,
            "MaxNumberOfMessages": limit,
            "VisibilityTimeout": min(math.ceil(hidden_s), MAX_HIDDEN_S),
            "WaitTimeSeconds": self._wait_s,
            "MessageAttributeNames": ["All"],
            "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
        }
        return self._client.json("sqs", "ReceiveMessage", fields, _Batch).Messages

    def _delete(self, url: str, receipt: str) -> None:
        self._try("DeleteMessage", {"QueueUrl": url, "ReceiptHandle": receipt})

    def _reveal(self, url: str, receipt: str, delay_s: float) -> bool:
        hidden_s = min(math.ceil(delay_s), MAX_HIDDEN_S)
        fields = {"QueueUrl": url, "ReceiptHandle": receipt, "VisibilityTimeout": hidden_s}
        return self._try("ChangeMessageVisibility", fields)

    def _try(self, action: str, fields: dict[str, Any]) -> bool:
        try:
            self._client.json("sqs", action, fields, object)
        except Refused as err:
            if err.refusal.code not in _STALE:
                raise
            return False
        return True


def _as_text(body: bytes) -> str | None:
    """Return a body as SQS takes it; None when it does not."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if text and not _NO_TEXT.search(text) else None


def _coded(plain: bytes) -> str:
    return b64encode(plain).decode()


def _value(text: str) -> dict[str, str]:
    """Return an attribute's value; one that SQS does not take goes in base64, and its type says so."""
    if not _NO_TEXT.search(text):
        return {"DataType": "String", "StringValue": text}
    return {"DataType": _CODED_TYPE, "StringValue": _coded(text.encode("utf-8", "surrogatepass"))}


def _attribute(found: _Received, name: str) -> str:
    """Return an attribute of ours as `send` got it; empty when there is none."""
    value = found.MessageAttributes.get(name, _Attribute())
    return attribute(value.StringValue, value.DataType)


def attribute(text: str, kind: str) -> str:
    """Return an attribute's value as it was sent; a foreign one that is not what its type says is taken as it is."""
    if kind != _CODED_TYPE:
        return text
    try:
        return b64decode(text).decode("utf-8", "surrogatepass")
    except ValueError:
        return text


def decoded(body: str, encoding: str) -> bytes:
    """Return a message's body as it was sent.

    Raises:
        ValueError: it is not what its attribute `encoding` says.
    """
    return b64decode(body) if encoding == _BASE64 else body.encode()


def _body(found: _Received) -> bytes:
    return decoded(found.Body, _attribute(found, "encoding"))


def _id(found: _Received) -> str:
    return _attribute(found, "id") or found.MessageId  # S3 and EventBridge give none


def _sent_at(found: _Received) -> int:
    return int(found.Attributes.get("SentTimestamp", "0"))
