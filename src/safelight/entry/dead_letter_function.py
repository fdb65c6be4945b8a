"""The function behind the dead-letter queue: Lambda's event becomes letters, and what is not ended comes again."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, TextIO

from safelight.aws import emf
from safelight.aws.alarm import SnsAlarm
from safelight.aws.kept import Kept
from safelight.aws.queue import UNKNOWN, attribute, decoded
from safelight.entry.function import Context, facts_of, logging_to, world_from
from safelight.entry.give_up import DeadLetters, Letter, Process
from safelight.errors import InvalidMessage, OutOfTime, SafelightError
from safelight.job import Outcome
from safelight.log import JsonFormatter

LEAST_S = 10.0
"""A letter is not begun with less time than this; ending one takes a tenth of a second where all is well."""
_log = logging.getLogger("safelight")


class DeadLetterFunction:
    """One environment of the function."""

    def __init__(self, environ: Mapping[str, str], out: TextIO) -> None:
        self._environ = environ
        self._out = out
        self._logs = logging_to(out)
        self._world = world = world_from(environ)
        self._letters = DeadLetters(
            world,
            Kept(world.client, world.names.table, now=world.now),
            SnsAlarm(world.client, world.names.alarm_topic, world.sender),
            Process(now=world.now, told=self._told),
        )

    def handle(self, event: Any, context: Context) -> dict[str, Any]:
        """End what the batch holds, and return what must come again.

        Raises:
            InvalidMessage: the event is no batch of a queue.
            Exception: nothing of it could be ended, and why. All of it comes again then too, and Lambda's metric of
                errors, on which there is an alarm, counts it; an answer would look like a success.
        """
        self._logs.setFormatter(JsonFormatter(facts_of(self._environ, context)))
        letters = letters_of(event)
        failed = {id_: error for id_, letter in letters if (error := self._end(letter, context))}
        if len(failed) == len(letters):
            raise next(iter(failed.values()))
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}

    def close(self) -> None:
        """Close the connections; Lambda just stops the process."""
        self._world.close()

    def _end(self, letter: Letter, context: Context) -> Exception | None:
        if context.get_remaining_time_in_millis() / 1000 < LEAST_S:
            return OutOfTime("no time was left for a dead letter in this invocation")
        try:
            self._letters.end(letter)
        except SafelightError as err:
            _log.error("a dead letter comes again: %s", err.message, extra={"code": err.code})
            return err
        except Exception as err:  # noqa: BLE001 -- an entry point; whatever it is, the message comes again
            _log.exception("a dead letter comes again")
            return err
        return None

    def _told(self, outcome: Outcome) -> None:
        project, environment = self._world.settings.name, self._world.environment
        line = emf.line(outcome, project=project, environment=environment, cold_start=False, now=time.time())
        self._out.write(line + "\n")


def letters_of(event: Any) -> list[tuple[str, Letter]]:
    """Return the letters of a batch, each with the id by which Lambda knows it.

    Their reason is what `bury` or EventBridge says, which puts aside what it could not hand to the queue.

    Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS"; Amazon EventBridge user guide, "Using
    dead-letter queues to process undelivered events".

    Raises:
        InvalidMessage: it is no batch of a queue.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not records or not all(isinstance(each, dict) and each.get("eventSource") == "aws:sqs" for each in records):
        raise InvalidMessage("the event is no batch of the dead-letter queue")
    return [(record["messageId"], _letter(record)) for record in records]


def _letter(record: dict[str, Any]) -> Letter:
    attributes = record.get("messageAttributes") or {}

    def text(name: str) -> str:
        found = attributes.get(name, {})
        return attribute(found.get("stringValue") or "", found.get("dataType") or "")

    body = str(record["body"])
    try:
        plain = decoded(body, text("encoding"))
    except ValueError:  # a foreign message that is not what its attribute says
        plain = body.encode()
    return Letter(
        name=text("id") or record["messageId"],
        body=plain,
        reason=text("reason") or text("ERROR_CODE") or UNKNOWN,
        sent=record["messageId"],
    )
