"""What stacks leave behind when they are deleted: buckets, a table, a key."""

from __future__ import annotations

from typing import Any, Literal

from botocore.exceptions import ClientError
from msgspec import Struct

from safelight.deploy.account import Account, code_of

Kind = Literal["bucket", "table", "key"]
KINDS: dict[str, Kind] = {"AWS::S3::Bucket": "bucket", "AWS::DynamoDB::Table": "table", "AWS::KMS::Key": "key"}
SERVICES: dict[str, Kind] = {"s3": "bucket", "dynamodb": "table", "kms": "key"}
TAG = "safelight:stack"
"""A tag of all that a stack makes; its value is the name of the stack."""
MADE = ("CREATE_COMPLETE", "IMPORT_COMPLETE")
MISSING = ("404", "NoSuchBucket", "ResourceNotFoundException", "NotFoundException")


class Remains(Struct, frozen=True, kw_only=True):
    """One thing that holds data."""

    kind: Kind
    name: str


def made_by(account: Account, stack: str) -> set[Remains]:
    """Return what holds data and was made by a stack of this name, whether it is there or not.

    Tags tell, and so do the stack and those of its name that were deleted, which CloudFormation knows for 90 days.
    """
    found = set()
    tagging = account.client("resourcegroupstaggingapi").get_paginator("get_resources")
    types = ["s3", "dynamodb:table", "kms:key"]
    for page in tagging.paginate(TagFilters=[{"Key": TAG, "Values": [stack]}], ResourceTypeFilters=types):
        for each in page["ResourceTagMappingList"]:
            _, _, service, _, _, name = each["ResourceARN"].split(":", 5)
            found.add(Remains(kind=SERVICES[service], name=name.rpartition("/")[2]))
    cloudformation = account.client("cloudformation")
    pages = cloudformation.get_paginator("list_stacks").paginate()
    summaries = (each for page in pages for each in page["StackSummaries"])
    for stack_id in (each["StackId"] for each in summaries if each["StackName"] == stack):
        for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            for event in page["StackEvents"]:
                # What failed because it was there already has an event with its name, too.
                if (kind := KINDS.get(event["ResourceType"])) and event["ResourceStatus"] in MADE:
                    found.add(Remains(kind=kind, name=event["PhysicalResourceId"]))
    return found


def is_there(account: Account, one: Remains) -> bool:
    """Whether it still exists, in this account; a key whose deletion is scheduled does not count."""
    try:
        if one.kind == "bucket":
            account.client("s3").head_bucket(Bucket=one.name, ExpectedBucketOwner=account.id)
        elif one.kind == "table":
            return described(account, one.name) is not None
        else:
            found = account.client("kms").describe_key(KeyId=one.name)["KeyMetadata"]
            return bool(found["KeyState"] != "PendingDeletion")
    except ClientError as err:
        if code_of(err) not in MISSING:
            raise
        return False
    return True


def described(account: Account, table: str) -> dict[str, Any] | None:
    """Return what DynamoDB says of a table; None when there is none of that name."""
    try:
        found: dict[str, Any] = account.client("dynamodb").describe_table(TableName=table)["Table"]
    except ClientError as err:
        if code_of(err) not in MISSING:
            raise
        return None
    return found
