"""The notifier on SNS: a mail for people, the job as JSON for machines, attributes for filter policies.

Source: Amazon SNS API reference, Publish.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from safelight.aws.client import Client
from safelight.job import Outcome
from safelight.mail import Kind, compose, kind_of

MAX_BYTES = 262_144
"""Of a message with all its forms and attributes."""
_ROOM = 8_192
"""Left for attributes and subject, and for the JSON around the forms."""
_MACHINES = ("sqs", "lambda", "https")

_encode = msgspec.json.Encoder().encode


class SnsNotifier:
    """Tells people through one topic; SNS sends the mails.

    `message_id` goes along as an attribute, so that a machine can tell a repeat; a person may get the same mail twice,
    when a function died between sending and recording. `notify.digest` is not for this notifier: SNS sends at once.

    Args:
        client: how SNS is reached.
        topic: its ARN; None tells nobody.
        on: which endings are told, as `notify.on` has it; the recipients are the topic's subscriptions.
        project: the name that mails carry.
    """

    def __init__(self, client: Client, topic: str | None, on: Sequence[Kind], project: str) -> None:
        self._client = client
        self._topic = topic
        self._on = on
        self._project = project

    def notify(self, outcome: Outcome, *, message_id: str) -> None:
        """Hand over one notice if `notify.on` asks for it.

        Raises:
            SafelightError: it could not be handed over; `Unavailable`, or `ResourceMissing` where the topic is gone.
        """
        kind = kind_of(outcome.status)
        if self._topic is None or kind is None or kind not in self._on:
            return
        mail = compose(self._project, [outcome])
        fields = {
            "Action": "Publish",
            "Version": "2010-03-31",
            "TopicArn": self._topic,
            "Subject": mail.subject,
            "MessageStructure": "json",
            "Message": forms(mail.body, outcome),
        }
        attributes = {"status": outcome.status.value, "recipe": outcome.recipe, "message_id": message_id}
        for number, (name, value) in enumerate(attributes.items(), 1):
            entry = f"MessageAttributes.entry.{number}"
            fields[f"{entry}.Name"] = name
            fields[f"{entry}.Value.DataType"] = "String"
            fields[f"{entry}.Value.StringValue"] = value
        self._client.form("sns", fields)


def forms(text: str, outcome: Outcome) -> str:
    """Return the message as `MessageStructure` json: `default` for people, the job for machines.

    A job with so many renditions that SNS would not take the message goes without their list, which the ledger has.
    """
    job = _job(outcome)
    found = _forms(text, job)
    if len(found.encode()) > MAX_BYTES - _ROOM:
        job = _job(msgspec.structs.replace(outcome, renditions=()))
        found = _forms(text, job)
    return found


def _forms(text: str, job: str) -> str:
    return _encode({"default": text, **dict.fromkeys(_MACHINES, job)}).decode()


def _job(outcome: Outcome) -> str:
    """Return the job as everybody sees it; a key that is no Unicode (of a folder) has its odd bytes replaced."""
    upload = outcome.upload
    key = upload.key.encode("utf-8", "replace").decode()
    return _encode(msgspec.structs.replace(outcome, upload=msgspec.structs.replace(upload, key=key))).decode()
