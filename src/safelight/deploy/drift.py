"""What others changed by hand in what a stack made: CloudFormation compares both when it is asked to."""

from __future__ import annotations

from functools import partial
from typing import Any

from safelight.deploy.progress import FIRST_PAUSE_S, Pause

DIFFERENT = ["MODIFIED", "DELETED"]


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


def _line(drift: dict[str, Any]) -> str:
    changes = [
        f"{each['PropertyPath']} is {each['ActualValue']}, not {each['ExpectedValue']}"
        for each in drift.get("PropertyDifferences", ())
    ]
    what = "; ".join(changes) or drift["StackResourceDriftStatus"].lower()
    return f"{drift['LogicalResourceId']} ({drift['ResourceType']}): {what}"
