"""Buckets that the stack makes, was given or left behind: whose they are, and that they tell of what lands in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from safelight.deploy.account import Account, code_of
from safelight.deploy.errors import BucketTaken, BucketUnusable

EVENTS = "EventBridgeConfiguration"


def is_there(account: Account, bucket: str) -> bool:
    """Whether a bucket of this account has the name, in this region.

    Raises:
        BucketTaken: somebody else has it.
        BucketUnusable: it is in another region.
    """
    try:
        found = account.client("s3").head_bucket(Bucket=bucket, ExpectedBucketOwner=account.id)
    except ClientError as err:
        if code_of(err) == "404":
            return False
        if code_of(err) == "403":
            raise BucketTaken(f"{bucket} is somebody else's, or {account.principal} may not s3:ListBucket it") from err
        raise
    if (region := found.get("BucketRegion", account.region)) != account.region:
        raise BucketUnusable(f"the bucket {bucket} is in {region}, and the stack in {account.region}")
    return True


def key_of(account: Account, bucket: str) -> str | None:
    """Return the id of the key that a bucket encrypts with, where it is not one of AWS."""
    found = account.client("s3").get_bucket_encryption(Bucket=bucket, ExpectedBucketOwner=account.id)
    rule = found["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    return rule.get("KMSMasterKeyID", "").rpartition("/")[2] or None


def is_connected(account: Account, bucket: str) -> bool:
    """Whether a bucket tells EventBridge of what lands in it."""
    return EVENTS in _notifications(account.client("s3"), _owned(account, bucket))


def connect(account: Account, bucket: str) -> bool:
    """Let a bucket that is not the stack's tell EventBridge of what lands in it, and leave its other notifications be.

    Returns:
        Whether that was missing.
    """
    s3, owned = account.client("s3"), _owned(account, bucket)
    found = _notifications(s3, owned)
    if EVENTS in found:
        return False
    # The targets of the others were checked when they were added, and are none of our business.
    wanted = {**found, EVENTS: {}}
    s3.put_bucket_notification_configuration(**owned, NotificationConfiguration=wanted, SkipDestinationValidation=True)
    return True


def _owned(account: Account, bucket: str) -> dict[str, str]:
    return {"Bucket": bucket, "ExpectedBucketOwner": account.id}


def _notifications(s3: Any, owned: Mapping[str, str]) -> dict[str, Any]:
    answer = s3.get_bucket_notification_configuration(**owned)
    return {kind: value for kind, value in answer.items() if kind != "ResponseMetadata"}
