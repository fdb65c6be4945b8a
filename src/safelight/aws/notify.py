"""The notifier on SNS: a mail for people, the job as JSON for machines, attributes for filter policies.

Source: Amazon SNS API reference, Publish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from safelight.aws.client import Client
from safelight.job import Outcome
from safelight.mail import Kind, Sender, compose, kind_of

MAX_BYTES = 262_144
"""Of a message with all its forms and attributes."""
_ROOM = 8_192
"""Left for attributes and subject, and for the JSON around the forms."""
_MACHINES = ("sqs", "lambda", "https")

_encode = msgspec.json.Encoder().encode


class Notice(Struct, frozen=True, kw_only=True):
    """What is published: a subject, its forms by `MessageStructure` json, and attributes for filter policies.

    An attribute of several texts meets a policy by any of them.
    """

    subject: str
    message: str
    attributes: Mapping[str, str | Sequence[str]]


class SnsNotifier:
    """Tells people through one topic; SNS sends the mails.

    `message_id` goes along as an attribute, so that a machine can tell a repeat; a person may get the same mail twice,
    when a function died between sending and recording. SNS sends at once: a digest is made by a function of its own.

    Args:
        client: how SNS is reached.
        topic: its ARN; None tells nobody.
        on: which endings are told, as `notify.on` has it; the recipients are the topic's subscriptions.
        sender: in whose name mails are.
        collected: nothing is sent here, and what is wanted stays owed: the digest's function tells it.
    """

    def __init__(
        self, client: Client, topic: str | None, on: Sequence[Kind], sender: Sender, *, collected: bool = False
    ) -> None:
        self._client = client
        self._topic = topic
        self._on = on
        self._sender = sender
        self._collected = collected

    def wants(self, outcome: Outcome) -> bool:
        """Return whether anybody is told of this ending."""
        return self._topic is not None and kind_of(outcome.status) in self._on

    def notify(self, outcome: Outcome, *, message_id: str) -> bool:
        """Hand over one notice if `notify.on` asks for it, or leave it to the digest.

        Raises:
            SafelightError: it could not be handed over; `Unavailable`, or `ResourceMissing` where the topic is gone.
        """
        if self._topic is None or not self.wants(outcome):
            return False
        if self._collected:
            return True
        mail = compose(self._sender, [outcome])
        attributes = {"status": outcome.status.value, "recipe": outcome.recipe, "message_id": message_id}
        notice = Notice(subject=mail.subject, message=forms(mail.body, outcome), attributes=attributes)
        publish(self._client, self._topic, notice)
        return False


def publish(client: Client, topic: str, notice: Notice) -> None:
    """Hand a notice over to a topic.

    Raises:
        SafelightError: as `SnsNotifier.notify`.
    """
    fields = {
        "Action": "Publish",
        "Version": "2010-03-31",
        "TopicArn": topic,
        "Subject": notice.subject,
        "MessageStructure": "json",
        "Message": notice.message,
    }
    for number, (name, value) in enumerate(notice.attributes.items(), 1):
        entry, one = f"MessageAttributes.entry.{number}", isinstance(value, str)
        fields[f"{entry}.Name"] = name
        fields[f"{entry}.Value.DataType"] = "String" if one else "String.Array"
        fields[f"{entry}.Value.StringValue"] = str(value) if one else _encode(value).decode()
    client.form("sns", fields)


def forms(text: str, outcome: Outcome) -> str:
    """Return the message as `MessageStructure` json: `default` for people, the job for machines.

    A job with so many renditions that SNS would not take the message goes without their list, which the ledger has.
    """
    found = both_forms(text, _encode(readable(outcome)).decode())
    return found if fits(found) else both_forms(text, _encode(shortened(outcome)).decode())


def both_forms(text: str, machine: str) -> str:
    """Return a message's text for people and another for machines, as `MessageStructure` json."""
    return _encode({"default": text, **dict.fromkeys(_MACHINES, machine)}).decode()


def fits(message: str) -> bool:
    """Return whether SNS takes a message of this size, with room for what stands beside it."""
    return len(message.encode()) <= MAX_BYTES - _ROOM


def shortened(outcome: Outcome) -> Outcome:
    """Return the job as everybody sees it, without its outputs."""
    return readable(msgspec.structs.replace(outcome, renditions=()))


def readable(outcome: Outcome) -> Outcome:
    """Return the job as everybody sees it; a key that is no Unicode (of a folder) has its odd bytes replaced."""
    upload = outcome.upload
    key = upload.key.encode("utf-8", "replace").decode()
    return msgspec.structs.replace(outcome, upload=msgspec.structs.replace(upload, key=key))
