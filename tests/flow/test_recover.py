"""What docs/howto/recover.md gives to run is run here, on a bucket that somebody has spoiled."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.servers.aws import Server

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "recover.md"
BUCKET = "rewound"


@pytest.fixture(scope="module")
def rewind() -> Callable[..., None]:
    """The function of the page."""
    [source] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {"__name__": "rewind"}
    exec(compile(source, str(PAGE), "exec"), names)  # noqa: S102 -- it is ours
    return names["rewind"]


@pytest.fixture
def s3(moto: Server) -> Any:
    """A bucket with versions."""
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=moto.endpoint, **keys)
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


def contents(s3: Any) -> dict[str, bytes]:
    found = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in found}


def moment() -> datetime:
    """Return now, apart from what was before and what comes: times of objects are told to the second."""
    time.sleep(1.1)
    now = datetime.now(UTC)
    time.sleep(1.1)
    return now


def test_rewind_brings_back_what_was_current_and_nothing_else(s3: Any, rewind: Callable[..., None]) -> None:
    """Deleted, overwritten, new, deleted twice, deleted before; and another prefix, which is left alone."""
    for key in ("a/deleted", "a/overwritten", "a/kept", "a/twice", "a/long gone", "b/other"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode(), Metadata={"key": key}, Tagging="status=good")
    moment()
    s3.delete_object(Bucket=BUCKET, Key="a/long gone")
    before = contents(s3)
    then = moment()
    for key in ("a/deleted", "a/twice", "a/twice", "b/other"):
        s3.delete_object(Bucket=BUCKET, Key=key)
    for key in ("a/overwritten", "a/new", "a/long gone"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"spoiled")
    rewind(s3, BUCKET, "a/", then)
    del before["b/other"]
    assert contents(s3) == before
    restored = s3.head_object(Bucket=BUCKET, Key="a/overwritten")
    assert restored["Metadata"] == {"key": "a/overwritten"}
    assert s3.get_object_tagging(Bucket=BUCKET, Key="a/overwritten")["TagSet"] == [{"Key": "status", "Value": "good"}]


def test_rewind_twice_changes_nothing_more(s3: Any, rewind: Callable[..., None]) -> None:
    """Interrupted and run again, it ends in the same state; and what it put away is still there as a version."""
    s3.put_object(Bucket=BUCKET, Key="a/once", Body=b"good")
    then = moment()
    s3.put_object(Bucket=BUCKET, Key="a/once", Body=b"spoiled")
    rewind(s3, BUCKET, "a/once", then)
    rewind(s3, BUCKET, "a/once", then)
    assert contents(s3)["a/once"] == b"good"
    versions = s3.list_object_versions(Bucket=BUCKET, Prefix="a/once")["Versions"]
    bodies = [
        s3.get_object(Bucket=BUCKET, Key="a/once", VersionId=each["VersionId"])["Body"].read() for each in versions
    ]
    assert b"spoiled" in bodies
