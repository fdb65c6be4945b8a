"""What others changed by hand in what a stack made: a change set compares with the template before alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from safelight.deploy.account import DENIED, Account, code_of
from safelight.deploy.progress import FIRST_PAUSE_S, Pause

DIFFERENT = ["MODIFIED", "DELETED"]
GONE = ("ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def drifted(cloudformation: Any, stack: str, pause: Pause) -> list[str]:
    """Return a line for each resource that is no longer as the stack made it."""
    detection = {"StackDriftDetectionId": cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]}
    look, busy = partial(cloudformation.describe_stack_drift_detection_status, **detection), "DETECTION_IN_PROGRESS"
    while (found := look())["DetectionStatus"] == busy:
        pause(5 * FIRST_PAUSE_S)
    lines = [f"not everything could be compared: {why}"] if (why := found.get("DetectionStatusReason")) else []
    words: dict[str, Any] = {"StackName": stack, "StackResourceDriftStatusFilters": DIFFERENT}
    while True:
        page = cloudformation.describe_stack_resource_drifts(**words)
        lines += map(_line, page["StackResourceDrifts"])
        if not (token := page.get("NextToken")):
            return lines
        words["NextToken"] = token


def gone(account: Account, outputs: Mapping[str, str]) -> list[str]:
    """Return which of table and queue are no longer there; what may not be looked at counts as there.

    Args:
        account: the account.
        outputs: of the stack.
    """
    table, queue = outputs.get("Table"), outputs.get("QueueUrl")
    found = []
    if table and _is_gone(partial(account.client("dynamodb").describe_table, TableName=table)):
        found.append(f"the table {table}")
    if queue and _is_gone(partial(account.client("sqs").get_queue_attributes, QueueUrl=queue)):
        found.append(f"the queue {queue.rpartition('/')[2]}")
    return found


def _is_gone(look: Callable[[], object]) -> bool:
    try:
        look()
    except ClientError as err:
        if code_of(err) not in (*GONE, *DENIED):
            raise
        return code_of(err) in GONE
    return False


def _line(drift: dict[str, Any]) -> str:
    changes = [
        f"{each['PropertyPath']} is {each['ActualValue']}, not {each['ExpectedValue']}"
        for each in drift.get("PropertyDifferences", ())
    ]
    what = "; ".join(changes) or drift["StackResourceDriftStatus"].lower()
    return f"{drift['LogicalResourceId']} ({drift['ResourceType']}): {what}"
