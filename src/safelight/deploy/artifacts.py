"""The bucket that packages are put in under their digests: outside of the stacks, which are made from what it holds."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError
from msgspec import Struct

from safelight.deploy.account import Account, code_of, words_of
from safelight.deploy.errors import ArtifactsUnavailable

MISSING = ("404", "NoSuchBucket", "NoSuchKey", "NotFound")
BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


class Artifacts(Struct, frozen=True, kw_only=True):
    """The artifact bucket of an account. Every call names the owner, so that nobody else's bucket is ever used."""

    account: Account
    bucket: str

    def has(self, key: str) -> bool:
        """Whether an object is there; also False while there is no bucket."""
        try:
            self._s3.head_object(**self._owned, Key=key)
        except ClientError as err:
            if code_of(err) not in MISSING:
                raise
            return False
        return True

    def put(self, key: str, body: bytes) -> str:
        """Put an object, making the bucket where there is none, and return its URL for CloudFormation.

        Raises:
            ArtifactsUnavailable: the name is somebody else's, or the bucket may not be made.
        """
        try:
            self._make()
        except ClientError as err:
            where = f"the bucket {self.bucket}, which holds packages, cannot be made or used"
            raise ArtifactsUnavailable(f"{where}: {words_of(err)}") from err
        self._s3.put_object(**self._owned, Key=key, Body=body)
        return f"{self._s3.meta.endpoint_url}/{self.bucket}/{key}"

    @property
    def _s3(self) -> Any:
        return self.account.client("s3")

    @property
    def _owned(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "ExpectedBucketOwner": self.account.id}

    def _make(self) -> None:
        """Make the bucket complete. The policy comes last and tells that it is; S3 encrypts by itself."""
        try:
            self._s3.get_bucket_policy(**self._owned)
        except ClientError as err:
            if code_of(err) not in (*MISSING, "NoSuchBucketPolicy"):
                raise
            missing = code_of(err) in MISSING
        else:
            return
        if missing:
            region = self.account.region
            place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            self._s3.create_bucket(Bucket=self.bucket, ObjectOwnership="BucketOwnerEnforced", **place)
        self._s3.put_public_access_block(**self._owned, PublicAccessBlockConfiguration=BLOCKED)
        everything = [f"arn:{self.account.partition}:s3:::{self.bucket}{end}" for end in ("", "/*")]
        plain = {"Bool": {"aws:SecureTransport": "false"}}
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything, "Condition": plain}
        policy = {"Version": "2012-10-17", "Statement": [{"Sid": "DenyPlainHttp", **deny}]}
        self._s3.put_bucket_policy(**self._owned, Policy=json.dumps(policy))
