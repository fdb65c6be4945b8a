"""Deleting for good: everything goes or it is said what does not, and a second try goes on."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from safelight.deploy.buckets import connect, is_connected
from safelight.deploy.destroy import erase
from safelight.deploy.errors import DataKept
from safelight.deploy.remains import Kind, Remains, is_there
from tests.unit.deploy.stubbed import ID, StubbedAccount

OWNED = {"Bucket": "b", "ExpectedBucketOwner": ID}
BUCKET, TABLE, KEY = (Remains(kind=kind, name=kind[0]) for kind in ("bucket", "table", "key"))


def erased(account: StubbedAccount, one: Remains) -> list[str]:
    told: list[str] = []
    erase(account, one, told.append)  # type: ignore[arg-type]
    account.done()
    return told


def test_erase_bucket_deletes_versions_and_markers_page_by_page() -> None:
    """A thousand at a time is what S3 lists and deletes; a page of folders alone has neither."""
    account = StubbedAccount()
    first = {"Versions": [{"Key": "a", "VersionId": "1"}], "DeleteMarkers": [{"Key": "a", "VersionId": "2"}]}
    next_page = {"IsTruncated": True, "NextKeyMarker": "a", "NextVersionIdMarker": "2"}
    account.answer("s3.list_object_versions", {**first, **next_page})
    both = [{"Key": "a", "VersionId": "1"}, {"Key": "a", "VersionId": "2"}]
    account.answer("s3.delete_objects", asked={**OWNED, "Delete": {"Objects": both, "Quiet": True}})
    account.answer("s3.list_object_versions", {"Versions": [{"Key": "b", "VersionId": "null"}]})
    account.answer("s3.delete_objects")
    account.answer("s3.delete_bucket", asked=OWNED)
    assert erased(account, BUCKET) == ["b: 2 versions deleted", "b: 3 versions deleted"]


def test_erase_bucket_with_a_locked_object_says_which_and_keeps_the_bucket() -> None:
    """S3 answers 200, and says inside what it did not delete."""
    account = StubbedAccount()
    account.answer("s3.list_object_versions", {"Versions": [{"Key": "a", "VersionId": "1"}]})
    account.answer("s3.delete_objects", {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "object lock"}]})
    with pytest.raises(DataKept, match="a in b cannot be deleted: object lock"):
        erased(account, BUCKET)
    account.done()


@pytest.mark.parametrize(
    ("one", "call", "code"),
    [
        (BUCKET, "s3.list_object_versions", "NoSuchBucket"),
        (TABLE, "dynamodb.delete_table", "ResourceNotFoundException"),
        (KEY, "kms.schedule_key_deletion", "NotFoundException"),
    ],
)
def test_erase_what_is_gone_is_no_error(one: Remains, call: str, code: str) -> None:
    """An interrupted command is run again."""
    account = StubbedAccount()
    account.refuse(call, code)
    assert erased(account, one) == []


def test_erase_key_leaves_time_to_say_no() -> None:
    """KMS takes 7 to 30 days; nobody can read anything afterwards."""
    account = StubbedAccount()
    account.answer("kms.schedule_key_deletion", asked={"KeyId": "k", "PendingWindowInDays": 30})
    erased(account, KEY)


@pytest.mark.parametrize(
    ("kind", "call", "code"),
    [
        ("bucket", "s3.head_bucket", "404"),
        ("table", "dynamodb.describe_table", "ResourceNotFoundException"),
        ("key", "kms.describe_key", "NotFoundException"),
    ],
)
def test_is_there_tells_missing_from_denied(kind: Kind, call: str, code: str) -> None:
    """Tags and events remember what is gone; a refusal is an error and no answer."""
    account = StubbedAccount()
    account.refuse(call, code)
    account.refuse(call, "AccessDenied")
    one = Remains(kind=kind, name="x")
    assert not is_there(account, one)  # type: ignore[arg-type]
    with pytest.raises(ClientError):
        is_there(account, one)  # type: ignore[arg-type]


def test_is_there_key_that_is_being_deleted_is_not() -> None:
    """There is nothing more to do about it."""
    account = StubbedAccount()
    for state in ("Enabled", "PendingDeletion"):
        account.answer("kms.describe_key", {"KeyMetadata": {"KeyId": "k", "KeyState": state}})
    assert [is_there(account, KEY), is_there(account, KEY)] == [True, False]  # type: ignore[arg-type]


OTHERS = {
    "QueueConfigurations": [{"QueueArn": "arn:aws:sqs:eu-north-1:1:q", "Events": ["s3:ObjectCreated:*"], "Id": "mine"}],
    "LambdaFunctionConfigurations": [{"LambdaFunctionArn": "arn:aws:lambda:x", "Events": ["s3:ObjectRemoved:*"]}],
}


def test_connect_adds_eventbridge_and_sends_the_others_back_as_they_were() -> None:
    """S3 replaces the whole configuration: what is not sent along is gone."""
    account = StubbedAccount()
    account.answer("s3.get_bucket_notification_configuration", OTHERS, OWNED)
    wanted = {**OTHERS, "EventBridgeConfiguration": {}}
    asked = {**OWNED, "NotificationConfiguration": wanted, "SkipDestinationValidation": True}
    account.answer("s3.put_bucket_notification_configuration", asked=asked)
    assert connect(account, "b")  # type: ignore[arg-type]
    account.done()


def test_connect_twice_writes_nothing() -> None:
    """A bucket that already tells EventBridge is only looked at."""
    account = StubbedAccount()
    account.answer("s3.get_bucket_notification_configuration", {**OTHERS, "EventBridgeConfiguration": {}})
    assert not connect(account, "b")  # type: ignore[arg-type]
    account.done()


def test_is_connected_only_looks() -> None:
    """A plan says what would be turned on, and turns on nothing."""
    account = StubbedAccount()
    account.answer("s3.get_bucket_notification_configuration", OTHERS, OWNED)
    account.answer("s3.get_bucket_notification_configuration", {"EventBridgeConfiguration": {}})
    assert [is_connected(account, "b"), is_connected(account, "b")] == [False, True]  # type: ignore[arg-type]
    account.done()
