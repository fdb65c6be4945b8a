"""The end of a message that was given up: it is kept, its jobs have failed, somebody is told; only then may it go.

Each step may be said twice: who is ended between any two of them finds the message again, and does the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from safelight import event, pipeline
from safelight.aws.kept import KeptMessage, kept_message
from safelight.aws.queue import UNKNOWN
from safelight.errors import DeadLetter, InvalidMessage, SafelightError
from safelight.job import Job, Outcome, Status, jobs_for
from safelight.ports import Ports
from safelight.recipe.model import Recipe
from safelight.remove import fail, removals

_log = logging.getLogger("safelight")


class Letter(Struct, frozen=True, kw_only=True):
    """One delivery of a message that was given up.

    `name` is the id that the message had in its queue, `sent` the queue's own mark of this sending.
    """

    name: str
    body: bytes
    reason: str
    sent: str


class World(Protocol):
    """What ending a message needs of AWS."""

    recipes: tuple[Recipe, ...]

    def ports(self, bucket: str) -> Ports:
        """Return the ports for uploads of one bucket."""


class Keeper(Protocol):
    """Where messages are kept."""

    def keep(self, message: KeptMessage, body: bytes, *, sent: str) -> bool:
        """Keep a message; False where all was done for this sending before."""

    def done(self, message_id: str, *, sent: str) -> None:
        """Record that all was done for this sending."""


class Alarm(Protocol):
    """Who hears of what is no job."""

    def unreadable(self, message: KeptMessage, *, message_id: str) -> None:
        """Tell of a message that could not be read."""


class Process(Struct, frozen=True, kw_only=True):
    """The process around it. `told` is called with each job that failed by this, perhaps again with a repeat."""

    now: Callable[[], float]
    told: Callable[[Outcome], None]


class DeadLetters:
    """Ends messages that were given up."""

    def __init__(self, world: World, kept: Keeper, alarm: Alarm, process: Process) -> None:
        self._world = world
        self._kept = kept
        self._alarm = alarm
        self._process = process

    def end(self, letter: Letter) -> None:
        """Keep the message, end its jobs, and tell; all of it is durable when this returns.

        Raises:
            SafelightError: not all could be done; the message must come again.
        """
        message = kept_message(letter.name, letter.body, reason=letter.reason, kept_at=self._process.now())
        uploads: list[Job] = []
        deletions: list[Job] = []
        try:
            found = event.parse(letter.body)
        except InvalidMessage as err:
            message = replace(message, problem=f"{err.code}: {err.message}")
        else:
            uploads = [job for upload in found.uploads for job in jobs_for(upload, self._world.recipes)]
            deletions = [job for each in found.deletions for job in removals(each, self._world.recipes)]
            message = replace(message, jobs=tuple(job.id for job in (*uploads, *deletions)))
        if not self._kept.keep(message, letter.body, sent=letter.sent):
            _log.info("a dead letter that came again: %s", message.id)
            return
        if message.problem:
            self._tell(message, letter)
        self._fail(uploads, deletions, _error(message))
        self._kept.done(message.id, sent=letter.sent)

    def _tell(self, message: KeptMessage, letter: Letter) -> None:
        _log.error("dead letter %s cannot be read: %s", message.id, message.problem, extra={"code": "invalid_message"})
        self._alarm.unreadable(message, message_id=f"{message.id}-{letter.sent}")

    def _fail(self, uploads: list[Job], deletions: list[Job], error: DeadLetter) -> None:
        """End every job, whatever becomes of the others."""
        errors = [*self._each(uploads, error, _failed), *self._each(deletions, error, fail)]
        if errors:
            raise errors[0]

    def _each(
        self, jobs: list[Job], error: DeadLetter, end: Callable[[Job, SafelightError, Ports], Outcome]
    ) -> Iterator[SafelightError]:
        for job in jobs:
            try:
                outcome = end(job, error, self._world.ports(job.upload.bucket))
            except SafelightError as err:
                yield err
                continue
            if outcome.status is Status.FAILED and outcome.error and outcome.error.code == error.code:
                self._process.told(outcome)


def _failed(job: Job, error: SafelightError, ports: Ports) -> Outcome:
    return pipeline.fail(job, error, ports, settled=pipeline.ENDED)


def _error(message: KeptMessage) -> DeadLetter:
    what = "at each delivery the function was ended before it was done, or could not be started"
    if message.reason != UNKNOWN:
        what = f"its message was put aside ({message.reason})"
    return DeadLetter(f"given up: {what}; the message is kept as {message.id}")
