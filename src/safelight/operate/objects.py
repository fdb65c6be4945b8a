"""Objects of a deployment's buckets: put one, see that an output is as promised, and take away all of its versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from msgspec import Struct

from safelight.aws.store import version_of
from safelight.deliver import header_name, source_id
from safelight.deploy.account import DENIED, code_of, explained
from safelight.job import Outcome, Output, Upload
from safelight.operate.deployed import Deployed
from safelight.operate.picture import Picture
from safelight.times import timestamp

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MISSING = ("404", "NoSuchKey", "NotFound")


class Found(Struct, frozen=True, kw_only=True):
    """An object as it is there."""

    size: int
    metadata: Mapping[str, str]
    tags: Mapping[str, str]


class Bucket:
    """One bucket of a deployment."""

    def __init__(self, deployed: Deployed, name: str) -> None:
        self.name = name
        self._account = deployed.account
        self._now = deployed.now
        self._s3: S3Client = deployed.account.client("s3")

    def upload(self, picture: Picture) -> Upload:
        """Put a picture, and return the upload that its event tells of.

        Raises:
            DeployError: it may not be put, or the bucket is not there.
        """
        with explained(self._account):
            made = self._s3.put_object(
                Bucket=self.name, Key=picture.key, Body=picture.body, ContentType=picture.content_type
            )
        etag = made["ETag"].strip('"')
        return Upload(
            bucket=self.name,
            key=picture.key,
            version=version_of(made.get("VersionId"), etag),
            etag=etag,
            size=len(picture.body),
            arrived_at=timestamp(self._now()),
        )

    def look(self, key: str) -> Found | None:
        """Return what is at a key, with its tags; None when nothing is.

        Raises:
            DeployError: it may not be read.
        """
        with explained(self._account):
            try:
                head = self._s3.head_object(Bucket=self.name, Key=key)
                tags = self._s3.get_object_tagging(Bucket=self.name, Key=key)["TagSet"]
            except ClientError as err:  # between the two a recipe with `on_delete: remove` may have taken it away
                if code_of(err) not in MISSING:
                    raise
                return None
        return Found(
            size=head["ContentLength"],
            metadata=head["Metadata"],
            tags={each["Key"]: each["Value"] for each in tags},
        )

    def remove(self, key: str) -> str:
        """Remove an object with all of its versions where that is allowed; return what is left, or nothing."""
        with explained(self._account):
            try:
                for version in list(self._versions(key)):
                    self._s3.delete_object(Bucket=self.name, Key=key, VersionId=version)
            except ClientError as err:
                if code_of(err) not in DENIED:
                    raise
                return self._hide(key)
        return ""

    def _versions(self, key: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=key):
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if each["Key"] == key:
                    yield each["VersionId"]

    def _hide(self, key: str) -> str:
        """Delete what can be seen; its versions stay, as far as there are any."""
        try:
            self._s3.delete_object(Bucket=self.name, Key=key)
        except ClientError as err:
            if code_of(err) not in DENIED:
                raise
            return f"{self.name}/{key}"
        return f"the versions of {self.name}/{key}"


def output_faults(found: Found | None, output: Output, outcome: Outcome, environment: str) -> Iterator[str]:
    """Yield what an output has not as it is promised."""
    if found is None:
        yield "is not there"
        return
    if found.size != output.size:
        yield f"has {found.size} bytes, and its job wrote {output.size}"
    facts = {
        "status": "succeeded",
        "job-id": outcome.id,
        "recipe": outcome.recipe,
        "original-filename": header_name(outcome.upload.key.rpartition("/")[2]),
        "source-id": source_id(outcome.upload),
    }
    yield from _differences("metadata", found.metadata, facts)
    if "processed-at" not in found.metadata:
        yield "has no metadata processed-at"
    tags = {"status": "succeeded", "recipe": outcome.recipe, "environment": environment}
    yield from _differences("tag", found.tags, tags)


def _differences(kind: str, there: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    for name, value in wanted.items():
        if there.get(name) != value:
            yield f"has {kind} {name}={there.get(name, '')!r}, not {value!r}"
