"""What others changed by hand, in words."""

from __future__ import annotations

from typing import Any

from safelight.deploy.drift import drifted
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
