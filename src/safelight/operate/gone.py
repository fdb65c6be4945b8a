"""Parts of a stack that somebody deleted by hand: CloudFormation believes that they are there, and mends nothing."""

from __future__ import annotations

from botocore.exceptions import ClientError

from safelight.deploy.account import code_of
from safelight.errors import SafelightError

CODES = frozenset(
    (
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchBucket",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    )
)


def is_gone(err: SafelightError) -> bool:
    """Whether AWS refused because what was asked for is not there."""
    return isinstance(err.__cause__, ClientError) and code_of(err.__cause__) in CODES


def anew(environment: str) -> str:
    """Return how an environment gets a part again: a deployment that changes nothing does not make it."""
    return (
        f"It was deleted by hand: `safelight destroy {environment}`, then `safelight deploy {environment}`; "
        "buckets and jobs stay."
    )
