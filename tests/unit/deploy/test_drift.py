"""What others changed by hand, in words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from safelight.deploy.drift import drifted, gone
from tests.unit.deploy.stubbed import StubbedAccount

MODIFIED = {
    "LogicalResourceId": "Function",
    "ResourceType": "AWS::Lambda::Function",
    "StackResourceDriftStatus": "MODIFIED",
    "PropertyDifferences": [
        {"PropertyPath": "/MemorySize", "ExpectedValue": "512", "ActualValue": "1024", "DifferenceType": "NOT_EQUAL"}
    ],
}
DELETED = {
    "LogicalResourceId": "Queue",
    "ResourceType": "AWS::SQS::Queue",
    "StackResourceDriftStatus": "DELETED",
    "PropertyDifferences": [],
}
WHERE = {"StackId": "s", "Timestamp": "2026-01-01T00:00:00Z"}


def looked(account: StubbedAccount, status: str, reason: dict[str, str], *pages: list[dict[str, Any]]) -> list[str]:
    account.answer("cloudformation.detect_stack_drift", {"StackDriftDetectionId": "d"})
    for each in ("DETECTION_IN_PROGRESS", status):
        detection = {"StackId": "s", "StackDriftDetectionId": "d", "DetectionStatus": each, **reason}
        account.answer(
            "cloudformation.describe_stack_drift_detection_status",
            {**detection, "Timestamp": "2026-01-01T00:00:00Z"},
        )
    for number, page in enumerate(pages, 1):
        token = {"NextToken": "more"} if number < len(pages) else {}
        found = [{**WHERE, **each} for each in page]
        account.answer("cloudformation.describe_stack_resource_drifts", {"StackResourceDrifts": found, **token})
    pauses: list[float] = []
    lines = drifted(account.client("cloudformation"), "s", pauses.append)
    account.done()
    assert len(pauses) == 1
    return lines


def test_drifted_names_each_resource_with_what_it_is_now() -> None:
    """On all pages."""
    assert looked(StubbedAccount(), "DETECTION_COMPLETE", {}, [MODIFIED], [DELETED]) == [
        "Function (AWS::Lambda::Function): /MemorySize is 1024, not 512",
        "Queue (AWS::SQS::Queue): deleted",
    ]


def test_drifted_says_what_could_not_be_compared() -> None:
    """A detection that failed in part still tells of the rest."""
    lines = looked(StubbedAccount(), "DETECTION_FAILED", {"DetectionStatusReason": "no permission on Key"}, [MODIFIED])
    assert lines[0] == "not everything could be compared: no permission on Key"
    assert lines[1].startswith("Function")


OUTPUTS = {"Table": "jobs", "QueueUrl": "https://sqs.eu-north-1.amazonaws.com/1/uploads"}
TABLE_CALL, QUEUE_CALL = "dynamodb.describe_table", "sqs.get_queue_attributes"


@pytest.mark.parametrize("queue", ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"])
def test_gone_names_table_and_queue_that_were_deleted_by_hand(queue: str) -> None:
    """A change set compares with the template before, and never looks."""
    account = StubbedAccount()
    account.refuse(TABLE_CALL, "ResourceNotFoundException")
    account.refuse(QUEUE_CALL, queue)
    assert gone(account, OUTPUTS) == ["the table jobs", "the queue uploads"]  # type: ignore[arg-type]
    account.done()


def test_gone_is_nothing_where_both_are_there_or_the_stack_has_neither() -> None:
    """A replica's stack has buckets alone."""
    account = StubbedAccount()
    account.answer(TABLE_CALL, {"Table": {"TableName": "jobs"}}, {"TableName": "jobs"})
    account.answer(QUEUE_CALL, {}, {"QueueUrl": OUTPUTS["QueueUrl"]})
    assert gone(account, OUTPUTS) == []  # type: ignore[arg-type]
    assert gone(account, {}) == []  # type: ignore[arg-type]
    account.done()


def test_gone_without_the_permission_to_look_is_nothing_and_other_errors_are_told() -> None:
    """Whoever may only deploy is not kept from it."""
    account = StubbedAccount()
    account.refuse(TABLE_CALL, "AccessDeniedException")
    account.refuse(QUEUE_CALL, "AccessDenied")
    assert gone(account, OUTPUTS) == []  # type: ignore[arg-type]
    account.refuse(TABLE_CALL, "InternalServerError")
    with pytest.raises(ClientError):
        gone(account, OUTPUTS)  # type: ignore[arg-type]
