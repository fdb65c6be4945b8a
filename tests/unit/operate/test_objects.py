"""What a smoke test finds wrong with an output, and what it takes away where not all is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from safelight.deliver import source_id
from safelight.job import Outcome, Output, Status, Upload
from safelight.operate.objects import Bucket, Found, output_faults

UPLOAD = Upload(bucket="in", key="a/b é.png", version="v1", etag="e1", size=10, arrived_at="2026-01-02T03:04:05.678Z")
OUTPUT = Output(key="a/b é.webp", format="webp", width=8, height=8, size=99)
OUTCOME = Outcome(
    id="job_1", status=Status.SUCCEEDED, recipe="small", recipe_digest="d", upload=UPLOAD, renditions=(OUTPUT,)
)
FOUND = Found(
    size=99,
    metadata={
        "status": "succeeded",
        "job-id": "job_1",
        "recipe": "small",
        "original-filename": "b %C3%A9.png",
        "source-id": source_id(UPLOAD),
        "processed-at": "2026-01-02T03:04:06.000Z",
    },
    tags={"status": "succeeded", "recipe": "small", "environment": "prod"},
)


def test_output_as_promised_has_no_faults() -> None:
    """Bytes, metadata and tags are those of its job."""
    assert list(output_faults(FOUND, OUTPUT, OUTCOME, "prod")) == []


@pytest.mark.parametrize("name", sorted(FOUND.metadata))
def test_output_without_one_of_its_metadata_has_a_fault(name: str) -> None:
    """Each is looked at."""
    found = replace(FOUND, metadata={key: value for key, value in FOUND.metadata.items() if key != name})
    (fault,) = output_faults(found, OUTPUT, OUTCOME, "prod")
    assert name in fault


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (None, "is not there"),
        (replace(FOUND, size=98), "has 98 bytes, and its job wrote 99"),
        (replace(FOUND, tags={}), "has tag status='', not 'succeeded'"),
        (replace(FOUND, tags={**FOUND.tags, "environment": "dev"}), "has tag environment='dev', not 'prod'"),
    ],
)
def test_output_that_is_not_as_promised_is_told(found: Found | None, fault: str) -> None:
    """In words that say what was found and what was to be there."""
    assert fault in list(output_faults(found, OUTPUT, OUTCOME, "prod"))


class FakeS3:
    """A bucket with versions of two keys, which denies some actions."""

    def __init__(self, *denied: str) -> None:
        self.denied = denied
        self.versions = [("a.png", "2"), ("a.png", "1"), ("a.png.txt", "1")]
        self.markers = [("a.png", "3")]
        self.hidden: list[str] = []

    def get_paginator(self, _name: str) -> FakeS3:
        return self

    def paginate(self, **_asked: str) -> Iterator[dict[str, Any]]:
        self._check("s3:ListBucketVersions")
        yield {"Versions": [{"Key": key, "VersionId": id_} for key, id_ in self.versions]}
        yield {"DeleteMarkers": [{"Key": key, "VersionId": id_} for key, id_ in self.markers]}

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> None:  # noqa: N803 -- boto3's words
        self._check("s3:DeleteObjectVersion" if VersionId else "s3:DeleteObject")
        if not VersionId:
            self.hidden.append(Key)
        self.versions = [each for each in self.versions if each != (Key, VersionId)]
        self.markers = [each for each in self.markers if each != (Key, VersionId)]

    def head_object(self, **_asked: str) -> dict[str, Any]:
        return {"ContentLength": 1, "Metadata": {}}

    def get_object_tagging(self, **_asked: str) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObjectTagging")

    def _check(self, action: str) -> None:
        if action in self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": action}}, action)


class FakeAccount:
    """Who asks, with a bucket."""

    principal = "arn:aws:iam::0:user/ops"

    def __init__(self, s3: FakeS3) -> None:
        self._s3 = s3

    def client(self, _service: str) -> FakeS3:
        return self._s3


class FakeDeployed:
    """A deployment with one bucket."""

    def __init__(self, s3: FakeS3) -> None:
        self.account = FakeAccount(s3)
        self.now = lambda: 0.0


def bucket(s3: FakeS3) -> Bucket:
    deployed: Any = FakeDeployed(s3)
    return Bucket(deployed, "b")


def test_remove_takes_all_versions_of_the_key_and_nothing_else() -> None:
    """Also what hides it; a key that begins the same stays."""
    s3 = FakeS3()
    assert bucket(s3).remove("a.png") == ""
    assert (s3.versions, s3.markers) == ([("a.png.txt", "1")], [])


@pytest.mark.parametrize("denied", ["s3:ListBucketVersions", "s3:DeleteObjectVersion"])
def test_remove_without_the_right_to_versions_hides_the_object_and_says_so(denied: str) -> None:
    """What may be done is done."""
    s3 = FakeS3(denied)
    assert bucket(s3).remove("a.png") == "the versions of b/a.png"
    assert s3.hidden == ["a.png"]


def test_remove_without_any_right_says_that_the_object_is_left() -> None:
    """A smoke test that may not clean up is still one."""
    s3 = FakeS3("s3:DeleteObjectVersion", "s3:DeleteObject")
    assert bucket(s3).remove("a.png") == "b/a.png"


def test_look_at_an_object_that_goes_meanwhile_finds_nothing() -> None:
    """A recipe with `on_delete: remove` takes outputs away while a smoke test cleans up."""
    assert bucket(FakeS3()).look("a.png") is None
