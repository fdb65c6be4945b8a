"""Stacks of CloudFormation: their state, change sets, and what they put out."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from safelight.deploy.account import Account, explained, refused
from safelight.deploy.errors import NotDeployed

if TYPE_CHECKING:
    from types_boto3_cloudformation.client import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackTypeDef

EMPTY = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE")
"""States in which a stack holds nothing of its own."""


def find(cloudformation: CloudFormationClient, name: str) -> StackTypeDef | None:
    """Return a stack by its name or id; None when there is none of that name."""
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as err:
        # A valid name gives this for one reason alone: there is no such stack.
        if refused(err) != "ValidationError":
            raise
        return None


def outputs(account: Account, stack_name: str) -> dict[str, str]:
    """Return what a stack puts out: names and addresses of what it made.

    Raises:
        NotDeployed: there is no such stack, or it holds nothing.
        DeployError: AWS cannot be asked.
    """
    with explained(account):
        found = find(cast("CloudFormationClient", account.client("cloudformation")), stack_name)
    if found is None or found["StackStatus"] in EMPTY:
        raise NotDeployed(f"there is no stack {stack_name} in {account.region} of account {account.id}")
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
