"""What the owner hears of messages that could not be read: which one, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from safelight.aws.client import Client
from safelight.aws.kept import KeptMessage
from safelight.aws.notify import Notice, both_forms, publish
from safelight.figures import size_text
from safelight.mail import MAX_SUBJECT, Sender, field, shown, wrap

_encode = msgspec.json.Encoder().encode


class SnsAlarm:
    """Tells the owner through one topic.

    Args:
        client: how SNS is reached.
        topic: its ARN; None tells nobody.
        sender: in whose name mails are.
    """

    def __init__(self, client: Client, topic: str | None, sender: Sender) -> None:
        self._client = client
        self._topic = topic
        self._sender = sender

    def unreadable(self, message: KeptMessage, *, message_id: str) -> None:
        """Tell of a message that could not be read. A repeat with the same `message_id` is no second event.

        Raises:
            SafelightError: it could not be handed over.
        """
        if self._topic is None:
            return
        text = "\n".join(_lines(message, self._sender)) + "\n"
        notice = Notice(
            subject=f"[{self._sender.name}] unreadable message {message.id}"[:MAX_SUBJECT],
            message=both_forms(text, _encode(message).decode()),
            attributes={"status": "unreadable", "message_id": message_id},
        )
        publish(self._client, self._topic, notice)


def _lines(message: KeptMessage, sender: Sender) -> Iterator[str]:
    yield from wrap(
        f"A message in the queue of {sender.name} could not be read, and was given up after its last "
        "delivery. Nothing was developed because of it, and nothing waits for it."
    )
    yield ""
    yield from field("Problem", message.problem)
    yield from field("Message", message.id)
    yield from field("Size", size_text(message.size))
    yield from field("Kept", f"since {message.kept_at}, for 90 days")
    yield from ("", "It begins with:")
    yield f"  {shown(message.start)}"
    yield ""
    yield from wrap(
        "Find out who sends this to the queue. If it is of no use there is nothing else to do. If it tells of a "
        "picture, mend what sends it or update Safelight, and deliver the message again:"
    )
    yield f"  safelight replay {message.id}{sender.option}"
