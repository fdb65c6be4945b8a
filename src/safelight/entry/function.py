"""The function on AWS: Lambda's event becomes items, and what must come again becomes its answer."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

from safelight import packed
from safelight.aws import emf
from safelight.aws.access import access_from
from safelight.aws.client import Timing
from safelight.aws.ports import Aws, Deployment, names_from
from safelight.aws.queue import decoded
from safelight.aws.trust import amazon_alone
from safelight.entry.invocation import Invocation, Item, Process
from safelight.job import Outcome
from safelight.log import JsonFormatter

TIMING = Timing(now=time.time, monotonic=time.monotonic, sleep=time.sleep, random=random.random)
TRACE = "_X_AMZN_TRACE_ID"


class Context(Protocol):
    """What Lambda tells of an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""


class Function:
    """One environment of the function: cold at its first invocation, then warm."""

    def __init__(self, environ: Mapping[str, str], out: TextIO) -> None:
        self._environ = environ
        self._out = out
        self._logs = logging_to(out)
        self._world = world_from(environ)
        self._invocation = Invocation(self._world, Process(now=time.time, told=self._told))
        self._cold = True

    def handle(self, event: Any, context: Context) -> dict[str, Any] | None:
        """Develop what the event tells of.

        Returns:
            For a batch of the queue, the items that must come again.

        Raises:
            SafelightError: where the event is no batch of the queue, why it could not be done; its sender tries again.
        """
        deadline_s = time.time() + context.get_remaining_time_in_millis() / 1000
        self._logs.setFormatter(JsonFormatter(facts_of(self._environ, context) | {"cold_start": self._cold}))
        items = items_of(event)
        failed = self._invocation.develop(items, deadline_s)
        self._cold = False
        if len(items) == 1 and not items[0].receipt:
            for error in failed.values():
                raise error
            return None
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}

    def close(self) -> None:
        """Close the connections; Lambda just stops the process."""
        self._world.close()

    def _told(self, outcome: Outcome) -> None:
        """Write the job's metrics by themselves: `logging` would wrap them into lines that are no metrics."""
        project, environment = self._world.settings.name, self._world.environment
        line = emf.line(outcome, project=project, environment=environment, cold_start=self._cold, now=time.time())
        self._out.write(line + "\n")


def items_of(event: Any) -> list[Item]:
    """Return the deliveries of a batch of the queue, or the event itself as one.

    Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS".
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not records or not all(isinstance(each, dict) and each.get("eventSource") == "aws:sqs" for each in records):
        return [Item(message=event)]
    return [
        Item(
            message={"Records": [{**record, "body": text}]},
            text=text,
            id=record["messageId"],
            receipt=record["receiptHandle"],
            receives=int(record["attributes"]["ApproximateReceiveCount"]),
        )
        for record in records
        for text in (_text(record),)
    ]


def _text(record: dict[str, Any]) -> str:
    """Return the body as it was sent; one that is not what its attribute says is foreign, and taken as it is."""
    encoding = record.get("messageAttributes", {}).get("encoding", {}).get("stringValue", "")
    body = str(record["body"])
    try:
        return decoded(body, encoding).decode()
    except ValueError:
        return body


def world_from(environ: Mapping[str, str]) -> Aws:
    """Return the world of a function's environment, with the project of its package.

    Raises:
        SafelightError: a variable or the project is missing or wrong.
    """
    folder = Path(environ.get("LAMBDA_TASK_ROOT", ".")) / packed.FOLDER
    deployment = Deployment(
        settings=packed.load(folder),
        folder=folder,
        names=names_from(environ),
        access=amazon_alone(access_from(environ)),
        rates=packed.load_rates(folder),
    )
    return Aws(deployment, TIMING, unique, Path(environ.get("TMPDIR", "/tmp")))  # noqa: S108 -- Lambda's own


def unique() -> str:
    """Return a text that no other call was given."""
    return os.urandom(16).hex()


def facts_of(environ: Mapping[str, str], context: Context) -> dict[str, Any]:
    """Return what stands on every line of an invocation's log."""
    trace = {"xray_trace_id": environ[TRACE]} if TRACE in environ else {}
    return {"function_request_id": context.aws_request_id, **trace}


def logging_to(out: TextIO) -> logging.Handler:
    """Send logs to `out` as they are to stand in CloudWatch, in place of Lambda's own handler."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("pyvips").setLevel(logging.WARNING)
    return handler
