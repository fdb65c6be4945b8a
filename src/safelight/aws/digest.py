"""The notifier's mail about many jobs: one text for people, the jobs as JSON for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from safelight.aws.client import Client
from safelight.aws.notify import MAX_BYTES, Notice, both_forms, fits, publish, readable, shortened
from safelight.job import Outcome
from safelight.mail import Sender, compose

_MAX_TEXT_BYTES = MAX_BYTES // 2
"""Of a mail's body; a longer one is cut, and machines get what room is left."""
_CUT = "\n... and more; `safelight jobs` lists them.\n"

_encode = msgspec.json.Encoder().encode


class Digest(Struct, frozen=True, kw_only=True):
    """What machines get: how many jobs ended how, and the jobs, as many of them as the message has room for."""

    digest: str
    counts: dict[str, int]
    jobs: tuple[Outcome, ...]


class SnsDigest:
    """Tells people of many endings at once, through one topic.

    Args:
        client: how SNS is reached.
        topic: its ARN; None tells nobody.
        sender: in whose name mails are.
    """

    def __init__(self, client: Client, topic: str | None, sender: Sender) -> None:
        self._client = client
        self._topic = topic
        self._sender = sender

    def publish(self, outcomes: Sequence[Outcome], *, message_id: str) -> None:
        """Hand over one mail about endings, at least one. A repeat has the same `message_id`.

        Its attributes `status` and `recipe` are lists, so that a filter policy lets it pass that any job would.

        Raises:
            SafelightError: it could not be handed over.
        """
        if self._topic is None:
            return
        mail = compose(self._sender, outcomes)
        attributes = {
            "status": sorted({each.status.value for each in outcomes}),
            "recipe": sorted({each.recipe for each in outcomes}),
            "message_id": message_id,
        }
        notice = Notice(
            subject=mail.subject, message=digest_forms(mail.body, outcomes, message_id), attributes=attributes
        )
        publish(self._client, self._topic, notice)


def digest_forms(text: str, outcomes: Sequence[Outcome], message_id: str) -> str:
    """Return the message as `MessageStructure` json; what SNS would not take is left out, outputs first, then jobs."""
    counts = dict(Counter(each.status.value for each in outcomes))
    text = _cut(text)
    jobs = tuple(shortened(each) for each in outcomes)
    message = _forms(text, Digest(digest=message_id, counts=counts, jobs=tuple(map(readable, outcomes))))
    while not fits(message):
        message = _forms(text, Digest(digest=message_id, counts=counts, jobs=jobs))
        jobs = jobs[: len(jobs) // 2]
    return message


def _forms(text: str, digest: Digest) -> str:
    return both_forms(text, _encode(digest).decode())


def _cut(text: str) -> str:
    """Return the beginning of a text that SNS would not take whole."""
    room = _MAX_TEXT_BYTES
    while len(_encode(text)) > _MAX_TEXT_BYTES:
        room //= 2
        text = text.removesuffix(_CUT)[:room] + _CUT
    return text
