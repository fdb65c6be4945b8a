"""Deleting for good what a stack left behind: buckets with all versions in them, a table, a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from safelight.deploy.account import Account, code_of
from safelight.deploy.errors import DataKept
from safelight.deploy.remains import MISSING, Remains

KEY_DAYS = 30
"""KMS deletes no key at once, so that one can still say no; this is the longest that it waits."""


def is_empty(account: Account, bucket: str) -> bool:
    """Whether a bucket holds no version of anything."""
    found = account.client("s3").list_object_versions(Bucket=bucket, ExpectedBucketOwner=account.id, MaxKeys=1)
    return not found.get("Versions") and not found.get("DeleteMarkers")


def erase(account: Account, one: Remains, told: Callable[[str], None]) -> None:
    """Delete something with all that it holds; what is gone already is no error.

    Raises:
        DataKept: not everything in a bucket may be deleted.
    """
    try:
        if one.kind == "bucket":
            owned = {"Bucket": one.name, "ExpectedBucketOwner": account.id}
            _empty(account.client("s3"), owned, told)
            account.client("s3").delete_bucket(**owned)
        elif one.kind == "table":
            account.client("dynamodb").delete_table(TableName=one.name)
        else:
            account.client("kms").schedule_key_deletion(KeyId=one.name, PendingWindowInDays=KEY_DAYS)
    except ClientError as err:
        if code_of(err) not in MISSING:
            raise


def _empty(s3: Any, owned: dict[str, str], told: Callable[[str], None]) -> None:
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(
        **owned
    ):  # a thousand each, as many as one call takes
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        names = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if not names:
            continue
        answer = s3.delete_objects(**owned, Delete={"Objects": names, "Quiet": True})
        if failed := answer.get("Errors"):
            raise DataKept(f"{failed[0]['Key']} in {owned['Bucket']} cannot be deleted: {failed[0]['Message']}")
        deleted += len(names)
        told(f"{owned['Bucket']}: {deleted:,} versions deleted")
