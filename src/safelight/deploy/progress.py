"""What CloudFormation does to a stack, as it happens: the events of one operation, and why it failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_cloudformation.client import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackEventTypeDef as Event

Pause = Callable[[float], None]
STARTS = tuple(f"{word}_IN_PROGRESS" for word in ("REVIEW", "CREATE", "UPDATE", "IMPORT", "DELETE"))
SUCCESSES = tuple(f"{word}_COMPLETE" for word in ("CREATE", "UPDATE", "IMPORT", "DELETE"))
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 3.0


def latest(cloudformation: CloudFormationClient, stack: str) -> str | None:
    """Return the id of a stack's newest event, so that what comes after it can be told apart."""
    found = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return found[0]["EventId"] if found else None


def follow(
    cloudformation: CloudFormationClient, stack_id: str, after: str | None = None, *, pause: Pause
) -> Iterator[Event]:
    """Yield the events of one operation in their order, as they come, up to the one that ends it.

    Args:
        cloudformation: the client.
        stack_id: the id, since a name is gone when its stack is deleted.
        after: the newest event before the operation; without it the operation that runs is taken from its start.
        pause: waits for seconds.
    """
    seen, wait_s = set[str](), FIRST_PAUSE_S
    while True:
        for event in _operation(cloudformation, stack_id, after):
            if event["EventId"] not in seen:
                seen.add(event["EventId"])
                yield event
                if is_stack(event) and not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                    return
        pause(wait_s)
        wait_s = min(wait_s * 1.5, LONGEST_PAUSE_S)


def _operation(cloudformation: CloudFormationClient, stack_id: str, after: str | None) -> list[Event]:
    found: list[Event] = []
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:  # the newest first
            if event["EventId"] == after:
                return found[::-1]
            found.append(event)
            if is_stack(event) and event["ResourceStatus"] in STARTS:
                return found[::-1]
    return found[::-1]


def is_stack(event: Event) -> bool:
    """Whether an event is of the stack as a whole, not of a resource of it."""
    return event.get("PhysicalResourceId") == event["StackId"]


def cause(events: Iterable[Event]) -> Event | None:
    """Return the event of the first resource that failed: what fails after it was only cancelled because of it."""
    return next((each for each in events if each["ResourceStatus"].endswith("_FAILED") and not is_stack(each)), None)
